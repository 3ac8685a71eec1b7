package survey

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// Limits of a call.
const (
	// attempts is how often a throttled call is sent.
	attempts = 8
	// longestPause is the longest one before a throttled call is sent again.
	longestPause = 5 * time.Second
	// callTimeout limits an attempt, including the SDK's retries.
	callTimeout = time.Minute
)

// Pacer limits how many calls are under way. It halves the limit when AWS throttles, once for the calls that were under way
// together, and lets it grow again by one after about four times as many successful calls. It is safe for concurrent use.
type Pacer struct {
	most int

	mu      sync.Mutex
	limit   float64
	running int
	halved  time.Time
	waiting []chan struct{}
}

// NewPacer returns a pacer with a highest limit.
func NewPacer(most int) *Pacer { return &Pacer{most: most, limit: float64(most)} }

// Limit returns how many calls may be under way now.
func (p *Pacer) Limit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.limit)
}

// Do makes a call as soon as the limit lets it. A call that AWS throttles is made again after a pause, in which it does not count.
func (p *Pacer) Do(ctx context.Context, call func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		if err := p.enter(ctx); err != nil {
			return err
		}
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, callTimeout)
		err := call(limited)
		cancel()
		throttled := isThrottled(err)
		p.leave(began, time.Now(), throttled)
		if !throttled || attempt == attempts {
			return err
		}
		if err := timeleft.Wait(ctx, pauseBefore(attempt+1)); err != nil {
			return err
		}
	}
}

// pauseBefore returns the pause before an attempt: a random part of a time that doubles.
func pauseBefore(attempt int) time.Duration {
	return timeleft.Jitter(min(longestPause, 50*time.Millisecond<<attempt))
}

func (p *Pacer) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	if p.running < int(p.limit) && len(p.waiting) == 0 {
		p.running++
		p.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	p.waiting = append(p.waiting, turn)
	p.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, turn); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	} else { // it was its turn at the same time
		p.running--
		p.admit()
	}
	return ctx.Err()
}

func (p *Pacer) leave(began, now time.Time, throttled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	switch {
	case !throttled:
		p.limit = min(float64(p.most), p.limit+1/(4*p.limit))
	case began.After(p.halved): // else it was under way when the limit was halved
		p.limit, p.halved = max(1, p.limit/2), now
	}
	p.admit()
}

// admit lets calls in that wait, in their order.
func (p *Pacer) admit() {
	for p.running < int(p.limit) && len(p.waiting) > 0 {
		close(p.waiting[0])
		p.waiting = p.waiting[1:]
		p.running++
	}
}

// isThrottled reports whether AWS refused a call because there were too many.
func isThrottled(err error) bool {
	_, throttled := retry.DefaultThrottleErrorCodes[errorcode.Of(err)]
	return throttled
}

// Retryer returns the SDK's standard retryer, which leaves throttled calls to the [Pacer].
func Retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if isThrottled(err) {
				return aws.FalseTernary
			}
			return aws.UnknownTernary
		})}, o.Retryables...)
	})
}
