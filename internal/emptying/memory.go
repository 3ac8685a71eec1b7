package emptying

import (
	"hash/maphash"
	"math"
)

// A pass can meet what an earlier one was told is deleted. To say so, and not that somebody keeps writing, a run
// remembers what its passes met: a pass begins only when all that the earlier ones met was told to be deleted.
//
// The memory is bounded. Up to 390,000 versions in the first pass, and as many in all later ones, are all remembered, by
// 60 bits of a hash: that any of a million others is taken for one of them has a chance of 1 in 3 million. Beyond that a
// sample is remembered: those whose hash begins with so many zeros that they fit. What is known about the sample is as
// exact, and stands for the rest in proportion. The later passes have a memory of their own, because they meet little
// as a rule: what comes back from a bucket of any size is known from the third pass on.

const (
	// mostSlots bounds one sample to 4 MB.
	mostSlots = 1 << 19
	// firstSlots is its size at first.
	firstSlots = 1 << 10
	// passBits is how many bits of a slot hold the pass; the others are the hash's.
	passBits = 4
)

// sample remembers in which pass things were met, by their hashes.
type sample struct {
	slots []uint64 // open addressing; 0 is free, because passes count from 1
	n     int
	zeros int // with how many zeros a hash begins that is in the sample
}

// sampled tells whether a hash is one of those that are remembered.
func (s *sample) sampled(hash uint64) bool { return s.zeros == 0 || hash>>(64-s.zeros) == 0 }

// slot is where a hash is, or belongs.
func (s *sample) slot(hash uint64) *uint64 {
	for i := hash >> passBits; ; i++ {
		slot := &s.slots[i&uint64(len(s.slots)-1)]
		if *slot == 0 || *slot>>passBits == hash>>passBits {
			return slot
		}
	}
}

// meet remembers that a pass meets what has this hash, and returns the pass that did so last; 0 for none.
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

// knows tells in which pass what has this hash was met; 0 for none.
func (s *sample) knows(hash uint64) (pass int) {
	if s.n == 0 || !s.sampled(hash) {
		return 0
	}
	return int(*s.slot(hash) & (1<<passBits - 1))
}

// grow makes room: more of it, or by forgetting about half.
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
	// again is what another later pass met, other what none did, as far as the sample of the later passes goes.
	again, other int64
	// old and fresh are what of other the first pass met, and did not meet, as far as its sample goes.
	old, fresh int64
	example    Version // of what came back
}

// returned tells whether anything is known to have come back.
func (e encounter) returned() bool { return e.again+e.old > 0 }

// back is how many of those met were told to be deleted before: exactly, where all that was met is remembered.
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

// begin is for the next pass.
func (m *memory) begin() { m.pass, m.now = m.pass+1, encounter{} }

// meet takes into account that this pass meets a version or upload with this hash.
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

// hashSeed makes hashes that nobody can foresee.
var hashSeed = maphash.MakeSeed()

// hashOf is a version's hash. Two that were written as "null" under one key differ by their stamp.
func hashOf(v Version, stamp uint64) uint64 {
	id := maphash.String(hashSeed, v.ID)
	if v.ID == NullVersion {
		id += spread * (stamp + 1)
	}
	return maphash.String(hashSeed, v.Key) + spread*id
}

// spread is an odd number whose bits are as good as random: 2^64 divided by the golden ratio.
const spread uint64 = 0x9E3779B97F4A7C15
