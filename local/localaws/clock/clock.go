// Package clock is the clock of the local AWS: the real clock, or one whose timers fire when it is advanced.
//
// It imports only the standard library, so that all services of the local AWS may import it.
package clock

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Clock returns the time and runs functions later. Any number of goroutines may use it at the same time.
type Clock struct {
	stepped bool
	// began is when a stepped clock was made.
	began time.Time

	mu       sync.Mutex
	advanced time.Duration
	timers   []*timer
}

// timer is one waiting function of a stepped clock.
type timer struct {
	due time.Duration
	run func()
}

// Real returns the real clock.
func Real() *Clock { return &Clock{} }

// Stepped returns a clock that runs with the real one, so that it can measure latencies, but whose timers fire only
// when [Clock.Advance] moves past them. A test never waits for it.
func Stepped() *Clock { return &Clock{stepped: true, began: time.Now()} }

// Now returns the time in UTC: the real time plus the sum of all advances.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.advanced).UTC()
}

// Advanced returns by how much the clock is ahead of the real one.
func (c *Clock) Advanced() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.advanced
}

// Standing returns the time in UTC at which a stepped clock stands between two advances, which is the time of its timers; of a real
// clock, Now. What happens at the time of a timer is compared with it: real time that passes meanwhile has no effect.
func (c *Clock) Standing() time.Time {
	if !c.stepped {
		return c.Now()
	}
	return c.began.Add(c.Advanced()).UTC()
}

// AfterFunc runs f once, d from now; at once, in a new goroutine, if d is not positive. The returned function cancels
// it if it has not begun, and otherwise has no effect.
func (c *Clock) AfterFunc(d time.Duration, f func()) (stop func()) {
	if !c.stepped || d <= 0 {
		t := time.AfterFunc(d, f)
		return func() { t.Stop() }
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{due: c.advanced + d, run: f}
	at, _ := slices.BinarySearchFunc(c.timers, t.due+1, func(t *timer, due time.Duration) int { return cmp.Compare(t.due, due) })
	c.timers = slices.Insert(c.timers, at, t)
	return func() { c.remove(t) }
}

// Advance moves a stepped clock by d and runs, in order and on the caller's goroutine, all functions that are due,
// including those added meanwhile. On a real clock it only moves [Clock.Now].
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	until := c.advanced + d
	c.mu.Unlock()
	for next := c.next(until); next != nil; next = c.next(until) {
		next.run()
	}
}

// next removes the first timer that is due by until and moves the clock to it. If there is none, it moves the clock
// to until and returns nil.
func (c *Clock) next(until time.Duration) *timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].due > until {
		c.advanced = max(c.advanced, until)
		return nil
	}
	first := c.timers[0]
	c.timers = c.timers[1:]
	c.advanced = max(c.advanced, first.due)
	return first
}

func (c *Clock) remove(t *timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers = slices.DeleteFunc(c.timers, func(other *timer) bool { return other == t })
}
