package emptying

import (
	"hash/maphash"
	"math"
)

// A pass can meet a version that S3 had answered is deleted. To report that, and not that a caller keeps writing, a run
// remembers what its passes met: a pass begins only after S3 has answered that all that the earlier passes met is
// deleted.
//
// The memory is bounded. Up to 390,000 versions in the first pass, and as many in all later passes, are all remembered,
// by 60 bits of a hash: the chance that one of a million others is mistaken for one of them is 1 in 3 million. Beyond
// that a sample is remembered: those whose hash begins with so many zeros that they fit. What is known about the sample
// is equally exact, and is applied to the rest in proportion. The later passes have a separate memory, because they
// usually meet little: what comes back in a bucket of any size is known from the third pass on.

const (
	// mostSlots bounds one sample to 4 MB.
	mostSlots = 1 << 19
	// firstSlots is its size at first.
	firstSlots = 1 << 10
	// passBits is how many bits of a slot hold the pass; the others are the hash's.
	passBits = 4
)

// sample remembers by hash in which pass versions and uploads were met last.
type sample struct {
	slots []uint64 // open addressing; 0 is free, because passes count from 1
	n     int
	zeros int // with how many zeros the hashes in the sample begin
}

// sampled reports whether a hash is one of those that are remembered.
func (s *sample) sampled(hash uint64) bool { return s.zeros == 0 || hash>>(64-s.zeros) == 0 }

// slot returns where a hash is, or belongs.
func (s *sample) slot(hash uint64) *uint64 {
	for i := hash >> passBits; ; i++ {
		slot := &s.slots[i&uint64(len(s.slots)-1)]
		if *slot == 0 || *slot>>passBits == hash>>passBits {
			return slot
		}
	}
}

// meet remembers that a pass met this hash, and returns the pass that met it last before; 0 for none.
func (s *sample) meet(hash uint64, pass int) (last int) {
	if !s.sampled(hash) {
		return 0
	}
	if 4*s.n >= 3*len(s.slots) {
		s.grow()
		return s.meet(hash, pass)
	}
	slot := s.slot(hash)
	last = int(*slot & (1<<passBits - 1))
	if *slot == 0 {
		s.n++
	}
	*slot = hash>>passBits<<passBits | uint64(pass)
	return last
}

// knows returns the pass that met this hash last; 0 for none.
func (s *sample) knows(hash uint64) (pass int) {
	if s.n == 0 || !s.sampled(hash) {
		return 0
	}
	return int(*s.slot(hash) & (1<<passBits - 1))
}

// grow doubles the slots, or, at mostSlots, forgets about half of the hashes.
func (s *sample) grow() {
	old := s.slots
	if len(old) == mostSlots {
		s.zeros++
	}
	s.slots, s.n = make([]uint64, min(max(2*len(old), firstSlots), mostSlots)), 0
	for _, slot := range old {
		if slot != 0 && s.sampled(slot) {
			*s.slot(slot) = slot
			s.n++
		}
	}
}

// memory is what the passes of a run met.
type memory struct {
	pass         int
	first, later sample
	// now counts what this pass meets.
	now encounter
}

// encounter counts what a pass meets, and what is known about it.
type encounter struct {
	met int64
	// again is how many of them another later pass met, other how many none did, as far as the sample of the later
	// passes shows.
	again, other int64
	// old and fresh are how many of other the first pass met, and did not meet, as far as its sample shows.
	old, fresh int64
	example    Version // one that came back
}

// returned reports whether one is known to have come back.
func (e encounter) returned() bool { return e.again+e.old > 0 }

// back returns how many of those met were reported as deleted before: exactly, while all that was met is remembered.
func (e encounter) back() int64 {
	if !e.returned() {
		return 0
	}
	old := 0.0
	if e.old > 0 {
		old = float64(e.other) * float64(e.old) / float64(e.old+e.fresh)
	}
	return int64(math.Round(float64(e.met) * (float64(e.again) + old) / float64(e.again+e.other)))
}

// begin starts the next pass.
func (m *memory) begin() { m.pass, m.now = m.pass+1, encounter{} }

// meet notes that this pass met a version or upload with this hash.
func (m *memory) meet(v Version, hash uint64) {
	m.now.met++
	if m.pass == 1 {
		m.first.meet(hash, 1)
		return
	}
	was := m.now.returned()
	switch last := m.later.meet(hash, m.pass); {
	case last == m.pass: // listed twice
		m.now.met--
	case last > 0:
		m.now.again++
	case !m.later.sampled(hash):
	case !m.first.sampled(hash):
		m.now.other++
	case m.first.knows(hash) > 0:
		m.now.other, m.now.old = m.now.other+1, m.now.old+1
	default:
		m.now.other, m.now.fresh = m.now.other+1, m.now.fresh+1
	}
	if !was && m.now.returned() {
		m.now.example = clone(v)
	}
}

// hashSeed makes the hashes unpredictable.
var hashSeed = maphash.MakeSeed()

// hashOf returns a version's hash. Two that were written as "null" under one key differ by their stamp.
func hashOf(v Version, stamp uint64) uint64 {
	id := maphash.String(hashSeed, v.ID)
	if v.ID == NullVersion {
		id += spread * (stamp + 1)
	}
	return maphash.String(hashSeed, v.Key) + spread*id
}

// spread is an odd number whose bits are nearly random: 2^64 divided by the golden ratio.
const spread uint64 = 0x9E3779B97F4A7C15
