package emptying

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// listers and deleters are the most requests of each kind in flight. With 30 ms per request, sixteen listers list
	// half a million versions a second.
	listers  = 16
	deleters = 32
	// Concurrency is the most requests to S3 that are in flight at a time: a client should keep as many connections.
	Concurrency = listers + deleters
	// firstWindow is the most batches in flight at first; each success allows one more, up to deleters.
	firstWindow = 2
	// roomFor is the most versions in memory: about 20 MB.
	roomFor = 96 * BatchSize
	// roomForText is the number of bytes of keys and ids in memory at which listing stops: long keys fill the memory
	// before there are roomFor versions.
	roomForText = 24 << 20
	// firstRoom is the most versions in memory while S3 has throttled nothing and few batches are in flight: if a limit
	// shows, the versions that wait for it must not keep other prefixes out. Each batch of the window adds roomPerBatch.
	firstRoom, roomPerBatch = 8 * BatchSize, 2 * BatchSize
	// queueAhead is how many versions may wait in one prefixQueue with a limit before its keys are not listed further;
	// fewer if there are many queues.
	queueAhead = 3 * BatchSize
	// tries is how often a call with a transient error is made, throttledTries how often a throttled one.
	tries, throttledTries = 8, 60
	// firstPause and longestPause bound the pauses before retries, which double each time and are random.
	firstPause, longestPause = 100 * time.Millisecond, 10 * time.Second
	// hopeless is how many undeletable versions in a row end the run.
	hopeless = 24 * BatchSize
)

// pass lists the whole bucket once and deletes what it lists.
type pass struct {
	*run
	mu               sync.Mutex
	toList           sync.Cond // wakes a lister
	toDelete         sync.Cond // wakes a deleter
	ranges           *ranges
	queue            prefixQueue
	waiting          int // versions in prefixQueues
	reserved         int // versions that the list requests in flight may return
	inFlight         int // batches in flight
	versionsInFlight int // versions in them
	text             int // bytes of keys and ids in prefixQueues and batches
	window           int // most batches in flight while S3 has throttled nothing
	undeletable      int // versions in a row that could not be deleted
	err              error
	ended            bool
	quit             context.CancelFunc // ends the list requests in flight
	timer            *time.Timer
	// inventory makes the pass count what it lists and delete nothing; nil makes it delete.
	inventory *Inventory
}

// newPass prepares a pass.
func (r *run) newPass() *pass {
	s := &pass{run: r, ranges: newRanges(listers, behindAll(r.Prefix)), window: firstWindow}
	s.toList.L, s.toDelete.L = &s.mu, &s.mu
	return s
}

// do runs the pass. It returns the error that ended it early.
func (s *pass) do(ctx context.Context) error {
	listing, quit := context.WithCancel(ctx)
	defer quit()
	s.quit = quit
	stop := context.AfterFunc(ctx, func() { s.fail(context.Cause(ctx)) })
	defer stop()
	var all sync.WaitGroup
	for range listers {
		all.Go(func() { s.survive(func() { s.list(listing) }) })
	}
	if s.inventory == nil {
		for range deleters {
			all.Go(func() { s.survive(s.delete) })
		}
	}
	all.Wait()
	s.fail(nil) // without deleters the pass has not ended yet, and a context that ends now would make it fail
	if s.timer != nil {
		s.timer.Stop()
	}
	return s.err
}

// fail ends the pass early. The first reason counts.
func (s *pass) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(err)
}

// end ends the pass and wakes all listers and deleters, so that they return. The first reason counts.
func (s *pass) end(err error) {
	if !s.ended {
		s.err, s.ended = err, true
		s.quit() // otherwise a throttled list request would be retried for minutes
	}
	s.toList.Broadcast()
	s.toDelete.Broadcast()
}

// list does the work of one lister.
func (s *pass) list(ctx context.Context) {
	for {
		part, at := s.takeSpan()
		if part == nil {
			return
		}
		page, err := s.fetch(ctx, at)
		if err == nil && page.More && (page.Next == at || page.Next.Key < at.Key) {
			err = errStuck
		}
		if err == nil && !page.under(s.Prefix) {
			err = errForeign
		}
		if err != nil {
			s.fail(err)
			return
		}
		s.putPage(part, page, s.hashes(page))
	}
}

// takeSpan waits for a span to list. It returns nil when nothing is left to list.
func (s *pass) takeSpan() (*span, Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ranges.idle++
	defer func() { s.ranges.idle-- }()
	for !s.ended && !s.ranges.finished() {
		if s.hasRoom() {
			if part := s.ranges.take(s.wanted); part != nil {
				s.reserved += BatchSize
				s.toList.Signal() // there may be more to list
				return part, part.at
			}
		}
		s.toList.Wait()
	}
	s.toList.Broadcast()
	return nil, Position{}
}

// hasRoom reports whether there is room in memory for one more page.
func (s *pass) hasRoom() bool {
	room := roomFor
	if s.free() {
		room = min(room, firstRoom+s.window*roomPerBatch)
	}
	return s.waiting+s.reserved+BatchSize <= room && s.text < roomForText
}

// free reports whether S3 has throttled nothing so far.
func (s *pass) free() bool { return s.queue.children == nil && s.queue.pace.rate == 0 }

// wanted reports whether the prefixQueue of a key has room for the keys behind it, and if not, where the keys of that
// queue end.
func (s *pass) wanted(key string) (ok bool, other string) {
	leaf := s.queue.find(key)
	ahead := min(queueAhead, max(roomFor/2/max(len(s.queue.children), 1), BatchSize+1))
	if leaf == nil || leaf.pace.rate == 0 || leaf.waiting < ahead {
		return true, ""
	}
	return false, leaf.behind()
}

// hashes returns the hashes of a page's versions; nil if the pass only counts.
func (s *pass) hashes(page Page) []uint64 {
	if s.inventory != nil {
		return nil
	}
	hashes := make([]uint64, len(page.Versions))
	for i, v := range page.Versions {
		stamp := uint64(0)
		if len(page.Stamps) > i {
			stamp = page.Stamps[i]
		}
		hashes[i] = hashOf(v, stamp)
	}
	return hashes
}

// putPage puts the versions of a page into the prefixQueues.
func (s *pass) putPage(part *span, page Page, hashes []uint64) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved -= BatchSize
	versions := s.ranges.arrived(part, page)
	if s.inventory != nil {
		s.inventory.add(page.Sizes[:min(len(versions), len(page.Sizes))])
		s.toList.Signal()
		return
	}
	for i, v := range versions {
		s.versions.meet(v, hashes[i])
	}
	s.waiting += len(versions)
	s.text += textOf(versions)
	s.queue.add(s.apart(versions, now), now)
	s.toList.Signal()
	s.toDelete.Signal()
}

// textOf returns how many bytes the keys and ids of versions have.
func textOf(versions []Version) (n int) {
	for i := range versions {
		n += len(versions[i].Key) + len(versions[i].ID)
	}
	return n
}

// apart queues the versions that have to be deleted one by one, and returns the others.
func (s *pass) apart(versions []Version, now time.Time) []Version {
	for i := range versions {
		if xmlCarries(versions[i].Key) {
			continue
		}
		rest := append([]Version{}, versions[:i]...)
		for _, v := range versions[i:] {
			if xmlCarries(v.Key) {
				rest = append(rest, v)
				continue
			}
			s.queue.leaf(v.Key, now).retry(batch{versions: []Version{clone(v)}, single: true})
		}
		return rest
	}
	return versions
}

// xmlCarries reports whether XML 1.0 can carry a key. https://www.w3.org/TR/xml/#charsets
func xmlCarries(key string) bool {
	if plain(key) {
		return true
	}
	if !utf8.ValidString(key) {
		return false
	}
	for _, r := range key {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}

// plain reports whether a key consists of printable ASCII only.
func plain(key string) bool {
	for i := range len(key) {
		if key[i]-0x20 >= 0x60 {
			return false
		}
	}
	return true
}
