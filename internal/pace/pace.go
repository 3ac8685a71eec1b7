// Package pace limits how many calls are under way and adapts the limit to throttling: it is halved when AWS refuses a
// call because there were too many, and grows again with the calls that succeed.
//
// It imports the standard library only.
package pace

import (
	"context"
	"slices"
	"sync"
	"time"
)

// growth is how many times the limit's number of calls must succeed until the limit grows by one.
const growth = 4

// Limiter limits how many calls are under way. Create one with [New]. It is safe for concurrent use.
//
// A caller that waits for its turn costs a goroutine: who has many calls to make enters before it starts each of them.
type Limiter struct {
	most int

	mu      sync.Mutex
	limit   float64
	running int
	halved  time.Time
	// urgent and others are those who wait for their turn. The urgent ones come first.
	urgent, others []chan struct{}
}

// New returns a limiter whose limit begins at its maximum.
func New(most int) *Limiter { return &Limiter{most: most, limit: float64(most)} }

// Limit returns how many calls may be under way now.
func (l *Limiter) Limit() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.limit)
}

// Enter waits until a call may begin, or until ctx ends; it returns why ctx has ended then. After a nil error, Leave must follow.
func (l *Limiter) Enter(ctx context.Context) error { return l.enter(ctx, &l.others) }

// EnterFirst is [Limiter.Enter] for an urgent call: it comes before all calls that are not.
func (l *Limiter) EnterFirst(ctx context.Context) error { return l.enter(ctx, &l.urgent) }

func (l *Limiter) enter(ctx context.Context, queue *[]chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	turn := make(chan struct{})
	l.mu.Lock()
	*queue = append(*queue, turn)
	l.admit()
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(*queue, turn); i >= 0 {
		*queue = slices.Delete(*queue, i, i+1)
	} else { // it was its turn at the same time
		l.running--
		l.admit()
	}
	return ctx.Err()
}

// Leave says that a call that entered has ended.
func (l *Limiter) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.admit()
}

// Note adapts the limit to the outcome of a request that began at a time: one that AWS throttled, or any other one.
// Requests that were under way together halve the limit once.
func (l *Limiter) Note(began time.Time, throttled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !throttled:
		l.limit = min(float64(l.most), l.limit+1/(growth*l.limit))
		l.admit()
	case !began.Before(l.halved): // else it was under way when the limit was halved
		l.limit, l.halved = max(1, l.limit/2), time.Now()
	}
}

// admit lets in those who wait, the urgent ones first, each in their order.
func (l *Limiter) admit() {
	for _, queue := range []*[]chan struct{}{&l.urgent, &l.others} {
		for l.running < int(l.limit) && len(*queue) > 0 {
			close((*queue)[0])
			*queue = slices.Delete(*queue, 0, 1)
			l.running++
		}
	}
}
