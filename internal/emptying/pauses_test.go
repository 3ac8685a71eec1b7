package emptying

import (
	"testing"
	"time"
)

// 48 requests are in flight at a time. Those that failed together must not be retried together.
func TestPausesAreRandomAndBounded(t *testing.T) {
	for attempts := 1; attempts < tries; attempts++ {
		drawn := map[time.Duration]bool{}
		for range 1000 {
			pause := pauseBefore(attempts)
			drawn[pause] = true
			if pause < 50*time.Millisecond || pause > 10*time.Second {
				t.Fatalf("a pause of %v after %d attempts, want 50 ms to 10 s", pause, attempts)
			}
		}
		if len(drawn) < 900 {
			t.Errorf("%d of 1000 pauses after %d attempts are different, want nearly all", len(drawn), attempts)
		}
	}
}
