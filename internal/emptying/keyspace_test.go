package emptying

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// These tests are inside the package, because outside it a wrong guess only costs speed.

// learned draws a keyspace that has learned a few keys, and a generator of keys, similar to them or not.
func learned(t *rapid.T) (*keyspace, *rapid.Generator[string]) {
	k := &keyspace{}
	for _, key := range rapid.SliceOf(rapid.StringMatching(`[a-c0-3/é]{0,6}`)).Draw(t, "seen") {
		k.learn(key)
	}
	return k, rapid.StringMatching(`[a-d0-4/.Aé]{1,7}`)
}

// inOrder draws two keys, the lower one first.
func inOrder(t *rapid.T, keys *rapid.Generator[string], low, high string) (string, string) {
	a, b := keys.Draw(t, low), keys.Draw(t, high)
	return min(a, b), max(a, b)
}

func TestAScaleKeepsTheOrderOfKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, keys := learned(t)
		s := k.scaleOf(inOrder(t, keys, "from", "to"))
		a, b := inOrder(t, keys, "a", "b")
		if low, high := s.value(a), s.value(b); low > high || low < 0 || high > 1 {
			t.Errorf("value(%q) = %v and value(%q) = %v, want them in order between 0 and 1", a, low, b, high)
		}
	})
}

func TestACutLiesWithinItsRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, keys := learned(t)
		lo, hi := inOrder(t, keys, "lo", "hi")
		if rapid.Bool().Draw(t, "to the end") {
			hi = ""
		}
		fraction := rapid.Float64Range(0, 1).Draw(t, "fraction")
		depth := rapid.IntRange(0, 8).Draw(t, "depth")
		for name, key := range map[string]string{"middle": k.middle(lo, hi, fraction), "climb": k.climb(lo, hi, depth)} {
			if key != "" && (key <= lo || hi != "" && key >= hi || !utf8.ValidString(key)) {
				t.Errorf("%s of %q and %q = %q, want a marker between them", name, lo, hi, key)
			}
		}
	})
}

// TestLettersThatWereSeenTakeMostOfTheSpace is why the parts of a split range are about equal: there is no month 70.
func TestLettersThatWereSeenTakeMostOfTheSpace(t *testing.T) {
	k := &keyspace{}
	for _, month := range []string{"2024/01", "2024/02", "2024/05", "2024/10"} {
		k.learn(month)
	}
	s := k.scaleOf("2024/", "2025/")
	if within := s.value("2024/20") - s.value("2024/00"); within < 0.5*(s.value("2025/")-s.value("2024/")) {
		t.Errorf("months that begin with the digits seen take %.2f of the year, want more than half", within)
	}
}
