package lambda

import (
	"testing"
	"time"
)

func TestTheTimeOfWaitingForAProcessorDoesNotCount(t *testing.T) {
	for name, c := range map[string]struct {
		before time.Duration
		lacked []time.Duration // each time that the timer ends
		want   time.Duration   // by how much it is prolonged
	}{
		"it always had one":           {time.Second, []time.Duration{time.Second}, 0},
		"it waited":                   {time.Second, []time.Duration{7 * time.Second, 7 * time.Second}, 6 * time.Second},
		"it waited meanwhile as well": {0, []time.Duration{2 * time.Second, 3 * time.Second, 3 * time.Second}, 3 * time.Second},
		"it hardly ever has one":      {0, []time.Duration{time.Minute, time.Hour}, 20 * time.Second},
		"its process ended":           {time.Second, []time.Duration{0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			l := newLimit(10*time.Second, c.before, func() time.Duration { asked++; return c.lacked[asked-1] })
			defer l.Stop()
			for !l.isReached() {
			}
			if l.granted != c.want || asked != len(c.lacked) {
				t.Errorf("prolonged by %v after %d looks, want %v after %d", l.granted, asked, c.want, len(c.lacked))
			}
		})
	}
}
