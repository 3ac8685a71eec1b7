package emptying_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// smallBucket is a bucket with S3's semantics: versions, delete markers, locks, uploads, and faults.
type smallBucket struct {
	mu      sync.Mutex
	random  *rand.Rand
	held    []holding // in listing order: keys ascending, a key's versions from new to old
	uploads []emptying.Upload
	mfa     bool
	locks   bool
	serial  int

	faults   faults
	problems []string // the caller's forbidden calls
	pageSize int
}

// holding is one version or delete marker.
type holding struct {
	emptying.Version
	marker bool
	hold   emptying.Hold
	denied bool // the bucket's policy denies its deletion to all
}

// faults are the probabilities, from 0 to 1, of faults, and other faults.
type faults struct {
	whole    float64 // a call fails, with one of codes
	codes    []error
	each     float64 // a key fails within a call that succeeds, with one of eachCode
	eachCode []string
	lost     float64 // a call is carried out but its answer is lost
	written  float64 // an object is written before a call
	writes   int     // how often at most
	denyAll  bool    // the emptier may not delete
	noList   error   // listing always fails
}

var errReset = errors.New("read: connection reset by peer")

func newSmallBucket(seed uint64) *smallBucket {
	return &smallBucket{random: rand.New(rand.NewPCG(seed, 1)), pageSize: 1000}
}

func (v *smallBucket) put(h holding) {
	v.serial++
	if h.ID == "" {
		h.ID = fmt.Sprintf("v%06d", v.serial)
	}
	i, _ := slices.BinarySearchFunc(v.held, h, func(a, b holding) int { return strings.Compare(a.Key, b.Key) })
	v.held = slices.Insert(v.held, i, h)
}

// strike draws the result of a call: an error before it is carried out, or one after.
func (v *smallBucket) strike() (before, after error) {
	if v.faults.writes > 0 && v.random.Float64() < v.faults.written {
		v.faults.writes--
		v.put(holding{Version: emptying.Version{Key: fmt.Sprintf("new/%c%d", rune('a'+v.random.IntN(26)), v.serial)}})
	}
	if len(v.faults.codes) > 0 && v.random.Float64() < v.faults.whole {
		return v.faults.codes[v.random.IntN(len(v.faults.codes))], nil
	}
	if v.random.Float64() < v.faults.lost {
		return nil, errReset
	}
	return nil, nil
}

func (v *smallBucket) List(_ context.Context, prefix string, after emptying.Position) (emptying.Page, error) {
	time.Sleep(30 * time.Millisecond)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.faults.noList != nil {
		return emptying.Page{}, v.faults.noList
	}
	before, lost := v.strike()
	if before != nil {
		return emptying.Page{}, before
	}
	var page emptying.Page
	for i, h := range v.held {
		if !v.behind(i, after) || !strings.HasPrefix(h.Key, prefix) {
			continue
		}
		if len(page.Versions) == v.pageSize {
			last := page.Versions[len(page.Versions)-1]
			page.More, page.Next = true, emptying.Position{Key: last.Key, VersionID: last.ID}
			break
		}
		page.Versions = append(page.Versions, h.Version)
	}
	return page, lost
}

// behind reports whether the version at index i comes behind a position.
func (v *smallBucket) behind(i int, p emptying.Position) bool {
	h := v.held[i]
	if h.Key != p.Key || p.VersionID == "" {
		return h.Key > p.Key || h.Key == p.Key && p.Key == "" && p.VersionID == ""
	}
	return h.ID < p.VersionID // ids of a key descend
}

func (v *smallBucket) DeleteBatch(_ context.Context, versions []emptying.Version, bypass bool) ([]emptying.Failure, error) {
	time.Sleep(30 * time.Millisecond)
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(versions) == 0 || len(versions) > 1000 {
		v.problems = append(v.problems, fmt.Sprintf("a batch of %d", len(versions)))
	}
	before, lost := v.strike()
	if before != nil {
		return nil, before
	}
	for _, version := range versions {
		if strings.ContainsAny(version.Key, "\x00\x01\x1f\uFFFE") {
			return nil, coded("MalformedXML")
		}
	}
	var failures []emptying.Failure
	for _, version := range versions {
		if code := v.remove(version, bypass); code != "" {
			failures = append(failures, emptying.Failure{Version: version, Code: code, Message: "because"})
		}
	}
	return failures, lost
}

func (v *smallBucket) DeleteOne(_ context.Context, version emptying.Version, bypass bool) error {
	time.Sleep(30 * time.Millisecond)
	v.mu.Lock()
	defer v.mu.Unlock()
	before, lost := v.strike()
	if before != nil {
		return before
	}
	if code := v.remove(version, bypass); code != "" {
		return coded(code)
	}
	return lost
}

// remove deletes one version, or returns the error code.
func (v *smallBucket) remove(version emptying.Version, bypass bool) string {
	if version.ID == "" || version.Key == "" {
		v.problems = append(v.problems, fmt.Sprintf("deleting %q without naming a version", version.Key))
	}
	if bypass && !v.locks {
		return "InvalidRequest"
	}
	if v.faults.denyAll {
		return "AccessDenied"
	}
	if v.random.Float64() < v.faults.each {
		return v.faults.eachCode[v.random.IntN(len(v.faults.eachCode))]
	}
	for i, h := range v.held {
		if h.Version != version {
			continue
		}
		if h.protected(bypass) {
			return "AccessDenied"
		}
		v.held = slices.Delete(v.held, i, i+1)
		return ""
	}
	return "" // S3 answers success for a version that does not exist
}

func (h holding) protected(bypass bool) bool {
	retained := h.hold.Mode != "" && h.hold.Until.After(time.Now())
	return h.denied || h.hold.Legal || h.hold.Event || retained && (h.hold.Mode == "COMPLIANCE" || !bypass)
}

func (v *smallBucket) ListUploads(_ context.Context, after emptying.Upload) ([]emptying.Upload, emptying.Upload, bool, error) {
	time.Sleep(30 * time.Millisecond)
	v.mu.Lock()
	defer v.mu.Unlock()
	before, lost := v.strike()
	if before != nil {
		return nil, after, false, before
	}
	for i, u := range v.uploads {
		if u.Key > after.Key || u.Key == after.Key && u.ID > after.ID {
			n := min(i+3, len(v.uploads))
			return slices.Clone(v.uploads[i:n]), v.uploads[n-1], n < len(v.uploads), lost
		}
	}
	return nil, after, false, lost
}

func (v *smallBucket) AbortUpload(_ context.Context, upload emptying.Upload) error {
	time.Sleep(30 * time.Millisecond)
	v.mu.Lock()
	defer v.mu.Unlock()
	before, lost := v.strike()
	if before != nil {
		return before
	}
	i := slices.Index(v.uploads, upload)
	if i < 0 {
		return coded("NoSuchUpload")
	}
	v.uploads = slices.Delete(v.uploads, i, i+1)
	return lost
}

func (v *smallBucket) Protection(context.Context) (emptying.Protection, error) {
	return emptying.Protection{MFADelete: v.mfa, ObjectLock: v.locks}, nil
}

func (v *smallBucket) Hold(_ context.Context, version emptying.Version) (emptying.Hold, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, h := range v.held {
		if h.Version == version {
			return h.hold, nil
		}
	}
	return emptying.Hold{}, coded("NoSuchVersion")
}

// empty reports whether nothing is left under a prefix.
func (v *smallBucket) empty(prefix string) bool {
	return !slices.ContainsFunc(v.held, func(h holding) bool { return strings.HasPrefix(h.Key, prefix) }) &&
		!slices.ContainsFunc(v.uploads, func(u emptying.Upload) bool { return strings.HasPrefix(u.Key, prefix) })
}
