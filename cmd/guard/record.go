package main

import (
	"encoding/json"

	"example.com/s3-endpoint-guard/internal/guard"
)

// logLine has the fields of a line of the guard's log that the demo reads: a guard.Record, or the line of a run
// without drift.
type logLine struct {
	Outcome   string             `json:"message"`
	Trigger   guard.Trigger      `json:"trigger"`
	Actor     guard.Actor        `json:"actor"`
	Resource  string             `json:"resource"`
	Verdict   string             `json:"verdict"`
	Allowed   string             `json:"allowed"`
	Diff      []guard.Difference `json:"diff"`
	ElapsedMs float64            `json:"elapsedMs"`
	Error     string             `json:"error"`
}

// newRecords reads the records that the guard has logged since the last call, oldest first.
func (s *stage) newRecords() []correction {
	log := s.cloud.Lambda.Logs(s.stack.Physical("RemediateFunction"))
	var records []correction
	for _, line := range log[s.heard:] {
		var l logLine
		if err := json.Unmarshal([]byte(line.Text), &l); err != nil || l.Trigger.Kind == "" {
			continue // metrics, and the platform's output
		}
		records = append(records, l.correction())
	}
	s.heard = len(log)
	return records
}

func (l logLine) correction() correction {
	c := correction{
		Outcome: l.Outcome, Resource: l.Resource, Verdict: l.Verdict, Allowed: l.Allowed,
		Trigger: string(l.Trigger.Kind), Actor: l.Actor.ARN, Address: l.Actor.SourceIPAddress, ElapsedMs: l.ElapsedMs,
		Error: l.Error,
	}
	if l.Trigger.EventName != "" {
		c.Trigger += " " + l.Trigger.EventName
	}
	for _, d := range l.Diff {
		c.Difference = append(c.Difference, difference(d))
	}
	return c
}
