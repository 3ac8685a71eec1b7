package emptying

import (
	"strings"
	"time"
)

const (
	// mostParts is the most queues into which the keys below one prefix are divided. If there would be more, they stay
	// one.
	mostParts = 128
	// suspicion is how long after a division throttling can show that the parts share one limit.
	suspicion = 3 * time.Second
	// recovery is how long after a division throttling proves nothing.
	recovery = BatchSize * time.Second / documentedRate
	// stagger is the time between the first batches of queues that were created together.
	stagger = 15 * time.Millisecond
	// finer is how many times the documented rate a queue must have reached for throttling to mean that each of its
	// parts has a limit.
	finer = 1.3
)

// batch is the versions of one call.
type batch struct {
	versions  []Version
	attempts  int       // calls that failed so far
	notSooner time.Time // the end of the pause after a failure
	single    bool      // its one version is deleted by DeleteOne
	sent      time.Time
}

// prefixQueue holds the versions under one prefix that wait for deletion, at their own pace.
//
// S3's limits are per prefix, but S3 does not say which prefixes have one: the queues learn it, and form a tree. At
// first there is one queue without a limit. When S3 throttles it, it is divided at the first slash behind the common
// prefix of its keys. If nearly all parts are throttled soon after that, they share one limit and are joined again. A
// queue that is throttled only well above the documented rate is divided further.
type prefixQueue struct {
	prefix   string
	parent   *prefixQueue
	children map[string]*prefixQueue // nil for a leaf

	pace     pace
	versions []Version // not yet in a batch
	retries  []batch
	waiting  int // in versions and retries

	lowest, highest string // of the keys seen here
	whole           bool   // its parts share one limit: not divided for now
	many            bool   // has too many parts: never divided
	divided         time.Time
	sentTo, hit     bool // since the parent was divided: a batch was sent, throttled
}

// leaf returns the leaf queue of a key, and creates it if it is missing.
func (l *prefixQueue) leaf(key string, now time.Time) *prefixQueue {
	for l.children != nil {
		name := l.part(key)
		child := l.children[name]
		if child == nil && len(l.children) == mostParts {
			l.join(now)
			l.many = true
			return l
		}
		if child == nil {
			child = &prefixQueue{prefix: name, parent: l}
			child.pace.limit(now.Add(time.Duration(len(l.children))*stagger), documentedRate*firstShare)
			child.pace.changed = now
			l.children[name] = child
		}
		l = child
	}
	return l
}

// find returns the leaf queue of a key, or nil if there is none yet.
func (l *prefixQueue) find(key string) *prefixQueue {
	for l != nil && l.children != nil {
		l = l.children[l.part(key)]
	}
	return l
}

// behind returns a key behind all keys with the queue's prefix; "" if that prefix does not end with a slash.
func (l *prefixQueue) behind() string {
	folder, ok := strings.CutSuffix(l.prefix, "/")
	if !ok {
		return ""
	}
	return folder + string(rune('/'+1))
}

// part returns the prefix of the child that a key belongs to. The queue's prefix was learned from other keys: a key
// without it gets a child at the folder where it differs.
func (l *prefixQueue) part(key string) string {
	n := commonPrefix(key, l.prefix)
	if n < len(l.prefix) {
		n = strings.LastIndexByte(key[:n], '/') + 1
	}
	return segment(key, n)
}

// segment returns a key up to and including its first slash at or behind from, or up to from if there is none.
func segment(key string, from int) string {
	if i := strings.IndexByte(key[from:], '/'); i >= 0 {
		return key[:from+i+1]
	}
	return key[:from]
}

// see takes into account that the queue has keys from first to last.
func (l *prefixQueue) see(first, last string) {
	if l.highest == "" || first < l.lowest {
		l.lowest = first
	}
	if last > l.highest {
		l.highest = last
	}
}

// fork returns the length of the common prefix of the queue's keys if a slash follows in one of them, so that the queue
// can be divided there; otherwise -1.
func (l *prefixQueue) fork() int {
	n := commonPrefix(l.lowest, l.highest)
	n = strings.LastIndexByte(l.lowest[:n], '/') + 1
	if n < len(l.prefix) || segment(l.lowest, n) == segment(l.highest, n) {
		return -1
	}
	return n
}

// divide gives each part of the queue its own pace. It returns false if there is nothing to divide.
func (l *prefixQueue) divide(now time.Time) bool {
	at := -1
	if !l.whole && !l.many && l.highest != "" {
		at = l.fork()
	}
	if at < 0 {
		return false
	}
	queue, retries := l.versions, l.retries
	l.prefix, l.children, l.divided = l.lowest[:at], map[string]*prefixQueue{}, now
	l.versions, l.retries, l.waiting = nil, nil, 0
	for _, b := range retries {
		l.leaf(b.versions[0].Key, now).retry(b)
	}
	l.add(queue, now)
	for child := range l.leaves() {
		// These had traffic: the burst that their limits allow may be used up.
		child.pace.next = child.pace.next.Add(recovery)
	}
	return true
}

// join joins the parts of the queue again.
func (l *prefixQueue) join(now time.Time) {
	for child := range l.leaves() {
		l.versions = append(l.versions, child.versions...)
		l.retries = append(l.retries, child.retries...)
		l.waiting += child.waiting
	}
	l.children, l.whole = nil, true
	l.pace.limit(now.Add(recovery), documentedRate*firstShare)
	l.pace.changed = now
}

// leaves returns the leaves below the queue, or the queue itself.
func (l *prefixQueue) leaves() func(func(*prefixQueue) bool) {
	return func(yield func(*prefixQueue) bool) { l.walk(yield) }
}

func (l *prefixQueue) walk(yield func(*prefixQueue) bool) bool {
	if l.children == nil {
		return yield(l)
	}
	for _, child := range l.children {
		if !child.walk(yield) {
			return false
		}
	}
	return true
}

// add puts versions, which are in order, into their leaf queues. If S3 throttled the bucket while only one part of it
// was known, it is divided as soon as a second part is known.
func (l *prefixQueue) add(versions []Version, now time.Time) {
	for len(versions) > 0 {
		leaf := l.leaf(versions[0].Key, now)
		n := len(versions)
		if l.find(versions[n-1].Key) != leaf { // not l.leaf, which may join the queues and remove this leaf from the tree
			for n = 1; n < len(versions) && l.find(versions[n].Key) == leaf; n++ {
			}
		}
		leaf.see(versions[0].Key, versions[n-1].Key)
		leaf.versions = append(leaf.versions, versions[:n]...)
		leaf.waiting += n
		versions = versions[n:]
		if leaf.parent == nil && leaf.pace.rate > 0 {
			leaf.divide(now)
		}
	}
}

// retry queues a batch that is to be sent as it is.
func (l *prefixQueue) retry(b batch) {
	l.retries = append(l.retries, b)
	l.waiting += len(b.versions)
}

// refused adapts the tree after S3 throttled a batch that this leaf had sent.
func (l *prefixQueue) refused(now time.Time, b *batch) {
	if l.parent != nil && b.sent.Before(l.parent.divided.Add(recovery)) {
		return // the burst was used up before the division
	}
	l.hit = true
	first := l.pace.rate == 0
	if first || l.pace.rate > finer*documentedRate && !b.sent.Before(l.pace.changed) {
		l.whole = false // the earlier conclusion was wrong, or S3's limits have changed
		if l.divide(now) {
			return
		}
	}
	if first {
		l.pace.limit(now.Add(recovery), documentedRate*firstShare)
		l.pace.changed = now
		return
	}
	if p := l.parent; p != nil && now.Sub(p.divided) < suspicion && p.mostlyHit() {
		p.join(now)
		return
	}
	l.pace.refused(now, b.sent)
}

// mostlyHit reports whether so many of the queue's parts were throttled that they must share one limit.
func (l *prefixQueue) mostlyHit() bool {
	tried, hit := 0, 0
	for _, child := range l.children {
		if child.sentTo {
			tried++
		}
		if child.hit {
			hit++
		}
	}
	return hit >= 3 && 4*hit >= 3*tried
}
