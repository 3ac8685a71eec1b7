package s3model

import "math/bits"

// bitmap is a set of numbers below a bound, with a second level that marks non-empty words. It takes about 1.02 bits
// per number.
type bitmap struct {
	words, summary []uint64
	count          int
}

// full returns the set of all numbers below n.
func full(n int) *bitmap {
	b := &bitmap{words: make([]uint64, (n+63)/64), count: n}
	b.summary = make([]uint64, (len(b.words)+63)/64)
	for i := range b.words {
		b.words[i] = ^uint64(0)
		b.summary[i>>6] |= 1 << (i & 63)
	}
	if n&63 != 0 {
		b.words[len(b.words)-1] = 1<<(n&63) - 1
	}
	return b
}

// remove removes i, and reports whether the set contained it.
func (b *bitmap) remove(i int) bool {
	w := i >> 6
	bit := uint64(1) << (i & 63)
	if b.words[w]&bit == 0 {
		return false
	}
	b.count--
	if b.words[w] &^= bit; b.words[w] == 0 {
		b.summary[w>>6] &^= 1 << (w & 63)
	}
	return true
}

// next returns the first number in the set from i on, or -1.
func (b *bitmap) next(i int) int {
	w := i >> 6
	if w >= len(b.words) {
		return -1
	}
	if rest := b.words[w] >> (i & 63); rest != 0 {
		return i + bits.TrailingZeros64(rest)
	}
	w++
	for s := w >> 6; s < len(b.summary); s++ {
		rest := b.summary[s]
		if s == w>>6 {
			rest &= ^uint64(0) << (w & 63)
		}
		if rest != 0 {
			w = s<<6 + bits.TrailingZeros64(rest)
			return w<<6 + bits.TrailingZeros64(b.words[w])
		}
	}
	return -1
}
