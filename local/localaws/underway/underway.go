// Package underway counts the unfinished work of the local AWS, so that a test can wait without sleeping until it is
// idle.
package underway

import (
	"context"
	"sync"
)

// Count is the number of unfinished pieces of work. The zero value is ready; any number of goroutines may use it at
// the same time. All services share one count, so that work which one passes to the next is never missed: the next
// piece begins before the previous one ends.
type Count struct {
	mu   sync.Mutex
	n    int
	rest chan struct{}
}

// Begin adds one piece of work. The returned function ends it, and must be called exactly once.
func (c *Count) Begin() (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.end
}

func (c *Count) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	if c.n == 0 && c.rest != nil {
		close(c.rest)
		c.rest = nil
	}
}

// Wait returns when there is no unfinished work, or with the context's error.
func (c *Count) Wait(ctx context.Context) error {
	for {
		rest := c.resting()
		if rest == nil {
			return nil
		}
		select {
		case <-rest:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Resting returns a channel that closes when there is no unfinished work, which may be at once.
func (c *Count) Resting() <-chan struct{} {
	if rest := c.resting(); rest != nil {
		return rest
	}
	rest := make(chan struct{})
	close(rest)
	return rest
}

// resting returns a channel that closes when the work ends, or nil if there is none now.
func (c *Count) resting() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == 0 {
		return nil
	}
	if c.rest == nil {
		c.rest = make(chan struct{})
	}
	return c.rest
}
