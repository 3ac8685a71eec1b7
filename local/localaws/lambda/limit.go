package lambda

import (
	"os"
	"runtime"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/child"
)

// limit is a timer for the time-out of a function. Its C receives when the time may be over; isReached then says whether it is.
//
// Lambda always has processors. Here other processes may take them, and then a function would fail that works in Lambda. Therefore
// the time in which the function waits for a processor does not count, up to twice the time-out. The deadline that the function
// itself is told does not move.
type limit struct {
	*time.Timer
	timeout time.Duration
	// lacked returns for how long the function has waited for a processor since some moment, before is what it was at that of the
	// timer's start, without the process's own waits, and granted is by how much the timer has been prolonged.
	lacked          func() time.Duration
	before, granted time.Duration
}

// shortest is the shortest prolongation.
const shortest = 5 * time.Millisecond

// newLimit starts a timer.
func newLimit(timeout, before time.Duration, lacked func() time.Duration) *limit {
	return &limit{Timer: time.NewTimer(timeout), timeout: timeout, lacked: lacked, before: before}
}

// isReached reports whether the time is over, or else prolongs the timer. It may be called only after C has received.
func (l *limit) isReached() bool {
	more := min(l.lacked()-l.before, 2*l.timeout) - l.granted
	if more < shortest {
		return true
	}
	l.granted += more
	l.Reset(more)
	return false
}

// lacked returns for how long the process, and this one, which answers its calls, have waited for a processor. It is only called
// where a time may be over: Linux took 4 ms more to end each process of which this had been read.
func (e *environment) lacked() time.Duration {
	return child.Waited(e.command.Process.Pid)/time.Duration(runtime.GOMAXPROCS(0)) + lackedHere()
}

// lackedHere returns for how long this process has waited for a processor: of its threads, about as many are ready as there are
// processors. It is measured once a second at most, because there are several threads for each function.
func lackedHere() time.Duration {
	here.Lock()
	defer here.Unlock()
	if time.Since(here.at) > time.Second {
		here.lacked, here.at = child.Waited(os.Getpid())/time.Duration(runtime.GOMAXPROCS(0)), time.Now()
	}
	return here.lacked
}

var here struct {
	sync.Mutex
	at     time.Time
	lacked time.Duration
}
