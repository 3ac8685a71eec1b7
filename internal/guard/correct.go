package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// The pauses between read-backs double from firstPause to longestPause. The state is written again only after staleReads
// read-backs that show the state from before the write: S3's bucket configuration is eventually consistent, so one such
// read proves nothing (docs/facts.md: S3).
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
	staleReads   = 4
)

// Why a correction failed.
var (
	// errDrifting: the time ended first.
	errDrifting = errors.New("read back, it is not as desired")
	// errUnread: the write succeeded, but reading is denied after it. If the property is the bucket policy, it is not the
	// replaced policy that denies the read.
	errUnread = errors.New("written without knowing what was live, and reading it back is denied as well")
)

// correction is the work on one resource: write the properties that drifted, read them back, and repeat while they differ.
type correction struct {
	*run
	member   Member
	resource Resource
	pauses   timeleft.Backoff
	// overruling is true if CloudFormation is still changing the stack but its truce has ended.
	overruling bool
	// left are the findings that are left to CloudFormation for the rest of the run.
	left []Finding
	// restorations has one entry for each property that drifted, in the order in which they were found.
	restorations []*restoration
}

// restoration is the progress of the correction of one property.
type restoration struct {
	record Record
	// live is the state that the latest write replaces.
	live string
	// refusal is why the latest write failed; nil when it succeeded.
	refusal error
	// written is true once a write succeeded.
	written bool
	// done is true once the record is complete: verified, or failed for good.
	done bool
}

// handle leaves a resource's drift as it is, or corrects it: see the package comment.
func (c *correction) handle(ctx context.Context, drifted []Finding) []Record {
	if c.guard.Observe {
		if own, _ := c.stack(); own.Busy {
			return c.stoodDown(own, drifted)
		}
		return c.untouched(c.member, Observed, drifted)
	}
	if pause := c.paused(ctx, c.member); pause != nil {
		records := c.untouched(c.member, StandingDown, drifted)
		for i := range records {
			records[i].Paused = pause
		}
		return records
	}
	standing := c.standing(ctx, c.member)
	left, due := c.truce(standing, drifted)
	c.overruling, c.left = standing.Busy, left
	resting, due := c.resting(c.member, due)
	unkept, due := c.keepImage(ctx, c.member, due)
	return slices.Concat(c.stoodDown(standing, left), resting, unkept, c.correct(ctx, due))
}

// stoodDown returns the records of findings that are left to CloudFormation.
func (c *correction) stoodDown(standing StackState, left []Finding) []Record {
	records := c.untouched(c.member, StandingDown, left)
	for i := range records {
		records[i].Owner = ownerOf(standing)
	}
	return records
}

// correct restores a resource's drifted properties, the most important first, and reads the resource back to prove it.
// If one property cannot be written, the others are still written.
func (c *correction) correct(ctx context.Context, drifted []Finding) []Record {
	for round := 1; len(drifted) > 0; round++ {
		if round > 1 {
			drifted = c.keepTruce(ctx, drifted)
		}
		if !c.write(ctx, drifted) {
			break
		}
		live, err := c.readBack(ctx)
		if err != nil {
			c.finishRest(err)
			break
		}
		drifted = live
	}
	c.finishRest(errDrifting)
	var records []Record
	for _, a := range c.restorations {
		records = append(records, a.record)
	}
	return records
}

// keepTruce reads the stack's status again before a second write, because a deployment that began during the run looks
// like drift. It finishes the restorations that are left to CloudFormation and returns the other findings.
func (c *correction) keepTruce(ctx context.Context, drifted []Finding) []Finding {
	standing, err := c.standingNow(ctx, c.member)
	if err != nil {
		return drifted
	}
	c.overruling = standing.Busy
	left, due := c.truce(standing, drifted)
	c.left = append(c.left, left...)
	for _, f := range left {
		a := c.restorationOf(f)
		a.record.Outcome, a.record.Owner, a.done = StandingDown, ownerOf(standing), true
		if standing.ID == "" {
			a.record.Stack = standing.Status
		}
		a.record.ElapsedMs = c.guard.Now().Sub(c.began).Milliseconds()
	}
	return due
}

// write restores each drifted property once and reports whether a restoration is unfinished after that. A write that can
// never succeed finishes its restoration. After other failures the read-back decides, because another caller may have
// changed the property between the run's read and its write.
func (c *correction) write(ctx context.Context, drifted []Finding) bool {
	open := false
	for _, f := range drifted {
		a := c.restorationOf(f)
		a.live, a.refusal = f.Live, nil
		a.record.Attempts++
		a.record.Overruled = a.record.Overruled || c.overruling
		if err := c.resource.Restore(ctx, f); err != nil {
			a.refusal = fmt.Errorf("restoring %s: %w", f.Property, err)
		}
		a.written = a.written || a.refusal == nil
		if errors.Is(a.refusal, ErrLockout) {
			c.finish(a, a.refusal)
			continue
		}
		open = true
	}
	return open
}

// readBack inspects the resource until the written properties are as desired, and finishes their restorations. It returns
// the findings that have to be written again: they still show the old state after several reads, or show a new one. A
// property that still cannot be read after a write is not written a second time.
func (c *correction) readBack(ctx context.Context) ([]Finding, error) {
	for reads := 1; ; reads++ {
		findings, err := c.resource.Inspect(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading %s back: %w", c.resource.Name(), err)
		}
		drifted := c.verify(findings)
		if len(drifted) == 0 {
			return nil, nil
		}
		if err := c.pauseBeforeRead(ctx); err != nil {
			for _, f := range drifted {
				c.restorationOf(f) // also of a property that drifted during the correction: it is reported as not corrected
			}
			return nil, err
		}
		if reads >= staleReads || c.changed(drifted) {
			return c.readable(drifted), nil
		}
	}
}

// verify finishes the restorations of properties that are as desired, and of those whose write failed and would fail
// again. It returns the other findings that drifted, without those that are left to CloudFormation.
func (c *correction) verify(findings []Finding) []Finding {
	var drifted []Finding
	for _, f := range findings {
		a := c.find(f.Property)
		switch {
		case f.Verdict == iampolicy.Same:
			if a != nil && !a.done {
				c.finish(a, nil)
			}
		case slices.ContainsFunc(c.left, f.isOfProperty):
		case a == nil:
			drifted = append(drifted, f)
		case a.refusal != nil && a.live == f.Live:
			c.finish(a, a.refusal)
		case a.record.failure == nil:
			drifted = append(drifted, f)
		}
	}
	return drifted
}

// readable finishes the restorations of properties that were written without a before-image and cannot be read back
// either, and returns the other findings. The guard remembers those writes: see [memory].
func (c *correction) readable(drifted []Finding) []Finding {
	var rest []Finding
	for _, f := range drifted {
		a := c.find(f.Property)
		if f.Unread == nil || a == nil || !a.written || a.live != f.Live {
			rest = append(rest, f)
			continue
		}
		c.guard.memory.wroteUnread(f.Key(), c.guard.Now())
		c.finish(a, fmt.Errorf("%w: %w", errUnread, f.Unread))
	}
	return rest
}

// changed reports whether a property shows another state than the one that the write replaced: new drift, not a stale read.
func (c *correction) changed(drifted []Finding) bool {
	for _, f := range drifted {
		if a := c.find(f.Property); a == nil || a.live != f.Live {
			return true
		}
	}
	return false
}

// pauseBeforeRead waits before the next read.
func (c *correction) pauseBeforeRead(ctx context.Context) error {
	if err := c.pauses.Wait(ctx); err != nil {
		return fmt.Errorf("verifying %s: %w: %w", c.resource.Name(), errDrifting, err)
	}
	return nil
}

// restorationOf finds the property's restoration, or begins it. A property that was verified and drifts again continues its
// restoration, whose record describes the first drift, or the first open drift: an open change that is made while the guard
// reverts a harmless one must be recorded as open.
func (c *correction) restorationOf(f Finding) *restoration {
	a := c.find(f.Property)
	if a == nil {
		a = &restoration{record: c.record(c.member, f)}
		c.restorations = append(c.restorations, a)
	}
	if f.Verdict == iampolicy.Open && a.record.Verdict != iampolicy.Open {
		attempts, overruled := a.record.Attempts, a.record.Overruled
		a.record = c.record(c.member, f)
		a.record.Attempts, a.record.Overruled = attempts, overruled
	}
	a.done = false
	return a
}

func (c *correction) find(property string) *restoration {
	for _, a := range c.restorations {
		if a.record.Resource == property {
			return a
		}
	}
	return nil
}

// finish completes a restoration: verified if err is nil, otherwise failed. A property that is as desired without a
// successful write of this run was corrected by another caller.
func (c *correction) finish(a *restoration, err error) {
	a.record, a.done = c.complete(a.record, err), true
	if err == nil && !a.written {
		a.record.Outcome = Ended
	}
}

// finishRest completes the unfinished restorations, with the failure of their own write or else with the error that ended
// the work.
func (c *correction) finishRest(err error) {
	for _, a := range c.restorations {
		if !a.done {
			c.finish(a, cmp.Or(a.refusal, err))
		}
	}
}
