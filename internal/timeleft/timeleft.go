// Package timeleft waits and plans within the time that a context has left. It imports the standard library only.
package timeleft

import (
	"context"
	"math/rand/v2"
	"time"
)

// Share returns d, or the time that ctx has left divided by part if that is less, so that time remains for later work.
func Share(ctx context.Context, d time.Duration, part int) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return d
	}
	return min(d, time.Until(deadline)/time.Duration(part))
}

// Early returns a context that ends before ctx does, by the [Share] of the margin. Without a deadline it ends with ctx.
func Early(ctx context.Context, margin time.Duration, part int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-Share(ctx, margin, part)))
}

// Wait waits for d, or until ctx ends. It returns why ctx has ended, nil if it has not.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}

// Jitter returns a random duration between half of d and d. It is the pause before a retry, so that callers that failed
// at the same time do not retry at the same time. d must be at least 2 ns.
func Jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2) }

// Backoff makes pauses that double: the first is First, and none is longer than Longest.
type Backoff struct {
	First, Longest time.Duration
	previous       time.Duration
}

// Wait waits for the next pause, or until ctx ends. It returns why ctx has ended, nil if it has not.
func (b *Backoff) Wait(ctx context.Context) error {
	b.previous = min(max(b.First, 2*b.previous), b.Longest)
	return Wait(ctx, b.previous)
}
