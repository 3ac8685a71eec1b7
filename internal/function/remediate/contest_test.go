package remediate_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
)

func TestAPropertyCorrectedAgainAndAgainIsContested(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/guard"
	for name, test := range map[string]struct {
		pause time.Duration
		times int
		want  *guard.Contest
	}{
		"twice within a quarter of an hour":   {5 * time.Minute, 2, nil},
		"three times within it":               {5 * time.Minute, 3, &guard.Contest{Corrections: 3, Guard: role}},
		"three times within one minute":       {time.Second, 3, nil},
		"five times, three of them within":    {7 * time.Minute, 5, &guard.Contest{Corrections: 3, Guard: role}},
		"three times, with pauses in between": {16 * time.Minute, 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness("")
			h.Role = role
			now := h.Now().Truncate(time.Minute)
			h.Now = func() time.Time { return now }
			for range test.times {
				now = now.Add(test.pause)
				h.bucket.policy = publicPolicy
				if _, err := h.Invoke(t.Context(), []byte(`{}`)); err != nil {
					t.Fatal(err)
				}
			}
			last := h.mailbox.got[len(h.mailbox.got)-1]
			if got, want := text(t, last.Contested), text(t, test.want); got != want {
				t.Errorf("contested %s, want %s", got, want)
			}
			if metric := strings.Contains(h.out.String(), `"Contested":1`); metric != (test.want != nil) {
				t.Errorf("metric Contested is 1: %t, want %t", metric, test.want != nil)
			}
			if h.bucket.policy != desiredPolicy {
				t.Error("the guard stopped correcting")
			}
		})
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
