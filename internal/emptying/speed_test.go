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

	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// largeBucket is a bucket with very many versions, S3's latency and its limit per prefix. It is for synthetic time.
type largeBucket struct {
	mu      sync.Mutex
	keys    []string // sorted, one version each
	next    []int32  // the first index from here on that is not deleted, with path halving
	latency time.Duration
	limit   float64                 // keys per second and prefix; 0 is none
	prefix  func(key string) string // the prefix whose limit applies to a key
	tokens  map[string]*tokens

	lists, batches, refused int
	deleted                 int
	deletedAt               []time.Duration // when each batch was accepted
	began                   time.Time
}

// tokens is a token bucket that holds one second's allowance.
type tokens struct {
	left float64
	at   time.Time
}

func newLargeBucket(keys []string) *largeBucket {
	sort.Strings(keys)
	f := &largeBucket{keys: keys, next: make([]int32, len(keys)+1), latency: 30 * time.Millisecond, tokens: map[string]*tokens{}, began: time.Now()}
	for i := range f.next {
		f.next[i] = int32(i)
	}
	f.prefix = func(key string) string { return key[:strings.IndexByte(key, '/')+1] }
	return f
}

func (f *largeBucket) alive(i int) int {
	for int(f.next[i]) != i {
		f.next[i] = f.next[f.next[i]]
		i = int(f.next[i])
	}
	return i
}

func (f *largeBucket) List(_ context.Context, _ string, after emptying.Position) (emptying.Page, error) {
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

func (f *largeBucket) DeleteBatch(_ context.Context, versions []emptying.Version, _ bool) ([]emptying.Failure, error) {
	time.Sleep(f.latency)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches++
	if !f.allowed(versions) {
		f.refused++
		return nil, coded("SlowDown")
	}
	i := len(f.keys)
	for _, v := range versions {
		if i = f.alive(i); i == len(f.keys) || f.keys[i] != v.Key { // usually it is the next one
			i, _ = slices.BinarySearch(f.keys, v.Key)
		}
		if i < len(f.keys) && f.keys[i] == v.Key && int(f.next[i]) == i {
			f.next[i] = int32(i + 1)
			f.deleted++
		}
	}
	f.deletedAt = append(f.deletedAt, time.Since(f.began))
	return nil, nil
}

// allowed takes the versions' tokens from their prefixes, all or none.
func (f *largeBucket) allowed(versions []emptying.Version) bool {
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

func (f *largeBucket) DeleteOne(ctx context.Context, v emptying.Version, bypass bool) error {
	_, err := f.DeleteBatch(ctx, []emptying.Version{v}, bypass)
	return err
}
func (f *largeBucket) ListUploads(context.Context, emptying.Upload) ([]emptying.Upload, emptying.Upload, bool, error) {
	return nil, emptying.Upload{}, false, nil
}
func (f *largeBucket) AbortUpload(context.Context, emptying.Upload) error { return nil }
func (f *largeBucket) Protection(context.Context) (emptying.Protection, error) {
	return emptying.Protection{}, nil
}
func (f *largeBucket) Hold(context.Context, emptying.Version) (emptying.Hold, error) {
	return emptying.Hold{}, nil
}

// coded is an error of S3 with this code.
type coded string

func (c coded) Error() string                 { return string(c) }
func (c coded) ErrorCode() string             { return string(c) }
func (c coded) ErrorMessage() string          { return string(c) }
func (c coded) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }

func hashes(n int) (keys []string) {
	for i := range n {
		sum := md5.Sum(fmt.Append(nil, i))
		keys = append(keys, hex.EncodeToString(sum[:]))
	}
	return keys
}

// numberedKey returns a key that ends with a number of so many digits. It is faster than fmt is, for millions of keys.
func numberedKey(begin string, digits, number int) string {
	key := make([]byte, len(begin)+digits)
	copy(key, begin)
	for i := len(key) - 1; i >= len(begin); i-- {
		key[i] = byte('0' + number%10)
		number /= 10
	}
	return string(key)
}

func counters(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = numberedKey("data/object-", 9, i)
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

// prefixed returns keys in so many prefixes of the same size, sorted.
func prefixed(n, prefixes int) []string {
	keys := make([]string, 0, n)
	for p := range prefixes {
		begin := fmt.Sprintf("p%03d/object-", p)
		for i := range (n + prefixes - 1 - p) / prefixes {
			keys = append(keys, numberedKey(begin, 8, i))
		}
	}
	return keys
}

// TestRunIsAsFastAsListingsInParallelAllow checks the requests and the time, with a latency of 30 ms per call. The bubble's
// clock makes the time independent of the machine, but not of the order in which goroutines run: the log paths took
// 278,000 to 439,000 versions per second in 40 runs, with up to 1,406 lists. One listing at a time takes 33,000.
func TestRunIsAsFastAsListingsInParallelAllow(t *testing.T) {
	for name, c := range map[string]struct {
		keys           []string
		rate           float64 // at least, versions per second
		lists, batches int     // at most
	}{
		"a million hashes":         {hashes(1e6), 400_000, 1500, 1020},
		"a million counters":       {counters(1e6), 400_000, 1500, 1020},
		"a million log paths":      {logs(1e6), 200_000, 1700, 1020},
		"100,000 in ten folders":   {prefixed(1e5, 10), 150_000, 260, 104},
		"ten thousand hashes":      {hashes(1e4), 20_000, 60, 11},
		"three pages":              {counters(2500), 10_000, 40, 4},
		"less than a page":         {counters(900), 5_000, 2, 1},
		"one key after the other":  {[]string{"a", "aa", "aaa", "b"}, 20, 2, 1},
		"nothing":                  {nil, 0, 1, 0},
		"a long beginning, folded": {deep(2e5), 100_000, 400, 204},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newLargeBucket(c.keys)
				report, err := emptying.Run(t.Context(), emptying.Options{Store: f})
				if err != nil || f.deleted != len(c.keys) {
					t.Fatalf("Run = %v with %d of %d deleted", err, f.deleted, len(c.keys))
				}
				if report.Rate < c.rate || f.lists > c.lists || f.batches > c.batches {
					t.Errorf("%.0f/s with %d lists and %d batches, want %.0f/s with %d and %d", report.Rate, f.lists, f.batches, c.rate, c.lists, c.batches)
				}
			})
		})
	}
}

// deep returns keys that have 150 bytes in common and then are in seven folders.
func deep(n int) (keys []string) {
	begin := strings.Repeat("long/", 30)
	for i := range n {
		keys = append(keys, fmt.Sprintf("%sfolder %c/%06d", begin, 'a'+i%7, i))
	}
	return keys
}

// docs/facts.md: S3 (3,500 deletes a second and prefix).
func TestRunKeepsToS3sLimit(t *testing.T) {
	for _, prefixes := range []int{1, 4, 10, 16} {
		t.Run(fmt.Sprintf("%d prefixes", prefixes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := max(prefixes*62_500, 250_000) // 18 s at the limit, or more, so that the first second counts little
				f := newLargeBucket(prefixed(n, prefixes))
				f.limit = 3500
				report, err := emptying.Run(t.Context(), emptying.Options{Store: f})
				if err != nil || f.deleted != n {
					t.Fatalf("Run = %v with %d deleted", err, f.deleted)
				}
				f.checkPace(t, report.Rate, float64(prefixes), 0.9, 0.05)
			})
		})
	}
}

// TestRunFindsALimitThatFoldersShare is about a first guess that is wrong: here the folders share one limit.
func TestRunFindsALimitThatFoldersShare(t *testing.T) {
	for _, folders := range []int{2, 4, 10, 40, 1000} {
		t.Run(fmt.Sprintf("%d folders", folders), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newLargeBucket(prefixed(3e5, folders))
				f.limit, f.prefix = 3500, func(string) string { return "" }
				report, err := emptying.Run(t.Context(), emptying.Options{Store: f})
				if err != nil || f.deleted != 3e5 {
					t.Fatalf("Run = %v with %d deleted", err, f.deleted)
				}
				f.checkPace(t, report.Rate, 1, 0.6, 0.4)
			})
		})
	}
}

// checkPace checks a rate against the limit of so many prefixes, overall and after a ramp of 5 s, and the throttled
// part.
func (f *largeBucket) checkPace(t *testing.T, rate, prefixes, share, refused float64) {
	t.Helper()
	if got := rate / (f.limit * prefixes); got < share {
		t.Errorf("%.0f %% of the limit, want %.0f %%", 100*got, 100*share)
	}
	if got := float64(f.refused) / float64(f.batches); got > refused {
		t.Errorf("%.1f %% of the deletes were refused, want at most %.1f %%", 100*got, 100*refused)
	}
	ramped := 0
	for _, at := range f.deletedAt {
		if at >= 5*time.Second && at < 10*time.Second {
			ramped++
		}
	}
	if got := float64(ramped) * 1000 / (5 * f.limit * prefixes); got < share {
		t.Errorf("%.0f %% of the limit between 5 s and 10 s, want %.0f %%", 100*got, 100*share)
	}
}
