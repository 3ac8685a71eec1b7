package emptying

import (
	"strings"
	"time"
)

const (
	// mostLanes is into how many lanes the keys below one prefix are divided at most. With more, they stay one.
	mostParts = 128
	// suspicion is how long after a division refusals can show that the limit is the whole's, not each part's.
	suspicion = 3 * time.Second
	// recovery is how long after a division refusals tell nothing.
	recovery = BatchSize * time.Second / documentedRate
	// stagger is the time between the first batches of lanes that began together.
	stagger = 15 * time.Millisecond
	// finer is how many times the documented rate a lane must have reached for a refusal to mean that its parts have
	// limits of their own.
	finer = 1.3
)

// batch is a number of versions on their way to one call.
type batch struct {
	versions  []Version
	attempts  int       // calls that failed so far
	notSooner time.Time // for a batch that failed
	single    bool      // its one version goes by DeleteOne
	sent      time.Time
}

// lane holds the versions under one prefix that wait for their deletion, at a pace of their own.
//
// S3's limits are per prefix, but which prefixes those are cannot be asked, only learned. So lanes form a tree. There
// is one without a limit until S3 refuses something. Then it is divided at the first slash behind what its keys have
// in common; parts that are nearly all refused soon after show that the limit was the whole's, and are joined again; a
// lane that was refused only well above the documented rate is divided further.
type prefixQueue struct {
	prefix   string
	parent   *prefixQueue
	children map[string]*prefixQueue // nil for a leaf

	pace     pace
	versions []Version // not yet in a batch
	retries  []batch
	waiting  int // versions in queue and retries

	lowest, highest string // of the keys seen here
	whole           bool   // has proved to be one: not divided for now
	many            bool   // has too many parts: never divided
	divided         time.Time
	sentTo, hit     bool // since the parent was divided: tried, refused
}

// leaf returns the lane of a key, and makes it where it is missing.
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

// find returns the lane of a key, or nil where there is none yet.
func (l *prefixQueue) find(key string) *prefixQueue {
	for l != nil && l.children != nil {
		l = l.children[l.part(key)]
	}
	return l
}

// behind is a key behind all that begin with the lane's prefix; "" for a lane of keys that have only that in common.
func (l *prefixQueue) behind() string {
	folder, ok := strings.CutSuffix(l.prefix, "/")
	if !ok {
		return ""
	}
	return folder + string(rune('/'+1))
}

// part is the prefix of the child that a key belongs to. Keys that do not begin with the lane's prefix, which was
// learned from others, are divided where they leave it.
func (l *prefixQueue) part(key string) string {
	n := commonPrefix(key, l.prefix)
	if n < len(l.prefix) {
		n = strings.LastIndexByte(key[:n], '/') + 1
	}
	return segment(key, n)
}

// segment is a key up to its first slash from a place on, or up to that place when there is none.
func segment(key string, from int) string {
	if i := strings.IndexByte(key[from:], '/'); i >= 0 {
		return key[:from+i+1]
	}
	return key[:from]
}

// see takes into account that the lane has keys from first to last.
func (l *prefixQueue) see(first, last string) {
	if l.highest == "" || first < l.lowest {
		l.lowest = first
	}
	if last > l.highest {
		l.highest = last
	}
}

// fork is the length of what the lane's keys have in common if a slash follows in one of them, so that the lane can
// be divided there; otherwise -1.
func (l *prefixQueue) fork() int {
	n := commonPrefix(l.lowest, l.highest)
	n = strings.LastIndexByte(l.lowest[:n], '/') + 1
	if n < len(l.prefix) || segment(l.lowest, n) == segment(l.highest, n) {
		return -1
	}
	return n
}

// divide gives the parts of the lane paces of their own. It returns false where there is nothing to divide.
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
		// These had traffic: what their limits allow at once may be used up.
		child.pace.next = child.pace.next.Add(recovery)
	}
	return true
}

// join makes the lane one again.
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

// leaves are the leaves below the lane, or the lane itself.
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

// add queues versions, which are in order, in the leaves that they belong to. A bucket that has shown a limit before
// more than one part of it was known is divided as soon as a second part is.
func (l *prefixQueue) add(versions []Version, now time.Time) {
	for len(versions) > 0 {
		leaf := l.leaf(versions[0].Key, now)
		n := len(versions)
		if l.find(versions[n-1].Key) != leaf { // not l.leaf, which may join the lanes and make this leaf one of none
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

// retry queues a batch again.
func (l *prefixQueue) retry(b batch) {
	l.retries = append(l.retries, b)
	l.waiting += len(b.versions)
}

// refused reacts to the refusal of a batch that this leaf had sent.
func (l *prefixQueue) refused(now time.Time, b *batch) {
	if l.parent != nil && b.sent.Before(l.parent.divided.Add(recovery)) {
		return // what S3 allows at once was used up before the paces were what they are
	}
	l.hit = true
	first := l.pace.rate == 0
	if first || l.pace.rate > finer*documentedRate && !b.sent.Before(l.pace.changed) {
		l.whole = false // whatever it was taken for, it was wrong, or S3 has changed
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

// mostlyHit tells that so many of the lane's parts were refused that the limit must be the lane's own.
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
