package api_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// during returns a call that began and ended these milliseconds after a common start.
func during(began, ended int) api.Call {
	return api.Call{Began: now.Add(time.Duration(began) * time.Millisecond), Ended: now.Add(time.Duration(ended) * time.Millisecond)}
}

func TestDepthIsTheLongestChainOfCalls(t *testing.T) {
	for name, c := range map[string]struct {
		calls []api.Call
		want  int
	}{
		"no call":                           {nil, 0},
		"one call":                          {[]api.Call{during(0, 30)}, 1},
		"one wave":                          {[]api.Call{during(0, 30), during(1, 31), during(2, 30)}, 1},
		"one after the other":               {[]api.Call{during(0, 30), during(31, 60), during(61, 90)}, 3},
		"the next begins as the first ends": {[]api.Call{during(0, 30), during(30, 60)}, 2},
		"a wave, a write and a read":        {[]api.Call{during(0, 30), during(1, 32), during(33, 63), during(64, 94)}, 3},
		"a long call beside a chain":        {[]api.Call{during(0, 100), during(0, 30), during(31, 60), during(61, 90)}, 3},
		"chains that cross":                 {[]api.Call{during(0, 50), during(10, 20), during(25, 40), during(51, 60)}, 3},
		"in any order":                      {[]api.Call{during(61, 90), during(0, 30), during(31, 60)}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := api.Depth(c.calls); got != c.want {
				t.Errorf("Depth(%d calls) = %d, want %d", len(c.calls), got, c.want)
			}
		})
	}
}

func TestLatencyOfConcurrentCallsOverlaps(t *testing.T) {
	const latency = 30 * time.Millisecond
	s := newScene(t, "board")
	key := s.admin()
	s.gate.SetLatency(latency)
	var wave sync.WaitGroup
	for range 6 {
		wave.Go(func() { s.outcome(key, "/Read", "") })
	}
	wave.Wait()
	s.outcome(key, "/Write", "x")
	calls := s.gate.Calls()
	if got := api.Depth(calls); got != 2 {
		t.Errorf("Depth(6 at once, then 1) = %d, want 2", got)
	}
	for _, c := range calls {
		if took := c.Ended.Sub(c.Began); took < latency {
			t.Errorf("%s took %v, want at least %v", c.Operation, took, latency)
		}
	}
}

func TestCallsAreRecordedAsTheyWent(t *testing.T) {
	s := newScene(t, "board")
	admin := s.admin()
	nobody, _ := s.gate.Credentials(user(t))
	s.outcome(admin, "/Write", "x")
	s.outcome(nobody, "/Read", "")
	s.outcome("AKIAUNKNOWN", "/Read", "")
	s.gate.Inject(api.Fault{Reset: true, Times: 1})
	s.outcome(admin, "/Write", "y") // net/http would retry a read
	var got []string
	for _, c := range s.gate.Calls() {
		write := ""
		if c.Write {
			write = " write"
		}
		got = append(got, strings.TrimSpace(c.Service+" "+c.Operation+" "+c.ErrorCode)+write)
		if c.Listener != internet || c.Ended.Before(c.Began) {
			t.Errorf("call %+v: want it from the internet, and its end after its beginning", c)
		}
	}
	want := "board Write write, board Read AccessDenied, board  InvalidClientTokenId, board Write (reset) write"
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("calls = %q, want %q", got, want)
	}
	if c := s.gate.Calls()[0]; c.Caller != "arn:aws:iam::111122223333:user/admin" || c.Needs[0].Action != "board:Write" {
		t.Errorf("call = %+v, want it by admin, needing board:Write", c)
	}
	s.gate.ResetCalls()
	if got := len(s.gate.Calls()); got != 0 {
		t.Errorf("calls after ResetCalls = %d, want 0", got)
	}
}

func TestOnlyTheLatestCallsAreKept(t *testing.T) {
	s := newScene(t, "board")
	admin := s.admin()
	s.gate.KeepCalls(3)
	s.outcome(admin, "/Read", "")
	for range 5 {
		s.outcome(admin, "/Write", "x")
	}
	calls := s.gate.Calls()
	if len(calls) != 3 || calls[0].Operation != "Write" {
		t.Errorf("%d calls are kept, the first is %s, want the latest 3", len(calls), calls[0].Operation)
	}
}
