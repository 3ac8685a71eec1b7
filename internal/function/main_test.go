package function

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// Until the first collection Go collects only for the limit, which is never above the environment's; after it, as before.
func TestCollectLateEndsWithTheFirstCollection(t *testing.T) {
	for _, test := range []struct{ limit, late int64 }{{1 << 40, uncollected}, {16 << 20, 16 << 20}} {
		percent, limit := debug.SetGCPercent(77), debug.SetMemoryLimit(test.limit)
		collectLate()
		if late := debug.SetMemoryLimit(-1); late != test.late || setting("/gc/gogc:percent") != math.MaxUint64 {
			t.Errorf("at the start the limit is %d bytes, want %d; the percentage is %d, want none", late, test.late, setting("/gc/gogc:percent"))
		}
		deadline := time.Now().Add(45 * time.Second)
		for setting("/gc/gogc:percent") != 77 || debug.SetMemoryLimit(-1) != test.limit {
			if time.Now().After(deadline) {
				t.Fatal("after 45 s of collections the limit and the percentage are not what they were")
			}
			runtime.GC()
		}
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

// setting returns a setting of the collector.
func setting(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
