package emptying

const (
	// worthCutting is the fewest pages that a range should still have for somebody else to take over its end.
	worthSplitting = 4
	// freeCuts, and one more for each pagesPerCut pages listed, is how often the key space may be cut: each cut costs
	// a listing when nothing lies behind it, and half a page otherwise.
	freeSplits    = 96
	pagesPerSplit = 4
	// cutsPerPage bounds the cuts while little has been seen, so that a small bucket is not searched at length.
	splitsPerPage = 16
	// farthest is how many times what has been listed an estimate may reach for it to be told to anybody. Keys that
	// differ only far behind their beginning can make it any number.
	farthest = 20
)

// stretch is a range of keys that is listed page by page.
type span struct {
	first string   // the first key found in it, "" before
	at    Position // listed so far
	end   string   // up to and including this one; "" is the end of all keys

	pages     int
	busy      bool    // a page is being fetched
	missed    bool    // the latest cut of this stretch found nothing behind it
	from      *span   // what it was cut from, until its first page is there
	remaining float64 // estimate of pages
}

// frontier divides the listing of a bucket among several listers. Nobody tells where the keys are: each page that
// arrives teaches the keyspace, a lister without work takes over the far part of the stretch that has most left, and
// what it finds there, keys or nothing, shows where to cut next. It is not safe for use at the same time.
type ranges struct {
	keys   keyspace
	spans  []*span // unfinished ones
	pages  int
	splits int
	idle   int // listers without work
	limit  int // most stretches at a time
}

func newRanges(listers int, end string) *ranges {
	return &ranges{spans: []*span{{end: end}}, limit: 4 * listers}
}

// behindAll is the smallest text behind all keys that begin with prefix, for comparisons only; "" is the end of all
// keys. Every text strictly between a key with the prefix and it has the prefix as well, so cuts need no check.
func behindAll(prefix string) string {
	if prefix == "" {
		return ""
	}
	last := len(prefix) - 1
	return prefix[:last] + string([]byte{prefix[last] + 1})
}

// finished tells that everything has been listed.
func (f *ranges) finished() bool { return len(f.spans) == 0 }

// take returns a stretch whose next page is to be fetched, or nil. wanted tells whether what follows a key is wanted
// now, and if not, behind which key other things begin ("" where nobody knows): what has to wait must not keep those
// out, so the stretch is cut there.
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

// cut takes the far part of the stretch with most left, or returns nil when that is not worth it. What has to wait to
// its end is left alone.
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
		victim.remaining = 0 // not to be cut: all of it may be one key
		return nil
	}
	f.splits++
	return f.split(victim, key)
}

// split cuts a stretch behind a key, and returns the far part.
func (f *ranges) split(s *span, key string) *span {
	far := &span{at: Position{Key: key}, end: s.end, from: s}
	s.end = key
	f.estimate(s)
	f.spans = append(f.spans, far)
	return far
}

// cutKey chooses where a stretch is cut. Where the keys' shape is known it divides evenly among the listers without
// work; where it is not, or where that found nothing, it climbs from the last key seen towards the end of the keys,
// byte by byte.
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

// stride is by how many bytes at a time to climb so that the listers without work cover all of them at once.
func (f *ranges) stride(depths int) int { return max(1, depths/max(f.idle, 1)) }

// arrived counts a page in and returns the versions in it that belong to the stretch.
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

// learn takes a sample of a page's keys.
func (f *ranges) learn(versions []Version) {
	for i := 0; i < len(versions); i += 61 {
		f.keys.learn(versions[i].Key)
	}
	if n := len(versions); n > 0 {
		f.keys.learn(versions[n-1].Key)
	}
}

// estimate guesses how many pages a stretch still has, as if its keys were spread evenly.
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

// left estimates how many versions have not been listed; ok is false while there is no telling.
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
