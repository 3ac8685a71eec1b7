package emptying

const (
	// worthSplitting is the fewest pages that a span must still have to be split for another lister.
	worthSplitting = 4
	// freeSplits, and one more for each pagesPerSplit pages listed, is the most splits: a split costs one list request
	// if there are no keys behind it, and half a page otherwise.
	freeSplits    = 96
	pagesPerSplit = 4
	// splitsPerPage bounds the splits while few pages have been listed, so that a small bucket is not searched for long.
	splitsPerPage = 16
	// farthest is the largest estimate that is reported, as a multiple of what has been listed. For keys that differ
	// only far from their beginning, the estimate can be arbitrarily wrong.
	farthest = 10
)

// span is a range of keys that is listed page by page.
type span struct {
	first string   // the first key found in it, "" before
	at    Position // listed so far
	end   string   // up to and including this one; "" is the end of all keys

	pages     int
	busy      bool    // a page is being fetched
	missed    bool    // the latest split of this span found no keys behind it
	from      *span   // the span that it was split from, until its first page arrives
	remaining float64 // estimated pages
}

// ranges divides the listing of a bucket among several listers. S3 does not say where the keys are: the keyspace learns
// it from each page that arrives, an idle lister takes over the far part of the span that has most pages left, and what
// it finds there, keys or nothing, shows where to split next. It is not safe for concurrent use.
type ranges struct {
	keys   keyspace
	spans  []*span // unfinished ones
	pages  int
	splits int
	idle   int // listers without work
	limit  int // most spans at a time
}

func newRanges(listers int, end string) *ranges {
	return &ranges{spans: []*span{{end: end}}, limit: 4 * listers}
}

// behindAll returns the smallest string that sorts behind all keys with the prefix, for comparisons only; "" is the end
// of all keys. Each string strictly between a key with the prefix and that string has the prefix too, so split keys need
// no check.
func behindAll(prefix string) string {
	if prefix == "" {
		return ""
	}
	last := len(prefix) - 1
	return prefix[:last] + string([]byte{prefix[last] + 1})
}

// finished reports whether all keys have been listed.
func (f *ranges) finished() bool { return len(f.spans) == 0 }

// take returns a span whose next page is to be fetched, or nil. wanted reports whether the keys that follow a key are
// wanted now, and if not, behind which key other prefixes begin ("" if not known). Keys that have to wait must not delay
// those, so the span is split there.
func (f *ranges) take(wanted func(key string) (ok bool, other string)) *span {
	var best, waiting *span
	var splitAt string
	for _, s := range f.spans {
		if s.busy {
			continue
		}
		ok, other := wanted(s.at.Key)
		if ok && (best == nil || s.remaining > best.remaining) {
			best = s
		}
		if key := between(s.at.Key, other, s.end); !ok && key != "" {
			waiting, splitAt = s, key
		}
	}
	switch {
	case waiting != nil:
		best = f.split(waiting, splitAt)
	case best == nil:
		best = f.splitLargest(wanted)
	}
	if best != nil {
		best.busy = true
	}
	return best
}

// splitLargest takes the far part of the span with most pages left, or returns nil if no split is worth it. A span whose
// keys all have to wait is not split.
func (f *ranges) splitLargest(wanted func(key string) (ok bool, other string)) *span {
	if f.splits >= min(freeSplits+f.pages/pagesPerSplit, splitsPerPage*f.pages) || len(f.spans) >= f.limit {
		return nil
	}
	var victim *span
	for _, s := range f.spans {
		if s.pages == 0 || s.remaining < worthSplitting || victim != nil && s.remaining <= victim.remaining {
			continue
		}
		if ok, other := wanted(s.at.Key); ok || other == "" {
			victim = s
		}
	}
	if victim == nil {
		return nil
	}
	key := f.splitKey(victim)
	if key == "" {
		victim.remaining = 0 // not to be split: it may hold versions of one key only
		return nil
	}
	f.splits++
	return f.split(victim, key)
}

// split splits a span behind a key and returns the far part.
func (f *ranges) split(s *span, key string) *span {
	far := &span{at: Position{Key: key}, end: s.end, from: s}
	s.end = key
	f.estimate(s)
	f.spans = append(f.spans, far)
	return far
}

// splitKey chooses where a span is split. If its end is known and the latest split found keys, it divides the span
// evenly among the idle listers. Otherwise it climbs byte by byte from the last listed key towards the end of the keys.
func (f *ranges) splitKey(s *span) string {
	known := s.end != "" && !s.missed
	if known {
		parts := min(float64(f.idle+1), s.remaining/2)
		if key := f.keys.middle(s.at.Key, s.end, 1-1/max(parts, 2)); key != "" {
			return key
		}
	}
	lo := s.at.Key
	depth := commonPrefix(lo, s.end)
	for ; depth < min(len(lo), alphabetDepth); depth += f.stride(len(lo) - depth) {
		if key := f.keys.climb(lo, s.end, depth); key != "" {
			return key
		}
	}
	return f.keys.middle(lo, s.end, 0.5)
}

// stride returns how many bytes to climb at a time so that the idle listers cover all depths at once.
func (f *ranges) stride(depths int) int { return max(1, depths/max(f.idle, 1)) }

// arrived takes a page of a span into account and returns the versions in it that belong to the span.
func (f *ranges) arrived(s *span, page Page) []Version {
	f.pages++
	s.pages++
	s.busy = false
	versions := within(page.Versions, s.end)
	f.learn(page.Versions)
	if s.from != nil {
		s.from.missed = len(versions) == 0
		s.from = nil
	}
	if s.first == "" && len(versions) > 0 {
		s.first = versions[0].Key
	}
	s.at = page.Next
	if !page.More || len(versions) < len(page.Versions) || s.end != "" && s.at.Key > s.end {
		f.remove(s)
		return versions
	}
	f.estimate(s)
	return versions
}

// learn adds a sample of a page's keys to the keyspace.
func (f *ranges) learn(versions []Version) {
	for i := 0; i < len(versions); i += 61 {
		f.keys.learn(versions[i].Key)
	}
	if n := len(versions); n > 0 {
		f.keys.learn(versions[n-1].Key)
	}
}

// estimate estimates how many pages a span still has, as if its keys were evenly distributed.
func (f *ranges) estimate(s *span) {
	if s.end == "" {
		s.remaining = 1 << 20
		return
	}
	scale := f.keys.scaleOf(s.first, s.end)
	first, at, end := scale.value(s.first), scale.value(s.at.Key), scale.value(s.end)
	if at <= first {
		s.remaining = 1 << 16
		return
	}
	s.remaining = float64(s.pages) * (end - at) / (at - first)
}

// left estimates how many versions have not been listed; ok is false if there is no useful estimate.
func (f *ranges) left() (versions float64, ok bool) {
	for _, s := range f.spans {
		if s.pages == 0 || s.end == "" || s.remaining == 0 {
			return 0, false
		}
		versions += s.remaining * BatchSize
	}
	return versions, versions <= farthest*BatchSize*float64(f.pages)
}

func (f *ranges) remove(s *span) {
	for i := range f.spans {
		if f.spans[i] == s {
			f.spans = append(f.spans[:i], f.spans[i+1:]...)
			return
		}
	}
}

// within returns the versions whose keys are not behind end.
func within(versions []Version, end string) []Version {
	if end == "" {
		return versions
	}
	n := len(versions)
	for n > 0 && versions[n-1].Key > end {
		n--
	}
	return versions[:n]
}
