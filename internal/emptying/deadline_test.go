package emptying_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"s3-endpoint-guard/internal/emptying"
)

// slow is a bucket that deletes at once, and takes its time to say so.
type slow struct {
	*field
	answers time.Duration
}

func (s slow) DeleteBatch(ctx context.Context, versions []emptying.Version, bypass bool) ([]emptying.Failure, error) {
	failures, err := s.field.DeleteBatch(ctx, versions, bypass)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(s.answers):
		return failures, err
	}
}

// page is how long a listing takes that is under way, for the field does not let itself be interrupted.
const page = 30 * time.Millisecond

func TestTheDeadlineLeavesDeletionsTimeToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		answers, interrupt time.Duration // interrupt 0 is for never
		counted            bool
		took               time.Duration
	}{
		"within the grace":         {3 * time.Second, 0, true, 13*time.Second + page},
		"later than that":          {25 * time.Second, 0, false, 15*time.Second + page},
		"interrupted":              {3 * time.Second, 9 * time.Second, false, 9*time.Second + page},
		"interrupted in the grace": {25 * time.Second, 11 * time.Second, false, 11*time.Second + page},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newField(counters(5e5))
				ctx := t.Context()
				if c.interrupt > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.interrupt)
					defer cancel()
				}
				report, err := emptying.Run(ctx, emptying.Options{Store: slow{f, c.answers}, Deadline: f.began.Add(10 * time.Second)})
				if err == nil || f.deleted == 5e5 {
					t.Fatalf("Run = %v with %d deleted, want it ended early", err, f.deleted)
				}
				if counted := report.Deleted == int64(f.deleted); counted != c.counted {
					t.Errorf("%d of %d deletions counted, want all of them: %t", report.Deleted, f.deleted, c.counted)
				}
				if took := time.Since(f.began); took > c.took {
					t.Errorf("Run took %v, want at most %v", took, c.took)
				}
			})
		})
	}
}
