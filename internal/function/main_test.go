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

// A function with a part of a processor uses one; one that has more, or is not in Lambda, uses what it finds.
func TestAFunctionUsesTheProcessorsThatItHas(t *testing.T) {
	found := runtime.GOMAXPROCS(2)
	t.Cleanup(func() { runtime.GOMAXPROCS(found) })
	for memory, want := range map[string]int{"256": 1, "1769": 1, "1770": 2, "10240": 2, "": 2} {
		runtime.GOMAXPROCS(2)
		useShare(func(name string) string {
			return map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory}[name]
		})
		if got := runtime.GOMAXPROCS(0); got != want {
			t.Errorf("with %q MB: %d processors, want %d", memory, got, want)
		}
	}
}
