// Package emptying empties an S3 bucket and reports what is left.
//
// [Run] aborts unfinished uploads, deletes all versions and delete markers, and then lists both again: it returns
// [Emptied] only if both listings are empty. Otherwise the [Report] groups what is left by cause.
//
//	Run            emptying.go   makes passes until one finds nothing; uploads.go aborts the uploads first
//	 |
//	pass           pass.go       lists the bucket once and deletes what it lists; memory.go recognises what
//	 |                           an earlier pass had already deleted
//	16 listers     pass.go       each fetches the next page of a span, a range of keys
//	 |  ^--spans-- ranges.go     splits spans so that all listers have work; keyspace.go guesses where
//	 v versions
//	prefixQueues   queue.go      one for each prefix that has its own rate limit; the memory is bounded, so
//	 |                           the listers wait if it is full; pace.go has the rate of each queue
//	 v batches
//	32 deleters    deleters.go   send each batch; what fails is queued again or counted as left over
//	 |
//	 v
//	Report         report.go     counts, progress, and what is left
//
// The package reaches S3 only through the interface [Store] (store.go), which internal/aws/s3versions implements.
package emptying

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"example.com/s3-endpoint-guard/internal/timeleft"
)

// Memory is the memory limit, in bytes, for a process that only calls [Run] (see runtime/debug.SetMemoryLimit). The
// memory that a run needs is bounded for buckets of all sizes, and is less than half of this limit.
const Memory = 72 << 20

// Options say what to empty, and how.
type Options struct {
	// Store holds the bucket.
	Store Store
	// Bucket is its name, for reports only.
	Bucket string
	// Prefix limits the run to keys that begin with it; "" means the whole bucket. Uploads of other keys are listed too
	// but not aborted: not all S3-compatible stores list uploads by prefix as AWS does (docs/facts.md: S3).
	Prefix string
	// BypassGovernance deletes versions under governance retention too. It has no effect on compliance retention and
	// legal holds.
	BypassGovernance bool
	// Deadline ends the work early, with a report of how far it came; zero means no deadline. Deletions in flight then
	// have 5 s to end, because S3 may carry out a call that is cancelled, and its deletions would not be counted. They
	// have the same 5 s when the context of Run ends.
	Deadline time.Time
	// Now, when closed, ends the run at once: without the 5 s, and without reading why something is left. It is for the
	// second Ctrl-C. nil means never.
	Now <-chan struct{}
	// Progress is called with the progress every ProgressEvery (0 means 10 s), always from the same goroutine; nil means
	// no calls.
	Progress      func(Progress)
	ProgressEvery time.Duration
	// Before is how far earlier runs on the same bucket came; see [Report.Continuation].
	Before Continuation
}

// Continuation is what one run passes on to the next. It is small, because a run finds out by listing what is left to
// do.
type Continuation struct {
	// Began is when the first run began.
	Began time.Time
	// Runs is how many runs there were, Deleted how many versions they deleted.
	Runs    int
	Deleted int64
}

// Progress is how far the work is.
type Progress struct {
	// Deleted counts versions and delete markers, including those of earlier runs.
	Deleted int64
	// Remaining estimates how many are left; -1 if there is no estimate.
	Remaining int64
	// Rate is how many versions per second were deleted since the previous report.
	Rate float64
	// Elapsed is the time since the first run began.
	Elapsed time.Duration
}

const (
	// callTimeout bounds one call; a call that takes longer is cancelled and tried again.
	callTimeout = 30 * time.Second
	// grace is how long deletions in flight may continue after the deadline, or after the end of Run's context.
	grace = 5 * time.Second
	// mostPasses is the most passes of one run.
	mostPasses = 8
	// longestWait bounds the pause before the next pass, counted in failed tries (see pauseBefore), if a pass met
	// versions that had been deleted: a listing may lag.
	longestWait = 4
	// defaultProgressEvery is the default of Options.ProgressEvery.
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
	// deleting is the context of the calls that delete: it ends after the run's context, by the grace.
	deleting  context.Context
	bypass    bool
	began     time.Time
	cancel    context.CancelCauseFunc // ends the run early
	leftovers leftovers
	current   atomic.Pointer[pass]
	locked    bool // the bucket has Object Lock
	// versions and uploads remember what the passes met. The pass's mutex guards versions.
	versions, uploads memory
	count             struct {
		deleted, uploads                 atomic.Int64
		lists, batches, singles, refused atomic.Int64
	}
}

// Run empties the bucket.
//
// The error is nil if and only if the bucket was proven empty; otherwise its text is [Report.Reason]. Run deletes only
// versions, delete markers and unfinished uploads of this bucket.
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

// unhurried returns a context that ends only when Now is closed, not when ctx ends.
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

// empty does the work. The error is what ended it early.
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

// makePass aborts the uploads and makes one pass. A pass that meets nothing proves the bucket empty, because it lists
// uploads and versions after the last abort and the last deletion.
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

// recount subtracts from the counters what earlier passes counted as deleted and this pass met again: this pass counts
// it once more when it deletes it.
func (r *run) recount() {
	r.count.deleted.Add(-r.versions.now.back())
	r.count.uploads.Add(-r.uploads.now.back())
}

// unending returns the outcome if the last pass still met something: versions that S3 lists after their deletion, or new
// ones.
func (r *run) unending() Outcome {
	r.recount() // the last pass has counted them as deleted once more
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

// ending returns the outcome for the error that ended the work early.
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

// fetch lists one page and retries errors that can pass.
func (r *run) fetch(ctx context.Context, after Position) (page Page, err error) {
	err = r.persist(ctx, ctx, func(ctx context.Context) error {
		r.count.lists.Add(1)
		page, err = r.Store.List(ctx, r.Prefix, after)
		return err
	})
	return page, err
}

// protection reads how the bucket is protected.
func (r *run) protection(ctx context.Context) (p Protection, err error) {
	err = r.persist(ctx, ctx, func(ctx context.Context) error {
		p, err = r.Store.Protection(ctx)
		return err
	})
	return p, err
}

// persist makes a call until it succeeds, fails permanently, or has used up its tries. ctx ends the tries; calls is the
// context of each call: the same one, or one that lets a call in flight end.
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

// survive runs the work of a goroutine. A panic there would end the process without a report about the bucket: survive
// recovers from it and ends the run instead.
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
