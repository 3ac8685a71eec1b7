package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"example.com/s3-endpoint-guard/internal/guard"
)

func TestStaleReadsAreReadAgain(t *testing.T) {
	for name, test := range map[string]struct {
		stale, inspections, writes int
		elapsed                    int64
	}{
		"none":                                 {0, 2, 1, 0},
		"one":                                  {1, 3, 1, 100},
		"three, with growing pauses":           {3, 5, 1, 100 + 200 + 400},
		"so many that it is written once more": {4, 6, 2, 100 + 200 + 400 + 800},
	} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", "broken")
			door.stale = test.stale
			door.after = func(n int, _ map[string]string) {
				if n > 1 {
					door.staleLeft = 0
				}
			}
			report, err := run(t, newGuard(atRest(), door), sweep)
			if err != nil || report.Records[0].Outcome != guard.Corrected {
				t.Fatalf("Run = %q, %v, want corrected", outcomes(report), err)
			}
			if door.inspections != test.inspections || door.writes != test.writes || report.Records[0].ElapsedMs != test.elapsed {
				t.Errorf("%d inspections, %d writes, %d ms, want %d, %d, %d", door.inspections, door.writes,
					report.Records[0].ElapsedMs, test.inspections, test.writes, test.elapsed)
			}
		})
	}
}

func TestWritesWithoutEffectAreNoSuccess(t *testing.T) {
	door := newLamp("door", "broken")
	door.after = func(_ int, state map[string]string) { state["door-1"] = "broken" }
	report, err := run(t, newGuard(atRest(), door), sweep)
	if !errors.Is(err, context.DeadlineExceeded) || report.Records[0].Outcome != guard.NotCorrected {
		t.Errorf("Run = %q, %v, want not corrected at the deadline", outcomes(report), err)
	}
	if door.writes < 5 || report.Records[0].Attempts != door.writes {
		t.Errorf("%d writes, %d attempts recorded, want 5 or more, all recorded", door.writes, report.Records[0].Attempts)
	}
}

func TestSomebodyWhoChangesItBackLosesAtOnce(t *testing.T) {
	door := newLamp("door", "broken")
	door.after = func(n int, state map[string]string) {
		if n <= 3 {
			state["door-1"] = "dark" // a new state, so it is not a stale read
		}
		if n == 3 {
			state["door-1"] = "broken"
		}
	}
	report, err := run(t, newGuard(atRest(), door), sweep)
	if diff := cmp.Diff([]string{"door-1 open corrected 4"}, outcomes(report)); diff != "" || err != nil {
		t.Errorf("err %v, records (-want +got):\n%s", err, diff)
	}
	if got := report.Records[0].Before; got != "broken" {
		t.Errorf("Before = %q, want the state that the run found first, broken", got)
	}
}

func TestTheGuardDoesNotGiveUpBeforeTheDeadline(t *testing.T) {
	door := newLamp("door", "broken")
	flip := []string{"dark", "broken"}
	door.after = func(n int, state map[string]string) { state["door-1"] = flip[n%2] }
	report, err := run(t, newGuard(atRest(), door), sweep)
	if err == nil || !errors.Is(err, context.DeadlineExceeded) || report.Records[0].Outcome != guard.NotCorrected {
		t.Errorf("Run = %q, %v, want not corrected at the deadline", outcomes(report), err)
	}
	if door.writes < 20 || report.Elapsed != 45*time.Second {
		t.Errorf("%d writes in %s, want 20 or more in 45s", door.writes, report.Elapsed)
	}
}

func TestADeploymentThatBeginsDuringTheRunIsNotFought(t *testing.T) {
	s := atRest()
	lamp := newLamp("endpoint", "dark", "lit", "lit")
	lamp.after = func(_ int, state map[string]string) {
		s.status, s.busy = "UPDATE_IN_PROGRESS", true
		state["endpoint-1"], state["endpoint-3"] = "broken", "dark" // as CloudFormation does
	}
	report, err := run(t, newGuard(s, lamp), sweep)
	want := []string{"endpoint-1 open standing down 1", "endpoint-3 closed standing down 0"}
	if diff := cmp.Diff(want, outcomes(report)); diff != "" || err != nil || lamp.writes != 1 {
		t.Errorf("err %v, %d writes, records (-want +got):\n%s", err, lamp.writes, diff)
	}
	if got := report.Records[0].Stack; got != "UPDATE_IN_PROGRESS" {
		t.Errorf("Stack = %q, want the status that made the guard stand down", got)
	}
}

func TestDriftThatAppearsDuringTheReadBackIsRestoredToo(t *testing.T) {
	lamp := newLamp("endpoint", "dark", "lit")
	lamp.after = func(n int, state map[string]string) {
		if n == 1 {
			state["endpoint-2"] = "broken"
		}
	}
	report, err := run(t, newGuard(atRest(), lamp), sweep)
	want := []string{"endpoint-1 closed corrected 1", "endpoint-2 open corrected 1"}
	if diff := cmp.Diff(want, outcomes(report)); diff != "" || err != nil {
		t.Errorf("err %v, records (-want +got):\n%s", err, diff)
	}
}

func TestAnUnreadableReadBackIsNoSuccess(t *testing.T) {
	door := newLamp("door", "broken")
	door.inspect = on(2, errors.New("AccessDenied"))
	report, err := run(t, newGuard(atRest(), door), sweep)
	if err == nil || report.Records[0].Outcome != guard.NotCorrected {
		t.Fatalf("Run = %q, %v, want not corrected", outcomes(report), err)
	}
	if want := "reading door back: AccessDenied"; report.Records[0].Error != want {
		t.Errorf("Error = %q, want %q", report.Records[0].Error, want)
	}
}

func TestAPropertyThatIsNoLongerReportedIsNoSuccess(t *testing.T) {
	door := newLamp("door", "broken")
	door.after = func(int, map[string]string) { door.properties = nil }
	report, err := run(t, newGuard(atRest(), door), sweep)
	if err == nil || report.Records[0].Outcome != guard.NotCorrected {
		t.Errorf("Run = %q, %v, want not corrected", outcomes(report), err)
	}
}

func TestOverlappingRunsAreHarmless(t *testing.T) {
	door := newLamp("door", "broken", "dark")
	g := newGuard(&stack{status: "CREATE_COMPLETE"}, door)
	g.Stack = func(context.Context) (guard.StackState, error) { return guard.StackState{}, nil } // without a race
	synctest.Test(t, func(t *testing.T) {
		failures := make(chan error)
		for range 5 {
			go func() {
				_, err := g.Run(t.Context(), sweep)
				failures <- err
			}()
		}
		for range 5 {
			if err := <-failures; err != nil {
				t.Error(err)
			}
		}
	})
	if door.state["door-1"] != "lit" || door.state["door-2"] != "lit" {
		t.Errorf("door is %v, want all lit", door.state)
	}
}

// Another caller changes a second property during the correction of the first, and the time ends before the guard can
// write it.
func TestDriftThatTheLastReadFindsIsReported(t *testing.T) {
	door := newLamp("door", "lit", "dark")
	door.stale = 4
	door.after = func(n int, state map[string]string) {
		if n == 1 {
			state["door-1"] = "broken"
		}
	}
	door.restore = func(n int) error {
		if n == 2 {
			return errHang
		}
		return nil
	}
	report, err := run(t, newGuard(atRest(), door), sweep)
	if told := strings.Join(outcomes(report), "; "); err == nil || !strings.Contains(told, "door-1 open not corrected") {
		t.Errorf("Run = %v with %s, want door-1 reported as not corrected", err, told)
	}
}

// TestNeverAWrongDocumentNeverSilence runs the guard under random schedules of faults: failed and hanging calls, stale
// reads, and writes of another caller.
func TestNeverAWrongDocumentNeverSilence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lamps := []*lamp{drawLamp(rt, "a"), drawLamp(rt, "b")}
		s := &stack{status: "CREATE_COMPLETE", err: drawFault(rt, "stack")}
		var report guard.Report
		var err error
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
			defer cancel()
			report, err = newGuard(s, lamps[0], lamps[1]).Run(ctx, sweep)
		})
		told := strings.Join(outcomes(report), "\n")
		for _, l := range lamps {
			for _, value := range l.values {
				if value != "lit" {
					rt.Fatalf("%s: %q was written", l.name, value)
				}
			}
			for _, p := range l.properties {
				if l.state[p] != "lit" && err == nil {
					rt.Fatalf("%s is %q, and the run did not fail:\n%s", p, l.state[p], told)
				}
			}
			if l.writes > 0 && !strings.Contains(told, l.name) {
				rt.Fatalf("%s was written %d times without a record:\n%s", l.name, l.writes, told)
			}
		}
		for _, r := range report.Records {
			failed := r.Outcome == guard.NotCorrected || r.Outcome == guard.Refused
			if r.Outcome == "" || failed != (r.Error != "") || failed && err == nil {
				rt.Fatalf("an inconsistent record: %+v, run's error %v", r, err)
			}
		}
	})
}

// drawLamp draws a lamp with two properties and its schedule of faults.
func drawLamp(rt *rapid.T, name string) *lamp {
	states := rapid.SampledFrom([]string{"lit", "dark", "broken"})
	l := newLamp(name, states.Draw(rt, name+" 1"), states.Draw(rt, name+" 2"))
	l.stale = rapid.IntRange(0, 6).Draw(rt, name+" stale")
	l.inspect = drawFaults(rt, name+" inspect")
	l.restore = drawFaults(rt, name+" restore")
	rival := rapid.IntRange(0, 3).Draw(rt, name+" rival's writes")
	l.after = func(n int, state map[string]string) {
		if n <= rival {
			state[l.properties[0]] = "broken"
		}
	}
	return l
}

// drawFaults draws the faults of the first calls.
func drawFaults(rt *rapid.T, label string) func(int) error {
	faults := make([]error, rapid.IntRange(0, 4).Draw(rt, label+" calls"))
	for i := range faults {
		faults[i] = drawFault(rt, label)
	}
	return func(n int) error {
		if n > len(faults) {
			return nil
		}
		return faults[n-1]
	}
}

func drawFault(rt *rapid.T, label string) error {
	return rapid.SampledFrom([]error{
		nil, nil, nil, errors.New("throttled"), guard.ErrMissing, guard.ErrLockout, errHang,
	}).Draw(rt, label)
}

// What the truce leaves to CloudFormation has one record, no matter what else the run corrects.
func TestWhatIsLeftToCloudFormationIsToldOnce(t *testing.T) {
	busy := &stack{status: "UPDATE_IN_PROGRESS", busy: true, since: bubble.Add(-20 * time.Minute)}
	report, err := run(t, newGuard(busy, newLamp("door", "broken", "dark")), sweep)
	want := []string{"door-2 closed standing down 0", "door-1 open corrected 1"}
	if diff := cmp.Diff(want, outcomes(report)); diff != "" || err != nil {
		t.Errorf("err %v, records (-want +got):\n%s", err, diff)
	}
}

func TestStandingDownOverrulesNobody(t *testing.T) {
	door, st := newLamp("door", "dark"), atRest()
	door.after = func(_ int, state map[string]string) {
		st.status, st.busy, state["door-1"] = "UPDATE_IN_PROGRESS", true, "dim"
	}
	report, err := run(t, newGuard(st, door), sweep)
	if diff := cmp.Diff([]string{"door-1 closed standing down 1"}, outcomes(report)); diff != "" || err != nil || report.Records[0].Overruled {
		t.Errorf("err %v, records %+v, want one that overruled nothing (-want +got):\n%s", err, report.Records, diff)
	}
}
