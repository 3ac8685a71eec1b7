package guard_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// full is a record with all fields set.
var full = guard.Record{
	Outcome:  guard.NotCorrected,
	Trigger:  guard.Trigger{Kind: guard.Event, EventID: "e1", EventName: "PutBucketPolicy", EventTime: time.Unix(1, 0).UTC(), Unknown: true},
	Actor:    &guard.Actor{ARN: "arn", IssuerARN: "issuer", InvokedBy: "service", SourceIPAddress: "198.51.100.7", UserAgent: "x\n{\"level\":\"INFO\"}"},
	Resource: "bucket-policy", Target: "docs", Verdict: iampolicy.Open, Allowed: "anonymous",
	Diff:   []guard.Difference{{Removed: true, Name: "Deny", Value: "{}"}, {Value: "<&>"}},
	Before: "before", After: "after", Stack: "UPDATE_COMPLETE", SinceEventMs: 3, ElapsedMs: 2, Attempts: 1,
	Missing: true, Error: "AccessDenied",
}

// logged is a record's log line, decoded.
func logged(t *testing.T, r guard.Record) map[string]any {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.LogAttrs(t.Context(), r.Level(), string(r.Outcome), slog.Any("", r))
	if strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("a record takes more than one line:\n%s", out.String())
	}
	return decoded(t, out.Bytes())
}

func decoded(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return fields
}

func TestLogLineAndJSONHaveTheSameFields(t *testing.T) {
	for name, r := range map[string]guard.Record{
		"all fields": full,
		"few fields": {Outcome: guard.Corrected, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "bucket-policy"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			line := logged(t, r)
			line["message"] = line["msg"]
			for _, handlers := range []string{"msg", "time", "level"} {
				delete(line, handlers)
			}
			if diff := cmp.Diff(decoded(t, text), line); diff != "" {
				t.Errorf("log line differs from JSON (-json +log):\n%s", diff)
			}
		})
	}
}

func TestLevelSaysHowBadItIs(t *testing.T) {
	for name, test := range map[string]struct {
		state string
		stack *stack
		fault error
		want  slog.Level
	}{
		"closed drift corrected": {"dark", atRest(), nil, slog.LevelWarn},
		"open drift corrected":   {"broken", atRest(), nil, slog.LevelError},
		"not corrected":          {"dark", atRest(), guard.ErrMissing, slog.LevelError},
		"stood down":             {"broken", &stack{busy: true}, nil, slog.LevelInfo},
	} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", test.state)
			door.restore = always(test.fault)
			report, _ := run(t, newGuard(test.stack, door), sweep)
			if got := report.Records[0].Level(); got != test.want {
				t.Errorf("Level(%q) = %s, want %s", outcomes(report), got, test.want)
			}
		})
	}
}

func TestRecordsAreCutAndSaySo(t *testing.T) {
	huge := strings.Repeat("é", 20<<10)
	door := newLamp("door", huge)
	door.properties = []string{"door-1"}
	report, err := run(t, newGuard(atRest(), manyDifferences{door}), sweep)
	if err != nil {
		t.Fatal(err)
	}
	r := report.Records[0]
	if len(r.Before) > 25<<10 || !strings.HasSuffix(r.Before, "(truncated: 40960 bytes in all)") {
		t.Errorf("Before has %d bytes and ends in %q, want about 24 KB and a note", len(r.Before), r.Before[len(r.Before)-40:])
	}
	if last := r.Diff[len(r.Diff)-1].Value; !strings.Contains(last, "more)") || len(r.Diff) > 500 {
		t.Errorf("Diff has %d entries, the last %q, want fewer, and a note", len(r.Diff), last)
	}
	text, err := json.Marshal(r)
	if err != nil || len(text) > 256<<10 {
		t.Errorf("the record has %d bytes (%v), want at most 256 KB", len(text), err)
	}
}

func TestARealPolicyIsNeverCut(t *testing.T) {
	policy := strings.Repeat("x", 20480) // the longest that AWS stores
	report, _ := run(t, newGuard(atRest(), newLamp("door", policy)), sweep)
	if report.Records[0].Before != policy {
		t.Error("the before-image of a policy of 20,480 bytes is truncated")
	}
}
