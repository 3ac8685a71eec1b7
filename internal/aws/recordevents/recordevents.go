// Package recordevents puts the guard's records on the account's default event bus, so that users can build on them with
// rules of their own. docs/events.md describes the events.
//
// It makes one EventBridge call.
package recordevents

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Events is what PutEvents takes, and Answer what it answers: the results are in the order of the entries.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
type (
	Events struct{ Entries []Entry }
	Entry  struct {
		Source, DetailType, Detail string
		Resources                  []string `json:",omitempty"`
	}
	Answer struct {
		FailedEntryCount int
		Entries          []Result
	}
	Result struct{ ErrorCode, ErrorMessage string }
)

// maxUnsent is how many records of ended drift that could not be sent are kept at most.
const maxUnsent = 100

// Bus sends records to the default event bus. It is for one run at a time.
//
// It sends each record of ended drift. Drift that stays is found by each sweep: it is sent when its outcome, its verdict
// or the live state differs from what was sent last about the same property. Only this process remembers what it has
// sent: after a cold start an unchanged state is sent again.
type Bus struct {
	// EventBridge makes the call PutEvents.
	EventBridge awscall.Caller
	// Setting names the account, the Region, the bucket and the endpoint; no bucket and no endpoint if the guard has a fleet.
	Setting iampolicy.Setting
	// StackID is the ARN of the guard's own stack.
	StackID string

	sent map[guard.Key]state
	// unsent are records of ended drift that could not be sent. Later runs do not find that drift.
	unsent []guard.Record
}

// state is what a record says about its property.
type state struct {
	outcome guard.Outcome
	verdict iampolicy.Verdict
	missing bool
	// before is the hash of the live state: the states of a thousand buckets would be too much to remember.
	before [sha256.Size]byte
}

func stateOf(r guard.Record) state {
	return state{r.Outcome, r.Verdict, r.Missing, sha256.Sum256([]byte(r.Before))}
}

// Name names the bus in the function's memory of failures.
func (b *Bus) Name() string { return "record events" }

// Send sends the records of a run that are news. The error names the records that were not sent. They are sent again by
// the next run: because it finds their drift, or because Send keeps them if their drift is over.
func (b *Bus) Send(ctx context.Context, report guard.Report) error {
	b.forget(report.AsDesired)
	due := b.due(append(b.unsent, report.Records...))
	b.unsent = nil
	var failures []error
	for _, group := range b.groups(due) {
		failures = append(failures, b.put(ctx, group))
	}
	return errors.Join(failures...)
}

// forget forgets what was sent about properties that a run found as desired: their drift is over. A resource that could not
// be inspected says nothing about its properties.
func (b *Bus) forget(desired []guard.Finding) {
	for _, f := range desired {
		delete(b.sent, f.Key())
	}
}

// due selects the records to send.
func (b *Bus) due(records []guard.Record) []guard.Record {
	var due []guard.Record
	for _, r := range records {
		if last, ok := b.sent[r.Key()]; !ok || last != stateOf(r) || r.Outcome.IsOver() {
			due = append(due, r)
		}
	}
	return due
}

// group are the records of one call, with their entries.
type group struct {
	records []guard.Record
	entries []Entry
}

// groups divides records among calls: at most maxEntries each, with at most maxSize in all.
func (b *Bus) groups(records []guard.Record) []group {
	var groups []group
	size := 0
	for _, r := range records {
		e := b.entry(r)
		n := len(groups)
		if n == 0 || len(groups[n-1].entries) == maxEntries || size+sizeOf(e) > maxSize {
			groups, size, n = append(groups, group{}), 0, n+1
		}
		size += sizeOf(e)
		last := &groups[n-1]
		last.records, last.entries = append(last.records, r), append(last.entries, e)
	}
	return groups
}

// put makes one call. EventBridge can accept a call and refuse single entries of it.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html#API_PutEvents_ResponseElements
func (b *Bus) put(ctx context.Context, g group) error {
	var answer Answer
	if err := b.EventBridge.Call(ctx, "PutEvents", Events{g.entries}, &answer); err != nil {
		var names []string
		for _, r := range g.records {
			names = append(names, r.Subject())
			b.keep(r)
		}
		return fmt.Errorf("sending the events of %s: %w", strings.Join(names, ", "), err)
	}
	var failures []error
	for i, r := range g.records {
		if refusal := refused(answer, i); refusal != nil {
			b.keep(r)
			failures = append(failures, fmt.Errorf("sending the event of %s: %w", r.Subject(), refusal))
			continue
		}
		b.remember(r)
	}
	return errors.Join(failures...)
}

// refused returns why EventBridge refused an entry; nil if it did not. The results are in the order of the entries.
func refused(answer Answer, i int) error {
	switch {
	case answer.FailedEntryCount == 0:
		return nil
	case i >= len(answer.Entries):
		return errors.New("EventBridge does not say whether it accepted it")
	case answer.Entries[i].ErrorCode == "":
		return nil
	}
	return fmt.Errorf("%s: %s", answer.Entries[i].ErrorCode, answer.Entries[i].ErrorMessage)
}

// keep keeps a record of ended drift for the next run.
func (b *Bus) keep(r guard.Record) {
	if r.Outcome.IsOver() && len(b.unsent) < maxUnsent {
		b.unsent = append(b.unsent, r)
	}
}

// remember remembers what was sent.
func (b *Bus) remember(r guard.Record) {
	if b.sent == nil {
		b.sent = map[guard.Key]state{}
	}
	b.sent[r.Key()] = stateOf(r)
}
