package emptying

import (
	"context"
	"slices"
	"time"
)

// delete does the work of one deleter.
func (s *pass) delete() {
	for {
		b, ok := s.takeBatch()
		if !ok {
			return
		}
		failures, err := s.send(&b)
		s.settle(b, failures, err)
	}
}

// send makes the call of a batch.
func (s *pass) send(b *batch) ([]Failure, error) {
	ctx, cancel := context.WithTimeout(s.deleting, callTimeout)
	defer cancel()
	if b.single {
		s.count.singles.Add(1)
		return nil, s.Store.DeleteOne(ctx, b.versions[0], s.bypass)
	}
	s.count.batches.Add(1)
	return s.Store.DeleteBatch(ctx, b.versions, s.bypass)
}

// takeBatch waits for a batch that may be sent. It returns false when nothing is left to delete.
func (s *pass) takeBatch() (batch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ended {
		now := time.Now()
		b, wait := s.choose(now)
		if len(b.versions) > 0 {
			s.inFlight++
			s.versionsInFlight += len(b.versions)
			s.waiting -= len(b.versions)
			s.toDelete.Signal() // there may be more to delete
			s.toList.Signal()   // and there is room
			return b, true
		}
		if s.ranges.finished() && s.waiting == 0 && s.inFlight == 0 {
			s.end(nil)
			break
		}
		s.wake(wait)
		s.toDelete.Wait()
	}
	return batch{}, false
}

// wake makes a deleter look for a batch again after a while; 0 means when something changes.
func (s *pass) wake(after time.Duration) {
	switch {
	case after <= 0:
	case s.timer == nil:
		s.timer = time.AfterFunc(after, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.toDelete.Signal()
		})
	default:
		s.timer.Reset(after)
	}
}

// choose takes a batch from the fullest prefixQueue that may send one, or returns how long until one may (0: none
// waits).
func (s *pass) choose(now time.Time) (b batch, wait time.Duration) {
	if s.free() && s.inFlight >= s.window {
		return batch{}, 0
	}
	flush := s.ranges.finished() || !s.hasRoom() && s.inFlight == 0
	var due *prefixQueue
	for l := range s.queue.leaves() {
		w, ready := l.due(now, flush)
		switch {
		case !ready:
		case w <= 0 && (due == nil || l.waiting > due.waiting):
			due = l
		case w > 0 && (wait == 0 || w < wait):
			wait = w
		}
	}
	if due == nil {
		return batch{}, wait
	}
	b = due.next(now)
	b.sent = now
	due.sentTo = true
	due.pace.sent(now, len(b.versions))
	return b, 0
}

// settle processes the result of a call.
func (s *pass) settle(b batch, failures []Failure, err error) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.toDelete.Signal()
	defer s.toList.Signal() // there is room for text
	s.inFlight--
	s.versionsInFlight -= len(b.versions)
	s.text -= textOf(b.versions)
	leaf := s.queue.leaf(b.versions[0].Key, now)
	if err != nil {
		s.settleCall(leaf, b, err, now)
		return
	}
	failures = b.name(failures)
	again := s.settleEach(failures)
	s.tally(len(b.versions)-len(failures)+again.gone, again.left)
	if again.refused {
		s.refuse(leaf, &b, now)
	} else {
		leaf.pace.accepted()
		s.window = min(s.window+1, deleters)
	}
	if len(again.versions) > 0 {
		s.again(leaf, batch{versions: again.versions, attempts: b.attempts}, again.tries, again.last, now)
	}
}

// tally counts deleted versions and those left for good, and ends the pass after too many undeletable versions in a row.
func (s *pass) tally(deleted, left int) {
	s.count.deleted.Add(int64(deleted))
	s.undeletable += left
	if deleted > 0 {
		s.undeletable = 0
	}
	if s.undeletable >= hopeless {
		s.end(errHopeless)
	}
}

// settleCall processes a call that failed as a whole.
func (s *pass) settleCall(leaf *prefixQueue, b batch, err error, now time.Time) {
	k, code := kindOf(err)
	switch {
	case k == cancelled && s.ended:
		return
	case k == bucketGone:
		s.end(err)
	case k == gone:
		s.tally(len(b.versions), 0)
		leaf.pace.accepted()
	case k == throttled:
		s.refuse(leaf, &b, now)
		s.again(leaf, b, throttledTries, Failure{Code: code, Message: err.Error()}, now)
	case k == transient || k == cancelled:
		s.again(leaf, b, tries, Failure{Code: code, Message: err.Error()}, now)
	case k == rejected && !b.single:
		s.halve(b)
	default:
		s.leave(b.versions, Failure{Code: code, Message: err.Error()})
	}
}

// refuse slows the queue down, because S3 throttled a batch.
func (s *pass) refuse(leaf *prefixQueue, b *batch, now time.Time) {
	s.count.refused.Add(1)
	leaf.refused(now, b)
}

// halve queues the two halves of a batch that S3 rejected, to find the version that it rejects; a single version is
// deleted by DeleteOne.
func (s *pass) halve(b batch) {
	if len(b.versions) == 1 {
		s.requeue(batch{versions: b.versions, single: true})
		return
	}
	half := len(b.versions) / 2
	s.requeue(batch{versions: b.versions[:half]})
	s.requeue(batch{versions: b.versions[half:]})
}

// again queues a batch for a retry after a pause, or gives its versions up if no tries are left.
func (s *pass) again(leaf *prefixQueue, b batch, most int, why Failure, now time.Time) {
	if b.attempts++; b.attempts >= most {
		s.leave(b.versions, why)
		return
	}
	if b.attempts > 1 || leaf.pace.rate == 0 {
		b.notSooner = now.Add(pauseBefore(b.attempts))
	}
	s.requeue(b)
}

// requeue queues a batch in the prefixQueue that its keys belong to now: queues are divided and joined.
func (s *pass) requeue(b batch) {
	s.queue.leaf(b.versions[0].Key, time.Now()).retry(b)
	s.waiting += len(b.versions)
	s.text += textOf(b.versions)
}

// leave gives versions up for this pass.
func (s *pass) leave(versions []Version, why Failure) {
	s.leftovers.add(versions, why)
	s.tally(0, len(versions))
}

// retrial is the part of a batch that is to be tried again.
type retrial struct {
	versions []Version
	tries    int
	refused  bool
	last     Failure
	// gone and left are how many others need no further try, because they do not exist or cannot be deleted.
	gone, left int
}

// name finds the versions of the batch that failures refer to, because S3 need not name a version that is "null", and a
// version must never be deleted without its id: that would create a delete marker. A failure of a key applies to all its
// versions; a failure of nothing in the batch applies to the whole batch.
func (b *batch) name(failures []Failure) (named []Failure) {
	if len(failures) == 0 {
		return nil
	}
	sent := make(map[Version]bool, len(b.versions))
	for _, v := range b.versions {
		sent[v] = true
	}
	why := map[Version]Failure{}
	for _, f := range failures {
		if sent[f.Version] {
			why[f.Version] = f
			continue
		}
		known := slices.ContainsFunc(b.versions, func(v Version) bool { return v.Key == f.Key })
		for _, v := range b.versions {
			if !known || v.Key == f.Key {
				why[v] = f
			}
		}
	}
	for _, v := range b.versions {
		if f, ok := why[v]; ok {
			f.Version = v
			named = append(named, f)
		}
	}
	return named
}

// settleEach sorts the versions that a batch did not delete by what becomes of them.
func (s *pass) settleEach(failures []Failure) retrial {
	again := retrial{tries: tries}
	for _, f := range failures {
		switch kindByCode[f.Code] {
		case gone:
			again.gone++
		case throttled:
			again.refused, again.tries = true, throttledTries
			fallthrough
		case transient:
			// A few versions of a page can wait long: they must not keep the page in memory.
			again.versions, again.last = append(again.versions, clone(f.Version)), f
		default:
			again.left++
			s.leftovers.add([]Version{f.Version}, f)
		}
	}
	return again
}

// due returns how long until the queue's next batch may be sent, and whether it has one. A partial batch is sent only if
// flush is set.
func (l *prefixQueue) due(now time.Time, flush bool) (wait time.Duration, ready bool) {
	if l.waiting == 0 {
		return 0, false
	}
	full := len(l.versions) >= BatchSize || flush && len(l.versions) > 0
	if !full {
		soonest := time.Duration(-1)
		for i := range l.retries {
			if w := max(l.retries[i].notSooner.Sub(now), 0); soonest < 0 || w < soonest {
				soonest = w
			}
		}
		if soonest < 0 {
			return 0, false
		}
		return max(soonest, l.pace.wait(now)), true
	}
	return l.pace.wait(now), true
}

// next takes the queue's next batch: retries before new versions.
func (l *prefixQueue) next(now time.Time) batch {
	for i, b := range l.retries {
		if !b.notSooner.After(now) {
			l.retries = append(l.retries[:i], l.retries[i+1:]...)
			l.waiting -= len(b.versions)
			return b
		}
	}
	n := min(len(l.versions), BatchSize)
	b := batch{versions: l.versions[:n:n]}
	l.versions = l.versions[n:]
	l.waiting -= n
	return b
}
