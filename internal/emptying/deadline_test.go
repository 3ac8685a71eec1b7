package emptying_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// slow is a bucket that deletes at once but answers late.
type slow struct {
	*largeBucket
	answers time.Duration
}

func (s slow) DeleteBatch(ctx context.Context, versions []emptying.Version, bypass bool) ([]emptying.Failure, error) {
	failures, err := s.largeBucket.DeleteBatch(ctx, versions, bypass)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(s.answers):
		return failures, err
	}
}

// page is how long a list request in flight takes: largeBucket does not watch its context.
const page = 30 * time.Millisecond

// The report must count all deletions, after Ctrl-C as well as after the deadline.
func TestDeletionsUnderWayHaveTimeToEnd(t *testing.T) {
	const never = time.Hour
	for name, c := range map[string]struct {
		answers, interrupt, now time.Duration
		outcome                 emptying.Outcome
		counted                 bool
		took                    time.Duration
	}{
		"the deadline":                 {3 * time.Second, never, never, emptying.OutOfTime, true, 13*time.Second + page},
		"later than the grace":         {25 * time.Second, never, never, emptying.OutOfTime, false, 15*time.Second + page},
		"interrupted":                  {3 * time.Second, 8 * time.Second, never, emptying.Interrupted, true, 11*time.Second + page},
		"interrupted, and late":        {25 * time.Second, 8 * time.Second, never, emptying.Interrupted, false, 13*time.Second + page},
		"interrupted in the grace":     {25 * time.Second, 11 * time.Second, never, emptying.OutOfTime, false, 15*time.Second + page},
		"interrupted twice":            {3 * time.Second, 8 * time.Second, 9 * time.Second, emptying.Interrupted, false, 9*time.Second + page},
		"ended at once, never warned":  {3 * time.Second, never, 8 * time.Second, emptying.Interrupted, false, 8*time.Second + page},
		"interrupted before it begins": {3 * time.Second, 0, never, emptying.Interrupted, true, page},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newLargeBucket(counters(5e5))
				ctx, cancel := context.WithCancelCause(t.Context())
				because := errors.New("interrupt signal received")
				if c.interrupt == 0 {
					cancel(because)
				}
				defer time.AfterFunc(c.interrupt, func() { cancel(because) }).Stop()
				now := make(chan struct{})
				defer time.AfterFunc(c.now, func() { close(now) }).Stop()
				report, err := emptying.Run(ctx, emptying.Options{Store: slow{f, c.answers}, Deadline: f.began.Add(10 * time.Second), Now: now})
				if err == nil || report.Outcome != c.outcome || f.deleted == 5e5 {
					t.Fatalf("Run = %s, %v with %d deleted, want %s", report.Outcome, err, f.deleted, c.outcome)
				}
				if counted := report.Deleted == int64(f.deleted); counted != c.counted {
					t.Errorf("%d of %d deletions counted, want all of them: %t", report.Deleted, f.deleted, c.counted)
				}
				if took := time.Since(f.began); took > c.took {
					t.Errorf("Run took %v, want at most %v", took, c.took)
				}
				if c.outcome == emptying.Interrupted && !strings.Contains(fmt.Sprint(err), "interrupted; deleted ") {
					t.Errorf("Run = %v, want it to say that it was interrupted, and what was deleted", err)
				}
			})
		})
	}
}

// lingering is a bucket that aborts an upload at once but answers late.
type lingering struct{ *smallBucket }

func (l lingering) AbortUpload(ctx context.Context, upload emptying.Upload) error {
	err := l.smallBucket.AbortUpload(ctx, upload)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(3 * time.Second):
		return err
	}
}

func TestUploadsThatAreBeingAbortedHaveTimeToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := with("k")
		v.uploads = []emptying.Upload{{Key: "a", ID: "1"}, {Key: "b", ID: "2"}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		report, err := emptying.Run(ctx, emptying.Options{Store: lingering{v}})
		if report.Outcome != emptying.Interrupted || report.Uploads != 2 || len(v.uploads) > 0 || len(report.Leftovers) > 0 {
			t.Errorf("Run = %+v, %v, want it interrupted with both uploads counted", report, err)
		}
	})
}
