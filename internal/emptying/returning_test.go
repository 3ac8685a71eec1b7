package emptying_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// stubborn is a bucket that answers that it deleted keys with "odd" in them, but keeps them, as real stores do that
// encode a key differently in the listing and in the deletion.
type stubborn struct {
	*smallBucket
	kept   int           // how many deletions of each version have no effect; 0 means all
	lag    time.Duration // after this time deletions have an effect; 0 means never
	began  time.Time
	mu     sync.Mutex
	denied map[emptying.Version]int
	writes bool // another object is written before each listing of uploads
}

func stubbornWith(keys ...string) *stubborn {
	return &stubborn{smallBucket: with(keys...), began: time.Now(), denied: map[emptying.Version]int{}}
}

// keeps reports whether this deletion has no effect.
func (s *stubborn) keeps(v emptying.Version) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.Contains(v.Key, "odd") || s.lag > 0 && time.Since(s.began) > s.lag {
		return false
	}
	s.denied[v]++
	return s.kept == 0 || s.denied[v] <= s.kept
}

func (s *stubborn) DeleteBatch(ctx context.Context, versions []emptying.Version, bypass bool) ([]emptying.Failure, error) {
	var others []emptying.Version
	for _, v := range versions {
		if !s.keeps(v) {
			others = append(others, v)
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	return s.smallBucket.DeleteBatch(ctx, others, bypass)
}

func (s *stubborn) AbortUpload(ctx context.Context, upload emptying.Upload) error {
	if s.keeps(emptying.Version{Key: upload.Key, ID: upload.ID}) {
		return coded("NoSuchUpload")
	}
	return s.smallBucket.AbortUpload(ctx, upload)
}

func (s *stubborn) ListUploads(ctx context.Context, after emptying.Upload) ([]emptying.Upload, emptying.Upload, bool, error) {
	if s.writes && after == (emptying.Upload{}) {
		s.smallBucket.mu.Lock()
		s.put(holding{Version: emptying.Version{Key: "written"}})
		s.smallBucket.mu.Unlock()
	}
	return s.smallBucket.ListUploads(ctx, after)
}

func TestWhatS3KeepsIsNotTakenForNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stubbornWith(append(numbered("plain%04d", 1500), "odd1", "odd2")...)
		report, err := emptying.Run(t.Context(), emptying.Options{Store: s, Bucket: "docs"})
		if report.Outcome != emptying.LeftOver || report.Deleted != 1500 || report.Continuation.Deleted != 1500 {
			t.Errorf("Run = %s with %d deleted, want the two left over and 1,500 counted", report.Outcome, report.Deleted)
		}
		const says = `bucket docs: not everything could be deleted; 2 versions: S3 answered that it deleted them, and still lists them, for example "odd`
		if !strings.HasPrefix(fmt.Sprint(err), says) {
			t.Errorf("Run = %v, want %s", err, says)
		}
		if len(report.Leftovers) != 1 || report.Leftovers[0].Code != emptying.StillListed || report.Leftovers[0].Count != 2 {
			t.Errorf("left over: %+v, want two that are still listed", report.Leftovers)
		}
	})
}

func TestWhatIsNewIsToldFromWhatS3Keeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stubbornWith("odd", "plain")
		s.writes = true
		report, err := emptying.Run(t.Context(), emptying.Options{Store: s, Bucket: "docs"})
		if report.Outcome != emptying.Refilled || report.Deleted != 1+8 {
			t.Errorf("Run = %s with %d deleted, want it refilled and 9 counted", report.Outcome, report.Deleted)
		}
		if !strings.Contains(fmt.Sprint(err), "something keeps writing to it") || !strings.Contains(fmt.Sprint(err), "1 version: S3 answered that it deleted them, and still lists them") {
			t.Errorf("Run = %v, want both causes", err)
		}
	})
}

// A listing may lag behind a deletion; each version then counts once.
func TestWhatIsListedForAWhileLongerIsDeletedInTheEnd(t *testing.T) {
	for name, s := range map[string]func(*stubborn){
		"one false answer":    func(s *stubborn) { s.kept = 1 },
		"five":                func(s *stubborn) { s.kept = 5 },
		"for a second and so": func(s *stubborn) { s.lag = 1500 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := stubbornWith(append(numbered("odd%03d", 300), numbered("plain%03d", 300)...)...)
				store.uploads = []emptying.Upload{{Key: "odd", ID: "1"}, {Key: "plain", ID: "2"}}
				s(store)
				report, err := emptying.Run(t.Context(), emptying.Options{Store: store})
				if err != nil || report.Deleted != 600 || report.Uploads != 2 {
					t.Errorf("Run = %v with %d and %d uploads deleted, want 600 and 2", err, report.Deleted, report.Uploads)
				}
			})
		})
	}
}

// Found with Ceph: it encoded an upload's key differently, the abort had no effect, and the bucket was reported as
// empty.
func TestAnUploadThatStaysIsNeverPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stubbornWith("plain")
		s.uploads = []emptying.Upload{{Key: "odd upload", ID: "1"}, {Key: "plain", ID: "2"}}
		report, err := emptying.Run(t.Context(), emptying.Options{Store: s, Bucket: "docs"})
		if report.Outcome != emptying.LeftOver || report.Deleted != 1 || report.Uploads != 1 {
			t.Errorf("Run = %s with %d and %d uploads deleted, want the odd upload left over", report.Outcome, report.Deleted, report.Uploads)
		}
		if says := `1 unfinished upload: S3 answered that it aborted them, or that they are not there, and still lists them, for example "odd upload"`; !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("Run = %v, want %s", err, says)
		}
	})
}

// late is a bucket in which an upload begins while the versions are deleted.
type late struct{ *smallBucket }

func (l late) DeleteBatch(ctx context.Context, versions []emptying.Version, bypass bool) ([]emptying.Failure, error) {
	l.mu.Lock()
	if len(l.held) > 1 {
		l.uploads = append(l.uploads, emptying.Upload{Key: "late", ID: "1"})
	}
	l.mu.Unlock()
	return l.smallBucket.DeleteBatch(ctx, versions, bypass)
}

func TestAnUploadThatComesMeanwhileIsAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := late{with("a", "b")}
		report, err := emptying.Run(t.Context(), emptying.Options{Store: l})
		if err != nil || report.Uploads != 1 || len(l.uploads) > 0 {
			t.Errorf("Run = %v with %d uploads aborted and %v left, want the one aborted", err, report.Uploads, l.uploads)
		}
	})
}

// rewritten is a bucket without versioning, in which the same key is written again and again.
type rewritten struct {
	*smallBucket
	n int
}

func (r *rewritten) List(ctx context.Context, prefix string, after emptying.Position) (emptying.Page, error) {
	r.n++
	if len(r.held) == 0 {
		r.put(holding{Version: emptying.Version{Key: "same", ID: "null"}})
	}
	page, err := r.smallBucket.List(ctx, prefix, after)
	for range page.Versions {
		page.Stamps = append(page.Stamps, uint64(r.n))
	}
	return page, err
}

// The same key with the id "null" is another version if it was written at another time.
func TestAnObjectThatIsWrittenAgainIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rewritten{smallBucket: newSmallBucket(1)}
		report, err := emptying.Run(t.Context(), emptying.Options{Store: r})
		if report.Outcome != emptying.Refilled || report.Deleted != 8 || strings.Contains(fmt.Sprint(err), "still lists") {
			t.Errorf("Run = %s, %v with %d deleted, want it refilled, and 8 counted", report.Outcome, err, report.Deleted)
		}
	})
}
