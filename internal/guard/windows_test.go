package guard_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
)

// Outside of a fleet, a window has a member with all its resources, and is as loud as the drift that it leaves alone.
func TestAWindowLeavesAMemberAlone(t *testing.T) {
	window := guard.Pause{Until: bubble.Add(time.Hour), Reason: "new doors"}
	reads := 0
	g := newGuard(atRest())
	g.Members = []guard.Member{
		{Window: "house", Resources: []guard.Resource{newLamp("door", "broken", "dark"), newLamp("roof", "broken")}},
		{Window: "garden", Resources: []guard.Resource{newLamp("gate", "broken")}},
	}
	g.Pauses = func(context.Context) (map[string]guard.Pause, error) {
		reads++
		return map[string]guard.Pause{"house": window, "lamp": window, "": window}, nil
	}
	report, err := run(t, g, sweep)
	want := []string{"door-1 open standing down 0", "door-2 closed standing down 0", "roof-1 open standing down 0", "gate-1 open corrected 1"}
	if diff := cmp.Diff(want, outcomes(report)); diff != "" || err != nil || reads != 1 {
		t.Fatalf("err %v, the windows read %d times, records (-want +got):\n%s", err, reads, diff)
	}
	for i, level := range []slog.Level{slog.LevelError, slog.LevelWarn, slog.LevelError} {
		if r := report.Records[i]; r.Level() != level || r.Paused == nil || *r.Paused != window {
			t.Errorf("%s is logged as %s with the window %+v, want %s and %+v", r.Resource, r.Level(), r.Paused, level, window)
		}
	}
	g.Members = []guard.Member{{Window: "house", Resources: []guard.Resource{newLamp("door", "lit")}}}
	if _, err := run(t, g, sweep); err != nil || reads != 1 {
		t.Errorf("err %v, the windows read %d times, want no call without drift", err, reads)
	}
}

// A run can take minutes. A window that somebody makes in the meantime, before what it is for, has to count in what the run finds after.
func TestAWindowThatIsMadeDuringARunCounts(t *testing.T) {
	for _, kind := range []guard.Kind{guard.Sweep, guard.Stack, guard.Direct, guard.Event} {
		window := guard.Pause{Until: bubble.Add(time.Hour), Reason: "new doors"}
		var made atomic.Bool
		reads := 0
		early, late := newLamp("gate", "broken"), newLamp("door", "lit")
		g := newGuard(atRest())
		g.Members = []guard.Member{
			{Window: "garden", Resources: []guard.Resource{early}},
			{Window: "house", Resources: []guard.Resource{after{2 * windowsAge, func() { late.state["door-1"] = "dark"; made.Store(true) }, late}}},
		}
		g.Pauses = func(context.Context) (map[string]guard.Pause, error) {
			if reads++; made.Load() {
				return map[string]guard.Pause{"house": window}, nil
			}
			return nil, nil
		}
		report, err := run(t, g, guard.Trigger{Kind: kind})
		want := []string{"gate-1 open corrected 1", "door-1 closed standing down 0"}
		if diff := cmp.Diff(want, outcomes(report)); diff != "" || err != nil || reads != 2 {
			t.Errorf("%s: err %v, the windows read %d times, records (-want +got):\n%s", kind, err, reads, diff)
		}
	}
}

// windowsAge is for how long a run uses the windows that it has asked for.
const windowsAge = time.Second

// after is a lamp that is inspected after a time in which something happens.
type after struct {
	wait   time.Duration
	happen func()
	*lamp
}

func (a after) Inspect(ctx context.Context) ([]guard.Finding, error) {
	time.Sleep(a.wait)
	a.happen()
	return a.lamp.Inspect(ctx)
}

// Drift that is found late does not wait once more for windows that could not be read: to close access matters more. The late lamp is read
// twice.
func TestWindowsThatCannotBeReadAreNotReadAgain(t *testing.T) {
	reads := 0
	g := newGuard(atRest())
	g.Members = []guard.Member{
		{Window: "garden", Resources: []guard.Resource{newLamp("gate", "broken")}},
		{Window: "house", Resources: []guard.Resource{after{10 * time.Second, func() {}, newLamp("door", "broken")}}},
	}
	g.Pauses = func(ctx context.Context) (map[string]guard.Pause, error) {
		reads++
		<-ctx.Done()
		return nil, ctx.Err()
	}
	report, err := run(t, g, sweep)
	want := []string{"gate-1 open corrected 1", "door-1 open corrected 1", "maintenance-windows  not corrected 0"}
	if diff := cmp.Diff(want, outcomes(report)); diff != "" || err == nil || reads != 1 || report.Elapsed != 20*time.Second {
		t.Errorf("err %v, the windows read %d times in %s, records (-want +got):\n%s", err, reads, report.Elapsed, diff)
	}
}

// Without drift the windows are not needed: a run neither waits for them nor leaves the call behind.
func TestARunWithoutDriftDoesNotWaitForWindows(t *testing.T) {
	g := newGuard(atRest(), newLamp("door", "lit"))
	var calls, ended atomic.Int64
	g.Pauses = func(ctx context.Context) (map[string]guard.Pause, error) {
		calls.Add(1)
		<-ctx.Done()
		ended.Add(1)
		return nil, ctx.Err()
	}
	report, err := run(t, g, guard.Trigger{Kind: guard.Event})
	if err != nil || len(report.Records) != 0 || report.Elapsed != 0 || calls.Load() != 1 || ended.Load() != 1 {
		t.Errorf("%+v, %v after %s, %d calls of which %d ended, want no record at once, and one call that ended",
			report.Records, err, report.Elapsed, calls.Load(), ended.Load())
	}
}
