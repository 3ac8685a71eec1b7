package events

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"
)

// Delivery is the record of one event that a rule sent to one of its targets.
type Delivery struct {
	// Rule and Target are the rule's name and the target's ARN.
	Rule, Target string
	// Event is the event as sent.
	Event []byte
	// Attempts is the number of attempts; Err is the last one's error, nil if the target accepted the event.
	Attempts int
	Err      error
	// DeadLettered means that the event was sent to the target's dead-letter queue.
	DeadLettered bool
	// At is when the delivery ended.
	At time.Time
}

// TargetError is the error of a target that did not accept an event.
type TargetError struct {
	// Code is EventBridge's error code, e.g. "NO_PERMISSIONS".
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html#eb-dlq-error-codes
	Code, Message string
	// Permanent errors are not retried.
	Permanent bool
}

// Error implements error.
func (e *TargetError) Error() string { return e.Code + ": " + e.Message }

// Message is the message to a dead-letter queue: the event, and attributes about the failed delivery.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html#eb-dlq-considerations
type Message struct {
	Body       []byte
	Attributes map[string]string
}

// Deliveries returns all deliveries that have ended, in the order of their ends.
func (b *Bus) Deliveries() []Delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.deliveries)
}

// passage is the delivery of one event to one target.
type passage struct {
	rule     rule
	target   Target
	event    []byte
	began    time.Time
	attempts int
}

// hand sends an event to all targets of a rule.
func (b *Bus) hand(r rule, e Event) {
	for _, target := range r.Targets {
		text, _ := json.Marshal(e)
		if target.Input != "" {
			text = []byte(target.Input)
		}
		b.pass(&passage{rule: r, target: target, event: text, began: b.options.Clock.Now()})
	}
}

// pass makes attempts until the target accepts the event, it cannot be delivered, or a pause is needed.
func (b *Bus) pass(p *passage) {
	defer b.options.Work.Begin()()
	for {
		p.attempts++
		err := b.options.Target(p.rule.ARN, p.target.ARN, p.event)
		if err == nil {
			b.end(p, nil, "")
			return
		}
		pause := b.options.RetryDelay(p.attempts)
		if why := p.exhausted(err, b.options.Clock.Now().Add(pause)); why != "" {
			b.end(p, err, why)
			return
		}
		if pause > 0 {
			b.options.Clock.AfterFunc(pause, func() { b.pass(p) })
			return
		}
	}
}

// exhausted returns why there is no further attempt, or "" if there is one.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
func (p *passage) exhausted(err error, next time.Time) string {
	retries, age := 185, p.target.MaximumEventAge
	if p.target.MaximumRetryAttempts != nil {
		retries = *p.target.MaximumRetryAttempts
	}
	if age == 0 {
		age = 24 * time.Hour
	}
	if failure, ok := errors.AsType[*TargetError](err); ok && failure.Permanent {
		return "NotRetryable"
	}
	if p.attempts > retries {
		return "MaximumRetryAttempts"
	}
	if next.Sub(p.began) > age {
		return "MaximumEventAgeInSeconds"
	}
	return ""
}

// end records a delivery, and sends an undelivered event to the dead-letter queue.
func (b *Bus) end(p *passage, err error, why string) {
	d := Delivery{
		Rule: p.rule.Name, Target: p.target.ARN, Event: p.event, Attempts: p.attempts, Err: err, At: b.options.Clock.Now(),
	}
	if err != nil && p.target.DeadLetterARN != "" {
		d.DeadLettered = b.options.DeadLetter(p.target.DeadLetterARN, p.letter(err, why)) == nil
	}
	b.mu.Lock()
	b.deliveries = append(b.deliveries, d)
	b.mu.Unlock()
	b.options.Delivered(d)
}

// letter returns the message about an undelivered event.
func (p *passage) letter(err error, why string) Message {
	code, text := "SDK_CLIENT_ERROR", err.Error()
	if failure, ok := errors.AsType[*TargetError](err); ok {
		code, text = failure.Code, failure.Message
	}
	attributes := map[string]string{
		"RULE_ARN": p.rule.ARN, "TARGET_ARN": p.target.ARN, "ERROR_CODE": code, "ERROR_MESSAGE": text,
	}
	if why != "NotRetryable" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = why
		attributes["RETRY_ATTEMPTS"] = strconv.Itoa(p.attempts - 1)
	}
	return Message{Body: p.event, Attributes: attributes}
}
