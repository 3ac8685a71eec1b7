package main

import (
	"encoding/json"
	"strings"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
)

// logLine has the fields of a line of the guard's log that the demo reads: a guard.Record, or the line of a run
// without drift.
type logLine struct {
	Outcome   string             `json:"message"`
	Trigger   guard.Trigger      `json:"trigger"`
	Actor     guard.Actor        `json:"actor"`
	Resource  string             `json:"resource"`
	Target    string             `json:"target"`
	Verdict   string             `json:"verdict"`
	Allowed   string             `json:"allowed"`
	Diff      []guard.Difference `json:"diff"`
	Paused    *guard.Pause       `json:"paused"`
	ElapsedMs float64            `json:"elapsedMs"`
	Error     string             `json:"error"`
}

// following is a deployed guard whose runs the demo follows.
type following struct {
	cloud *localaws.Cloud
	stack *deployment.Stack
	// many is true for the guard of several buckets, whose corrections take one line.
	many bool
	// heard is the number of lines of its log that have been read.
	heard int
}

// runs returns how often the guard has run.
func (f *following) runs() int {
	return len(f.cloud.Lambda.Invocations(f.stack.Physical("RemediateFunction")))
}

// calls counts the guard's calls to AWS since the last reset.
func (f *following) calls() calls {
	var made calls
	session := "/" + f.stack.Physical("RemediateRole") + "/"
	for _, call := range f.cloud.Gate.Calls() {
		switch {
		case !strings.Contains(call.Caller, session):
		case call.Service == "sns":
			made.Notifications++
		case call.Write:
			made.Writes++
		default:
			made.Reads++
		}
	}
	return made
}

// newRecords reads the records that the guard has logged since the last call, oldest first.
func (f *following) newRecords() []correction {
	log := f.cloud.Lambda.Logs(f.stack.Physical("RemediateFunction"))
	var records []correction
	for _, line := range log[f.heard:] {
		var l logLine
		if err := json.Unmarshal([]byte(line.Text), &l); err != nil || l.Trigger.Kind == "" {
			continue // metrics, and the platform's output
		}
		c := l.correction()
		c.quiet = f.many
		records = append(records, c)
	}
	f.heard = len(log)
	return records
}

func (l logLine) correction() correction {
	c := correction{
		Outcome: l.Outcome, Resource: l.Resource, Target: l.Target, Verdict: l.Verdict, Allowed: l.Allowed,
		Trigger: string(l.Trigger.Kind), Actor: l.Actor.ARN, Address: l.Actor.SourceIPAddress, ElapsedMs: l.ElapsedMs,
		Error: l.Error,
	}
	if l.Trigger.EventName != "" {
		c.Trigger += " " + l.Trigger.EventName
	}
	if l.Paused != nil {
		c.Paused = l.Paused.Reason
	}
	for _, d := range l.Diff {
		c.Difference = append(c.Difference, difference(d))
	}
	return c
}
