package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/pace"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// Fleet is a set of guarded buckets, possibly a thousand, and VPC endpoints, a few. A run reads what its trigger concerns:
//
//	trigger                                | read
//	event that names a guarded bucket      | that bucket
//	event that names another bucket        | nothing
//	event of EC2                           | the endpoints
//	another event, sweep, stack, by hand   | everything
//
// A sweep reads the buckets in an order in which none is always the last, with as many calls at a time as Pace allows. What it
// corrects comes before what it has not read yet. Pause, owner and before-image cost a call only where something drifted; those about
// a bucket keep to the pace, too.
type Fleet struct {
	// Bucket returns the guarded bucket of a name, and whether the selection contains the name. It makes no call.
	Bucket func(name string) (Member, bool)
	// Buckets lists the names of all guarded buckets. What it returns with an error is guarded nevertheless.
	Buckets func(context.Context) ([]string, error)
	// Owns reports whether the account has a bucket of that name. It is asked only about a listed bucket that may not be read:
	// an event can name another account's bucket that a pattern matches.
	Owns func(ctx context.Context, bucket string) (bool, error)
	// Endpoints returns the guarded endpoints. What it returns with an error is guarded nevertheless.
	Endpoints func(context.Context) ([]Member, error)
	// Owner returns what the CloudFormation stack that created a bucket is doing; the zero value if there is no such stack, or
	// if it is our own.
	Owner func(ctx context.Context, bucket string) (StackState, error)
	// Keep keeps a bucket's before-image, unless one is kept already. It is called before a run's first write to the bucket.
	Keep func(ctx context.Context, bucket string) error
	// Pace limits the calls to the buckets.
	Pace *pace.Limiter
}

// concerns reports whether a trigger concerns the fleet: it does unless it names a bucket that is not guarded.
func (f *Fleet) concerns(t Trigger) bool {
	if t.Kind != Event || t.Bucket == "" {
		return true
	}
	_, ok := f.Bucket(t.Bucket)
	return ok
}

// Member is a bucket or a VPC endpoint with its guarded resources.
type Member struct {
	// Target is the bucket's name or the endpoint's id; "" outside of a fleet.
	Target string
	// Window is the name under which a maintenance window has it outside of a fleet: the bucket's name or the endpoint's id.
	Window string
	// IsBucket is true for a bucket of a fleet.
	IsBucket bool
	// Listed is true for a bucket that is guarded because a pattern matches its name. Such a bucket may be deleted: then it is
	// no longer guarded, while a bucket that is guarded by its own name is missing.
	Listed    bool
	Resources []Resource
}

// Place is a member of a fleet: its bucket's name or its endpoint's id. Without a fleet both are "".
type Place struct{ Bucket, Endpoint string }

func (m Member) place() Place {
	if m.IsBucket {
		return Place{Bucket: m.Target}
	}
	return Place{Endpoint: m.Target}
}

// In returns a setting for what is at the place: the fleet's bucket or endpoint, or without a fleet those of the setting.
func (p Place) In(s iampolicy.Setting) iampolicy.Setting {
	s.Bucket, s.EndpointID = cmp.Or(p.Bucket, s.Bucket), cmp.Or(p.Endpoint, s.EndpointID)
	return s
}

// What failed, in records that are not about a guarded property.
const (
	fleetBuckets   = "buckets"
	fleetEndpoints = "endpoints"
	ownerStack     = "owner-stack"
	windows        = "maintenance-windows"
	beforeImage    = "before-image"
)

// lookFor limits the first inspection of a sweep, so that resources that hang do not keep the limit of calls for themselves.
const lookFor = 10 * time.Second

// fleetRun is what a run knows of the fleet: what it reads only where something drifted.
type fleetRun struct {
	answers map[Key]*answer
	// troubles are records of what could not be read.
	troubles []Record
	// unlocked is [Report].Unlocked.
	unlocked *int
}

// answer is what a call returned that is made once a run.
type answer struct {
	// returned is closed when value is there.
	returned chan struct{}
	value    any
}

// once calls a function at the first call with this key in the run, and returns its result at each one.
func (r *run) once(k Key, call func() any) any {
	r.mu.Lock()
	a, asked := r.answers[k]
	if !asked {
		if r.answers == nil {
			r.answers = map[Key]*answer{}
		}
		a = &answer{returned: make(chan struct{})}
		r.answers[k] = a
	}
	r.mu.Unlock()
	if asked {
		<-a.returned
		return a.value
	}
	defer close(a.returned)
	a.value = call()
	return a.value
}

// trouble adds the record of something that could not be read or kept. Drift is corrected nevertheless.
func (r *run) trouble(m Member, what string, err error) {
	record := r.failed(m, what, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.troubles = append(r.troubles, record)
}

// tendFleet tends what the trigger concerns: see [Fleet].
func (r *run) tendFleet(ctx context.Context) []Record {
	var buckets, endpoints []Record
	isEvent := r.trigger.Kind == Event
	switch {
	case isEvent && r.trigger.Bucket != "":
		if m, ok := r.guard.Fleet.Bucket(r.trigger.Bucket); ok {
			buckets = r.present(m, r.tendAll(ctx, m))
		}
	case isEvent && r.trigger.OfNetwork:
		endpoints = r.tendEndpoints(ctx)
	default:
		var both sync.WaitGroup
		both.Go(func() { endpoints = r.tendEndpoints(ctx) })
		both.Go(func() { buckets = r.sweep(ctx) })
		both.Wait()
	}
	return slices.Concat(buckets, endpoints)
}

// tendEndpoints tends all endpoints at once.
func (r *run) tendEndpoints(ctx context.Context) []Record {
	members, err := r.guard.Fleet.Endpoints(ctx)
	if err != nil {
		r.trouble(Member{}, fleetEndpoints, err)
	}
	return r.tendEach(ctx, members)
}

// sweep tends all buckets. It starts an inspection when the limit of calls lets it, so that few are under way at a time.
func (r *run) sweep(ctx context.Context) []Record {
	fleet := r.guard.Fleet
	names, err := fleet.Buckets(ctx)
	if err != nil {
		r.trouble(Member{}, fleetBuckets, err)
	}
	names = r.guard.memory.inTurn(names)
	visits := make([]visit, 0, len(names))
	var all sync.WaitGroup
	reached := 0
	for _, name := range names {
		if m, ok := fleet.Bucket(name); ok {
			visits = append(visits, visit{m, make([][]Record, len(m.Resources))})
			if !r.begin(ctx, visits[len(visits)-1], &all) {
				break
			}
		}
		reached++
	}
	all.Wait()
	unread := names[reached:]
	var records []Record
	unlocked := 0
	for _, v := range visits {
		of := slices.Concat(v.records...)
		if slices.ContainsFunc(of, isCut(ctx)) {
			unread, of = append(unread, v.member.Target), slices.DeleteFunc(of, isCut(ctx))
		}
		of = r.present(v.member, of)
		if !slices.Contains(unread, v.member.Target) && slices.ContainsFunc(of, Record.leavesUnlocked) {
			unlocked++
		}
		records = append(records, of...)
	}
	slices.Sort(unread)
	unread = slices.Compact(unread) // the last bucket that was begun can be in it twice
	r.unreached(ctx, unread, len(names))
	unlocked += len(unread)
	r.unlocked = &unlocked
	return records
}

// leavesUnlocked reports whether a record says that its bucket has no lock, or that this is not known.
func (r Record) leavesUnlocked() bool { return !r.Outcome.IsOver() && r.Verdict != iampolicy.Closed }

// visit is the work of a sweep on one bucket.
type visit struct {
	member Member
	// records has the records of each resource.
	records [][]Record
}

// isCut returns whether a record says only that an inspection was not over when the time of the run ended.
func isCut(ctx context.Context) func(Record) bool {
	return func(r Record) bool { return ctx.Err() != nil && r.Verdict == "" && errors.Is(r.failure, ctx.Err()) }
}

// begin begins to tend the resources of a bucket, and reports whether it began with all before the time ended.
func (r *run) begin(ctx context.Context, v visit, all *sync.WaitGroup) bool {
	limit := r.guard.Fleet.Pace
	for i, resource := range v.member.Resources {
		if limit.Enter(ctx) != nil {
			return false
		}
		look := func(ctx context.Context) ([]Finding, error) {
			defer limit.Leave()
			ctx, cancel := context.WithTimeout(ctx, lookFor)
			defer cancel()
			return resource.Inspect(ctx)
		}
		all.Go(func() { v.records[i] = r.tend(ctx, v.member, paced{resource, limit}, look) })
	}
	return true
}

// paced is a resource whose calls come before those of a sweep that has not read its resource yet.
type paced struct {
	Resource
	limit *pace.Limiter
}

func (p paced) Inspect(ctx context.Context) ([]Finding, error) {
	return urgently(ctx, p.limit, p.Resource.Inspect)
}

func (p paced) Restore(ctx context.Context, f Finding) error {
	_, err := urgently(ctx, p.limit, func(ctx context.Context) (struct{}, error) { return struct{}{}, p.Resource.Restore(ctx, f) })
	return err
}

// urgently makes a call that comes before those of a sweep that has not read its resource yet.
func urgently[T any](ctx context.Context, limit *pace.Limiter, call func(context.Context) (T, error)) (T, error) {
	if err := limit.EnterFirst(ctx); err != nil {
		var none T
		return none, err
	}
	defer limit.Leave()
	return call(ctx)
}

// unreached remembers the buckets that a sweep did not read, and reports them if there are any.
func (r *run) unreached(ctx context.Context, names []string, of int) {
	r.guard.memory.left(names)
	if len(names) > 0 {
		r.trouble(Member{}, fleetBuckets, fmt.Errorf("%d of %d were not read, the next sweep begins with them: %w: %s",
			len(names), of, ctx.Err(), strings.Join(names, ", ")))
	}
}

// present returns a bucket's records, without those that say that a listed bucket is gone: it is no longer guarded. The event
// of its deletion is recorded once.
func (r *run) present(m Member, records []Record) []Record {
	if !m.Listed || !slices.ContainsFunc(records, isMissing) {
		return records
	}
	records = slices.DeleteFunc(records, isMissing)
	if r.trigger.Kind == Event && r.trigger.EventName == "DeleteBucket" {
		gone := Record{Trigger: r.trigger, Actor: r.trigger.Actor, Resource: "bucket", Target: m.Target, Place: m.place(), Outcome: Gone}
		gone.ElapsedMs = r.guard.Now().Sub(r.began).Milliseconds()
		records = append(records, gone)
	}
	return records
}

func isMissing(r Record) bool { return r.Missing }

func isUnread(f Finding) bool { return f.Unread != nil }

// owns reports whether the account has a listed bucket that may not be read. It is assumed to if that is not known.
func (r *run) owns(ctx context.Context, m Member) bool {
	return r.once(Key{"owns", m.Target}, func() any {
		owns, err := urgently(ctx, r.guard.Fleet.Pace, func(ctx context.Context) (bool, error) { return r.guard.Fleet.Owns(ctx, m.Target) })
		return owns || err != nil
	}) == true
}

// inTurn returns names in the order in which a sweep reads them: first those that the last one did not reach. The first sweep
// of a process, which does not know what an earlier one reached, begins anywhere.
func (m *memory) inTurn(names []string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if !m.swept && len(names) > 0 {
		first := rand.IntN(len(names))
		names = slices.Concat(names[first:], names[:first])
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case m.unreached[a] == m.unreached[b]:
			return 0
		case m.unreached[a]:
			return -1
		}
		return 1
	})
	return names
}

// left remembers the names that a sweep did not reach.
func (m *memory) left(names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.swept, m.unreached = true, map[string]bool{}
	for _, name := range names {
		m.unreached[name] = true
	}
}

// state is what a stack is doing, or why that is not known.
type state struct {
	StackState
	err error
}

// standing returns what our own stack is doing or, if that is nothing, the stack that created the member. If the latter is not
// known, the drift is corrected, and the failure is reported.
func (r *run) standing(ctx context.Context, m Member) StackState {
	own, _ := r.stack()
	if own.Busy || !m.IsBucket {
		return own
	}
	owner, _ := r.once(Key{ownerStack, m.Target}, func() any {
		owner, err := r.owner(ctx, m)
		if err != nil {
			r.trouble(m, ownerStack, err)
		}
		return state{owner, err}
	}).(state)
	if owner.Busy {
		return owner.StackState
	}
	return own
}

// standingNow reads again what standing returns.
func (r *run) standingNow(ctx context.Context, m Member) (StackState, error) {
	own, err := r.askStack(ctx)()
	if err != nil || own.Busy || !m.IsBucket {
		return own, err
	}
	if owner, err := r.owner(ctx, m); err != nil || owner.Busy {
		return owner, err
	}
	return own, nil
}

// owner reads what the stack that created a bucket is doing. Unlike for our own stack, its deletion does not make the truce
// endless: the guard remains, and a deletion can fail for ever.
func (r *run) owner(ctx context.Context, m Member) (StackState, error) {
	owner, err := urgently(ctx, r.guard.Fleet.Pace, func(ctx context.Context) (StackState, error) {
		ctx, cancel := context.WithTimeout(ctx, timeleft.Share(ctx, stackPatience, part))
		defer cancel()
		return r.guard.Fleet.Owner(ctx, m.Target)
	})
	if err != nil {
		return StackState{}, fmt.Errorf("reading the status of the stack that created %s: %w", m.Target, err)
	}
	owner.Deleting = false
	return owner, nil
}

// ownerOf returns the stack that created a bucket, for a record; nil for our own stack.
func ownerOf(s StackState) *Owner {
	if s.ID == "" {
		return nil
	}
	return &Owner{ID: s.ID, Status: s.Status}
}

// paused returns the maintenance window of a member; nil if there is none. If the windows cannot be read, the drift is corrected, and
// the failure is reported once.
func (r *run) paused(ctx context.Context, m Member) *Pause {
	r.ask()
	all, err := r.windows(ctx)()
	if err != nil {
		r.once(Key{windows, ""}, func() any {
			r.trouble(Member{}, windows, err)
			return nil
		})
		r.mu.Lock()
		r.pausesFailed = true
		r.mu.Unlock()
	}
	if pause, ok := all[cmp.Or(m.Target, m.Window)]; ok {
		return &pause
	}
	return nil
}

// keepImage keeps the before-image of a bucket before the run's first write to it. If that fails, open drift is corrected
// nevertheless, because the record has its before-image and to close access matters more; closed drift is not.
func (r *run) keepImage(ctx context.Context, m Member, due []Finding) (records []Record, rest []Finding) {
	if !m.IsBucket || len(due) == 0 {
		return nil, due
	}
	err, _ := r.once(Key{beforeImage, m.Target}, func() any {
		_, err := urgently(ctx, r.guard.Fleet.Pace, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, r.guard.Fleet.Keep(ctx, m.Target)
		})
		if err != nil {
			r.trouble(m, beforeImage, fmt.Errorf("keeping the before-image of %s: %w", m.Target, err))
		}
		return err
	}).(error)
	if err == nil {
		return nil, due
	}
	for _, f := range due {
		if f.Verdict == iampolicy.Open {
			rest = append(rest, f)
			continue
		}
		records = append(records, r.complete(r.record(m, f), errNotKept))
	}
	return records, rest
}

var errNotKept = errors.New("not written, because the bucket's before-image could not be kept")
