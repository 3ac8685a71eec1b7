package pause_test

import (
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/pause"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestAWindowEndsADayAfterSSMStoredItWhateverItSays(t *testing.T) {
	for name, v := range map[string]struct {
		until string
		want  time.Time
	}{
		"within the day":   {"2026-03-02T14:00:00Z", noon.Add(2 * time.Hour)},
		"in another zone":  {"2026-03-02T14:00:00+02:00", noon},
		"a year later":     {"2027-03-02T12:00:00Z", noon.Add(24 * time.Hour)},
		"in the past":      {"2026-03-01T12:00:00Z", noon.Add(-24 * time.Hour)},
		"a second too far": {"2026-03-03T12:00:01Z", noon.Add(24 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pause.Parse("docs", `{"until":"`+v.until+`","reason":"plan","by":"arn:aws:iam::111122223333:user/ada"}`, noon)
			if err != nil || !got.Until.Equal(v.want) || got.Reason != "plan" || got.By != "arn:aws:iam::111122223333:user/ada" || got.Target != "docs" {
				t.Errorf("Parse = %+v, %v, want until %s", got, err, v.want)
			}
			if got.Active(v.want) || !got.Active(v.want.Add(-time.Nanosecond)) {
				t.Errorf("the window is not active up to %s exactly", v.want)
			}
		})
	}
}

func TestWhatIsNoWindowIsAnErrorThatNamesTheTarget(t *testing.T) {
	for name, v := range map[string]struct {
		value   string
		written time.Time
	}{
		"no JSON":                 {"until tomorrow", noon},
		"empty":                   {"", noon},
		"null":                    {"null", noon},
		"no end":                  {`{"reason":"plan"}`, noon},
		"an end that is no time":  {`{"until":"tomorrow"}`, noon},
		"an end that is a number": {`{"until":1772460000}`, noon},
		"no time of modification": {`{"until":"2026-03-02T14:00:00Z"}`, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := pause.Parse("docs", v.value, v.written); err == nil || !strings.Contains(err.Error(), "docs") || got.Active(noon) {
				t.Errorf("Parse = %+v, %v, want an error that names docs and a window that is not active", got, err)
			}
		})
	}
}

func TestAStoredReasonIsOneShortPrintableLine(t *testing.T) {
	got, err := pause.Parse("docs", `{"until":"2026-03-02T14:00:00Z","reason":"one\ntwo\u001b[2J`+strings.Repeat("x", 1000)+`"}`, noon)
	if err != nil || len(got.Reason) > pause.MaxReason || !strings.HasPrefix(got.Reason, "one two [2Jx") {
		t.Errorf("Parse = %q, %v, want one line of at most %d bytes without control characters", got.Reason, err, pause.MaxReason)
	}
}

func TestAWindowIsReadAsItWasWritten(t *testing.T) {
	want := pause.Window{Target: "docs", Until: noon.Add(time.Hour), Reason: `moves "docs" <& more>`, By: "arn:aws:iam::111122223333:user/ada"}
	if got, err := pause.Parse(want.Target, want.Value(), noon); err != nil || got != want {
		t.Errorf("Parse(Value) = %+v, %v, want %+v", got, err, want)
	}
}

func TestCheckRefusesWithASentence(t *testing.T) {
	for name, v := range map[string]struct {
		until  time.Time
		reason string
		want   string
	}{
		"two hours":              {noon.Add(2 * time.Hour), "plan", ""},
		"a day":                  {noon.Add(24 * time.Hour), "plan", ""},
		"more than a day":        {noon.Add(24*time.Hour + time.Second), "plan", "a window lasts a day at most, until 2026-03-03T12:00:00Z"},
		"the past":               {noon.Add(-time.Hour), "plan", "would have ended at 2026-03-02T11:00:00Z"},
		"now":                    {noon, "plan", "would have ended"},
		"no reason":              {noon.Add(time.Hour), " ", "needs a reason"},
		"a long reason":          {noon.Add(time.Hour), strings.Repeat("x", 501), "501 bytes"},
		"two lines":              {noon.Add(time.Hour), "one\ntwo", "one line"},
		"what SSM does not take": {noon.Add(time.Hour), "{{x}}", "SSM"},
	} {
		t.Run(name, func(t *testing.T) {
			err := pause.Window{Target: "docs", Until: v.until, Reason: v.reason}.Check(noon)
			if (err == nil) != (v.want == "") || err != nil && !strings.Contains(err.Error(), v.want) {
				t.Errorf("Check = %v, want %q", err, v.want)
			}
		})
	}
}

func TestActiveSelectsTheTargetsWindow(t *testing.T) {
	windows := []pause.Window{
		{Target: "ended", Until: noon}, {Target: "docs", Until: noon.Add(time.Hour)}, {Target: "docs-2", Until: noon.Add(time.Hour)},
	}
	for target, want := range map[string]bool{"docs": true, "ended": false, "doc": false, "": false} {
		if got, ok := pause.Active(windows, target, noon); ok != want || ok && got.Target != target {
			t.Errorf("Active(%q) = %+v, %t, want %t", target, got, ok, want)
		}
	}
}
