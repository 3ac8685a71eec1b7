package remediate

import (
	"slices"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
)

// A property counts as contested when it was corrected in contestedFrom different minutes within contestedWithin: a
// person or other automation changes it back each time. Minutes are counted, not corrections, because several runs may
// correct the calls of one attack within seconds. The guard continues to correct: if it stopped, an attacker would only
// have to wait.
const (
	contestedFrom   = 3
	contestedWithin = 15 * time.Minute
)

// contest remembers when properties were corrected. It covers this process's own corrections only: if Lambda runs
// several processes, each counts separately, and the metric DriftCorrected counts all.
type contest struct {
	corrected map[guard.Key][]time.Time
}

// note records a run's corrections and marks the contested ones, with the guard's role as one of the two sides.
func (c *contest) note(records []guard.Record, role string, now time.Time) {
	if c.corrected == nil {
		c.corrected = make(map[guard.Key][]time.Time)
	}
	for i := range records {
		r := &records[i]
		if r.Outcome != guard.Corrected {
			continue
		}
		times := append(recent(c.corrected[r.Key()], now), now)
		c.corrected[r.Key()] = times
		if minutes(times) >= contestedFrom {
			r.Contested = &guard.Contest{Corrections: len(times), Guard: role}
		}
	}
}

// minutes returns the number of different minutes in a sorted list of times.
func minutes(times []time.Time) int {
	var minute []time.Time
	for _, t := range times {
		minute = append(minute, t.Truncate(time.Minute))
	}
	return len(slices.Compact(minute))
}

// recent removes the times before contestedWithin.
func recent(times []time.Time, now time.Time) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) > contestedWithin {
		times = times[1:]
	}
	return times
}
