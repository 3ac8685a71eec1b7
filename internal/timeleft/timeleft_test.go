package timeleft_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/timeleft"
)

// within runs f in synthetic time, with a context that ends after d; 0 means no deadline.
func within(t *testing.T, d time.Duration, f func(ctx context.Context)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		if d > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, d)
			defer cancel()
		}
		f(ctx)
	})
}

func TestShareLeavesTime(t *testing.T) {
	for name, c := range map[string]struct {
		left, want time.Duration
	}{
		"much time": {time.Hour, 10 * time.Second}, "little time": {20 * time.Second, 5 * time.Second}, "no deadline": {0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, c.left, func(ctx context.Context) {
				if got := timeleft.Share(ctx, 10*time.Second, 4); got != c.want {
					t.Errorf("Share = %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestEarlyEndsBefore(t *testing.T) {
	for name, c := range map[string]struct {
		left, want time.Duration
	}{
		"by the margin": {time.Minute, 50 * time.Second}, "by half of little time": {8 * time.Second, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, c.left, func(ctx context.Context) {
				early, cancel := timeleft.Early(ctx, 10*time.Second, 2)
				defer cancel()
				began := time.Now()
				<-early.Done()
				if got := time.Since(began); got != c.want || ctx.Err() != nil {
					t.Errorf("ended after %v, its parent's error is %v; want %v and nil", got, ctx.Err(), c.want)
				}
			})
		})
	}
	within(t, 0, func(ctx context.Context) {
		early, cancel := timeleft.Early(ctx, time.Second, 2)
		if _, ok := early.Deadline(); ok {
			t.Error("there is a deadline, want none where the parent has none")
		}
		if cancel(); early.Err() == nil {
			t.Error("the context has not ended after cancel")
		}
	})
}

func TestWaitSaysWhyTheContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := timeleft.Wait(t.Context(), time.Second); err != nil || time.Since(began) != time.Second {
			t.Errorf("Wait = %v after %v, want nil after 1s", err, time.Since(began))
		}
		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		began = time.Now()
		if err := timeleft.Wait(ctx, time.Hour); !errors.Is(err, why) || time.Since(began) != time.Second {
			t.Errorf("Wait = %v after %v, want %v after 1s", err, time.Since(began), why)
		}
	})
}

func TestBackoffDoublesItsPausesUpToTheLongest(t *testing.T) {
	within(t, 0, func(ctx context.Context) {
		b := timeleft.Backoff{First: time.Second, Longest: 5 * time.Second}
		for i, want := range []time.Duration{1, 2, 4, 5, 5} {
			began := time.Now()
			if err := b.Wait(ctx); err != nil || time.Since(began) != want*time.Second {
				t.Errorf("pause %d = %v, %v, want %v", i+1, time.Since(began), err, want*time.Second)
			}
		}
	})
	within(t, time.Second, func(ctx context.Context) {
		b := timeleft.Backoff{First: time.Minute, Longest: time.Minute}
		if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait = %v, want the end of the context", err)
		}
	})
}
