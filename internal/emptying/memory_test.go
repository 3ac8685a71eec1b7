package emptying_test

import (
	"context"
	"fmt"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// longKeyBucket is a bucket with long keys. The keys of each page share one string, as those from S3 do.
type longKeyBucket struct {
	*largeBucket
	mu     sync.Mutex
	n      int
	length int           // of each key
	broken int           // each key whose number is a multiple of it fails; 0 is never
	slow   time.Duration // how long a delete takes
	done   []bool
	text   int // bytes listed and not deleted
	most   int // the largest text so far
	heap   uint64
}

func newLongKeyBucket(n, length int) *longKeyBucket {
	return &longKeyBucket{largeBucket: newLargeBucket(nil), n: n, length: length, done: make([]bool, n), slow: 30 * time.Millisecond}
}

func (h *longKeyBucket) key(i int) string { return fmt.Sprintf("%0*d", h.length, i) }

func (h *longKeyBucket) List(_ context.Context, _ string, after emptying.Position) (emptying.Page, error) {
	time.Sleep(h.latency)
	h.mu.Lock()
	defer h.mu.Unlock()
	var page emptying.Page
	var keys []string
	i := sort.Search(h.n, func(i int) bool { return h.key(i) > after.Key })
	for ; i < h.n && len(keys) < 1000; i++ {
		if !h.done[i] {
			keys = append(keys, h.key(i))
		}
	}
	text := strings.Join(keys, "")
	for at := 0; at < len(text); at += h.length {
		page.Versions = append(page.Versions, emptying.Version{Key: text[at : at+h.length], ID: "v"})
	}
	if i < h.n {
		page.More, page.Next = true, emptying.Position{Key: keys[len(keys)-1], VersionID: "v"}
	}
	h.text += len(text)
	h.most = max(h.most, h.text)
	return page, nil
}

func (h *longKeyBucket) DeleteBatch(_ context.Context, versions []emptying.Version, _ bool) (failures []emptying.Failure, err error) {
	time.Sleep(h.slow)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range versions {
		i, err := strconv.Atoi(v.Key)
		if err != nil {
			return nil, err
		}
		if h.broken > 0 && i%h.broken == 0 {
			failures = append(failures, emptying.Failure{Version: v, Code: "InternalError"})
			continue
		}
		h.done[i] = true
		h.text -= len(v.Key)
	}
	if h.batches++; h.batches%100 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h.heap = max(h.heap, m.HeapAlloc)
	}
	return failures, nil
}

func TestLongKeysAreListedLessFarAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newLongKeyBucket(100_000, 1024)
		h.slow = 2 * time.Second // listing runs as far ahead as it may
		if _, err := emptying.Run(t.Context(), emptying.Options{Store: h}); err != nil {
			t.Fatal(err)
		}
		if h.most > 48<<20 {
			t.Errorf("%d MiB of keys in memory, want 48 at most", h.most>>20)
		}
	})
}

// The keys that are tried again are few of each page, and wait for seconds.
func TestAFewKeysThatFailDoNotKeepTheirPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newLongKeyBucket(100_000, 512)
		h.broken = 1000
		report, _ := emptying.Run(t.Context(), emptying.Options{Store: h})
		if report.Outcome != emptying.LeftOver || report.Deleted != 99_900 {
			t.Errorf("Run = %s with %d deleted, want all but the 100 that fail", report.Outcome, report.Deleted)
		}
		if h.heap > 25<<20 {
			t.Errorf("%d MiB in memory, want 25 at most", h.heap>>20)
		}
	})
}
