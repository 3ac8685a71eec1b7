package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/internal/timeleft"
)

// Pauses between read-backs, which grow from the first to the longest, and how many read-backs may show the state
// from before the write until it is written again. S3's bucket configuration is eventually consistent: one read that
// disagrees right after a write proves nothing. FACTS: S3
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
	staleReads   = 4
)

// Why a correction failed.
var (
	// errDrifting: it ran out of time.
	errDrifting = errors.New("read back, it is not as desired")
	// errUnread: the write succeeded and reading is denied after it. Where the state was the bucket's policy, it is not the
	// replaced one that denies it.
	errUnread = errors.New("written without knowing what was live, and reading it back is denied as well")
)

// correction is the work on one resource: write what drifted, read it back, and again while it still differs.
type correction struct {
	*run
	resource Resource
	pause    time.Duration
	// overruling is true while CloudFormation is at work on the stack, and has had its time.
	overruling bool
	// left is what is left to CloudFormation for the rest of the run.
	left []Finding
	// accounts has one account for each property that drifted, in the order in which they were found.
	accounts []*account
}

// account is what became of one property so far.
type account struct {
	record Record
	// live is the state that the latest write was to replace.
	live string
	// refusal is why the latest write failed; nil when it succeeded.
	refusal error
	// written is true once a write succeeded.
	written bool
	// closed is true once the record is complete: verified, or failed for good.
	closed bool
}

// correct restores a resource's drifted properties, most important first, and proves it by reading the resource back.
// A property that cannot be written keeps none of the others from being written.
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

// keepTruce asks for the stack's status anew before something is written once more, for a deployment may have begun
// since the run did, and its changes look like drift. It closes the accounts of what is left to CloudFormation and
// returns the rest.
func (c *correction) keepTruce(ctx context.Context, drifted []Finding) []Finding {
	standing, err := c.askStack(ctx)()
	if err != nil {
		return drifted
	}
	c.overruling = standing.Busy
	left, due := c.truce(standing, drifted)
	c.left = append(c.left, left...)
	for _, f := range left {
		a := c.account(f)
		a.record.Outcome, a.record.Stack, a.closed = StandingDown, standing.Status, true
		a.record.ElapsedMs = c.guard.Now().Sub(c.began).Milliseconds()
	}
	return due
}

// write restores each drifted property once and reports whether any account is open after that. A write that can never
// succeed closes its account. After any other failure the read-back decides: somebody may have changed the property
// between the run's read and its write.
func (c *correction) write(ctx context.Context, drifted []Finding) bool {
	open := false
	for _, f := range drifted {
		a := c.account(f)
		a.live, a.refusal = f.Live, nil
		a.record.Attempts++
		a.record.Overruled = a.record.Overruled || c.overruling
		if err := c.resource.Restore(ctx, f); err != nil {
			a.refusal = fmt.Errorf("restoring %s: %w", f.Property, err)
		}
		a.written = a.written || a.refusal == nil
		if errors.Is(a.refusal, ErrLockout) {
			c.settle(a, a.refusal)
			continue
		}
		open = true
	}
	return open
}

// readBack inspects the resource until what was written is as desired, and closes those accounts. It returns what
// has to be written again: what still shows the old state after several reads, or a new one. What may still not be
// read after a write is not written a second time.
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
			return c.readable(drifted), nil
		}
	}
}

// verify closes the accounts of properties that are as desired, or whose write failed and would fail again, and
// returns the findings of all others that drifted, but for what is left to CloudFormation.
func (c *correction) verify(findings []Finding) []Finding {
	var drifted []Finding
	for _, f := range findings {
		a := c.find(f.Property)
		switch {
		case f.Verdict == iampolicy.Same:
			if a != nil && !a.closed {
				c.settle(a, nil)
			}
		case slices.ContainsFunc(c.left, f.isOfProperty):
		case a == nil:
			drifted = append(drifted, f)
		case a.refusal != nil && a.live == f.Live:
			c.settle(a, a.refusal)
		case a.record.failure == nil:
			drifted = append(drifted, f)
		}
	}
	return drifted
}

// readable closes the accounts of what was written without a before-image and may not be read back either, and
// returns the other findings. The guard remembers those writes: see [memory].
func (c *correction) readable(drifted []Finding) []Finding {
	var rest []Finding
	for _, f := range drifted {
		a := c.find(f.Property)
		if f.Unread == nil || a == nil || !a.written || a.live != f.Live {
			rest = append(rest, f)
			continue
		}
		c.guard.memory.wroteUnread(f.Property, c.guard.Now())
		c.settle(a, fmt.Errorf("%w: %w", errUnread, f.Unread))
	}
	return rest
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
	err := timeleft.Wait(ctx, c.pause)
	c.pause = min(2*c.pause, longestPause)
	if err != nil {
		return fmt.Errorf("verifying %s: %w: %w", c.resource.Name(), errDrifting, err)
	}
	return nil
}

// account finds the property's account, or opens it. A property that was verified and drifts again goes on with the
// account it has, which tells of the first drift, or of the first that is open: who opens a door while the guard takes
// back something harmless must not pass for harmless.
func (c *correction) account(f Finding) *account {
	a := c.find(f.Property)
	if a == nil {
		a = &account{record: c.record(f)}
		c.accounts = append(c.accounts, a)
	}
	if f.Verdict == iampolicy.Open && a.record.Verdict != iampolicy.Open {
		attempts, overruled := a.record.Attempts, a.record.Overruled
		a.record = c.record(f)
		a.record.Attempts, a.record.Overruled = attempts, overruled
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

// settle closes an account: verified when err is nil, failed otherwise. What is as desired although no write of ours
// succeeded was put right by somebody else.
func (c *correction) settle(a *account, err error) {
	a.record, a.closed = c.complete(a.record, err), true
	if err == nil && !a.written {
		a.record.Outcome = Ended
	}
}

// abandon closes every open account: with its own write's failure, or else with the error that ended the work.
func (c *correction) abandon(err error) {
	for _, a := range c.accounts {
		if !a.closed {
			c.settle(a, cmp.Or(a.refusal, err))
		}
	}
}
