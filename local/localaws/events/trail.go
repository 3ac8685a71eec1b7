package events

import (
	"maps"
	"slices"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// Disturbance is a disturbance of CloudTrail's events, which AWS delivers only with best effort. The zero value
// delivers each event once and at once (docs/facts.md, CloudTrail through EventBridge).
type Disturbance struct {
	// Lose drops each event.
	Lose bool
	// Double delivers each event twice, with the same eventID.
	Double bool
	// Delay delays each event, by the clock.
	Delay time.Duration
}

// Disturb sets the disturbance of later CloudTrail events.
func (b *Bus) Disturb(d Disturbance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disturbance = d
}

// Hold holds CloudTrail's events until [Bus.Release].
func (b *Bus) Hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holding = true
}

// Release delivers the held events as returned by order; nil keeps the order and number. Later events are not held.
func (b *Bus) Release(order func([]Event) []Event) {
	b.mu.Lock()
	held := b.held
	b.held, b.holding = nil, false
	b.mu.Unlock()
	if order != nil {
		held = order(slices.Clone(held))
	}
	for _, e := range held {
		b.carry(e)
	}
}

// Records returns CloudTrail's records of all management writes so far, including those without a delivered event:
// AWS shows them as the event history.
func (b *Bus) Records() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.records)
}

// Record records a management write and, while a trail logs, delivers its event. It is for [api.Gate.OnTrail].
func (b *Bus) Record(call api.TrailCall) {
	record := normal(Record(call, b.options.Account, b.options.Region))
	e := b.envelope("AWS API Call via CloudTrail", "aws."+call.Service, []string{})
	e["detail"] = map[string]any(record)
	if b.options.Recorded != nil {
		b.reportRecorded(normal(e))
	}
	if b.note(record, normal(e)) {
		b.carry(e)
	}
}

// reportRecorded calls [Options.Recorded].
func (b *Bus) reportRecorded(e Event) {
	var names []string
	for _, r := range b.matching(e) {
		names = append(names, r.Name)
	}
	b.options.Recorded(e, names)
}

// note stores a record, and reports whether its event is to be delivered now.
func (b *Bus) note(record, e Event) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, record)
	if b.closed || !b.logging() || b.disturbance.Lose {
		return false
	}
	if b.holding {
		b.held = append(b.held, e)
	}
	return !b.holding
}

// logging reports whether a trail logs management writes. The bus is locked.
func (b *Bus) logging() bool {
	for _, t := range b.trails {
		if t.logsWrites() {
			return true
		}
	}
	return false
}

// carry delivers a CloudTrail event with the disturbance.
func (b *Bus) carry(e Event) {
	b.mu.Lock()
	d := b.disturbance
	b.mu.Unlock()
	times := 1
	if d.Double {
		times = 2
	}
	for range times {
		once := maps.Clone(e)
		once["id"] = newID()
		if d.Delay > 0 {
			b.options.Clock.AfterFunc(d.Delay, func() { b.deliver(normal(once)) })
			continue
		}
		b.deliver(normal(once))
	}
}
