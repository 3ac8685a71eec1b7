// Package guard corrects drift: it inspects all guarded resources at once, restores what differs from the desired state,
// reads it back until that is proven, and reports each correction in a [Record].
//
// It imports iampolicy, pace, timeleft and the standard library only. It reads and writes through [Resource]: to guard another
// resource, implement Resource as s3bucket and vpcendpoint do, and list it in internal/function/remediate.
//
// The guarded resources are a few, which each run reads, or a [Fleet] of many buckets, of which an event's run reads one.
//
// What a run does with a drifted property:
//
//	stack        enforcement | outcome
//	busy         both        | [StandingDown]: nothing written, the stack's next status event starts the next run
//	busy         Enforce     | corrected nevertheless if the property is open and the truce has lasted [truceLimit]
//	any          paused      | [StandingDown]: nothing written in a maintenance window of the bucket or endpoint
//	at rest      Observe     | [Observed]: nothing written
//	at rest      Enforce     | [Corrected], [Ended], [Refused] or [NotCorrected]
//	unreadable   Enforce     | the same, and the run fails: to close access matters more than the truce
//
// A property whose live state may not be read counts as open and is written without a before-image ([Finding].Unread).
package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// Resource is an AWS resource that one read describes, with one or more guarded properties: a bucket's policy, or a VPC
// endpoint with its policy, private DNS, subnets and security groups.
//
// The guard calls the methods of one resource one after another, those of different resources concurrently. It
// distinguishes errors that wrap [ErrMissing] or [ErrLockout] from others.
type Resource interface {
	// Name returns the resource's name in records of failures that concern all of it, e.g. "vpc-endpoint".
	Name() string
	// Inspect reads the live state and judges it: one finding for each guarded property, in order of importance.
	// It never writes.
	Inspect(context.Context) ([]Finding, error)
	// Restore writes the desired state of that finding's property. Restoring twice does no harm.
	Restore(context.Context, Finding) error
}

// Errors that a [Resource] wraps.
var (
	// ErrMissing means that the guarded resource itself is gone, and that the guard cannot create it again.
	ErrMissing = errors.New("it is gone and cannot be put back")
	// ErrLockout means that the desired document was not written because it would lock out those who configure the
	// bucket.
	ErrLockout = errors.New("lockout refused")
)

// Finding is what one inspection found about one guarded property.
type Finding struct {
	// Property is the guarded property's name, e.g. "bucket-policy"; records, metrics and messages contain it.
	Property string
	// Target names the AWS resource that has the property: a bucket's name, an endpoint's or security group's id.
	Target string
	// Verdict is iampolicy.Same if there is nothing to restore.
	Verdict iampolicy.Verdict
	// Allowed says, if the verdict is Open, what must be denied and is not, or what cannot be shown to be closed.
	Allowed string
	// Diff lists what differs from the desired state.
	Diff []Difference
	// Live and Desired are the property's two states in full: documents as AWS answers them, or compact JSON. An
	// empty Live means that AWS has no such configuration, or that it could not be read. If the verdict is Same, both may be
	// empty.
	Live, Desired string
	// Unread is why the live state could not be read: AWS denied it. The verdict is Open then, and Live and Diff are
	// empty: a property that is hidden by a policy must still be corrected. nil if the state was read.
	Unread error
	// Hidden reports whether AWS said that the bucket's own policy denies the read. It has a meaning only with Unread.
	Hidden bool
	// State is what Inspect passes to Restore. The guard does not read it.
	State any
	// Place is set in [Report].AsDesired, as in a [Record].
	Place Place
}

// Key identifies a guarded property of an AWS resource: what is remembered and told about one says nothing about others.
type Key struct{ Property, Target string }

// Key returns the finding's property and target.
func (f Finding) Key() Key { return Key{f.Property, f.Target} }

// isOfProperty reports whether another finding is of the same property.
func (f Finding) isOfProperty(other Finding) bool { return f.Property == other.Property }

// Difference is one statement or item that only one side has.
type Difference struct {
	// Removed is true for what is desired and not live, false for what is live and not desired.
	Removed bool `json:"removed"`
	// Name is a statement's Sid or an item's id; "" where it has none.
	Name string `json:"name,omitempty"`
	// Value is the statement as JSON, or the item.
	Value string `json:"value"`
}

// Differences returns a policy's changes as a finding lists them.
func Differences(changes []iampolicy.Change) []Difference {
	var list []Difference
	for _, c := range changes {
		list = append(list, Difference{Removed: c.Removed, Name: c.Sid, Value: c.Statement})
	}
	return list
}

// Compact returns a state as compact JSON, for [Finding.Live] and [Finding.Desired]. The type must be one that always
// encodes.
func Compact(state any) string {
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Sprint(state)
	}
	return string(text)
}

// CompactSet returns a part of a configuration as the AWS CLI accepts it, for a rollback by hand: compact JSON without the
// members that are not set.
func CompactSet(configuration any) string {
	text := Compact(configuration)
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		return text
	}
	return Compact(pruned(tree))
}

// pruned removes the members that are null, at all depths.
func pruned(tree any) any {
	switch t := tree.(type) {
	case map[string]any:
		for name, value := range t {
			if value == nil {
				delete(t, name)
			} else {
				t[name] = pruned(value)
			}
		}
	case []any:
		for i := range t {
			t[i] = pruned(t[i])
		}
	}
	return tree
}

// StackState is what a CloudFormation stack is doing: our own one, or the one that created a bucket.
type StackState struct {
	// ID is the ARN of the stack that created a bucket; "" for our own stack.
	ID string
	// Status is CloudFormation's status, e.g. "UPDATE_IN_PROGRESS"; "" if it is not known.
	Status string
	// Busy is true while CloudFormation may be changing or deleting the guarded resources.
	Busy bool
	// Deleting is true from the start of the stack's deletion. It implies Busy.
	Deleting bool
	// Since is when the work in progress began, by CloudFormation's clock; zero if it is not known.
	Since time.Time
}

// Guard keeps resources in their desired state. Its fields must not change while it runs; runs may overlap. It remembers
// from run to run since when properties have been open, and which it wrote without being able to read them back.
type Guard struct {
	// Members are guarded in this order of importance, which is also the order of the records. Each run reads all of them.
	Members []Member
	// Fleet is what is guarded in addition to Members, or instead; nil for none.
	Fleet *Fleet
	// Pauses returns the maintenance windows that have not ended, by the name of the bucket or the id of the endpoint. What it
	// returns with an error applies nevertheless. It is called like Stack, and again for drift that is found a second later. If it is
	// nil, there are none.
	Pauses func(context.Context) (map[string]Pause, error)
	// Stack returns what our own stack is doing. It is called once at the start of a run, in a sweep once it has found something,
	// and again before a second write, by several resources concurrently.
	Stack func(context.Context) (StackState, error)
	// Observe makes the guard write nothing and only report.
	Observe bool
	// Role is the ARN of the guard's own role: an event that names it was caused by a write of the guard.
	Role string
	// Now is the clock.
	Now func() time.Time
	// Concerns reports whether a call, named as in CloudTrail, changes the named resource. A run that the event of
	// another call started gives way: see courtesy. If it is nil, no run does.
	Concerns func(call, resource string) bool

	memory memory
}

// stackPatience is how long a drifted resource waits for the stack's status, and for the maintenance windows. To close access matters more
// than the truce: at worst the guard works against a deployment for a moment, until the guaranteed event that ends it.
const stackPatience = 5 * time.Second

// windowsAge is for how long a run uses the maintenance windows that it asked for. What it finds later, e.g. in one of the last buckets of
// a fleet, may have been done in a window that was made after it asked.
const windowsAge = time.Second

// courtesy is how long a run waits that finds drift and was started by the event of another call: several calls whose
// events come together start several runs at once, and each finds all their drift. The run of the call itself writes at
// once. The others inspect again after this time, and write and record only what is left then. It is longer than a read,
// a write and a read-back of a process that has to start first. A sweep does not wait: it is for drift whose event is
// lost.
const courtesy = 2 * time.Second

// part limits a wait to a quarter of the time left, so that there is time to write.
const part = 4

// Report is the result of one run.
type Report struct {
	// Records has one record for each drifted property and for each resource that could not be inspected.
	Records []Record
	// AsDesired has the properties that were inspected and had not drifted, in no order: their findings without the states.
	AsDesired []Finding
	// Inspected has the names of the resources that could be inspected, with their targets, in no order. A run that an event
	// of one bucket started inspects nothing else.
	Inspected []Key
	// Unlocked is, after a run over all buckets of a [Fleet], how many of them allow what must be denied, or may: their drift was left
	// as it is, or they could not be read. It is nil after other runs.
	Unlocked *int
	// Stack is what our stack was doing; its zero value if that could not be read, or was not read because a sweep found nothing.
	Stack StackState
	// StackError is why the stack's status could not be read. It is part of Run's error only if something had to be
	// corrected.
	StackError error
	// Elapsed is how long the run took.
	Elapsed time.Duration
}

// Run inspects all resources at once and restores those that drifted, each independently: a resource that fails or hangs
// does not keep the others from being restored. Of a [Fleet] it inspects what the trigger concerns.
//
// The report contains what was corrected even if something else failed; the error joins all failures. A run that finds
// no drift writes nothing and has no records. ctx should have a deadline, because a property that another caller keeps
// changing is restored again until then.
func (g *Guard) Run(ctx context.Context, trigger Trigger) (Report, error) {
	if g.Fleet != nil && !g.Fleet.concerns(trigger) {
		return Report{}, nil
	}
	r := &run{guard: g, trigger: trigger, began: g.Now()}
	ctx, cancel := context.WithCancel(ctx)
	defer r.reads.Wait()
	defer cancel() // nobody waits any more for maintenance windows
	r.ask = sync.OnceValue(func() func() (StackState, error) {
		r.windows(ctx)
		return r.askStack(ctx)
	})
	if trigger.Kind != Sweep {
		r.ask()
	}
	var fleet []Record
	var all sync.WaitGroup
	if g.Fleet != nil {
		all.Go(func() { fleet = r.tendFleet(ctx) })
	}
	own := r.tendEach(ctx, g.Members)
	all.Wait()
	return r.report(slices.Concat(own, fleet, r.troubles))
}

// run is one run of the guard.
type run struct {
	guard   *Guard
	trigger Trigger
	began   time.Time
	// ask begins, at its first call, to read what a correction has to wait for, and returns a function that waits for the stack's status.
	// Most sweeps have nothing to correct and do not need it, so that they ask when they find something. Other runs ask concurrently
	// with the inspections, so that it costs no time.
	ask func() func() (StackState, error)
	// reads are the reads that [start] began. None outlives the run.
	reads sync.WaitGroup

	mu sync.Mutex
	// pauses waits for the maintenance windows that were asked for last, at pausesAsked. pausesFailed is true once they were not read.
	pauses       func() (map[string]Pause, error)
	pausesAsked  time.Time
	pausesFailed bool

	asDesired []Finding
	inspected []Key
	fleetRun
}

// stack waits for the stack's status.
func (r *run) stack() (StackState, error) { return r.ask()() }

// windows returns a function that waits for the maintenance windows. It begins to read them if the run has not yet, or if that is longer
// ago than [windowsAge]; not again after a failure, which the drift would have to wait for.
func (r *run) windows(ctx context.Context) func() (map[string]Pause, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.guard.Now()
	if r.pauses == nil || !r.pausesFailed && now.Sub(r.pausesAsked) >= windowsAge {
		r.pauses, r.pausesAsked = r.askWindows(ctx), now
	}
	return r.pauses
}

// askStack begins to read the stack's status and returns a function that waits for it.
func (r *run) askStack(ctx context.Context) func() (StackState, error) {
	return start(ctx, &r.reads, func(ctx context.Context) (StackState, error) {
		standing, err := r.guard.Stack(ctx)
		if err != nil {
			return StackState{}, fmt.Errorf("reading the stack's status: %w", err)
		}
		return standing, nil
	})
}

// askWindows begins to read the maintenance windows and returns a function that waits for them. A guard that only observes needs none.
func (r *run) askWindows(ctx context.Context) func() (map[string]Pause, error) {
	if r.guard.Observe || r.guard.Pauses == nil {
		return func() (map[string]Pause, error) { return nil, nil }
	}
	return start(ctx, &r.reads, r.guard.Pauses)
}

// start begins a read, as one of reads, and returns a function that waits for its result, for [stackPatience] at most.
func start[T any](ctx context.Context, reads *sync.WaitGroup, read func(context.Context) (T, error)) func() (T, error) {
	var value T
	var err error
	answered := make(chan struct{})
	reads.Go(func() {
		defer close(answered)
		ctx, cancel := context.WithTimeout(ctx, timeleft.Share(ctx, stackPatience, part))
		defer cancel()
		value, err = read(ctx)
	})
	return func() (T, error) {
		<-answered
		return value, err
	}
}

// tendEach tends members at once and returns their records in order.
func (r *run) tendEach(ctx context.Context, members []Member) []Record {
	records := make([][]Record, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		all.Go(func() { records[i] = r.tendAll(ctx, m) })
	}
	all.Wait()
	return slices.Concat(records...)
}

// tendAll tends all resources of a member at once and returns their records in order.
func (r *run) tendAll(ctx context.Context, m Member) []Record {
	records := make([][]Record, len(m.Resources))
	var resources sync.WaitGroup
	for i, resource := range m.Resources {
		resources.Go(func() { records[i] = r.tend(ctx, m, resource, resource.Inspect) })
	}
	resources.Wait()
	return slices.Concat(records...)
}

// tend inspects one resource of a member, at first with look, and handles its drift as the package comment says.
func (r *run) tend(ctx context.Context, m Member, resource Resource, look func(context.Context) ([]Finding, error)) []Record {
	findings, err := look(ctx)
	if err == nil && len(drift(findings)) > 0 && r.givesWay(resource) {
		if again, err := lookAgain(ctx, resource); err == nil {
			findings = again
		}
	}
	if err != nil {
		return []Record{r.uninspected(m, resource, err)}
	}
	if m.Listed && slices.ContainsFunc(findings, isUnread) && !r.owns(ctx, m) {
		return nil
	}
	r.guard.memory.note(findings, r.guard.Now())
	r.note(m, resource, findings)
	drifted := drift(findings)
	if len(drifted) == 0 {
		return nil
	}
	c := &correction{
		run: r, member: m, resource: resource, pauses: timeleft.Backoff{First: firstPause, Longest: longestPause},
	}
	return c.handle(ctx, drifted)
}

// givesWay reports whether the run lets the run of another event write first.
func (r *run) givesWay(resource Resource) bool {
	if r.guard.Concerns == nil || r.guard.Observe || r.trigger.Kind != Event {
		return false
	}
	return !r.guard.Concerns(r.trigger.EventName, resource.Name())
}

// lookAgain inspects a resource once more after courtesy, or after a quarter of the time left if that is less. If this
// fails, the findings of the first inspection remain.
func lookAgain(ctx context.Context, resource Resource) ([]Finding, error) {
	_ = timeleft.Wait(ctx, timeleft.Share(ctx, courtesy, part)) // if the context has ended, the read returns its error
	return resource.Inspect(ctx)
}

// note keeps for the report that a resource was inspected, and which of its properties have not drifted. It keeps no states:
// there may be thousands of properties.
func (r *run) note(m Member, resource Resource, findings []Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inspected = append(r.inspected, Key{resource.Name(), m.Target})
	for _, f := range findings {
		if f.Verdict == iampolicy.Same {
			r.asDesired = append(r.asDesired, Finding{Property: f.Property, Target: f.Target, Verdict: f.Verdict, Place: m.place()})
		}
	}
}

// drift selects the findings that differ from the desired state.
func drift(findings []Finding) []Finding {
	var drifted []Finding
	for _, f := range findings {
		if f.Verdict != iampolicy.Same {
			drifted = append(drifted, f)
		}
	}
	return drifted
}

// report returns the report of all records, and joins all their errors and the stack's.
func (r *run) report(records []Record) (Report, error) {
	var standing StackState
	var err error
	if r.trigger.Kind != Sweep || len(records) > 0 {
		standing, err = r.stack()
	}
	report := Report{AsDesired: r.asDesired, Inspected: r.inspected, Unlocked: r.unlocked, Stack: standing, StackError: err}
	var failures []error
	for _, record := range records {
		record.Stack = cmp.Or(record.Stack, standing.Status)
		report.Records = append(report.Records, record)
		failures = append(failures, record.failure)
	}
	if err != nil && mattered(report.Records) {
		failures = append(failures, err)
	}
	report.Elapsed = r.guard.Now().Sub(r.began)
	return report, errors.Join(failures...)
}

// mattered reports whether drift was found, so that the stack's status was needed.
func mattered(records []Record) bool {
	for _, record := range records {
		if record.Verdict != "" {
			return true
		}
	}
	return false
}
