package emptying_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// with returns a smallBucket that holds versions of these keys.
func with(keys ...string) *smallBucket {
	v := newSmallBucket(1)
	for _, key := range keys {
		v.put(holding{Version: emptying.Version{Key: key}})
	}
	return v
}

// numbered returns n keys in order.
func numbered(format string, n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf(format, i))
	}
	return keys
}

// broken is a bucket in which one call panics, as a defect in the engine would.
type broken struct {
	*smallBucket
	call string
}

func (b broken) breaks(call string) {
	if b.call == call {
		panic("at " + call)
	}
}

func (b broken) List(ctx context.Context, prefix string, after emptying.Position) (emptying.Page, error) {
	b.breaks("list")
	return b.smallBucket.List(ctx, prefix, after)
}

func (b broken) DeleteBatch(ctx context.Context, versions []emptying.Version, bypass bool) ([]emptying.Failure, error) {
	b.breaks("delete")
	return b.smallBucket.DeleteBatch(ctx, versions, bypass)
}

func (b broken) AbortUpload(ctx context.Context, upload emptying.Upload) error {
	b.breaks("abort")
	return b.smallBucket.AbortUpload(ctx, upload)
}

// A panic in a goroutine would end the process, and CloudFormation would wait an hour for the answer.
func TestADefectIsToldAndNotTheEndOfTheProcess(t *testing.T) {
	for _, call := range []string{"list", "delete", "abort", "progress"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := with(numbered("k%04d", 3000)...)
				v.uploads = []emptying.Upload{{Key: "k", ID: "u"}}
				b := broken{v, call}
				report, err := emptying.Run(t.Context(), emptying.Options{
					Store: b, Progress: func(emptying.Progress) { b.breaks("progress") }, ProgressEvery: time.Millisecond,
				})
				if report.Outcome != emptying.Stopped || err == nil || !strings.Contains(err.Error(), "a defect in the emptying: at "+call) {
					t.Errorf("Run = %s, %v, want the defect", report.Outcome, err)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		if found, err := emptying.Count(t.Context(), emptying.Options{Store: broken{with("k"), "list"}}); err == nil {
			t.Errorf("Count = %+v, want the defect", found)
		}
	})
}

// Keys that XML cannot carry are deleted one by one. If these fail, the others are still deleted.
func TestAFewLockedOddKeysDoNotKeepTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := with(numbered("locked%03d\x01", 200)...)
		for i := range v.held {
			v.held[i].denied = true
		}
		for _, key := range append(numbered("odd%03d\x01", 20), numbered("plain%03d", 2000)...) {
			v.put(holding{Version: emptying.Version{Key: key}})
		}
		report, err := emptying.Run(t.Context(), emptying.Options{Store: v})
		if report.Outcome != emptying.LeftOver || len(v.held) != 200 || report.Deleted != 2020 {
			t.Errorf("Run = %v with %d versions left, want only the 200 locked ones", err, len(v.held))
		}
	})
}

// turning is a store whose listing starts again instead of ending.
type turning struct{ *smallBucket }

func (s turning) List(ctx context.Context, prefix string, after emptying.Position) (emptying.Page, error) {
	page, err := s.smallBucket.List(ctx, prefix, after)
	if !page.More {
		page.More, page.Next = true, emptying.Position{Key: "k0000"}
	}
	return page, err
}

func TestAListingThatGoesBackwardsIsNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := with(numbered("k%04d", 30)...)
		v.pageSize, v.faults.denyAll = 7, true
		report, err := emptying.Run(t.Context(), emptying.Options{Store: turning{v}})
		if report.Outcome != emptying.Stopped || !strings.Contains(err.Error(), "does not advance") || report.Requests.Lists > 100 {
			t.Errorf("Run = %v after %d listings, want it stopped", err, report.Requests.Lists)
		}
	})
}

// uneven returns keys nearly all of which share a folder, far from both ends of the key space.
func uneven(n int) []string {
	return append(numbered("data/2024/shard-a/object-%09d", n), "A", "data/2099/x", "zz/last", "~")
}

// An operator may decide by the estimate that an hour is too short, so it must not mislead.
func TestWhatRemainsIsNotExaggerated(t *testing.T) {
	for name, keys := range map[string][]string{"counters": counters(5e5), "log paths": logs(5e5), "hashes": hashes(5e5), "uneven keys": uneven(5e5)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newLargeBucket(keys)
				f.limit, f.prefix = 3500, func(string) string { return "" }
				for range 3 {
					report, err := emptying.Run(t.Context(), emptying.Options{Store: f, Deadline: time.Now().Add(20 * time.Second)})
					left := int64(len(keys) - f.deleted)
					if report.Outcome != emptying.OutOfTime || report.Remaining < -1 || report.Remaining > 10*left {
						t.Errorf("Run = %v with %d left, estimated %d", err, left, report.Remaining)
					}
				}
			})
		})
	}
}

// fleeting is a store in which the first version that is asked about no longer exists.
type fleeting struct {
	*smallBucket
	asked int
}

func (f *fleeting) Hold(ctx context.Context, version emptying.Version) (emptying.Hold, error) {
	if f.asked++; f.asked == 1 {
		return emptying.Hold{}, coded("NoSuchVersion")
	}
	return f.smallBucket.Hold(ctx, version)
}

func TestAVersionThatVanishesDoesNotHideTheLocksOfTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := with("a", "b", "c")
		for i := range v.held {
			v.held[i].hold = emptying.Hold{Mode: "COMPLIANCE", Until: time.Now().Add(time.Hour)}
		}
		report, err := emptying.Run(t.Context(), emptying.Options{Store: &fleeting{smallBucket: v}})
		if err == nil || !strings.Contains(report.Reason(), "2 under compliance retention") {
			t.Errorf("Run = %v, want the two locks that are left", err)
		}
	})
}

// The date of a version under an event hold may be over, and is no end: its retention begins when the hold is released.
func TestAnEventHoldIsToldWithoutAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, until := range []time.Time{time.Now().Add(-time.Hour), time.Now().Add(time.Hour)} {
			v := with("a")
			v.held[0].hold = emptying.Hold{Mode: "GOVERNANCE", Until: until, Event: true}
			report, err := emptying.Run(t.Context(), emptying.Options{Store: v, BypassGovernance: true})
			said := report.Reason()
			if err == nil || !strings.Contains(said, "1 under an event hold") || strings.Contains(said, "governance") || strings.Contains(said, "first retention") {
				t.Errorf("Run with retention until %v = %v, want an event hold and no date", until, err)
			}
		}
	})
}

// untimely is a store that cancels the context while its listing ends.
type untimely struct {
	*smallBucket
	cancel context.CancelFunc
}

func (u untimely) List(ctx context.Context, prefix string, after emptying.Position) (emptying.Page, error) {
	page, err := u.smallBucket.List(ctx, prefix, after)
	page.Sizes = make([]int64, len(page.Versions))
	go u.cancel()
	return page, err
}

// Only the race detector finds a fault here.
func TestCountIsSafeFromAContextThatEndsAtItsEnd(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			found, err := emptying.Count(ctx, emptying.Options{Store: untimely{with("a"), cancel}})
			if err == nil && found.Versions != 1 {
				t.Errorf("Count = %+v, %v", found, err)
			}
		})
	}
}

// limited is a store that throttles most list requests, and finally denies one.
type limited struct {
	*smallBucket
	listed atomic.Int64
}

func (s *limited) List(ctx context.Context, prefix string, after emptying.Position) (emptying.Page, error) {
	switch n := s.listed.Add(1); {
	case n > 40 && after.Key > "k1":
		return emptying.Page{}, coded("SlowDown")
	case n > 60:
		return emptying.Page{}, coded("AccessDenied")
	}
	return s.smallBucket.List(ctx, prefix, after)
}

// The end of a run also ends throttled list requests, which would be retried for minutes.
func TestARunThatCannotGoOnEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSmallBucket(1)
		v.pageSize = 100
		for i := range 20_000 {
			v.put(holding{Version: emptying.Version{Key: fmt.Sprintf("k%05d", i)}})
		}
		report, err := emptying.Run(t.Context(), emptying.Options{Store: &limited{smallBucket: v}, Bucket: "docs"})
		if report.Outcome != emptying.Stopped || !strings.Contains(err.Error(), "AccessDenied") || report.Elapsed > 10*time.Second {
			t.Errorf("Run = %s after %v, %v; want AccessDenied at once", report.Outcome, report.Elapsed, err)
		}
	})
}
