package emptying_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"example.com/s3-endpoint-guard/internal/aws/s3versions"
	"example.com/s3-endpoint-guard/internal/emptying"
)

// shared is a bucket of which only a part is to be emptied; it records the markers of the list requests.
type shared struct {
	*largeBucket
	mu      sync.Mutex
	strict  bool // lists by prefix, and lists nothing after a marker without it, as MinIO does
	markers []string
}

func (s *shared) List(ctx context.Context, prefix string, after emptying.Position) (emptying.Page, error) {
	s.mu.Lock()
	s.markers = append(s.markers, after.Key)
	s.mu.Unlock()
	if !s.strict {
		return s.largeBucket.List(ctx, prefix, after)
	}
	if !strings.HasPrefix(after.Key, prefix) && after.Key != "" {
		return emptying.Page{}, nil
	}
	if after.Key == "" {
		after.Key = prefix // no key is equal to a prefix
	}
	page, err := s.largeBucket.List(ctx, prefix, after)
	n := slices.IndexFunc(page.Versions, func(v emptying.Version) bool { return !strings.HasPrefix(v.Key, prefix) })
	if n >= 0 {
		page.Versions, page.More, page.Next = page.Versions[:n], false, emptying.Position{}
	}
	if !strings.HasPrefix(page.Next.Key, prefix) {
		page.More = false
	}
	return page, err
}

func TestOnlyWhatIsUnderThePrefixIsDeleted(t *testing.T) {
	keys := append(counters(60_000), uneven(40_000)...)
	for prefix, want := range map[string]int{
		"data/object-": 60_000, "data/object-00001": 10_000, "data/2024/": 40_000, "data/2024/shard-a/object-00000000": 10, "data/": 100_001, "zz": 1, "none": 0,
	} {
		t.Run(prefix, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shared{largeBucket: newLargeBucket(slices.Clone(keys)), strict: true}
				report, err := emptying.Run(t.Context(), emptying.Options{Store: s, Bucket: "docs", Prefix: prefix})
				if err != nil || report.Outcome != emptying.Emptied || s.deleted != want || report.Deleted != int64(want) {
					t.Errorf("Run under %q = %s, %v with %d deleted, want %d", prefix, report.Outcome, err, s.deleted, want)
				}
				for _, marker := range s.markers {
					if marker != "" && !strings.HasPrefix(marker, prefix) {
						t.Errorf("listed after marker %q, which is not under %q", marker, prefix)
					}
				}
				found, err := emptying.Count(t.Context(), emptying.Options{Store: s, Prefix: prefix})
				if err != nil || found.Versions != 0 {
					t.Errorf("Count under %q = %+v, %v, want nothing left", prefix, found, err)
				}
			})
		})
	}
}

// It is better to delete nothing than to delete other keys.
func TestAStoreThatIgnoresThePrefixLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shared{largeBucket: newLargeBucket(counters(5000))}
		report, err := emptying.Run(t.Context(), emptying.Options{Store: s, Bucket: "docs", Prefix: "data/object-000004"})
		if report.Outcome != emptying.Stopped || s.deleted > 0 || !strings.Contains(fmt.Sprint(err), "without the prefix") {
			t.Errorf("Run = %s, %v with %d deleted, want it stopped and nothing deleted", report.Outcome, err, s.deleted)
		}
		if !strings.HasPrefix(fmt.Sprint(err), `bucket docs: prefix "data/object-000004": `) {
			t.Errorf("Run = %v, want the prefix in it", err)
		}
	})
}

// Real stores list fewer uploads by prefix than there are: MinIO requires the whole key.
func TestOnlyUploadsUnderThePrefixAreAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := with("logs/a", "other")
		v.uploads = []emptying.Upload{{Key: "a", ID: "1"}, {Key: "log", ID: "2"}, {Key: "logs/x", ID: "3"}, {Key: "logs/y", ID: "4"}, {Key: "z", ID: "5"}}
		found, err := emptying.Count(t.Context(), emptying.Options{Store: v, Prefix: "logs/"})
		if err != nil || found.Uploads != 2 {
			t.Errorf("Count = %+v, %v, want 2 uploads", found, err)
		}
		report, err := emptying.Run(t.Context(), emptying.Options{Store: v, Prefix: "logs/"})
		if err != nil || report.Uploads != 2 || report.Deleted != 1 || len(v.uploads) != 3 || len(v.held) != 1 {
			t.Errorf("Run = %+v, %v, want 2 uploads and a version gone; left are %v and %v", report, err, v.uploads, v.held)
		}
	})
}

func TestAPrefixThatNoKeyCanHaveIsRefused(t *testing.T) {
	report, err := emptying.Run(t.Context(), emptying.Options{Store: with("\xff"), Prefix: "\xff"})
	if report.Outcome != emptying.Stopped || err == nil || report.Requests.Lists > 0 {
		t.Errorf("Run = %+v, %v, want an error and no list request", report, err)
	}
}

func TestThePrefixHoldsBehindTheRealClient(t *testing.T) {
	for prefix, want := range map[string]struct{ versions, uploads int }{"a": {18, 0}, "a+": {6, 0}, "up+1 //": {0, 2}, "\x01": {3, 0}, "日本": {3, 0}} {
		t.Run(prefix, func(t *testing.T) {
			c := newCloud(t)
			report, err := emptying.Run(t.Context(), emptying.Options{Store: s3versions.New(c.client, "docs", ""), Bucket: "docs", Prefix: prefix})
			if err != nil || report.Deleted != int64(want.versions) || report.Uploads != int64(want.uploads) {
				t.Errorf("Run under %q = %v with %d versions and %d uploads gone, want %+v", prefix, err, report.Deleted, report.Uploads, want)
			}
			if left := c.s3.Versions("docs"); left != 84-want.versions {
				t.Errorf("%d versions left, want %d", left, 84-want.versions)
			}
		})
	}
}

func TestNothingIsCountedUnderAPrefixThatNoKeyHas(t *testing.T) {
	if found, err := emptying.Count(t.Context(), emptying.Options{Store: newSmallBucket(1), Bucket: "docs", Prefix: "\xff"}); err == nil {
		t.Errorf("Count = %+v, want an error", found)
	}
}
