package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Queues is SQS, as event source mappings use it with the permissions of a function's role. Its errors are refusals.
type Queues interface {
	// VisibilityTimeout returns how long a queue hides a received message.
	VisibilityTimeout(f Function, queueARN string) (time.Duration, error)
	// Watch calls wake at each message that is sent to a queue, with the time until it can be received.
	Watch(queueARN string, wake func(time.Duration)) (stop func())
	// Receive hides and returns the next messages, at most a number of them.
	Receive(f Function, queueARN string, most int) ([]QueueMessage, error)
	// Delete deletes the messages with these receipt handles.
	Delete(f Function, queueARN string, receipts []string) error
}

// QueueMessage is a message in the event that a function gets.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type QueueMessage struct {
	MessageID      string            `json:"messageId"`
	ReceiptHandle  string            `json:"receiptHandle"`
	Body           string            `json:"body"`
	Attributes     map[string]string `json:"attributes"`
	MD5OfBody      string            `json:"md5OfBody"`
	EventSource    string            `json:"eventSource"`
	EventSourceARN string            `json:"eventSourceARN"`
	AWSRegion      string            `json:"awsRegion"`
}

// Mapping is an event source mapping: Lambda receives a standard queue's messages and invokes a function with them.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
type Mapping struct {
	// ID identifies the mapping. QueueARN and Function are the queue's ARN and the function's name or ARN.
	ID, QueueARN, Function string
	// BatchSize is the most messages of one invocation; 0 means 10.
	BatchSize int
	// MaximumConcurrency is the most invocations at the same time, at least 2; 0 means five, Lambda's number for a queue with
	// few messages. Lambda's increase for a queue with many is not imitated.
	MaximumConcurrency int
	// ReportsFailures means that the function's answer names the messages that failed.
	ReportsFailures bool
}

const (
	defaultBatch = 10
	// fewPollers is how many batches Lambda processes at the same time while there are few messages.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
	fewPollers = 5
)

// mapping is a mapping in a host.
type mapping struct {
	Mapping
	host *Host
	stop func()

	mu      sync.Mutex
	running int
	// missed means that messages came while all concurrent invocations were in use. removed ends the mapping.
	missed, removed bool
}

// Map creates an event source mapping. As Lambda does, it refuses a queue that the function's role may not use, and one whose
// visibility timeout is shorter than the function's timeout.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func (h *Host) Map(m Mapping) error {
	f, err := h.lookUp(m.Function)
	if err != nil {
		return err
	}
	if m.BatchSize == 0 {
		m.BatchSize = defaultBatch
	}
	switch {
	case h.options.Queues == nil:
		return invalid("no queue %s", m.QueueARN)
	case m.BatchSize < 1 || m.BatchSize > defaultBatch:
		return invalid("BatchSize %d: more than %d messages need a batching window, which the local AWS does not imitate", m.BatchSize, defaultBatch)
	case m.MaximumConcurrency != 0 && (m.MaximumConcurrency < 2 || m.MaximumConcurrency > 1000):
		return invalid("MaximumConcurrency must be between 2 and 1000")
	}
	hidden, err := h.options.Queues.VisibilityTimeout(f.Function, m.QueueARN)
	if err != nil {
		return err
	}
	if hidden < f.Timeout {
		return invalid("Queue visibility timeout: %.0f seconds is less than Function timeout: %.0f seconds", hidden.Seconds(), f.Timeout.Seconds())
	}
	mapped := &mapping{Mapping: m, host: h}
	mapped.stop = h.options.Queues.Watch(m.QueueARN, mapped.wake)
	h.mu.Lock()
	h.mappings = append(h.mappings, mapped)
	h.mu.Unlock()
	mapped.wake(0) // messages that were there before
	return nil
}

// Unmap deletes an event source mapping. Running invocations continue to their end.
func (h *Host) Unmap(id string) error {
	h.mu.Lock()
	i := slices.IndexFunc(h.mappings, func(m *mapping) bool { return m.ID == id })
	if i < 0 {
		h.mu.Unlock()
		return missing("The event source arn does not exist: " + id)
	}
	removed := h.mappings[i]
	h.mappings = slices.Delete(h.mappings, i, i+1)
	h.mu.Unlock()
	removed.stop()
	removed.mu.Lock()
	defer removed.mu.Unlock()
	removed.removed = true
	return nil
}

// Mappings returns all event source mappings, in the order of their creation.
func (h *Host) Mappings() []Mapping {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Mapping
	for _, m := range h.mappings {
		all = append(all, m.Mapping)
	}
	return all
}

// wake polls the queue after a time.
func (m *mapping) wake(in time.Duration) {
	if in <= 0 {
		m.poll()
		return
	}
	m.host.options.Clock.AfterFunc(in, m.poll)
}

// poll receives batches, and invokes the function with each in the background, until there are no more messages or all
// concurrent invocations are in use.
func (m *mapping) poll() {
	end := m.host.options.Work.Begin()
	go func() {
		defer end()
		for m.begin() {
			if !m.next() {
				return
			}
		}
	}()
}

// begin claims a concurrent invocation.
func (m *mapping) begin() bool {
	most := fewPollers
	if m.MaximumConcurrency > 0 {
		most = m.MaximumConcurrency
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running >= most || m.removed || context.Cause(m.host.background) != nil {
		m.missed = true
		return false
	}
	m.running++
	return true
}

// end releases a concurrent invocation, and polls for messages that came in the meantime.
func (m *mapping) end() {
	m.mu.Lock()
	m.running--
	missed := m.missed
	m.missed = false
	m.mu.Unlock()
	if missed {
		m.poll()
	}
}

// next receives a batch and processes it in the background; it reports whether there was one.
func (m *mapping) next() bool {
	f, err := m.host.lookUp(m.Function)
	var messages []QueueMessage
	if err == nil {
		messages, err = m.host.options.Queues.Receive(f.Function, m.QueueARN, m.BatchSize)
	}
	if err != nil || len(messages) == 0 {
		m.end()
		return false
	}
	m.start(&batch{function: f, messages: messages, received: m.host.options.Clock.Standing()})
	return true
}

// batch is messages that have been received together.
type batch struct {
	function *hosted
	messages []QueueMessage
	received time.Time
	// throttled is how often the invocation has been refused.
	throttled int
}

// start processes a batch in the background.
func (m *mapping) start(b *batch) {
	end := m.host.options.Work.Begin()
	go func() {
		defer end()
		m.process(b)
	}()
}

// process invokes the function with a batch and deletes what it has processed. The rest comes back after the queue's
// visibility timeout. Until then, Lambda retries an invocation that it has throttled.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (m *mapping) process(b *batch) {
	clock := m.host.options.Clock
	hidden, hiddenErr := m.host.options.Queues.VisibilityTimeout(b.function.Function, m.QueueARN)
	left := hidden - clock.Standing().Sub(b.received)
	if m.host.enter(b.function) != nil {
		pause := firstThrottlePause << min(b.throttled, 10)
		if b.throttled++; pause < left {
			clock.AfterFunc(pause, func() { m.retry(b) })
			return
		}
	} else {
		done := m.invoke(b)
		err := m.host.options.Queues.Delete(b.function.Function, m.QueueARN, done)
		if err == nil && len(done) == len(b.messages) {
			m.end()
			return
		}
	}
	m.end()
	if hiddenErr == nil {
		m.wake(left)
	}
}

// retry processes a throttled batch once more, with the function's current configuration.
func (m *mapping) retry(b *batch) {
	current, err := m.host.lookUp(m.Function)
	if err != nil {
		m.end() // the function was removed
		return
	}
	b.function = current
	m.start(b)
}

// invoke runs the function with a batch, after enter, and returns the receipt handles of the messages that it has processed.
func (m *mapping) invoke(b *batch) []string {
	defer b.function.leave()
	messages := b.messages
	for i := range messages {
		messages[i].EventSource, messages[i].EventSourceARN, messages[i].AWSRegion = "aws:sqs", m.QueueARN, m.host.options.Region
	}
	payload, err := json.Marshal(map[string]any{"Records": messages})
	if err != nil {
		return nil
	}
	i, err := m.host.run(m.host.background, b.function, Invocation{RequestID: newID(), Attempt: 1, Payload: payload})
	if err != nil || i.Failure != nil {
		return nil
	}
	failed := map[string]bool{}
	if m.ReportsFailures {
		if failed, err = failures(i.Response, messages); err != nil {
			return nil
		}
	}
	var done []string
	for _, message := range messages {
		if !failed[message.MessageID] {
			done = append(done, message.ReceiptHandle)
		}
	}
	return done
}

// failures returns the ids of the messages that failed according to the function's answer. An answer that is not valid means
// that the whole batch failed. No list, or an empty one, means that none did.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func failures(response []byte, batch []QueueMessage) (map[string]bool, error) {
	var answer struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if len(response) > 0 {
		if err := json.Unmarshal(response, &answer); err != nil {
			return nil, fmt.Errorf("reading the failures of a batch: %w", err)
		}
	}
	failed := map[string]bool{}
	for _, f := range answer.BatchItemFailures {
		if !slices.ContainsFunc(batch, func(m QueueMessage) bool { return m.MessageID == f.ItemIdentifier }) {
			return nil, fmt.Errorf("reading the failures of a batch: no message %q", f.ItemIdentifier)
		}
		failed[f.ItemIdentifier] = true
	}
	return failed, nil
}
