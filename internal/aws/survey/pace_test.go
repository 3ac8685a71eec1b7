package survey_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/survey"
)

var (
	errSlowDown = &smithy.GenericAPIError{Code: "SlowDown"}
	errOther    = errors.New("other")
)

func TestThePacerHalvesItsLimitOncePerBurstAndGrowsAgain(t *testing.T) {
	p := survey.NewPacer(8)
	var calls atomic.Int64
	var burst, done sync.WaitGroup
	burst.Add(8)
	for range 8 {
		done.Go(func() {
			throttled := false
			if err := p.Do(t.Context(), func(context.Context) error {
				calls.Add(1)
				if throttled {
					return nil
				}
				throttled = true
				burst.Done()
				burst.Wait() // all eight are under way
				return errSlowDown
			}); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if calls.Load() != 16 || p.Limit() < 4 || p.Limit() > 5 {
		t.Errorf("%d calls, limit %d; want each call twice, and 4, or 5 after the eight successes", calls.Load(), p.Limit())
	}
	for range 4 * 8 * 8 {
		if err := p.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if p.Limit() != 8 {
		t.Errorf("the limit is %d after many successes, want 8 again", p.Limit())
	}
}

func TestThePacerLimitsTheCallsUnderWay(t *testing.T) {
	p := survey.NewPacer(3)
	var running, most atomic.Int64
	var done sync.WaitGroup
	for range 50 {
		done.Go(func() {
			_ = p.Do(t.Context(), func(context.Context) error {
				n := running.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				running.Add(-1)
				return errOther
			})
		})
	}
	done.Wait()
	if most.Load() > 3 {
		t.Errorf("%d calls at a time, want at most 3", most.Load())
	}
}

// A caller that gives up neither waits nor keeps its place.
func TestThePacerLetsWaitingCallersGiveUp(t *testing.T) {
	p := survey.NewPacer(1)
	entered, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- p.Do(t.Context(), func(context.Context) error { close(entered); <-release; return nil })
	}()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error, 1)
	go func() { waited <- p.Do(ctx, func(context.Context) error { return nil }) }()
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v, want context.Canceled", err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := p.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestFailuresNameThePermission(t *testing.T) {
	for says, err := range map[string]error{
		"the permission s3:GetBucketPolicy is missing":  &smithy.GenericAPIError{Code: "AccessDenied"},
		"the bucket's policy denies s3:GetBucketPolicy": &smithy.GenericAPIError{Code: "AccessDenied", Message: "with an explicit deny in a resource-based policy"},
		"s3:GetBucketPolicy: api error SlowDown: ":      errSlowDown,
	} {
		f := &survey.Failure{Permission: "s3:GetBucketPolicy", Err: err}
		if f.Error() != says || !errors.Is(f, err) {
			t.Errorf("%v is reported as %q, want %q", err, f.Error(), says)
		}
	}
}
