package endtoend_test

import (
	"runtime"
	"syscall"
	"time"
)

// contention returns how many times longer than on an idle machine a computation takes now: the wall time of a thread that
// computes, divided by its processor time.
func contention() float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const enough = 10 * time.Millisecond
	began, before := time.Now(), threadTime()
	for threadTime()-before < enough && time.Since(began) < 100*enough {
	}
	return max(1, float64(time.Since(began))/float64(max(threadTime()-before, time.Microsecond)))
}

// threadTime returns the processor time of this thread.
func threadTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
