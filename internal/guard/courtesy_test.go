package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
)

// trip is how long each call of slow lamps takes.
const trip = 100 * time.Millisecond

// slow is a lamp whose calls take a trip each.
type slow struct{ *lamp }

func (s slow) Inspect(ctx context.Context) ([]guard.Finding, error) {
	time.Sleep(trip)
	return s.lamp.Inspect(ctx)
}

func (s slow) Restore(ctx context.Context, f guard.Finding) error {
	time.Sleep(trip)
	return s.lamp.Restore(ctx, f)
}

// call is the trigger of a call that changes the named resource.
func call(resource string) guard.Trigger {
	return guard.Trigger{Kind: guard.Event, EventName: "Put" + resource}
}

func concerns(call, resource string) bool { return call == "Put"+resource }

// start is a run that begins this long after the events.
type start struct {
	after   time.Duration
	trigger guard.Trigger
}

// overlap begins runs, each in another process, on the same resources, and returns the outcomes of their records.
func overlap(t *testing.T, starts []start, resources ...guard.Resource) []string {
	t.Helper()
	var told []string
	synctest.Test(t, func(t *testing.T) {
		reports := make(chan guard.Report)
		for _, s := range starts {
			go func() {
				time.Sleep(s.after)
				ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
				defer cancel()
				g := &guard.Guard{
					Members: []guard.Member{{Resources: resources}}, Now: time.Now, Concerns: concerns,
					Stack: func(context.Context) (guard.StackState, error) {
						return guard.StackState{Status: "CREATE_COMPLETE"}, nil
					},
				}
				report, err := g.Run(ctx, s.trigger)
				if err != nil {
					t.Error(err)
				}
				reports <- report
			}()
		}
		for range starts {
			told = append(told, outcomes(<-reports)...)
		}
	})
	return told
}

// In each order in which the runs of three calls can begin, the drift of each call has one record.
func TestOneDriftIsToldOnceByOverlappingRuns(t *testing.T) {
	triggers := []guard.Trigger{call("door"), call("gate"), call("lock")}
	for _, step := range []time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond, 350 * time.Millisecond} {
		for first := range triggers {
			var starts []start
			for i := range triggers {
				starts = append(starts, start{time.Duration(i) * step, triggers[(first+i)%len(triggers)]})
			}
			door, gate, lock := newLamp("door", "broken"), newLamp("gate", "broken"), newLamp("lock", "dark")
			told := overlap(t, starts, slow{door}, slow{gate}, slow{lock})
			if len(told) != 3 || door.writes != 1 || gate.writes != 1 || lock.writes != 1 {
				t.Errorf("runs %s apart, beginning with the %dth: recorded %q with %d, %d and %d writes, want each drift recorded and written once",
					step, first+1, told, door.writes, gate.writes, lock.writes)
			}
		}
	}
}

// The run that gave way corrects what the run of no event corrects: the event may be lost.
func TestARunThatGivesWayCorrectsWhatIsLeft(t *testing.T) {
	for name, trigger := range map[string]guard.Trigger{"another call's event": call("gate"), "an event of an unknown call": call("other")} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", "broken")
			g := newGuard(atRest(), door)
			g.Concerns = concerns
			report, err := run(t, g, trigger)
			if err != nil || strings.Join(outcomes(report), "") != "door-1 open corrected 1" || report.Records[0].ElapsedMs != 2000 {
				t.Errorf("Run = %q, %v after %s, want it corrected after 2 s", outcomes(report), err, report.Elapsed)
			}
		})
	}
}

func TestARunThatNeedNotGiveWayWritesAtOnce(t *testing.T) {
	for name, trigger := range map[string]guard.Trigger{
		"the call's own event": call("door"), "by hand": {Kind: guard.Direct}, "a sweep": sweep, "the stack's": {Kind: guard.Stack},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard(atRest(), newLamp("door", "broken"))
			g.Concerns = concerns
			if report, err := run(t, g, trigger); err != nil || report.Records[0].ElapsedMs != 0 {
				t.Errorf("Run = %q, %v after %s, want it corrected at once", outcomes(report), err, report.Elapsed)
			}
		})
	}
}

// Drift is corrected even if the second inspection fails.
func TestARunThatGivesWayNeedsNoSecondLook(t *testing.T) {
	door := newLamp("door", "broken")
	door.inspect = on(2, errors.New("InternalError"))
	g := newGuard(atRest(), door)
	g.Concerns = concerns
	report, err := run(t, g, call("gate"))
	if err != nil || strings.Join(outcomes(report), "") != "door-1 open corrected 1" {
		t.Errorf("Run = %q, %v, want it corrected", outcomes(report), err)
	}
}
