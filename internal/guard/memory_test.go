package guard_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
)

var errDenied = errors.New("AccessDenied")

// sweeps runs the guard once a minute, this long, and returns the records of each run.
func sweeps(t *testing.T, g *guard.Guard, lasting time.Duration, trigger func(minute int) guard.Trigger) (runs [][]guard.Record) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		for minute := range int(lasting / time.Minute) {
			next := time.Now().Add(time.Minute)
			ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
			report, _ := g.Run(ctx, trigger(minute))
			cancel()
			runs = append(runs, report.Records)
			time.Sleep(time.Until(next))
		}
	})
	return runs
}

func onSchedule(int) guard.Trigger { return sweep }

func TestWhatMayNotBeReadIsWrittenAndReadBack(t *testing.T) {
	door := newLamp("door", "broken")
	door.denied = errDenied
	door.after = func(int, map[string]string) { door.denied = nil } // the write replaces the policy that hid the state
	report, err := run(t, newGuard(atRest(), door), sweep)
	if diff := cmp.Diff([]string{"door-1 open corrected 1"}, outcomes(report)); diff != "" || err != nil {
		t.Fatalf("err %v, records (-want +got):\n%s", err, diff)
	}
	if r := report.Records[0]; r.Unread != "AccessDenied" || r.Before != "" || r.After != "lit" || len(r.Diff) > 0 {
		t.Errorf("record %+v, want one that says why there is no before-image", r)
	}
}

func TestWhatMayNotBeReadIsNotWrittenInObserve(t *testing.T) {
	door := newLamp("door", "lit")
	door.denied = errDenied
	g := newGuard(atRest(), door)
	g.Observe = true
	report, err := run(t, g, sweep)
	if diff := cmp.Diff([]string{"door-1 open drift observed 0"}, outcomes(report)); diff != "" || err != nil || door.writes > 0 {
		t.Errorf("err %v, %d writes, records (-want +got):\n%s", err, door.writes, diff)
	}
}

// A state that is hidden during the read-back was changed by another caller: it is written once more, and then not again
// in that run.
func TestAStateHiddenDuringTheReadBackIsWrittenOnceMore(t *testing.T) {
	door := newLamp("door", "broken")
	door.after = func(int, map[string]string) { door.denied = errDenied }
	report, err := run(t, newGuard(atRest(), door), sweep)
	if diff := cmp.Diff([]string{"door-1 open not corrected 2"}, outcomes(report)); diff != "" || !errors.Is(err, errDenied) {
		t.Errorf("err %v, records (-want +got):\n%s", err, diff)
	}
}

func TestHowOftenWhatMayNotBeReadIsWritten(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/guard"
	by := func(issuer string) func(int) guard.Trigger {
		return func(int) guard.Trigger {
			return guard.Trigger{Kind: guard.Event, Actor: &guard.Actor{IssuerARN: issuer}}
		}
	}
	for name, test := range map[string]struct {
		byPolicy bool
		trigger  func(int) guard.Trigger
		// hours is how long the guard runs once a minute; least and most bound the number of writes.
		hours       int
		least, most int
	}{
		"a role that lost its right":                          {false, onSchedule, 24, 24, 30},
		"echoes of its own writes":                            {false, by(role), 24, 24, 30},
		"echoes, and AWS says that the bucket's policy hides": {true, by(role), 24, 24, 30},
		"AWS says that the bucket's policy hides":             {true, onSchedule, 1, 60, 60},
		"somebody else's events":                              {false, by("arn:aws:iam::111122223333:role/other"), 1, 60, 60},
	} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", "lit")
			door.denied, door.byPolicy = errDenied, test.byPolicy
			g := newGuard(atRest(), door)
			g.Role = role
			runs := sweeps(t, g, time.Duration(test.hours)*time.Hour, test.trigger)
			if door.writes < test.least || door.writes > test.most {
				t.Errorf("%d writes in %d hours, want %d to %d", door.writes, test.hours, test.least, test.most)
			}
			for i, records := range runs {
				if len(records) != 1 || records[0].Outcome != guard.NotCorrected || records[0].Unread == "" {
					t.Fatalf("run %d has the records %+v, want one that says that nothing could be verified", i, records)
				}
			}
		})
	}
}

func TestReadingAgainForgetsThePause(t *testing.T) {
	door := newLamp("door", "lit")
	g := newGuard(atRest(), door)
	sweeps(t, g, 10*time.Minute, func(minute int) guard.Trigger {
		door.denied = errDenied
		if minute == 8 {
			door.denied = nil
		}
		return sweep
	})
	// It writes in minutes 0, 2 and 5, because a pause begins when the read-back failed, and in 9, because 8 was
	// readable.
	if door.writes != 4 {
		t.Errorf("%d writes, want 4: the first pause applies again after the state could be read", door.writes)
	}
}

func TestATruceEndsForWhatIsOpen(t *testing.T) {
	for name, test := range map[string]struct {
		stack stack
		state string
		want  string // the first record that is not standing down
	}{
		"open":   {stack{status: "UPDATE_IN_PROGRESS", busy: true}, "broken", "minute 5: door-1 open corrected 1, overruled"},
		"closed": {stack{status: "UPDATE_IN_PROGRESS", busy: true}, "dark", "never"},
		"open while the stack is deleted": {stack{status: "DELETE_IN_PROGRESS", busy: true, deleting: true},
			"broken", "never"},
		"open when a process begins in a long update": {
			stack{status: "UPDATE_IN_PROGRESS", busy: true, since: bubble.Add(-20 * time.Minute)}, "broken",
			"minute 0: door-1 open corrected 1, overruled"},
	} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", test.state)
			runs := sweeps(t, newGuard(&test.stack, door), time.Hour, onSchedule)
			if got := firstCorrection(runs); got != test.want {
				t.Errorf("corrected at %s, want %s", got, test.want)
			}
		})
	}
}

// bubble is when the clock of a synctest bubble begins.
var bubble = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func firstCorrection(runs [][]guard.Record) string {
	for minute, records := range runs {
		for _, r := range records {
			if r.Outcome == guard.StandingDown {
				continue
			}
			text := fmt.Sprintf("minute %d: %s %s %s %d", minute, r.Resource, r.Verdict, r.Outcome, r.Attempts)
			if r.Overruled {
				text += ", overruled"
			}
			return text
		}
	}
	return "never"
}

// A property that is closed for a moment, at each fourth sweep, does not get a new truce; one that is closed longer
// does.
func TestADoorThatIsClosedForAMomentHasNoTruceAnew(t *testing.T) {
	for name, test := range map[string]struct {
		closed func(minute int) bool
		want   string
	}{
		"for a moment":    {func(minute int) bool { return minute%4 == 3 }, "minute 5: door-1 open corrected 1, overruled"},
		"for six minutes": {func(minute int) bool { return minute >= 3 && minute < 9 }, "minute 14: door-1 open corrected 1, overruled"},
	} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", "broken")
			runs := sweeps(t, newGuard(&stack{status: "UPDATE_IN_PROGRESS", busy: true}, door), 20*time.Minute, func(minute int) guard.Trigger {
				door.state["door-1"] = "broken"
				if test.closed(minute) {
					door.state["door-1"] = "lit"
				}
				return sweep
			})
			if got := firstCorrection(runs); got != test.want {
				t.Errorf("corrected at %s, want %s", got, test.want)
			}
		})
	}
}

func TestARefusedWriteIsLookedAtOnceMore(t *testing.T) {
	for name, test := range map[string]struct {
		// meanwhile is what the state becomes between the run's read and its first write, which fails.
		meanwhile           string
		want                string
		fails               bool
		writes, inspections int
	}{
		"nothing changed: the write is refused":     {"dark", "door-1 closed not corrected 1", true, 1, 2},
		"somebody changed it: written anew":         {"broken", "door-1 open corrected 2", false, 2, 3},
		"somebody put it right: nothing to correct": {"lit", "door-1 closed drift ended 1", false, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", "dark")
			door.restore = func(n int) error {
				if n == 1 {
					door.state["door-1"] = test.meanwhile
					return errors.New("InvalidParameter")
				}
				return nil
			}
			report, err := run(t, newGuard(atRest(), door), sweep)
			if diff := cmp.Diff([]string{test.want}, outcomes(report)); diff != "" || (err != nil) != test.fails {
				t.Errorf("err %v, records (-want +got):\n%s", err, diff)
			}
			if door.writes != test.writes || door.inspections != test.inspections {
				t.Errorf("%d writes and %d inspections, want %d and %d", door.writes, door.inspections, test.writes, test.inspections)
			}
		})
	}
}
