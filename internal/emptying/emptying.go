// Package emptying empties an S3 bucket and tells the truth about it.
//
// [Run] aborts unfinished uploads, deletes every version and delete marker, and then lists both again: it says [Emptied]
// only when neither listing holds anything. Everything else ends with a [Report] that groups what is left by cause.
//
// How it is fast: listers share the key space, which they learn from the keys themselves (frontier.go), and run ahead
// of the deleters, as far as a bounded memory allows (sweep.go). How it stays within S3's limits: what is to be deleted
// waits in lanes, one for each prefix that has a limit of its own, and each lane has its own pace (lane.go, pace.go).
// How it takes little processor time: a decoder and an encoder for the two calls that count stand behind the SDK's
// signing and retries (s3list.go, s3page.go, s3delete.go).
//
// The engine knows S3 only by the interface [Store]; [New] makes one from an SDK client.
package emptying

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"s3-endpoint-guard/internal/timeleft"
)

// Memory is a limit, in bytes, for a process that does nothing but [Run] (see runtime/debug.SetMemoryLimit). What a run
// holds is bounded, whatever the bucket's size, and needs less than half of it.
const Memory = 72 << 20

// Options say what to empty, and how.
type Options struct {
	// Store holds the bucket.
	Store Store
	// Bucket is its name, for reports only.
	Bucket string
	// Prefix limits the run to keys that begin with it; "" is the whole bucket. Uploads of other keys are listed too, and
	// left alone: not every S3 answers a listing of uploads by prefix as AWS does (FACTS: S3).
	Prefix string
	// BypassGovernance deletes versions under governance retention too. Nothing removes compliance retention or legal
	// holds.
	BypassGovernance bool
	// Deadline ends the work early, with a report that says how far it came; zero means none. Deletions that are under
	// way then get 5 s to end, because S3 may carry out what is cut off, and nobody would count it. They get the same
	// when the context of Run ends.
	Deadline time.Time
	// Now ends the run at once when it is closed: without the 5 s, and without asking why something is left. It is for
	// the second Ctrl-C. Nil is for never.
	Now <-chan struct{}
	// Progress is told how far the work is, from one goroutine, every ProgressEvery (0 means 10 s), and is nil for none.
	Progress      func(Progress)
	ProgressEvery time.Duration
	// Before is how far earlier runs on the same bucket came; see [Report.Continuation].
	Before Continuation
}

// Continuation is what one run tells the next. A run finds out by listing what is left to do, so this is small.
type Continuation struct {
	// Began is when the first run began.
	Began time.Time
	// Runs is how many runs there were, Deleted how many versions they deleted.
	Runs    int
	Deleted int64
}

// Progress is how far the work is.
type Progress struct {
	// Deleted counts versions and delete markers, those of earlier runs included.
	Deleted int64
	// Remaining estimates how many are left; -1 while there is no telling.
	Remaining int64
	// Rate is how many versions per second were deleted since the previous report.
	Rate float64
	// Elapsed is since the first run began.
	Elapsed time.Duration
}

const (
	// callTimeout bounds one call; what hangs longer is tried again.
	callTimeout = 30 * time.Second
	// grace is for how long deletions that are under way may outlive the deadline, or the context of Run.
	grace = 5 * time.Second
	// mostPasses is how often a bucket that is not empty afterwards is emptied.
	mostPasses = 8
	// longestWait is for how many tries' pause a pass waits after one that met what had been deleted: a listing may lag.
	longestWait = 4
	// defaultProgressEvery is how often progress is told.
	defaultProgressEvery = 10 * time.Second
)

var (
	errStuck    = errors.New("S3's listing does not advance")
	errPrefix   = errors.New("the prefix is not UTF-8, as keys are")
	errForeign  = errors.New("S3's listing holds keys without the prefix that was asked for")
	errHopeless = fmt.Errorf("stopped after %d versions in a row that could not be deleted", hopeless)
	errDeadline = errors.New("the deadline came")
	// errInterrupted is why the work ends when the context of Run does, or Now is closed.
	errInterrupted = errors.New("interrupted")
)

// run is the state of one call to Run.
type run struct {
	Options
	// deleting is the context of the calls that delete: it outlives the run's context by the grace.
	deleting  context.Context
	bypass    bool
	began     time.Time
	cancel    context.CancelCauseFunc // ends the run early
	leftovers leftovers
	current   atomic.Pointer[pass]
	locked    bool // the bucket has Object Lock
	// versions and uploads remember what the passes met. The former is guarded by the sweep's lock.
	versions, uploads memory
	count             struct {
		deleted, uploads                 atomic.Int64
		lists, batches, singles, refused atomic.Int64
	}
}

// Run empties the bucket.
//
// The error is not nil exactly when the bucket was not proven empty, and then is the Report's [Report.Reason]. Run
// never deletes anything but versions, delete markers and unfinished uploads of the one bucket.
func Run(ctx context.Context, o Options) (Report, error) {
	r := &run{Options: o, began: time.Now()}
	if r.Before.Began.IsZero() {
		r.Before.Began = r.began
	}
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	r.cancel = cancel
	interrupt := func() { cancel(fmt.Errorf("%w: %w", errInterrupted, context.Cause(ctx))) }
	if ctx.Err() != nil {
		interrupt() // before anything is done
	}
	defer context.AfterFunc(ctx, interrupt)()
	if left := time.Until(o.Deadline); !o.Deadline.IsZero() {
		defer time.AfterFunc(left, func() { cancel(errDeadline) }).Stop()
	}
	unhurried, hurry := r.unhurried(ctx)
	defer hurry()
	deleting, cutOff := context.WithCancel(unhurried)
	defer cutOff()
	r.deleting = deleting
	defer context.AfterFunc(work, func() { time.AfterFunc(grace, cutOff) })()
	stop := r.watch()
	outcome, err := r.empty(work)
	stop()
	report := r.report(outcome, err)
	r.explain(unhurried, &report)
	if outcome == Emptied {
		return report, nil
	}
	return report, errors.New(report.Reason())
}

// unhurried is a context that ends only when Now is closed. What else ends ctx it outlives.
func (r *run) unhurried(ctx context.Context) (context.Context, context.CancelFunc) {
	unhurried, hurry := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-r.Now:
			r.cancel(errInterrupted)
			hurry()
		case <-unhurried.Done():
		}
	}()
	return unhurried, hurry
}

// empty does the work. The error says what ended it early.
func (r *run) empty(ctx context.Context) (Outcome, error) {
	if !utf8.ValidString(r.Prefix) {
		return Stopped, errPrefix
	}
	p, err := r.protection(ctx)
	if err != nil {
		return r.ending(err)
	}
	if p.MFADelete {
		first, err := r.fetch(ctx, Position{})
		if err != nil {
			return r.ending(err)
		}
		if len(first.Versions) > 0 {
			return NeedsMFA, nil
		}
	}
	r.locked = p.ObjectLock
	r.bypass = r.BypassGovernance && p.ObjectLock
	for pass := 1; ; pass++ {
		if err := r.makePass(ctx); err != nil {
			return r.ending(err)
		}
		switch {
		case r.leftovers.any():
			return LeftOver, nil
		case r.versions.now.met+r.uploads.now.met == 0:
			return Emptied, nil
		case pass == mostPasses:
			return r.unending(), nil
		case r.versions.now.returned() || r.uploads.now.returned():
			if err := timeleft.Wait(ctx, pauseBefore(min(pass, longestWait))); err != nil {
				return r.ending(err)
			}
		}
	}
}

// pass aborts the uploads and sweeps the bucket once. One that meets nothing proves the bucket empty, because it lists
// uploads as well as versions after the last abort and the last deletion.
func (r *run) makePass(ctx context.Context) error {
	r.versions.begin()
	r.uploads.begin()
	defer r.recount()
	if err := r.abortUploads(ctx); err != nil {
		return err
	}
	s := r.newPass()
	r.current.Store(s)
	return s.do(ctx)
}

// recount takes back what earlier passes counted as deleted, and this one met: it counts again what it deletes.
func (r *run) recount() {
	r.count.deleted.Add(-r.versions.now.back())
	r.count.uploads.Add(-r.uploads.now.back())
}

// unending tells why the last pass still met something: what S3 keeps listing after its deletion, and what is new.
func (r *run) unending() Outcome {
	r.recount() // it was told to be deleted once more, as before
	fresh := false
	for _, m := range []struct {
		encounter
		uploads bool
	}{{r.versions.now, false}, {r.uploads.now, true}} {
		back := m.back()
		fresh = fresh || m.met > back
		if back > 0 {
			r.leftovers.addReturned(m.example, back, m.uploads)
		}
	}
	if fresh {
		return Refilled
	}
	return LeftOver
}

// ending tells what an early end means.
func (r *run) ending(err error) (Outcome, error) {
	k, _ := kindOf(err)
	switch {
	case k == bucketGone:
		return Emptied, nil
	case errors.Is(err, errDeadline):
		return OutOfTime, nil
	case errors.Is(err, errInterrupted):
		return Interrupted, err
	}
	return Stopped, err
}

// fetch lists one page, trying again what can succeed.
func (r *run) fetch(ctx context.Context, after Position) (page Page, err error) {
	err = r.persist(ctx, ctx, func(ctx context.Context) error {
		r.count.lists.Add(1)
		page, err = r.Store.List(ctx, r.Prefix, after)
		return err
	})
	return page, err
}

// protection asks how the bucket is protected.
func (r *run) protection(ctx context.Context) (p Protection, err error) {
	err = r.persist(ctx, ctx, func(ctx context.Context) error {
		p, err = r.Store.Protection(ctx)
		return err
	})
	return p, err
}

// persist makes a call until it succeeds, fails for good, or has had its tries. ctx ends the tries, and calls is the
// context of each: the same, or one that lets a call under way end.
func (r *run) persist(ctx, calls context.Context, call func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		err := r.once(calls, call)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k, _ := kindOf(err)
		most := tries
		if k == throttled {
			most = throttledTries
		}
		if k != transient && k != throttled && k != cancelled || attempt >= most {
			return err
		}
		if err := timeleft.Wait(ctx, pauseBefore(attempt)); err != nil {
			return err
		}
	}
}

// survive does a goroutine's work. A panic there would end the process, and nobody would hear what became of the bucket:
// it ends the run instead.
func (r *run) survive(work func()) {
	defer func() {
		if p := recover(); p != nil {
			debug.PrintStack()
			r.cancel(fmt.Errorf("a defect in the emptying: %v", p))
		}
	}()
	work()
}

// once makes a call with a time-out.
func (r *run) once(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}
