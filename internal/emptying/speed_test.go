package emptying_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3-endpoint-guard/internal/emptying"
)

// field is a bucket of very many versions, with S3's latency and its limit per prefix, for use in synthetic time.
type field struct {
	mu      sync.Mutex
	keys    []string // sorted, one version each
	next    []int32  // the first index from here on that is not deleted, halved along the way
	latency time.Duration
	limit   float64                 // keys per second and prefix; 0 is none
	prefix  func(key string) string // of which prefix's limit a key takes
	tokens  map[string]*tokens

	lists, batches, refused int
	deleted                 int
	deletedAt               []time.Duration // when each batch was accepted
	began                   time.Time
}

// tokens is a bucket of one second's allowance.
type tokens struct {
	left float64
	at   time.Time
}

func newField(keys []string) *field {
	sort.Strings(keys)
	f := &field{keys: keys, next: make([]int32, len(keys)+1), latency: 30 * time.Millisecond, tokens: map[string]*tokens{}, began: time.Now()}
	for i := range f.next {
		f.next[i] = int32(i)
	}
	f.prefix = func(key string) string { return key[:strings.IndexByte(key, '/')+1] }
	return f
}

func (f *field) alive(i int) int {
	for int(f.next[i]) != i {
		f.next[i] = f.next[f.next[i]]
		i = int(f.next[i])
	}
	return i
}

func (f *field) List(_ context.Context, after emptying.Position) (emptying.Page, error) {
	time.Sleep(f.latency)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists++
	i, found := slices.BinarySearch(f.keys, after.Key)
	if found {
		i++
	}
	page := emptying.Page{Versions: make([]emptying.Version, 0, 1000)}
	for i = f.alive(i); i < len(f.keys) && len(page.Versions) < 1000; i = f.alive(i + 1) {
		page.Versions = append(page.Versions, emptying.Version{Key: f.keys[i], ID: "v"})
	}
	if i < len(f.keys) {
		page.More = true
		page.Next = emptying.Position{Key: page.Versions[999].Key, VersionID: "v"}
	}
	return page, nil
}

func (f *field) DeleteBatch(_ context.Context, versions []emptying.Version, _ bool) ([]emptying.Failure, error) {
	time.Sleep(f.latency)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches++
	if !f.allowed(versions) {
		f.refused++
		return nil, coded("SlowDown")
	}
	for _, v := range versions {
		i, ok := slices.BinarySearch(f.keys, v.Key)
		if ok && int(f.next[i]) == i {
			f.next[i] = int32(i + 1)
			f.deleted++
		}
	}
	f.deletedAt = append(f.deletedAt, time.Since(f.began))
	return nil, nil
}

// allowed takes the versions' allowance from their prefixes, all or nothing.
func (f *field) allowed(versions []emptying.Version) bool {
	if f.limit == 0 {
		return true
	}
	need := map[string]float64{}
	for _, v := range versions {
		need[f.prefix(v.Key)]++
	}
	now := time.Now()
	for p, n := range need {
		t := f.tokens[p]
		if t == nil {
			t = &tokens{left: f.limit, at: now}
			f.tokens[p] = t
		}
		t.left = min(f.limit, t.left+now.Sub(t.at).Seconds()*f.limit)
		t.at = now
		if t.left < n {
			return false
		}
	}
	for p, n := range need {
		f.tokens[p].left -= n
	}
	return true
}

func (f *field) DeleteOne(ctx context.Context, v emptying.Version, bypass bool) error {
	_, err := f.DeleteBatch(ctx, []emptying.Version{v}, bypass)
	return err
}
func (f *field) ListUploads(context.Context, emptying.Upload) ([]emptying.Upload, emptying.Upload, bool, error) {
	return nil, emptying.Upload{}, false, nil
}
func (f *field) AbortUpload(context.Context, emptying.Upload) error { return nil }
func (f *field) Protection(context.Context) (emptying.Protection, error) {
	return emptying.Protection{}, nil
}
func (f *field) Hold(context.Context, emptying.Version) (emptying.Hold, error) {
	return emptying.Hold{}, nil
}

// coded is an error of S3.
type coded string

func (c coded) Error() string     { return string(c) }
func (c coded) ErrorCode() string { return string(c) }

func hashes(n int) (keys []string) {
	for i := range n {
		sum := md5.Sum(fmt.Append(nil, i))
		keys = append(keys, hex.EncodeToString(sum[:]))
	}
	return keys
}

func counters(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("data/object-%09d", i))
	}
	return keys
}

func logs(n int) (keys []string) {
	start := time.Date(2023, 11, 5, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at := start.Add(time.Duration(i) * 40 * time.Second)
		sum := md5.Sum(fmt.Append(nil, i))
		keys = append(keys, fmt.Sprintf("AWSLogs/111122223333/elasticloadbalancing/eu-central-1/%s/111122223333_elasticloadbalancing_%s_%x.log.gz",
			at.Format("2006/01/02"), at.Format("20060102T1504Z"), sum[:4]))
	}
	return keys
}

func prefixed(n, prefixes int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("p%02d/object-%08d", i%prefixes, i/prefixes))
	}
	return keys
}

func TestSpeedUnlimited(t *testing.T) {
	for name, keys := range map[string][]string{
		"hashes 1M": hashes(1e6), "counters 1M": counters(1e6), "logs 1M": logs(1e6),
		"10 prefixes 100k": prefixed(1e5, 10), "hashes 10k": hashes(1e4), "3 pages": counters(2500), "1 page": counters(900),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newField(keys)
				report, err := emptying.Run(t.Context(), emptying.Options{Store: f})
				t.Logf("%v %s lists %d batches %d, %v, %.0f/s", err, report.Outcome, f.lists, f.batches, report.Elapsed, report.Rate)
			})
		})
	}
}

func TestSpeedShared(t *testing.T) {
	for _, prefixes := range []int{2, 4, 10, 40} {
		t.Run(fmt.Sprint(prefixes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newField(prefixed(2e5, prefixes))
				f.limit = 3500
				f.prefix = func(string) string { return "" }
				report, err := emptying.Run(t.Context(), emptying.Options{Store: f})
				t.Logf("%v shared lists %d batches %d refused %d (%.1f %%), %v, %.0f/s = %.1f %% of the limit", err, f.lists, f.batches, f.refused,
					100*float64(f.refused)/float64(f.batches), report.Elapsed, report.Rate, 100*report.Rate/3500)
			})
		})
	}
}

func TestSpeedLimited(t *testing.T) {
	for _, prefixes := range []int{1, 2, 4, 10, 16, 40} {
		t.Run(fmt.Sprint(prefixes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newField(prefixed(1e6, prefixes))
				f.limit = 3500
				report, err := emptying.Run(t.Context(), emptying.Options{Store: f})
				first := 0
				for _, at := range f.deletedAt {
					if at < 5*time.Second {
						first++
					}
				}
				t.Logf("%v %s lists %d batches %d refused %d (%.1f %%), %v, %.0f/s = %.1f %% of the limit, %d batches in 5 s of %.0f", err, report.Outcome, f.lists, f.batches, f.refused,
					100*float64(f.refused)/float64(f.batches), report.Elapsed, report.Rate, 100*report.Rate/3500/float64(prefixes), first, 3.5*5*float64(prefixes))
			})
		})
	}
}
