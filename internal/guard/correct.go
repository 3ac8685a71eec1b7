package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"s3-endpoint-guard/internal/iampolicy"
)

// Pauses between read-backs, which grow from the first to the longest, and how many read-backs may show the state
// from before the write until it is written again. S3's bucket configuration is eventually consistent: one read that
// disagrees right after a write proves nothing. FACTS: S3
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
	staleReads   = 4
)

// errDrifting is the reason of a correction that ran out of time.
var errDrifting = errors.New("read back, it is not as desired")

// correction is the work on one resource: write what drifted, read it back, and again while it still differs.
type correction struct {
	*run
	resource Resource
	pause    time.Duration
	// accounts has one account for each property that drifted, in the order in which they were found.
	accounts []*account
}

// account is what became of one property so far.
type account struct {
	record Record
	// live is the state that the latest write was to replace.
	live string
	// closed is true once the record is complete: verified, or failed for good.
	closed bool
}

// correct restores a resource's drifted properties, most important first, and proves it by reading the resource back.
// A property that cannot be written keeps none of the others from being written.
func (r *run) correct(ctx context.Context, resource Resource, drifted []Finding) []Record {
	c := &correction{run: r, resource: resource, pause: firstPause}
	for round := 1; len(drifted) > 0; round++ {
		if round > 1 && c.standsDown(ctx, drifted) || !c.write(ctx, drifted) {
			break
		}
		live, err := c.readBack(ctx)
		if err != nil {
			c.abandon(err)
			break
		}
		drifted = live
	}
	c.abandon(errDrifting)
	var records []Record
	for _, a := range c.accounts {
		records = append(records, a.record)
	}
	return records
}

// standsDown asks for the stack's status anew before something is written once more, for a deployment may have begun
// since the run did, and its changes look like drift. If so, it closes the accounts.
func (c *correction) standsDown(ctx context.Context, drifted []Finding) bool {
	standing, err := c.askStack(ctx)()
	if err != nil || !standing.Busy {
		return false
	}
	for _, f := range drifted {
		a := c.account(f)
		a.record.Outcome, a.record.Stack, a.closed = StandingDown, standing.Status, true
		a.record.ElapsedMs = c.guard.Now().Sub(c.began).Milliseconds()
	}
	return true
}

// write restores each drifted property once and reports whether any could be written. One that could not is closed.
func (c *correction) write(ctx context.Context, drifted []Finding) bool {
	written := false
	for _, f := range drifted {
		a := c.account(f)
		a.live = f.Live
		a.record.Attempts++
		if err := c.resource.Restore(ctx, f); err != nil {
			c.settle(a, fmt.Errorf("restoring %s: %w", f.Property, err))
			continue
		}
		written = true
	}
	return written
}

// readBack inspects the resource until what was written is as desired, and closes those accounts. It returns what
// has to be written again: what still shows the old state after several reads, or a new one.
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
		if err := c.rest(ctx); err != nil {
			return nil, err
		}
		if reads >= staleReads || c.changed(drifted) {
			return drifted, nil
		}
	}
}

// verify closes the accounts of properties that are as desired and returns the findings that are not, without those
// that could not be written.
func (c *correction) verify(findings []Finding) []Finding {
	var drifted []Finding
	for _, f := range findings {
		a := c.find(f.Property)
		switch {
		case f.Verdict != iampolicy.Same && (a == nil || a.record.failure == nil):
			drifted = append(drifted, f)
		case f.Verdict == iampolicy.Same && a != nil && !a.closed:
			c.settle(a, nil)
		}
	}
	return drifted
}

// changed is whether some property shows another state than the one that was to be replaced: not a stale read, but
// drift anew.
func (c *correction) changed(drifted []Finding) bool {
	for _, f := range drifted {
		if a := c.find(f.Property); a == nil || a.live != f.Live {
			return true
		}
	}
	return false
}

// rest waits before the next read, each time longer.
func (c *correction) rest(ctx context.Context) error {
	timer := time.NewTimer(c.pause)
	defer timer.Stop()
	c.pause = min(2*c.pause, longestPause)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("verifying %s: %w: %w", c.resource.Name(), errDrifting, context.Cause(ctx))
	}
}

// account finds the property's account, or opens it. A property that was verified and drifts again goes on with the
// account it has.
func (c *correction) account(f Finding) *account {
	a := c.find(f.Property)
	if a == nil {
		a = &account{record: c.record(f)}
		c.accounts = append(c.accounts, a)
	}
	a.closed = false
	return a
}

func (c *correction) find(property string) *account {
	for _, a := range c.accounts {
		if a.record.Resource == property {
			return a
		}
	}
	return nil
}

// settle closes an account: verified when err is nil, failed otherwise.
func (c *correction) settle(a *account, err error) {
	a.record, a.closed = c.complete(a.record, err), true
}

// abandon closes every open account with the error that ended the work.
func (c *correction) abandon(err error) {
	for _, a := range c.accounts {
		if !a.closed {
			c.settle(a, err)
		}
	}
}
