package emptying

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// listers and deleters are how many requests of each kind are under way at most. With 30 ms per request, sixteen
	// listers read half a million versions a second.
	listers  = 16
	deleters = 32
	// Concurrency is how many requests to S3 are in flight at most: a client should keep as many connections.
	Concurrency = listers + deleters
	// firstWindow is how many batches are under way at first; each success allows one more, up to deleters.
	firstWindow = 2
	// roomFor is how many versions are in memory at most: about 20 MB.
	roomFor = 96 * BatchSize
	// roomForText is how many bytes of keys and ids are in memory at which no more is listed: with long keys, they fill
	// it before the versions are that many.
	roomForText = 24 << 20
	// firstRoom is how many versions are in memory at most while S3 has refused nothing and few batches are under way:
	// once a limit shows, what waits for it must not keep other prefixes out. Each batch more makes roomPerBatch more.
	firstRoom, roomPerBatch = 8 * BatchSize, 2 * BatchSize
	// laneAhead is how many versions may wait in one lane with a limit before its keys are not listed any further;
	// fewer where the lanes are many.
	queueAhead = 3 * BatchSize
	// tries is how often what fails in passing is tried, refusalTries how often what S3 refuses for its rate.
	tries, throttledTries = 8, 60
	// firstPause and longestPause bound the waits before another try, which double, but for chance.
	firstPause, longestPause = 100 * time.Millisecond, 10 * time.Second
	// hopeless is how many versions in a row may turn out not to be deletable before giving up.
	hopeless = 24 * BatchSize
)

// sweep is one pass over the bucket: it lists all of it and deletes what it lists.
type pass struct {
	*run
	mu               sync.Mutex
	toList           sync.Cond // wakes a lister
	toDelete         sync.Cond // wakes a deleter
	ranges           *ranges
	queue            prefixQueue
	waiting          int // versions in lanes
	reserved         int // versions that pages under way may bring
	inFlight         int // batches under way
	versionsInFlight int // versions in them
	text             int // bytes of keys and ids in lanes and batches
	window           int // most batches under way while S3 has refused nothing
	undeletable      int // versions in a row that cannot be deleted
	err              error
	ended            bool
	quit             context.CancelFunc // ends the listings under way
	timer            *time.Timer
	// inventory makes the pass count what it lists and delete nothing; nil makes it delete.
	inventory *Inventory
}

// newSweep prepares a pass.
func (r *run) newPass() *pass {
	s := &pass{run: r, ranges: newRanges(listers, behindAll(r.Prefix)), window: firstWindow}
	s.toList.L, s.toDelete.L = &s.mu, &s.mu
	return s
}

// do carries the pass out. It returns what ended it early.
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
	s.fail(nil) // without deleters nobody else has ended the pass, and a context that ends now would
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

// end ends the pass, and wakes everybody to see it. The first reason counts.
func (s *pass) end(err error) {
	if !s.ended {
		s.err, s.ended = err, true
		s.quit() // or one that S3 refuses for its rate would be tried for minutes
	}
	s.toList.Broadcast()
	s.toDelete.Broadcast()
}

// list is a lister's life.
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

// takeStretch waits for something to list. It returns nil when there will be nothing any more.
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

// hasRoom tells whether the memory holds one page more.
func (s *pass) hasRoom() bool {
	room := roomFor
	if s.free() {
		room = min(room, firstRoom+s.window*roomPerBatch)
	}
	return s.waiting+s.reserved+BatchSize <= room && s.text < roomForText
}

// free tells that S3 has refused nothing so far.
func (s *pass) free() bool { return s.queue.children == nil && s.queue.pace.rate == 0 }

// wanted tells whether the lane of a key has room for what is listed behind it, and if not, where that lane ends.
func (s *pass) wanted(key string) (ok bool, other string) {
	leaf := s.queue.find(key)
	ahead := min(queueAhead, max(roomFor/2/max(len(s.queue.children), 1), BatchSize+1))
	if leaf == nil || leaf.pace.rate == 0 || leaf.waiting < ahead {
		return true, ""
	}
	return false, leaf.behind()
}

// hashes are those of a page's versions.
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

// putPage queues what a page brought.
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

// textOf is how many bytes of keys and ids versions have.
func textOf(versions []Version) (n int) {
	for i := range versions {
		n += len(versions[i].Key) + len(versions[i].ID)
	}
	return n
}

// apart queues the versions that go one by one, and returns the others.
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

// xmlCarries tells whether XML 1.0 can carry a key. https://www.w3.org/TR/xml/#charsets
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

// plain tells whether a key has nothing but printable ASCII.
func plain(key string) bool {
	for i := range len(key) {
		if key[i]-0x20 >= 0x60 {
			return false
		}
	}
	return true
}
