package survey

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/pace"
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

// Pacer makes calls within a limit that adapts to throttling, and makes throttled calls again. It is safe for concurrent use.
type Pacer struct{ *pace.Limiter }

// NewPacer returns a pacer with a highest limit.
func NewPacer(most int) *Pacer { return &Pacer{pace.New(most)} }

// Do makes a call as soon as the limit lets it. A call that AWS throttles is made again after a pause, in which it does not count.
func (p *Pacer) Do(ctx context.Context, call func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		if err := p.Enter(ctx); err != nil {
			return err
		}
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, callTimeout)
		err := call(limited)
		cancel()
		throttled := errorcode.Throttled(err)
		p.Note(began, throttled)
		p.Leave()
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

// Retryer returns the SDK's standard retryer, which leaves throttled calls to the [Pacer].
func Retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if errorcode.Throttled(err) {
				return aws.FalseTernary
			}
			return aws.UnknownTernary
		})}, o.Retryables...)
	})
}
