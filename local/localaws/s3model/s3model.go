// Package s3model is a minimal model of one S3 bucket, for measuring how fast it can be emptied: it holds ten million
// versions in two megabytes, because its keys are computed and one bit per version says whether it still exists.
//
// It implements S3's HTTP protocol for listing and deleting versions, with the latency and the rate limit per prefix
// that S3 documents (docs/facts.md, S3). It has no policies, locks or faults; the local AWS's own S3, in localaws/s3,
// has them. For one bucket the model can replace it, because both answer the same requests.
package s3model

import (
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options describe the bucket.
type Options struct {
	// Shape is the format of the keys, Versions the number of versions, one per key.
	Shape    Shape
	Versions int
	// Latency is added to each request.
	Latency time.Duration
	// Limit is how many keys per second may be deleted under one prefix, the part of the key up to the first slash; 0
	// means no limit. The allowance for one second can accumulate. A request that exceeds it is refused as a whole.
	Limit float64
}

// Stats counts requests and versions.
type Stats struct {
	// Lists, Batches and Singles count requests; Refused counts those with the answer SlowDown.
	Lists, Batches, Singles, Refused int64
	// Deleted and Left count versions.
	Deleted, Left int64
}

// Model is a bucket. It implements http.Handler and is safe for concurrent use.
type Model struct {
	options Options

	mu      sync.Mutex
	alive   *bitmap
	buckets map[string]*allowance

	lists, batches, singles, refused atomic.Int64
}

// New makes a bucket.
func New(o Options) *Model {
	return &Model{options: o, alive: full(o.Versions), buckets: map[string]*allowance{}}
}

// Stats returns the counts so far.
func (m *Model) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := int64(m.alive.count)
	return Stats{
		Lists: m.lists.Load(), Batches: m.batches.Load(), Singles: m.singles.Load(), Refused: m.refused.Load(),
		Deleted: int64(m.options.Versions) - left, Left: left,
	}
}

// allowance is the number of keys that may be deleted at once under a prefix.
type allowance struct {
	keys float64
	at   time.Time
}

// allow uses up the allowance for all keys, or for none.
func (m *Model) allow(need map[string]int, now time.Time) bool {
	if m.options.Limit == 0 {
		return true
	}
	for prefix, n := range need {
		a := m.buckets[prefix]
		if a == nil {
			a = &allowance{keys: m.options.Limit, at: now}
			m.buckets[prefix] = a
		}
		a.keys = min(m.options.Limit, a.keys+now.Sub(a.at).Seconds()*m.options.Limit)
		a.at = now
		if a.keys < float64(n) {
			return false
		}
	}
	for prefix, n := range need {
		m.buckets[prefix].keys -= float64(n)
	}
	return true
}

// prefixOf returns the prefix to which a limit applies.
func prefixOf(key string) string { return key[:strings.IndexByte(key, '/')+1] }

// key returns key i.
func (m *Model) key(i int) string { return string(m.options.Shape.Append(nil, i, m.options.Versions)) }

// after returns the index of the first key after marker.
func (m *Model) after(marker string) int {
	if marker == "" {
		return 0
	}
	buffer := make([]byte, 0, 256)
	return sort.Search(m.options.Versions, func(i int) bool {
		buffer = m.options.Shape.Append(buffer[:0], i, m.options.Versions)
		return string(buffer) > marker
	})
}

// page returns the indices of at most most versions from i on, and whether there are more.
func (m *Model) page(i, most int) (indices []int, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	indices = make([]int, 0, most)
	for i = m.alive.next(i); i >= 0; i = m.alive.next(i + 1) {
		if len(indices) == most {
			return indices, true
		}
		indices = append(indices, i)
	}
	return indices, false
}

// remove deletes versions if the limit allows it.
func (m *Model) remove(indices []int, need map[string]int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.allow(need, time.Now()) {
		return false
	}
	for _, i := range indices {
		m.alive.remove(i)
	}
	return true
}
