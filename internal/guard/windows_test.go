package guard_test

import (
	"context"
	"log/slog"
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
