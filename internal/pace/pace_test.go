package pace_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/pace"
)

// callers start calls that last a second each, and return how long each waited for its turn.
func callers(t *testing.T, l *pace.Limiter, urgent []bool) []time.Duration {
	t.Helper()
	waited := make([]time.Duration, len(urgent))
	synctest.Test(t, func(t *testing.T) {
		began, done := time.Now(), make(chan struct{})
		for i, first := range urgent {
			enter := l.Enter
			if first {
				enter = l.EnterFirst
			}
			go func() {
				if err := enter(t.Context()); err != nil {
					t.Error(err)
				}
				waited[i] = time.Since(began)
				time.Sleep(time.Second)
				l.Leave()
				done <- struct{}{}
			}()
			synctest.Wait() // they come one after another
		}
		for range urgent {
			<-done
		}
	})
	return waited
}

func TestUrgentCallersComeFirstAndEachInTurn(t *testing.T) {
	got := callers(t, pace.New(2), []bool{false, false, false, false, true, true, true})
	want := []time.Duration{0, 0, 2 * time.Second, 3 * time.Second, time.Second, time.Second, 2 * time.Second}
	if !slices.Equal(got, want) {
		t.Errorf("they waited %v, want %v", got, want)
	}
}

func TestACallerThatGivesUpKeepsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pace.New(1)
		if err := l.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, enter := range []func(context.Context) error{l.Enter, l.EnterFirst} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Enter = %v, want that the time ended", err)
			}
			cancel()
		}
		l.Leave()
		if err := l.Enter(t.Context()); err != nil {
			t.Errorf("Enter = %v after those before gave up", err)
		}
	})
}

func TestTheLimitFallsOnceForThoseUnderWayAndGrowsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pace.New(16)
		began := time.Now()
		time.Sleep(time.Second)
		for range 16 {
			l.Note(began, true)
		}
		if l.Limit() != 8 {
			t.Errorf("the limit is %d after calls that were under way together, want 8", l.Limit())
		}
		for range 10 {
			time.Sleep(time.Second)
			l.Note(time.Now(), true)
		}
		if l.Limit() != 1 {
			t.Errorf("the limit is %d, want 1: it never falls to none", l.Limit())
		}
		successes := 0
		for ; l.Limit() < 16; successes++ {
			l.Note(time.Now(), false)
		}
		if successes < 400 || successes > 600 {
			t.Errorf("the limit is 16 again after %d successes, want about 500", successes)
		}
	})
}
