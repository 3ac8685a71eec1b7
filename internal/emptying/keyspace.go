package emptying

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// alphabetDepth is how many bytes of a key are learned from. Spans whose keys differ only behind it are not split
// further.
const alphabetDepth = 256

// alphabet is a set of bytes.
type alphabet [4]uint64

func (a *alphabet) add(b byte)      { a[b>>6] |= 1 << (b & 63) }
func (a *alphabet) has(b byte) bool { return a[b>>6]&(1<<(b&63)) != 0 }

// keyspace learns which bytes keys have at which depth, and derives from that where to split a range of keys. A wrong
// guess costs speed only: a split is correct at each key.
type keyspace struct {
	seen [alphabetDepth]alphabet
}

// learn takes a key into account.
func (k *keyspace) learn(key string) {
	for i := range min(len(key), alphabetDepth) {
		k.seen[i].add(key[i])
	}
}

// kinds are bytes that occur together: if a few of a kind were seen, the others are likely.
var kinds = []struct {
	from, to byte
	atLeast  int // how many of the kind must have been seen
}{{'0', '9', 1}, {'a', 'f', 2}, {'g', 'z', 2}, {'A', 'F', 2}, {'G', 'Z', 2}}

// letters returns, in order, the bytes that keys are likely to have at a depth, and how likely each is: 1 for those
// seen, and for others of a kind the part of that kind that was seen.
func (k *keyspace) letters(depth int) (letters []byte, plausible []float64) {
	if depth >= alphabetDepth {
		return nil, nil
	}
	var weights [256]float64
	for _, kind := range kinds {
		n := k.count(depth, kind.from, kind.to)
		for b := kind.from; b <= kind.to && n >= kind.atLeast; b++ {
			weights[b] = float64(n) / float64(kind.to-kind.from+1)
		}
	}
	for b, weight := range weights {
		if k.seen[depth].has(byte(b)) {
			weight = 1
		}
		if weight > 0 {
			letters, plausible = append(letters, byte(b)), append(plausible, weight)
		}
	}
	return letters, plausible
}

func (k *keyspace) count(depth int, from, to byte) (n int) {
	for b := from; b <= to; b++ {
		if k.seen[depth].has(b) {
			n++
		}
	}
	return n
}

const (
	// digits is the most bytes behind the common prefix that decide where a key is in a range.
	digits = 48
	// finest is the narrowest interval between 0 and 1 that a float64 can distinguish from its neighbours.
	finest = 1e-15
)

// scale maps the keys of one range, which begin with prefix, to [0, 1), in order.
type scale struct {
	prefix string
	keys   *keyspace
	depths []division // made when first needed
}

// scaleOf returns the scale for the range from lo to hi; hi "" is the end of all keys.
func (k *keyspace) scaleOf(lo, hi string) scale {
	return scale{prefix: lo[:commonPrefix(lo, hi)], keys: k}
}

// at returns the division so many bytes behind the prefix.
func (s *scale) at(depth int) *division {
	for len(s.depths) <= depth {
		s.depths = append(s.depths, s.keys.divide(len(s.prefix)+len(s.depths)))
	}
	return &s.depths[depth]
}

// division divides an interval among the bytes that keys can have at one depth: the first part is for keys that end
// there or sort before the first letter, then each letter has a part, and the rest is for keys that sort behind the last
// letter.
type division struct {
	letters []byte
	begins  []float64 // where each letter's part begins, and where the last one's ends
}

// margin is the size of the first part and of the rest, where a letter that was seen has 1.
const margin = 0.05

// divide makes the division at a depth.
func (k *keyspace) divide(depth int) division {
	letters, plausible := k.letters(depth)
	d := division{letters: letters, begins: make([]float64, len(letters)+1)}
	at := margin
	for i, weight := range plausible {
		d.begins[i] = at
		at += weight
	}
	d.begins[len(letters)] = at
	for i := range d.begins {
		d.begins[i] /= at + margin
	}
	return d
}

// value returns the position of a key, from 0 to 1. For "", and for a key behind all keys with the prefix, it is 1.
func (s *scale) value(key string) float64 {
	if !strings.HasPrefix(key, s.prefix) {
		if key != "" && key < s.prefix {
			return 0
		}
		return 1
	}
	key = key[len(s.prefix):]
	v, width := 0.0, 1.0
	for i := 0; i < min(len(key), digits) && width >= finest; i++ {
		d := s.at(i)
		at, found := slices.BinarySearch(d.letters, key[i])
		v += width * d.begins[at]
		if !found {
			return v // between two letters, where the first one's part ends
		}
		width *= d.begins[at+1] - d.begins[at]
	}
	return v
}

// key is the inverse of value: it returns a key at about v.
func (s *scale) key(v float64) string {
	b := []byte(s.prefix)
	width := 1.0
	for i := 0; i < digits && width >= finest; i++ {
		d := s.at(i)
		at := len(d.begins) - 1
		for at >= 0 && d.begins[at] > v {
			at--
		}
		switch {
		case at < 0:
			return string(b)
		case at == len(d.letters):
			return string(append(b, beyond(d.letters)))
		}
		part := d.begins[at+1] - d.begins[at]
		b = append(b, d.letters[at])
		v = (v - d.begins[at]) / part
		width *= part
	}
	return string(b)
}

// beyond returns a byte behind the last letter.
func beyond(letters []byte) byte {
	if len(letters) == 0 {
		return '0'
	}
	return min(letters[len(letters)-1]+1, 0xF4)
}

// middle returns a key at the given fraction of the way from lo to hi, or "" if there is none strictly between them.
func (k *keyspace) middle(lo, hi string, fraction float64) string {
	s := k.scaleOf(lo, hi)
	from := s.value(lo)
	to := 1.0
	if hi != "" {
		to = s.value(hi)
	}
	return between(lo, s.key(from+(to-from)*fraction), hi)
}

// climb returns a key behind all keys that share the first depth+1 bytes with lo, the next one that is likely at that
// depth, or "" if there is none before hi. The smaller the depth, the further away the key.
func (k *keyspace) climb(lo, hi string, depth int) string {
	if depth >= len(lo) {
		return ""
	}
	next := lo[depth] + 1
	letters, _ := k.letters(depth)
	for _, b := range letters {
		if b > lo[depth] {
			next = b
			break
		}
	}
	if next < lo[depth] {
		return ""
	}
	return between(lo, lo[:depth]+string([]byte{next}), hi)
}

// between makes key a marker that S3 accepts (valid UTF-8), and returns it if it is strictly between lo and hi;
// otherwise "".
func between(lo, key, hi string) string {
	key = wholeRunes(key)
	if key <= lo || hi != "" && key >= hi {
		return ""
	}
	return key
}

// wholeRunes completes the rune within which a key ends, with the smallest bytes that are valid, or removes that rune.
func wholeRunes(key string) string {
	if utf8.ValidString(key) {
		return key
	}
	for _, filler := range []string{"\x80", "\x90", "\xa0", "\x80\x80", "\x90\x80", "\xa0\x80", "\x80\x80\x80", "\x90\x80\x80"} {
		if utf8.ValidString(key + filler) {
			return key + filler
		}
	}
	return strings.ToValidUTF8(key, "")
}

// commonPrefix returns the length of the common prefix of a and b, in bytes.
func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
