package emptying

import "testing"

// keyed returns one of many versions, and its hash.
func keyed(i int) (Version, uint64) {
	hash := uint64(i+1) * 0x9E3779B97F4A7C15
	hash = (hash ^ hash>>30) * 0xBF58476D1CE4E5B9
	return Version{Key: "some", ID: "v"}, hash ^ hash>>27
}

// meetAll begins a pass that meets these versions.
func (m *memory) meetAll(from, to int) encounter {
	m.begin()
	for i := from; i < to; i++ {
		m.meet(keyed(i))
	}
	return m.now
}

func TestWhatFitsIsRememberedExactly(t *testing.T) {
	var m memory
	m.meetAll(0, 300_000)
	if got := m.meetAll(299_000, 310_000); got.met != 11_000 || got.back() != 1000 || got.example.Key == "" {
		t.Errorf("the second pass = %+v, %d back, want 1,000 of 11,000 back", got, got.back())
	}
	if got := m.meetAll(305_000, 320_000); got.met != 15_000 || got.back() != 5000 {
		t.Errorf("the third pass = %+v, %d back, want 5,000 of 15,000 back", got, got.back())
	}
}

// In a sample, no old version is taken for new, no new one for old, and the share is about right.
func TestMillionsAreRememberedBySample(t *testing.T) {
	var m memory
	m.meetAll(0, 3_000_000)
	if size := len(m.first.slots) + len(m.later.slots); size > 2*mostSlots {
		t.Fatalf("%d slots, want %d at most", size, 2*mostSlots)
	}
	if got := m.meetAll(0, 3_000_000); got.fresh != 0 || got.met != 3_000_000 || got.back() != got.met {
		t.Errorf("all of them again = %+v, %d back, want all", got, got.back())
	}
	if got := m.meetAll(3_000_000, 3_500_000); got.returned() || got.back() != 0 || got.fresh == 0 {
		t.Errorf("new ones = %+v, %d back, want none", got, got.back())
	}
	half := m.meetAll(2_000_000, 5_000_000)
	if want := int64(1_500_000); half.back() < want*97/100 || half.back() > want*103/100 {
		t.Errorf("half of them again = %+v, %d back, want about %d", half, half.back(), want)
	}
}

// A few versions that come back in a large bucket are remembered from the second pass, even if the first forgot them.
func TestAFewOfMillionsAreKnownFromTheThirdPassOn(t *testing.T) {
	var m memory
	m.meetAll(0, 1_000_000)
	m.meetAll(500_000, 500_003)
	if got := m.meetAll(500_000, 500_003); got.again != 3 || got.back() != 3 {
		t.Errorf("the third pass = %+v, want 3 back", got)
	}
}

// S3 lists no version twice, but a listing may while other callers delete (docs/facts.md: S3).
func TestWhatAPassMeetsTwiceHasNotComeBack(t *testing.T) {
	var m memory
	m.meetAll(0, 10)
	m.meetAll(20, 30)
	for i := 20; i < 30; i++ {
		m.meet(keyed(i))
	}
	if m.now.met != 10 || m.now.returned() {
		t.Errorf("ten listed twice = %+v, want 10 met and none back", m.now)
	}
}
