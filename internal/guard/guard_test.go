package guard_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

var sweep = guard.Trigger{Kind: guard.Sweep}

// run runs the guard in synthetic time, with the deadline of a function's invocation.
func run(t *testing.T, g *guard.Guard, trigger guard.Trigger) (report guard.Report, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		defer cancel()
		report, err = g.Run(ctx, trigger)
	})
	return report, err
}

// outcomes returns short texts of the records, e.g. "door-1 closed corrected 1".
func outcomes(report guard.Report) []string {
	var list []string
	for _, r := range report.Records {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %d", r.Resource, r.Verdict, r.Outcome, r.Attempts)))
	}
	return list
}

// What a correction asks beside the state takes no time in a run that an event starts. A sweep asks it, all at once, when it finds drift.
func TestACorrectionAsksAllItNeedsAtOnce(t *testing.T) {
	for kind, trips := range map[guard.Kind]int{guard.Event: 3, guard.Stack: 3, guard.Direct: 3, guard.Sweep: 4} {
		g := newGuard(atRest(), slow{newLamp("door", "broken")})
		status := g.Stack
		g.Stack = func(ctx context.Context) (guard.StackState, error) {
			time.Sleep(trip)
			return status(ctx)
		}
		g.Pauses = func(context.Context) (map[string]guard.Pause, error) {
			time.Sleep(trip)
			return nil, nil
		}
		report, err := run(t, g, guard.Trigger{Kind: kind})
		if diff := cmp.Diff([]string{"door-1 open corrected 1"}, outcomes(report)); diff != "" || err != nil {
			t.Errorf("%s: err %v, records (-want +got):\n%s", kind, err, diff)
		}
		if want := time.Duration(trips) * trip; report.Elapsed != want {
			t.Errorf("%s: corrected after %s, want %s", kind, report.Elapsed, want)
		}
	}
}

func TestRunRestoresOnceAndThenRests(t *testing.T) {
	door := newLamp("door", "broken")
	g := newGuard(atRest(), door)
	for i, want := range [][]string{{"door-1 open corrected 1"}, nil} {
		report, err := run(t, g, sweep)
		if err != nil {
			t.Fatalf("run %d: %v", i+1, err)
		}
		if diff := cmp.Diff(want, outcomes(report)); diff != "" {
			t.Errorf("run %d (-want +got):\n%s", i+1, diff)
		}
	}
	if door.writes != 1 || door.inspections != 3 {
		t.Errorf("door had %d writes and %d inspections, want 1 and 3", door.writes, door.inspections)
	}
}

func TestRunDoesTheLeastThatIsNeeded(t *testing.T) {
	for name, test := range map[string]struct {
		lamp                *lamp
		inspections, writes int
		records             []string
	}{
		"nothing drifted":           {newLamp("door", "lit", "lit"), 1, 0, nil},
		"one of two drifted":        {newLamp("door", "lit", "dark"), 2, 1, []string{"door-2 closed corrected 1"}},
		"both drifted, one reading": {newLamp("door", "broken", "dark"), 2, 2, []string{"door-1 open corrected 1", "door-2 closed corrected 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := run(t, newGuard(atRest(), test.lamp), sweep)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.records, outcomes(report)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if test.lamp.inspections != test.inspections || test.lamp.writes != test.writes {
				t.Errorf("%d inspections and %d writes, want %d and %d",
					test.lamp.inspections, test.lamp.writes, test.inspections, test.writes)
			}
		})
	}
}

func TestTheReportNamesWhatHadNotDrifted(t *testing.T) {
	unreadable := newLamp("gate", "lit")
	unreadable.inspect = always(errors.New("InternalError"))
	for name, test := range map[string]struct {
		lamps []*lamp
		want  []string
	}{
		"nothing drifted":      {[]*lamp{newLamp("door", "lit", "lit")}, []string{"door-1", "door-2"}},
		"one of two drifted":   {[]*lamp{newLamp("door", "lit", "dark")}, []string{"door-1"}},
		"one is not readable":  {[]*lamp{newLamp("door", "lit"), unreadable}, []string{"door-1"}},
		"what was corrected":   {[]*lamp{newLamp("door", "broken")}, nil},
		"of several resources": {[]*lamp{newLamp("door", "lit"), newLamp("wall", "lit")}, []string{"door-1", "wall-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard(atRest())
			for _, l := range test.lamps {
				g.Members = append(g.Members, guard.Member{Resources: []guard.Resource{l}})
			}
			report, _ := run(t, g, sweep) // the error is that of the unreadable resource
			var got []string
			for _, f := range report.AsDesired {
				got = append(got, f.Property)
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("AsDesired (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunKeepsTheTruce(t *testing.T) {
	denied := errors.New("AccessDenied")
	for name, test := range map[string]struct {
		stack   stack
		observe bool
		state   string
		want    []string
		writes  int
		fails   bool
	}{
		"busy stack: nothing written":                    {stack{status: "UPDATE_IN_PROGRESS", busy: true}, false, "broken", []string{"door-1 open standing down 0"}, 0, false},
		"busy stack, no drift: nothing to say":           {stack{status: "UPDATE_IN_PROGRESS", busy: true}, false, "lit", nil, 0, false},
		"stack at rest: corrected":                       {stack{status: "UPDATE_COMPLETE"}, false, "broken", []string{"door-1 open corrected 1"}, 1, false},
		"unreadable stack: corrected, and said loudly":   {stack{err: denied}, false, "broken", []string{"door-1 open corrected 1"}, 1, true},
		"hanging stack: corrected, and said loudly":      {stack{err: errHang}, false, "broken", []string{"door-1 open corrected 1"}, 1, true},
		"unreadable stack, no drift: no failure":         {stack{err: denied}, false, "lit", nil, 0, false},
		"observing: nothing written":                     {stack{status: "UPDATE_COMPLETE"}, true, "broken", []string{"door-1 open drift observed 0"}, 0, false},
		"observing a busy stack: a deployment, no drift": {stack{status: "UPDATE_IN_PROGRESS", busy: true}, true, "dark", []string{"door-1 closed standing down 0"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", test.state)
			g := newGuard(&test.stack, door)
			g.Observe = test.observe
			report, err := run(t, g, sweep)
			if got := outcomes(report); !cmp.Equal(got, test.want) || door.writes != test.writes || (err != nil) != test.fails {
				t.Errorf("Run = %q, %v with %d writes, want %q, error %t with %d writes",
					got, err, door.writes, test.want, test.fails, test.writes)
			}
			if test.stack.err != nil && test.want != nil && report.StackError == nil {
				t.Error("the report does not say why the stack's status is unknown")
			}
		})
	}
}

func TestOnlyASweepThatFindsSomethingReadsTheStack(t *testing.T) {
	for name, test := range map[string]struct {
		trigger guard.Trigger
		states  []string
		want    int
	}{
		"a sweep that finds nothing":        {sweep, []string{"lit"}, 0},
		"a sweep that finds two properties": {sweep, []string{"broken", "dark"}, 1},
		"an event's run that finds nothing": {guard.Trigger{Kind: guard.Event, EventName: "Darken"}, []string{"lit"}, 1},
		"a status's run that finds nothing": {guard.Trigger{Kind: guard.Stack}, []string{"lit"}, 1},
		"a run by hand that finds nothing":  {guard.Trigger{Kind: guard.Direct}, []string{"lit"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			g := newGuard(atRest(), newLamp("door", test.states...))
			read := g.Stack
			g.Stack = func(ctx context.Context) (guard.StackState, error) { calls++; return read(ctx) }
			report, err := run(t, g, test.trigger)
			if err != nil || calls != test.want {
				t.Errorf("the stack was read %d times (%v), want %d", calls, err, test.want)
			}
			if (report.Stack.Status != "") != (test.want > 0) {
				t.Errorf("the report's stack is %+v after %d reads", report.Stack, calls)
			}
		})
	}
}

func TestRunDoesNotWaitForAHangingStackForLong(t *testing.T) {
	report, _ := run(t, newGuard(&stack{err: errHang}, newLamp("door", "broken")), sweep)
	if got := report.Records[0].ElapsedMs; got > 5000 {
		t.Errorf("open drift was corrected after %d ms, want at most 5000", got)
	}
	synctest.Test(t, func(t *testing.T) { // a function with a short time-out
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		report, _ := newGuard(&stack{err: errHang}, newLamp("door", "broken")).Run(ctx, sweep)
		if got := report.Records[0]; got.Outcome != guard.Corrected || got.ElapsedMs != 1000 {
			t.Errorf("%s after %d ms of 4000, want corrected after 1000", got.Outcome, got.ElapsedMs)
		}
	})
}

func TestRunTendsEachResourceOnItsOwn(t *testing.T) {
	broken := errors.New("AccessDenied")
	for name, sick := range map[string]*lamp{
		"one cannot be inspected":  {name: "sick", inspect: always(broken)},
		"one hangs when inspected": {name: "sick", inspect: always(errHang)},
		"one cannot be restored":   {name: "sick", properties: []string{"sick-1"}, state: map[string]string{"sick-1": "dark"}, restore: always(broken)},
		"one hangs when restored":  {name: "sick", properties: []string{"sick-1"}, state: map[string]string{"sick-1": "dark"}, restore: always(errHang)},
	} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", "broken")
			report, err := run(t, newGuard(atRest(), sick, door), sweep)
			if err == nil || !strings.Contains(err.Error(), "sick") {
				t.Errorf("Run failed with %v, want an error that names the sick resource", err)
			}
			if door.state["door-1"] != "lit" || len(report.Records) != 2 || report.Records[1].Outcome != guard.Corrected {
				t.Errorf("door is %q, records %q, want it lit and its correction recorded", door.state["door-1"], outcomes(report))
			}
			if report.Records[1].ElapsedMs > 0 {
				t.Errorf("the door waited %d ms for the sick resource", report.Records[1].ElapsedMs)
			}
			if report.Records[0].Outcome != guard.NotCorrected || report.Records[0].Error == "" {
				t.Errorf("the sick resource's record is %+v, want not corrected, with the error", report.Records[0])
			}
		})
	}
}

func TestRunWritesTheOtherPropertiesOfAResourceWhenOneFails(t *testing.T) {
	lamp := newLamp("endpoint", "broken", "dark", "dark")
	lamp.restore = on(2, errors.New("UnauthorizedOperation"))
	report, err := run(t, newGuard(atRest(), lamp), sweep)
	want := []string{"endpoint-1 open corrected 1", "endpoint-2 closed not corrected 1", "endpoint-3 closed corrected 1"}
	if diff := cmp.Diff(want, outcomes(report)); diff != "" || err == nil {
		t.Errorf("err %v, records (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"endpoint-1", "endpoint-3"}, lamp.written); diff != "" {
		t.Errorf("writes, most important first (-want +got):\n%s", diff)
	}
}

func TestRunTellsSentinelsApart(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want guard.Record
	}{
		"gone":    {guard.ErrMissing, guard.Record{Outcome: guard.NotCorrected, Missing: true}},
		"lockout": {guard.ErrLockout, guard.Record{Outcome: guard.Refused}},
		"other":   {errors.New("AccessDenied"), guard.Record{Outcome: guard.NotCorrected}},
	} {
		t.Run(name, func(t *testing.T) {
			door := newLamp("door", "broken")
			door.restore = always(fmt.Errorf("bucket docs: %w", test.err))
			report, err := run(t, newGuard(atRest(), door), sweep)
			got := report.Records[0]
			if !errors.Is(err, test.err) || got.Outcome != test.want.Outcome || got.Missing != test.want.Missing {
				t.Errorf("Run = %q missing %t, %v, want %q missing %t", got.Outcome, got.Missing, err, test.want.Outcome, test.want.Missing)
			}
			if want := "restoring door-1: bucket docs: " + test.err.Error(); got.Error != want {
				t.Errorf("Error = %q, want %q", got.Error, want)
			}
		})
	}
}

func TestRecordsKeepTheOrderOfResources(t *testing.T) {
	a, b, c := newLamp("a", "dark"), newLamp("b", "dark"), newLamp("c", "dark")
	a.stale, b.stale = 3, 1
	report, err := run(t, newGuard(atRest(), a, b, c), sweep)
	want := []string{"a-1 closed corrected 1", "b-1 closed corrected 1", "c-1 closed corrected 1"}
	if diff := cmp.Diff(want, outcomes(report)); diff != "" || err != nil {
		t.Errorf("err %v, records (-want +got):\n%s", err, diff)
	}
}

func TestRecordTellsTheWholeStory(t *testing.T) {
	at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // a bubble's clock begins here
	trigger := guard.Trigger{
		Kind: guard.Event, EventID: "e1", EventName: "PutBucketPolicy", EventTime: at.Add(-2 * time.Second),
		Actor: &guard.Actor{ARN: "arn:aws:iam::111122223333:user/admin"},
	}
	door := newLamp("door", "broken")
	door.stale = 1
	report, err := run(t, newGuard(atRest(), door), trigger)
	if err != nil {
		t.Fatal(err)
	}
	want := []guard.Record{{
		Outcome: guard.Corrected, Trigger: trigger, Actor: trigger.Actor, Resource: "door-1", Target: "lamp",
		Verdict: iampolicy.Open, Allowed: "anonymous s3:GetObject", Before: "broken", After: "lit",
		Stack: "CREATE_COMPLETE", SinceEventMs: 2100, ElapsedMs: 100, Attempts: 1,
	}}
	if diff := cmp.Diff(want, report.Records, cmp.AllowUnexported(guard.Record{})); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestOnlyAnEventsTimeCounts(t *testing.T) {
	at := time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		trigger guard.Trigger
		want    int64
	}{
		"an event":                 {guard.Trigger{Kind: guard.Event, EventTime: at}, time.Hour.Milliseconds()},
		"an event of the future":   {guard.Trigger{Kind: guard.Event, EventTime: at.Add(48 * time.Hour)}, 0},
		"an event of last year":    {guard.Trigger{Kind: guard.Event, EventTime: at.AddDate(-1, 0, 0)}, 0},
		"an event without a time":  {guard.Trigger{Kind: guard.Event}, 0},
		"a sweep":                  {guard.Trigger{Kind: guard.Sweep, EventTime: at}, 0},
		"a stack's change":         {guard.Trigger{Kind: guard.Stack, EventTime: at}, 0},
		"an invocation by a human": {guard.Trigger{Kind: guard.Direct}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := run(t, newGuard(atRest(), newLamp("door", "dark")), test.trigger)
			if got := report.Records[0].SinceEventMs; got != test.want || err != nil {
				t.Errorf("SinceEventMs = %d, %v, want %d", got, err, test.want)
			}
		})
	}
}
