package guard_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/pace"
)

// call is how long a call of the fleet takes, most how many there may be at a time.
const (
	roundTrip = 30 * time.Millisecond
	most      = 32
)

var properties = []string{"bucket-policy", "public-access-block", "ownership-controls"}

// fleet is an account with buckets and one endpoint. Its calls take a round trip each.
type fleet struct {
	mu sync.Mutex
	// state is what each property of a bucket or endpoint is: see finding.
	state map[guard.Key]string
	// written is when each property was written, counted how often each call was made.
	read, written map[guard.Key]time.Time
	counted       map[string]int
	running, most int
	// fault is the error of a call about a target; it may be nil, and the fault nil.
	fault func(call, target string) error

	fixed    []string // names that are guarded by themselves
	owners   map[string]guard.StackState
	pauses   map[string]guard.Pause
	foreign  map[string]bool
	limit    *pace.Limiter
	listErr  error
	keepErr  error
	pauseErr error
	kept     []string
}

func newFleet(names ...string) *fleet {
	f := &fleet{
		state: map[guard.Key]string{}, read: map[guard.Key]time.Time{}, written: map[guard.Key]time.Time{}, counted: map[string]int{},
		foreign: map[string]bool{}, limit: pace.New(most),
	}
	for _, name := range names {
		f.create(name)
	}
	f.state[guard.Key{"endpoint-policy", "vpce-1"}] = "lit"
	return f
}

func (f *fleet) create(name string) {
	for _, p := range properties {
		f.state[guard.Key{p, name}] = "lit"
	}
}

func (f *fleet) remove(name string) {
	for _, p := range properties {
		delete(f.state, guard.Key{p, name})
	}
}

// numbered returns names that the pattern data-* matches.
func numbered(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("data-%04d", i))
	}
	return names
}

// call makes a call, which takes a round trip.
func (f *fleet) call(ctx context.Context, call, target string) error {
	f.mu.Lock()
	f.counted[call]++
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	began := time.Now()
	select {
	case <-time.After(roundTrip):
	case <-ctx.Done():
	}
	f.mu.Lock()
	f.running--
	f.mu.Unlock()
	if f.fault != nil {
		if err := f.fault(call, target); err != nil {
			f.limit.Note(began, errors.Is(err, errSlowDown))
			return fail(ctx, err)
		}
	}
	f.limit.Note(began, false)
	return ctx.Err()
}

var errSlowDown = errors.New("SlowDown")

// calls is how many calls were made.
func (f *fleet) calls() int {
	n := 0
	for _, c := range f.counted {
		n += c
	}
	return n
}

// property is one guarded property in the fleet.
type property struct {
	f   *fleet
	key guard.Key
}

func (p property) Name() string { return p.key.Property }

func (p property) Inspect(ctx context.Context) ([]guard.Finding, error) {
	if err := p.f.call(ctx, "get-"+p.key.Property, p.key.Target); err != nil {
		return nil, err
	}
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	if p.f.foreign[p.key.Target] {
		return []guard.Finding{{Property: p.key.Property, Target: p.key.Target, Verdict: iampolicy.Open, Unread: errDenied}}, nil
	}
	state, ok := p.f.state[p.key]
	if !ok {
		return nil, fmt.Errorf("bucket %s: %w", p.key.Target, guard.ErrMissing)
	}
	p.f.read[p.key] = time.Now()
	found := finding(p.key.Property, state)
	found.Target = p.key.Target
	return []guard.Finding{found}, nil
}

func (p property) Restore(ctx context.Context, _ guard.Finding) error {
	if err := p.f.call(ctx, "put-"+p.key.Property, p.key.Target); err != nil {
		return err
	}
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	p.f.state[p.key], p.f.written[p.key] = "lit", time.Now()
	return nil
}

func (f *fleet) member(name string) (guard.Member, bool) {
	isFixed := slices.Contains(f.fixed, name)
	m := guard.Member{Target: name, IsBucket: true, Listed: !isFixed}
	for _, p := range properties {
		m.Resources = append(m.Resources, property{f, guard.Key{p, name}})
	}
	return m, isFixed || strings.HasPrefix(name, "data-")
}

func (f *fleet) names(ctx context.Context) ([]string, error) {
	if err := f.call(ctx, "list", ""); err != nil {
		return f.fixed, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	names := slices.Clone(f.fixed)
	for k := range maps.Keys(f.state) {
		if k.Property == properties[0] && strings.HasPrefix(k.Target, "data-") {
			names = append(names, k.Target)
		}
	}
	return names, f.listErr
}

// guard is a new process that guards the fleet.
func (f *fleet) guard() *guard.Guard {
	return &guard.Guard{
		Stack: atRest().standing, Now: time.Now, Concerns: concerns,
		Pauses: func(ctx context.Context) (map[string]guard.Pause, error) {
			return f.pauses, errors.Join(f.pauseErr, f.call(ctx, "pauses", ""))
		},
		Fleet: &guard.Fleet{
			Bucket: f.member, Buckets: f.names, Pace: f.limit,
			Owns: func(ctx context.Context, bucket string) (bool, error) {
				return !f.foreign[bucket], f.call(ctx, "list", bucket)
			},
			Endpoints: func(context.Context) ([]guard.Member, error) {
				return []guard.Member{{Target: "vpce-1", Resources: []guard.Resource{property{f, guard.Key{"endpoint-policy", "vpce-1"}}}}}, nil
			},
			Owner: func(ctx context.Context, bucket string) (guard.StackState, error) {
				return f.owners[bucket], f.call(ctx, "tags", bucket)
			},
			Keep: func(ctx context.Context, bucket string) error {
				f.mu.Lock()
				f.kept = append(f.kept, bucket)
				f.mu.Unlock()
				return errors.Join(f.keepErr, f.call(ctx, "keep", bucket))
			},
		},
	}
}

// told returns short texts of the records with their targets.
func told(report guard.Report) []string {
	var list []string
	for _, r := range report.Records {
		list = append(list, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", r.Resource, r.Target, r.Verdict, r.Outcome)), " "))
	}
	return list
}

// event is the event of a call to S3 about a bucket.
func event(name, bucket string) guard.Trigger {
	return guard.Trigger{Kind: guard.Event, EventName: name, Bucket: bucket}
}

// The state after a sweep is of buckets, not of properties: what was corrected is locked, what is left or unknown is not.
func TestASweepCountsTheBucketsThatItLeavesWithoutTheLock(t *testing.T) {
	policyOf := func(name string) guard.Key { return guard.Key{properties[0], name} }
	f := newFleet(numbered(6)...)
	f.state[policyOf("data-0001")], f.state[guard.Key{properties[1], "data-0001"}] = "broken", "broken"
	f.state[policyOf("data-0002")] = "dark"
	f.fault = func(call, target string) error {
		if call == "get-ownership-controls" && target == "data-0003" {
			return errSlowDown
		}
		return nil
	}
	watching := f.guard()
	watching.Observe = true
	for _, step := range []struct {
		name    string
		g       *guard.Guard
		trigger guard.Trigger
		want    int
	}{
		{"a sweep that only observes", watching, sweep, 2},
		{"an event of one bucket", watching, event("PutBucketPolicy", "data-0001"), -1},
		{"a sweep that corrects", f.guard(), sweep, 1},
	} {
		report, _ := run(t, step.g, step.trigger)
		got := -1
		if report.Unlocked != nil {
			got = *report.Unlocked
		}
		if got != step.want {
			t.Errorf("%s leaves %d buckets without the lock, want %d; records %q", step.name, got, step.want, told(report))
		}
	}
}

// A sweep's time is that of its calls, divided by how many there may be at a time.
func TestASweepOverAThousandBucketsTakesTheTimeOfItsCalls(t *testing.T) {
	f := newFleet(numbered(1000)...)
	report, err := run(t, f.guard(), sweep)
	calls := f.calls()
	if err != nil || len(report.Records) > 0 || len(report.AsDesired) != 3001 || len(report.Inspected) != 3001 {
		t.Fatalf("Run = %q, %v with %d properties as desired, want all 3001", told(report), err, len(report.AsDesired))
	}
	if calls != 1+3*1000+1 {
		t.Errorf("%v, want one listing, three calls a bucket and one for the endpoint", f.counted)
	}
	if f.most > most+1 {
		t.Errorf("%d calls at a time, want at most %d, and the endpoint's", f.most, most)
	}
	if least := time.Duration(calls) * roundTrip / most; report.Elapsed > least*3/2 {
		t.Errorf("the sweep took %s, want at most one and a half times %s", report.Elapsed, least)
	}
}

func TestAnEventConcernsOneBucket(t *testing.T) {
	for name, test := range map[string]struct {
		trigger guard.Trigger
		drift   guard.Key
		records []string
		calls   map[string]int
	}{
		"as desired": {event("PutBucketPolicy", "data-0007"), guard.Key{}, nil,
			map[string]int{"get-bucket-policy": 1, "get-public-access-block": 1, "get-ownership-controls": 1, "pauses": 1}},
		"drift of the bucket": {event("Putbucket-policy", "data-0007"), guard.Key{"bucket-policy", "data-0007"},
			[]string{"bucket-policy data-0007 open corrected"},
			map[string]int{"get-bucket-policy": 2, "get-public-access-block": 1, "get-ownership-controls": 1,
				"put-bucket-policy": 1, "tags": 1, "pauses": 1, "keep": 1}},
		"drift of another bucket":      {event("PutBucketPolicy", "data-0007"), guard.Key{"bucket-policy", "data-0008"}, nil, map[string]int{"get-bucket-policy": 1, "get-public-access-block": 1, "get-ownership-controls": 1, "pauses": 1}},
		"a bucket that is not guarded": {event("PutBucketPolicy", "somebody-elses"), guard.Key{"bucket-policy", "data-0007"}, nil, map[string]int{}},
		"a bucket that is not there":   {event("PutBucketPolicy", "data-9999"), guard.Key{}, nil, map[string]int{"get-bucket-policy": 1, "get-public-access-block": 1, "get-ownership-controls": 1, "pauses": 1}},
		"a call to EC2":                {guard.Trigger{Kind: guard.Event, OfNetwork: true}, guard.Key{"bucket-policy", "data-0007"}, nil, map[string]int{"get-endpoint-policy": 1, "pauses": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(numbered(1000)...)
			if test.drift != (guard.Key{}) {
				f.state[test.drift] = "broken"
			}
			report, err := run(t, f.guard(), test.trigger)
			if diff := cmp.Diff(test.records, told(report)); diff != "" || err != nil {
				t.Errorf("err %v, records (-want +got):\n%s", err, diff)
			}
			if diff := cmp.Diff(test.calls, f.counted); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// An event whose bucket is not known starts a sweep, and so does a payload that is not understood.
func TestWhatNamesNoBucketIsASweep(t *testing.T) {
	for name, trigger := range map[string]guard.Trigger{
		"an event": {Kind: guard.Event, EventName: "PutBucketPolicy"}, "a sweep": sweep, "by hand": {Kind: guard.Direct}, "the stack's": {Kind: guard.Stack},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(numbered(10)...)
			if _, err := run(t, f.guard(), trigger); err != nil || f.calls()-f.counted["pauses"] != 32 {
				t.Errorf("%v, %v, want 32 calls and those for maintenance windows", f.counted, err)
			}
		})
	}
}

func TestAnOpenBucketDoesNotWaitForTheRestOfTheSweep(t *testing.T) {
	for _, open := range []string{"data-0000", "data-0500", "data-0999"} {
		f := newFleet(numbered(1000)...)
		key := guard.Key{"bucket-policy", open}
		f.state[key] = "broken"
		var first time.Time
		f.fault = func(call, target string) error {
			if target == open && call == "get-bucket-policy" && first.IsZero() {
				first = time.Now()
			}
			return nil
		}
		report, err := run(t, f.guard(), sweep)
		if diff := cmp.Diff([]string{"bucket-policy " + open + " open corrected"}, told(report)); diff != "" || err != nil {
			t.Fatalf("err %v, records (-want +got):\n%s", err, diff)
		}
		if took := f.written[key].Sub(first); took > 200*time.Millisecond {
			t.Errorf("%s was closed %s after its read, want at most 200 ms", open, took)
		}
	}
}

// All buckets are opened at once: the calls stay within the limit, and all are closed.
func TestAFleetThatIsOpenedAltogetherIsClosed(t *testing.T) {
	f := newFleet(numbered(300)...)
	for k := range f.state {
		f.state[k] = "broken"
	}
	report, err := run(t, f.guard(), sweep)
	if err != nil || len(report.Records) != 901 || slices.ContainsFunc(report.Records, func(r guard.Record) bool { return r.Outcome != guard.Corrected }) {
		t.Errorf("%d records, %v, want 901 corrections", len(report.Records), err)
	}
	if len(f.kept) != 300 {
		t.Errorf("%d before-images, want one of each bucket", len(f.kept))
	}
}

// AWS throttles for a while: the limit falls, nothing fails, and the limit grows again.
func TestASweepGivesWayToThrottling(t *testing.T) {
	f := newFleet(numbered(1000)...)
	g := f.guard()
	var lowest int
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(time.Second)
		f.fault = nil
		throttled := func() bool { return time.Now().Before(until) }
		inner := g.Fleet.Bucket
		g.Fleet.Bucket = func(name string) (guard.Member, bool) {
			m, ok := inner(name)
			for i, resource := range m.Resources {
				m.Resources[i] = patient{resource, f.limit, throttled}
			}
			return m, ok
		}
		lowest = most
		f.fault = func(string, string) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			lowest = min(lowest, f.limit.Limit())
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		defer cancel()
		report, err := g.Run(ctx, sweep)
		if err != nil || len(report.AsDesired) != 3001 {
			t.Errorf("%d properties as desired, %v, want all", len(report.AsDesired), err)
		}
		if report.Elapsed > 10*time.Second {
			t.Errorf("the sweep took %s after a second of throttling, want at most 10 s", report.Elapsed)
		}
	})
	if lowest > 4 || f.limit.Limit() < most/2 {
		t.Errorf("the limit fell to %d and ended at %d, want at most 4, and then at least %d", lowest, f.limit.Limit(), most/2)
	}
}

// What a run reads of a bucket only where something drifted keeps to the pace, too.
func TestTheRarerCallsKeepToThePace(t *testing.T) {
	const few = 4
	for name, prepare := range map[string]func(*fleet, string){
		"owner and before-image": func(f *fleet, bucket string) { f.state[guard.Key{"bucket-policy", bucket}] = "broken" },
		"whose bucket it is":     func(f *fleet, bucket string) { f.foreign[bucket] = true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(numbered(100)...)
			f.limit = pace.New(few)
			for _, bucket := range numbered(100) {
				prepare(f, bucket)
			}
			if _, err := run(t, f.guard(), sweep); err != nil || f.counted["tags"]+f.counted["list"] <= 100 && f.counted["keep"] < 100 {
				t.Errorf("Run: %v, with %v, want a call about each bucket", err, f.counted)
			}
			// The endpoint and the windows are read once, without waiting for the buckets.
			if f.most > few+2 {
				t.Errorf("%d calls at a time, want at most %d, and two that are not about a bucket", f.most, few)
			}
		})
	}
}

// patient is a resource whose calls are throttled at first, and made again as the SDK does it.
type patient struct {
	guard.Resource
	limit     *pace.Limiter
	throttled func() bool
}

func (p patient) Inspect(ctx context.Context) ([]guard.Finding, error) {
	for pause := 50 * time.Millisecond; p.throttled(); pause *= 2 {
		p.limit.Note(time.Now(), true)
		time.Sleep(pause)
	}
	return p.Resource.Inspect(ctx)
}

func TestABucketThatFailsKeepsNoOtherFromBeingCorrected(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
		most time.Duration
	}{
		"one is refused":   {errDenied, "not corrected", 5 * time.Second},
		"one hangs":        {errHang, "not corrected", 45 * time.Second},
		"one is throttled": {errSlowDown, "not corrected", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(numbered(200)...)
			f.state[guard.Key{"bucket-policy", "data-0150"}] = "broken"
			f.fault = func(_, target string) error {
				if target == "data-0003" {
					return test.err
				}
				return nil
			}
			report, err := run(t, f.guard(), sweep)
			got := told(report)
			slices.Sort(got)
			want := []string{"bucket-policy data-0003 not corrected", "bucket-policy data-0150 open corrected",
				"ownership-controls data-0003 not corrected", "public-access-block data-0003 not corrected"}
			if diff := cmp.Diff(want, got); diff != "" || err == nil {
				t.Errorf("err %v, records (-want +got):\n%s", err, diff)
			}
			for _, r := range report.Records {
				if r.Outcome == guard.Corrected && r.ElapsedMs > 1500 {
					t.Errorf("the open bucket waited %d ms", r.ElapsedMs)
				}
			}
			if report.Elapsed > test.most {
				t.Errorf("the run took %s, want at most %s", report.Elapsed, test.most)
			}
		})
	}
}

// What a sweep does not reach before its time ends is reported, and comes first in the next one.
func TestWhatASweepDoesNotReachComesFirstInTheNext(t *testing.T) {
	f := newFleet(numbered(1000)...)
	g := f.guard()
	synctest.Test(t, func(t *testing.T) {
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		report, err := g.Run(short, sweep)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run = %v, want that the time ended", err)
		}
		if got := told(report); !slices.Equal(got, []string{"buckets not corrected"}) || !strings.Contains(report.Records[0].Error, "of 1000 were not read") {
			t.Fatalf("Run = %q, want one record, that buckets were not read", got)
		}
		names := report.Records[0].Error[strings.LastIndex(report.Records[0].Error, ": ")+2:]
		unread := strings.Split(names, ", ")
		for _, name := range numbered(1000) {
			if !slices.Contains(unread, name) && slices.ContainsFunc(properties, func(p string) bool { return f.read[guard.Key{p, name}].IsZero() }) {
				t.Errorf("%s was not read, and the record does not name it", name)
			}
		}
		if len(unread) < 500 || len(unread) > 800 {
			t.Fatalf("%d buckets were not read, want about 650", len(unread))
		}
		began := time.Now()
		long, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		defer cancel()
		if _, err := g.Run(long, sweep); err != nil {
			t.Fatal(err)
		}
		reached := func(name string) time.Duration { return f.read[guard.Key{properties[0], name}].Sub(began) }
		var latest, earliest time.Duration = 0, time.Hour
		for _, name := range numbered(1000) {
			if slices.Contains(unread, name) {
				latest = max(latest, reached(name))
			} else {
				earliest = min(earliest, reached(name))
			}
		}
		if latest > earliest+2*roundTrip {
			t.Errorf("a bucket that had not been read was read %s after the sweep began, and one that had %s", latest, earliest)
		}
	})
}

// A process that has just started does not know what others reached: not all of them begin with the same bucket.
func TestProcessesBeginAnywhere(t *testing.T) {
	f := newFleet(numbered(100)...)
	firsts := map[string]bool{}
	for range 20 {
		clear(f.read)
		f.limit = pace.New(1)
		if _, err := run(t, f.guard(), sweep); err != nil {
			t.Fatal(err)
		}
		firsts[earliest(f)] = true
	}
	if len(firsts) < 5 {
		t.Errorf("20 processes began with %d different buckets", len(firsts))
	}
}

// earliest returns the bucket that was read first.
func earliest(f *fleet) string {
	name := ""
	for k, at := range f.read {
		if k.Property == properties[0] && (name == "" || at.Before(f.read[guard.Key{properties[0], name}])) {
			name = k.Target
		}
	}
	return name
}

func TestABucketIsGuardedFromItsCreationAndUntilItsDeletion(t *testing.T) {
	f := newFleet(numbered(3)...)
	g := f.guard()
	g.Concerns = func(call, _ string) bool { return call == "CreateBucket" }
	f.create("data-new")
	f.state[guard.Key{"bucket-policy", "data-new"}] = "broken"
	for _, step := range []struct {
		name    string
		do      func()
		trigger guard.Trigger
		want    []string
	}{
		{"created", func() {}, event("CreateBucket", "data-new"), []string{"bucket-policy data-new open corrected"}},
		{"deleted, a sweep", func() { f.remove("data-new") }, sweep, nil},
		{"deleted, the event", func() {}, event("DeleteBucket", "data-new"), []string{"bucket data-new bucket deleted"}},
		{"deleted, another event", func() {}, event("PutBucketPolicy", "data-new"), nil},
	} {
		step.do()
		report, err := run(t, g, step.trigger)
		if diff := cmp.Diff(step.want, told(report)); diff != "" || err != nil {
			t.Errorf("%s: err %v, records (-want +got):\n%s", step.name, err, diff)
		}
	}
}

// A bucket that is guarded by its own name is missing if it is gone.
func TestABucketWithANameOfItsOwnIsMissed(t *testing.T) {
	f := newFleet(numbered(3)...)
	f.fixed = []string{"reports"}
	for _, trigger := range []guard.Trigger{sweep, event("DeleteBucket", "reports")} {
		report, err := run(t, f.guard(), trigger)
		if len(report.Records) != 3 || !errors.Is(err, guard.ErrMissing) || !report.Records[0].Missing || report.Records[0].Target != "reports" {
			t.Errorf("Run = %q, %v, want that all properties of reports are missing", told(report), err)
		}
	}
}

// An event can name a bucket of another account that a pattern matches.
func TestABucketOfAnotherAccountIsLeftAlone(t *testing.T) {
	f := newFleet(numbered(3)...)
	f.foreign["data-theirs"] = true
	report, err := run(t, f.guard(), event("PutBucketPolicy", "data-theirs"))
	if len(report.Records) > 0 || err != nil || f.counted["list"] != 1 {
		t.Errorf("Run = %q, %v with %v, want nothing, after one listing", told(report), err, f.counted)
	}
}

func TestWhatCannotBeReadBesidesKeepsNothingFromBeingClosed(t *testing.T) {
	broken := errors.New("InternalError")
	for name, test := range map[string]struct {
		prepare func(*fleet)
		state   string
		want    []string
	}{
		"the listing": {func(f *fleet) { f.fixed, f.listErr = []string{"data-0000"}, broken }, "broken",
			[]string{"bucket-policy data-0000 open corrected", "buckets not corrected"}},
		"the tags": {func(f *fleet) {
			f.fault = func(call, _ string) error {
				if call == "tags" {
					return broken
				}
				return nil
			}
		}, "broken", []string{"bucket-policy data-0000 open corrected", "owner-stack data-0000 not corrected"}},
		"the windows":                        {func(f *fleet) { f.pauseErr = broken }, "broken", []string{"bucket-policy data-0000 open corrected", "maintenance-windows not corrected"}},
		"the before-image, open drift":       {func(f *fleet) { f.keepErr = broken }, "broken", []string{"bucket-policy data-0000 open corrected", "before-image data-0000 not corrected"}},
		"the before-image, closed drift":     {func(f *fleet) { f.keepErr = broken }, "dark", []string{"bucket-policy data-0000 closed not corrected", "before-image data-0000 not corrected"}},
		"the windows, some of them readable": {func(f *fleet) { f.pauses, f.pauseErr = map[string]guard.Pause{"data-0000": {}}, broken }, "broken", []string{"bucket-policy data-0000 open standing down", "maintenance-windows not corrected"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(numbered(2)...)
			f.state[guard.Key{"bucket-policy", "data-0000"}] = test.state
			test.prepare(f)
			report, err := run(t, f.guard(), sweep)
			if diff := cmp.Diff(test.want, told(report)); diff != "" || !errors.Is(err, broken) {
				t.Errorf("err %v, records (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestAWindowLeavesOneBucketAlone(t *testing.T) {
	f := newFleet(numbered(2)...)
	pause := guard.Pause{Until: bubble.Add(time.Hour), Reason: "migration", By: "arn:aws:iam::111122223333:user/ops"}
	f.pauses = map[string]guard.Pause{"data-0000": pause}
	f.state[guard.Key{"bucket-policy", "data-0000"}], f.state[guard.Key{"bucket-policy", "data-0001"}] = "broken", "broken"
	report, err := run(t, f.guard(), sweep)
	got := told(report)
	slices.Sort(got)
	want := []string{"bucket-policy data-0000 open standing down", "bucket-policy data-0001 open corrected"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("err %v, records (-want +got):\n%s", err, diff)
	}
	for _, r := range report.Records {
		if r.Outcome == guard.StandingDown && (r.Paused == nil || *r.Paused != pause) {
			t.Errorf("the record has the window %+v, want %+v", r.Paused, pause)
		}
	}
	if f.counted["pauses"] != 1 {
		t.Errorf("the windows were read %d times, want once", f.counted["pauses"])
	}
}

// The stack that created a bucket has the truce that our own stack has, but its deletion does not make it endless.
func TestTheStackThatCreatedABucketHasATruce(t *testing.T) {
	const id = "arn:aws:cloudformation:eu-central-1:111122223333:stack/app/1"
	for name, test := range map[string]struct {
		state guard.StackState
		drift string
		want  string
	}{
		"at rest":             {guard.StackState{ID: id, Status: "UPDATE_COMPLETE"}, "broken", "minute 0: bucket-policy open corrected 1"},
		"busy, open":          {guard.StackState{ID: id, Status: "UPDATE_IN_PROGRESS", Busy: true}, "broken", "minute 5: bucket-policy open corrected 1, overruled"},
		"busy, closed":        {guard.StackState{ID: id, Status: "UPDATE_IN_PROGRESS", Busy: true}, "dark", "never"},
		"being deleted, open": {guard.StackState{ID: id, Status: "DELETE_FAILED", Busy: true, Deleting: true}, "broken", "minute 5: bucket-policy open corrected 1, overruled"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(numbered(2)...)
			f.owners = map[string]guard.StackState{"data-0000": test.state}
			f.state[guard.Key{"bucket-policy", "data-0000"}] = test.drift
			runs := sweeps(t, f.guard(), 10*time.Minute, onSchedule)
			if got := firstCorrection(runs); got != test.want {
				t.Errorf("corrected at %s, want %s", got, test.want)
			}
			if first := runs[0]; test.state.Busy && (len(first) != 1 || first[0].Owner == nil || first[0].Owner.ID != id || first[0].Stack != "CREATE_COMPLETE") {
				t.Errorf("the first run has the records %+v, want one that names the stack %s", first, id)
			}
		})
	}
}

// What a run remembers of a quiet sweep does not grow, and it is little.
func TestAQuietFleetIsRememberedInLittleMemory(t *testing.T) {
	f := newFleet(numbered(1000)...)
	g := f.guard()
	held := func() uint64 {
		if _, err := run(t, g, sweep); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	first := held()
	var last uint64
	for range 5 {
		last = held()
	}
	if last > first+1<<20 {
		t.Errorf("%d KB are held after the first sweep, %d KB after five more, want no more", first>>10, last>>10)
	}
}

// Few goroutines are at work at a time, whatever the number of buckets.
func TestASweepStartsFewGoroutines(t *testing.T) {
	f := newFleet(numbered(1000)...)
	var peak atomic.Int64
	before := runtime.NumGoroutine()
	f.fault = func(string, string) error {
		now := int64(runtime.NumGoroutine() - before)
		for m := peak.Load(); now > m && !peak.CompareAndSwap(m, now); m = peak.Load() {
		}
		return nil
	}
	if _, err := run(t, f.guard(), sweep); err != nil {
		t.Fatal(err)
	}
	if peak.Load() > 3*most {
		t.Errorf("%d goroutines at a time, want at most %d", peak.Load(), 3*most)
	}
}
