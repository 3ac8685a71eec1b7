// Package events is what EventBridge and CloudTrail do between a call and the function that is told of it: it writes
// CloudTrail's record of each management write, matches events with the rules, fires schedules, and delivers to the
// rules' targets, with AWS's retries and dead-letter queues.
//
// It imports the gate's types and eventpattern. What AWS promises of each kind of event, and so what can be disturbed:
//
//	CloudTrail record   best effort, and only while a trail logs   Disturb, Hold, Release
//	stack status        guaranteed                                 never disturbed
//	schedule            fired by the clock, Fire or Sweep          never disturbed
//	Put                 whatever the test makes up                 never disturbed
//
// FACTS: CloudTrail through EventBridge
package events

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"s3-endpoint-guard/local/localaws/clock"
	"s3-endpoint-guard/local/localaws/underway"
)

// Options set up a bus.
type Options struct {
	// Account, Region and Partition stand in ARNs and events; "" means 111122223333, eu-central-1 and aws.
	Account, Region, Partition string
	// Clock fires schedules and delays deliveries; nil is the real one.
	Clock *clock.Clock
	// Work is told of each delivery until it has ended, pauses excepted; nil counts for nobody.
	Work *underway.Count
	// Target hands an event to a rule's target. A [TargetError] that is permanent is not tried again, any other error
	// is. nil refuses every target.
	Target func(ruleARN, targetARN string, event []byte) error
	// DeadLetter puts a message into a queue; nil loses it.
	DeadLetter func(queueARN string, m Message) error
	// RetryDelay is the pause before a target's next attempt, counted from 1. nil doubles it from one second on.
	RetryDelay func(retry int) time.Duration
}

// Bus is the default event bus of the one account and Region, with CloudTrail before it. Any number of goroutines may
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
	deliveries  []Delivery
	closed      bool
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
	if o.RetryDelay == nil {
		o.RetryDelay = func(retry int) time.Duration { return time.Second << min(retry-1, 10) }
	}
	return &Bus{options: o, rules: map[string]*rule{}, trails: map[string]Trail{}}
}

// Close ends the schedules. Events that come later go nowhere.
func (b *Bus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, r := range b.rules {
		r.stop()
	}
	return nil
}

// Put delivers an event to the targets of every enabled rule that it matches, as it is: forged, doubled or unheard of.
// The error says why it is no event.
func (b *Bus) Put(e Event) error {
	if _, err := json.Marshal(e); err != nil {
		return fmt.Errorf("putting an event: %w", err)
	}
	b.deliver(normal(e))
	return nil
}

// StackStatus sends the event that a stack's status has changed. The token tells operations on the stack apart.
// FACTS: CloudTrail through EventBridge
func (b *Bus) StackStatus(stackID, status, reason, token string) {
	e := b.envelope("CloudFormation Stack Status Change", "aws.cloudformation", []string{stackID})
	e["detail"] = map[string]any{
		"stack-id":             stackID,
		"status-details":       map[string]any{"status": status, "status-reason": reason},
		"client-request-token": token,
	}
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

// Sweep fires every enabled schedule now.
func (b *Bus) Sweep() {
	for _, r := range b.Rules() {
		if r.Schedule != "" {
			_ = b.Fire(r.Name)
		}
	}
}

// tick is the event of a schedule.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
func (b *Bus) tick(ruleARN string) Event {
	e := b.envelope("Scheduled Event", "aws.events", []string{ruleARN})
	e["detail"] = map[string]any{}
	return normal(e)
}

// envelope is an event without its detail.
func (b *Bus) envelope(kind, source string, resources []string) Event {
	return Event{
		"version": "0", "id": newID(), "detail-type": kind, "source": source, "account": b.options.Account,
		"time": b.options.Clock.Now().Format(time.RFC3339), "region": b.options.Region, "resources": resources,
	}
}

// deliver hands an event to every enabled rule that it matches, in the order of their names.
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

// normal returns an event as it comes out of JSON, so that patterns see it as functions do.
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
