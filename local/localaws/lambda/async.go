package lambda

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// LostRecord is an invocation record that its destination refused.
type LostRecord struct {
	// Destination is the destination's ARN, Record the record, Err the error.
	Destination string
	Record      []byte
	Err         error
}

// LostRecords returns the invocation records that their destinations refused. Lambda also drops them, and counts them
// in the metric DestinationDeliveryFailures.
func (h *Host) LostRecords() []LostRecord {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lostRecords)
}

// The pauses before the retry of a throttled event: they double, from the first to the longest.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	firstThrottlePause   = time.Second
	longestThrottlePause = 5 * time.Minute
)

// queued is an event that waits for its next attempt.
type queued struct {
	function  *hosted
	requestID string
	payload   []byte
	accepted  time.Time
	// attempt is the number of the next run, throttled how often that run has been refused since the previous one.
	attempt, throttled int
}

// InvokeAsync accepts an event and returns its request id at once. It retries a failed function as often as its
// configuration says, and a throttled one until the event is too old. Then the record goes to the on-failure
// destination; if the function's reserved concurrency is 0, at once.
func (h *Host) InvokeAsync(nameOrARN string, payload []byte) (requestID string, err error) {
	f, err := h.lookUp(nameOrARN)
	if err != nil {
		return "", err
	}
	q := queued{function: f, requestID: newID(), payload: slices.Clone(payload), accepted: h.options.Clock.Now(), attempt: 1}
	h.begin(q)
	return q.requestID, nil
}

// begin starts the attempts for a queued event in the background.
func (h *Host) begin(q queued) {
	end := h.options.Work.Begin()
	go func() {
		defer end()
		h.attempt(q)
	}()
}

// attempt runs the function, and again after each failure, until it succeeds, has no more retries, or must wait
// before the next attempt. Each attempt uses the function's current configuration.
func (h *Host) attempt(q queued) {
	for {
		current, err := h.lookUp(q.function.Name)
		if err != nil {
			return // the function was removed, and its events with it
		}
		q.function = current
		if h.enter(q.function) != nil {
			h.throttle(q)
			return
		}
		i, ok := h.once(q)
		if !ok {
			return
		}
		if i.Failure == nil {
			h.conclude(q, i, "Success")
			return
		}
		if q.attempt > q.function.retries() {
			h.conclude(q, i, "RetriesExhausted")
			return
		}
		pause := h.options.RetryDelay(q.attempt)
		if h.tooOld(q, pause) {
			h.conclude(q, i, "EventAgeExceeded")
			return
		}
		q.attempt, q.throttled = q.attempt+1, 0
		if pause > 0 {
			h.options.Clock.AfterFunc(pause, func() { h.begin(q) })
			return
		}
	}
}

// once makes one attempt, after enter; ok is false if the host closed meanwhile.
func (h *Host) once(q queued) (i Invocation, ok bool) {
	defer q.function.leave()
	i, err := h.run(h.background, q.function, Invocation{
		RequestID: q.requestID, Asynchronous: true, Attempt: q.attempt, Payload: q.payload,
	})
	return i, err == nil && context.Cause(h.background) == nil
}

// throttle puts back an event whose function may not run now (docs/facts.md, Lambda).
func (h *Host) throttle(q queued) {
	pause := min(firstThrottlePause<<min(q.throttled, 10), longestThrottlePause)
	q.throttled++
	none := Invocation{RequestID: q.requestID, Attempt: q.attempt - 1, Payload: q.payload}
	switch {
	case q.function.switchedOff():
		h.conclude(q, none, "ZeroReservedConcurrency")
	case h.tooOld(q, pause):
		h.conclude(q, none, "EventAgeExceeded")
	default:
		h.options.Clock.AfterFunc(pause, func() { h.begin(q) })
	}
}

// tooOld reports whether an event will be too old for a retry after a pause.
func (h *Host) tooOld(q queued, pause time.Duration) bool {
	return h.options.Clock.Now().Add(pause).Sub(q.accepted) > q.function.eventAge()
}

// record is the record that a destination gets.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type record struct {
	Version        string          `json:"version"`
	Timestamp      string          `json:"timestamp"`
	RequestContext requestContext  `json:"requestContext"`
	RequestPayload json.RawMessage `json:"requestPayload"`
	// ResponseContext and ResponsePayload describe the last attempt; nil if it was throttled.
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// conclude sends the record of an event's last attempt to the destination for its outcome, if there is one.
func (h *Host) conclude(q queued, i Invocation, condition string) {
	destination := q.function.Async.OnFailure
	if condition == "Success" {
		destination = q.function.Async.OnSuccess
	}
	if destination == "" {
		return
	}
	r := record{
		Version:   "1.0",
		Timestamp: h.options.Clock.Now().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{
			RequestID: i.RequestID, FunctionARN: q.function.ARN + ":$LATEST", Condition: condition, ApproximateInvokeCount: i.Attempt,
		},
		RequestPayload: asJSON(i.Payload),
	}
	if ran := i.Function != ""; ran {
		r.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: "$LATEST", FunctionError: i.functionError()}
		r.ResponsePayload = asJSON(i.Response)
	}
	h.send(q.function.Function, destination, r)
}

func (h *Host) send(f Function, destination string, r record) {
	body, err := json.Marshal(r)
	if err == nil && h.options.Destination == nil {
		err = missing("no destination " + destination)
	}
	if err == nil {
		err = h.options.Destination(f, destination, body)
	}
	if err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.lostRecords = append(h.lostRecords, LostRecord{Destination: destination, Record: body, Err: err})
	}
}

// functionError returns Lambda's name of a failure: for a runtime that is not built into Lambda always "Unhandled".
func (i Invocation) functionError() string {
	if i.Failure == nil {
		return ""
	}
	return "Unhandled"
}

// asJSON returns a JSON payload unchanged, other text quoted, and null for an empty payload.
func asJSON(payload []byte) json.RawMessage {
	if len(payload) == 0 {
		return json.RawMessage("null")
	}
	if json.Valid(payload) {
		return payload
	}
	quoted, _ := json.Marshal(string(payload))
	return quoted
}
