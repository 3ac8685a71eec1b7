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
	// lacked returns for how long the function has waited for a processor since some moment, before is what it was at the start of
	// the timer, and granted is by how much the timer has been prolonged.
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

// lacked returns for how long the process, and this one, which answers its calls, have waited for a processor. Both have about as
// many threads that are ready as there are processors at most.
func (e *environment) lacked() time.Duration {
	return (child.Waited(e.command.Process.Pid) + waitedHere()) / time.Duration(runtime.GOMAXPROCS(0))
}

// lackedBefore is lacked at the start of the process.
func lackedBefore() time.Duration { return waitedHere() / time.Duration(runtime.GOMAXPROCS(0)) }

// waitedHere is [child.Waited] of this process, measured once a second at most: it has several threads for each function.
func waitedHere() time.Duration {
	here.Lock()
	defer here.Unlock()
	if time.Since(here.at) > time.Second {
		here.waited, here.at = child.Waited(os.Getpid()), time.Now()
	}
	return here.waited
}

var here struct {
	sync.Mutex
	at     time.Time
	waited time.Duration
}
