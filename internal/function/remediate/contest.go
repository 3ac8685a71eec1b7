package remediate

import (
	"slices"
	"time"

	"s3-endpoint-guard/internal/guard"
)

// When a property counts as contested: corrected in so many different minutes within so long. Somebody, or some other
// automation, puts the drift back each time. Minutes count and not corrections, because several calls of one attack may
// be corrected by several runs within seconds. The guard goes on all the same, for giving up is what an attacker would
// wait for.
const (
	contestedFrom   = 3
	contestedWithin = 15 * time.Minute
)

// contest remembers when properties were corrected. This process knows of its own corrections only: where Lambda runs
// several at the same time, each counts for itself, and the metric DriftCorrected counts for all.
type contest struct {
	corrected map[string][]time.Time
}

// note takes note of a run's corrections and marks those that are contested, with our own role as one side.
func (c *contest) note(records []guard.Record, role string, now time.Time) {
	if c.corrected == nil {
		c.corrected = make(map[string][]time.Time)
	}
	for i := range records {
		r := &records[i]
		if r.Outcome != guard.Corrected {
			continue
		}
		times := append(recent(c.corrected[r.Resource], now), now)
		c.corrected[r.Resource] = times
		if minutes(times) >= contestedFrom {
			r.Contested = &guard.Contest{Corrections: len(times), Guard: role}
		}
	}
}

// minutes counts the different minutes that times fall into. The times are in order.
func minutes(times []time.Time) int {
	var minute []time.Time
	for _, t := range times {
		minute = append(minute, t.Truncate(time.Minute))
	}
	return len(slices.Compact(minute))
}

// recent drops the times that are too long ago.
func recent(times []time.Time, now time.Time) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) > contestedWithin {
		times = times[1:]
	}
	return times
}
