package api_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

func TestFaultsHitTheCallsTheySelect(t *testing.T) {
	slowDown := &api.Error{Status: 503, Code: "SlowDown", Message: "Please reduce your request rate."}
	const failed = "503 SlowDown: Please reduce your request rate."
	for name, c := range map[string]struct {
		fault api.Fault
		// answers are the answers to: Read, Write "new", Read, Write "newer", Read.
		answers string
	}{
		"every call":             {api.Fault{Error: slowDown}, failed + "|" + failed + "|" + failed + "|" + failed + "|" + failed},
		"one operation":          {api.Fault{Operation: "Write", Error: slowDown}, "200 |" + failed + "|200 |" + failed + "|200 "},
		"the second time only":   {api.Fault{Operation: "Read", Skip: 1, Times: 1, Error: slowDown}, "200 |200 new|" + failed + "|200 newer|200 newer"},
		"after it was done":      {api.Fault{Operation: "Write", Times: 1, After: true, Error: slowDown}, "200 |" + failed + "|200 new|200 newer|200 newer"},
		"stale reads":            {api.Fault{Operation: "Read", Stale: true}, "200 |200 new|200 |200 newer|200 new"},
		"another service":        {api.Fault{Service: "s3", Error: slowDown}, "200 |200 new|200 new|200 newer|200 newer"},
		"another caller":         {api.Fault{Caller: "arn:aws:iam::111122223333:user/other", Error: slowDown}, "200 |200 new|200 new|200 newer|200 newer"},
		"this caller":            {api.Fault{Caller: "arn:aws:iam::111122223333:user/admin", Times: 1, Error: slowDown}, failed + "|200 new|200 new|200 newer|200 newer"},
		"an error left out":      {api.Fault{Times: 1}, "500 InternalError: an injected fault without an error of its own|200 new|200 new|200 newer|200 newer"},
		"the connection is cut":  {api.Fault{Times: 1, Reset: true}, "cut|200 new|200 new|200 newer|200 newer"},
		"the answer alone is so": {api.Fault{Operation: "Write", Times: 1, Reset: true, After: true}, "200 |cut|200 new|200 newer|200 newer"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, "board")
			key := s.admin()
			s.gate.Inject(c.fault)
			var got []string
			for _, call := range [][2]string{{"/Read", ""}, {"/Write", "new"}, {"/Read", ""}, {"/Write", "newer"}, {"/Read", ""}} {
				got = append(got, s.outcome(key, call[0], call[1]))
			}
			if got := strings.Join(got, "|"); got != c.answers {
				t.Errorf("answers = %q, want %q", got, c.answers)
			}
		})
	}
}

// outcome returns the answer to a call, or "cut".
func (s *scene) outcome(key, path, body string) string {
	s.Helper()
	status, text, err := s.call(key, s.url+path, body)
	if err != nil {
		return "cut"
	}
	return fmt.Sprintf("%d %s", status, text)
}

func TestFirstOfSeveralFaultsDecidesAndAllCount(t *testing.T) {
	s := newScene(t, "board")
	key := s.admin()
	s.gate.Inject(api.Fault{Times: 1, Error: &api.Error{Status: 500, Code: "A", Message: "a"}})
	s.gate.Inject(api.Fault{Times: 2, Error: &api.Error{Status: 503, Code: "B", Message: "b"}})
	s.expect(key, "/Read", "", 500, "A: a")
	s.expect(key, "/Read", "", 503, "B: b")
	s.expect(key, "/Read", "", 200, "")
}

func TestClearFaultsMakesCallsSucceedAgain(t *testing.T) {
	s := newScene(t, "board")
	key := s.admin()
	s.gate.Inject(api.Fault{Reset: true})
	if got := s.outcome(key, "/Write", "x"); got != "cut" {
		t.Errorf("Write under a reset = %q, want cut", got)
	}
	s.gate.ClearFaults()
	s.expect(key, "/Read", "", 200, "")
}
