// Package events is EventBridge and CloudTrail between a call and a function that processes its event: it writes
// CloudTrail's record of each management write, matches events with the rules, fires schedules, and delivers to the
// rules' targets, with AWS's retries and dead-letter queues.
//
// It imports the gate's types and eventpattern. AWS's guarantee for each kind of event, and how tests can disturb it:
//
//	CloudTrail record   best effort, and only while a trail logs   Disturb, Hold, Release
//	stack status        guaranteed                                 never disturbed
//	Security Hub        of each imported finding                   never disturbed
//	schedule            fired by the clock, Fire or Sweep          never disturbed
//	PutEvents           events of callers                          never disturbed
//	Put                 events of the test                         never disturbed
//
// Source: docs/facts.md, CloudTrail through EventBridge
package events

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/clock"
	"example.com/s3-endpoint-guard/local/localaws/underway"
)

// Options are the options of a bus.
type Options struct {
	// Account, Region and Partition are used in ARNs and events; "" means 111122223333, eu-central-1 and aws.
	Account, Region, Partition string
	// Clock fires schedules and delays deliveries; nil means the real clock.
	Clock *clock.Clock
	// Work counts each delivery until it has ended, without pauses; nil disables it.
	Work *underway.Count
	// Target delivers an event to a rule's target. A permanent [TargetError] is not retried, all other errors are.
	// nil refuses all targets.
	Target func(ruleARN, targetARN string, event []byte) error
	// DeadLetter sends a message to a queue; nil drops it.
	DeadLetter func(queueARN string, m Message) error
	// Recorded is called with the CloudTrail event of each management write, whether it is delivered or not, and with the
	// names of the enabled rules that it matches, before any delivery of it. Delivered is called after each delivery. Both
	// may be nil. They may be called from several goroutines at once, and they delay the caller: they should return soon.
	Recorded  func(e Event, rules []string)
	Delivered func(Delivery)
	// RetryDelay returns the pause before a target's next attempt, counted from 1. nil means one second, then doubled
	// each time.
	RetryDelay func(retry int) time.Duration
}

// Bus is the default event bus of one account and Region, with CloudTrail as its source. Any number of goroutines may
// use it at the same time.
type Bus struct {
	options Options

	mu          sync.Mutex
	rules       map[string]*rule
	trails      map[string]Trail
	records     []Event
	disturbance Disturbance
	holding     bool
	held        []Event
	// custom are the events of PutEvents.
	custom     []Event
	deliveries []Delivery
	closed     bool
}

// Event is an event as decoded JSON.
type Event map[string]any

// New returns a bus without rules and trails.
func New(o Options) *Bus {
	o.Account = or(o.Account, "111122223333")
	o.Region = or(o.Region, "eu-central-1")
	o.Partition = or(o.Partition, "aws")
	if o.Clock == nil {
		o.Clock = clock.Real()
	}
	if o.Work == nil {
		o.Work = new(underway.Count)
	}
	if o.Target == nil {
		o.Target = func(_, arn string, _ []byte) error {
			return &TargetError{Code: "NO_RESOURCE", Message: "no target " + arn, Permanent: true}
		}
	}
	if o.DeadLetter == nil {
		o.DeadLetter = func(string, Message) error { return nil }
	}
	if o.Delivered == nil {
		o.Delivered = func(Delivery) {}
	}
	if o.RetryDelay == nil {
		o.RetryDelay = func(retry int) time.Duration { return time.Second << min(retry-1, 10) }
	}
	return &Bus{options: o, rules: map[string]*rule{}, trails: map[string]Trail{}}
}

// Close ends the schedules. Later events are dropped.
func (b *Bus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, r := range b.rules {
		r.stop()
	}
	return nil
}

// Put delivers an unchanged event to the targets of all enabled rules that it matches, even a forged, duplicate or
// unknown one. It returns an error if the event is invalid.
func (b *Bus) Put(e Event) error {
	if _, err := json.Marshal(e); err != nil {
		return fmt.Errorf("putting an event: %w", err)
	}
	b.deliver(normal(e))
	return nil
}

// StackStatus sends the event about the change of a stack's status. The token identifies the operation on the stack
// (docs/facts.md, CloudTrail through EventBridge).
func (b *Bus) StackStatus(stackID, status, reason, token string) {
	e := b.envelope("CloudFormation Stack Status Change", "aws.cloudformation", []string{stackID})
	e["detail"] = map[string]any{
		"stack-id":             stackID,
		"status-details":       map[string]any{"status": status, "status-reason": reason},
		"client-request-token": token,
	}
	b.deliver(normal(e))
}

// Imported sends the event about a finding that was imported into Security Hub.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-event-formats.html
func (b *Bus) Imported(finding map[string]any) {
	arn := fmt.Sprintf("%v/%v", finding["ProductArn"], finding["Id"])
	e := b.envelope("Security Hub Findings - Imported", "aws.securityhub", []string{arn})
	e["detail"] = map[string]any{"findings": []any{finding}}
	b.deliver(normal(e))
}

// Fire fires a rule's schedule now.
func (b *Bus) Fire(name string) error {
	r, ok := b.rule(name)
	if !ok || r.Schedule == "" {
		return fmt.Errorf("firing %s: no such schedule", name)
	}
	if r.Disabled {
		return nil
	}
	b.hand(r, b.tick(r.ARN))
	return nil
}

// Sweep fires all enabled schedules now.
func (b *Bus) Sweep() {
	for _, r := range b.Rules() {
		if r.Schedule != "" {
			_ = b.Fire(r.Name)
		}
	}
}

// tick returns the event of a schedule.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
func (b *Bus) tick(ruleARN string) Event {
	e := b.envelope("Scheduled Event", "aws.events", []string{ruleARN})
	e["detail"] = map[string]any{}
	return normal(e)
}

// envelope returns an event without its detail.
func (b *Bus) envelope(kind, source string, resources []string) Event {
	return Event{
		"version": "0", "id": newID(), "detail-type": kind, "source": source, "account": b.options.Account,
		"time": b.options.Clock.Now().Format(time.RFC3339), "region": b.options.Region, "resources": resources,
	}
}

// deliver delivers an event to all enabled rules that it matches, in the order of their names.
func (b *Bus) deliver(e Event) {
	for _, r := range b.matching(e) {
		b.hand(r, e)
	}
}

func (b *Bus) matching(e Event) []rule {
	b.mu.Lock()
	defer b.mu.Unlock()
	var matching []rule
	for _, name := range slices.Sorted(maps.Keys(b.rules)) {
		if r := b.rules[name]; !b.closed && r.matches(e) {
			matching = append(matching, *r)
		}
	}
	return matching
}

// normal returns an event as decoded from JSON, so that patterns get it in the same form as functions.
func normal(e Event) Event {
	text, _ := json.Marshal(e)
	var decoded Event
	_ = json.Unmarshal(text, &decoded)
	return decoded
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
