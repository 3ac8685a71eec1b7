package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/child"
)

// Invocation is the record of one attempt to run a function.
type Invocation struct {
	// Function is the function's name. RequestID is the same for all attempts of an asynchronous invocation.
	Function, RequestID string
	// Asynchronous means that no caller waited; Attempt counts from 1.
	Asynchronous bool
	Attempt      int
	// Cold means that a process was started for it; Init is then the time until its first poll of the Runtime API.
	Cold bool
	Init time.Duration
	// Began is when the runtime received the event, Duration the time from then until the runtime asked for the next
	// one.
	Began    time.Time
	Duration time.Duration
	// Lacked is for how long within Duration the local AWS, and so probably the function too, waited for a processor that others had,
	// to a second. It is measured on Linux only.
	Lacked time.Duration
	// Payload is the event, Response the function's answer: for a failure, Lambda's description of it.
	Payload, Response []byte
	// Failure is nil for a success.
	Failure *Failure
}

// Failure is a failure of a function, as Lambda or the runtime describes it.
type Failure struct {
	// Type is e.g. "errorString", "Runtime.ExitError" or "Sandbox.Timedout".
	Type string `json:"errorType"`
	// Message is a text for people.
	Message string `json:"errorMessage"`
}

// Error implements error.
func (f *Failure) Error() string { return f.Type + ": " + f.Message }

// failed returns the answer of an invocation to which the runtime did not answer.
func failed(kind, message string) answer {
	f := &Failure{Type: kind, Message: message}
	payload, _ := json.Marshal(f)
	return answer{payload: payload, failure: f}
}

// Invocations returns all attempts that have ended, in the order of their ends; of all functions if function is "".
func (h *Host) Invocations(function string) []Invocation {
	h.mu.Lock()
	defer h.mu.Unlock()
	var some []Invocation
	for _, i := range h.invocations {
		if function == "" || i.Function == functionName(function) {
			some = append(some, i)
		}
	}
	return some
}

// Invoke runs a function and waits for its answer. An error means that it could not run: no such function, too many
// concurrent invocations, or the context's end. A failure of the function itself is in [Invocation.Failure].
func (h *Host) Invoke(ctx context.Context, nameOrARN string, payload []byte) (Invocation, error) {
	defer h.options.Work.Begin()()
	f, err := h.lookUp(nameOrARN)
	if err != nil {
		return Invocation{}, err
	}
	if err := h.enter(f); err != nil {
		return Invocation{}, err
	}
	defer f.leave()
	return h.run(ctx, f, Invocation{RequestID: newID(), Attempt: 1, Payload: payload})
}

// Provision starts one environment without invoking it, so that the next invocation is warm, and returns the time that
// the process took until its first poll of the Runtime API.
func (h *Host) Provision(ctx context.Context, nameOrARN string) (time.Duration, error) {
	f, err := h.lookUp(nameOrARN)
	if err != nil {
		return 0, err
	}
	e, failure := h.coldStart(ctx, f)
	if failure != nil {
		return 0, failure.failure
	}
	h.rest(f, e)
	return e.initDuration, nil
}

// run makes one attempt in an idle or a new environment, and records it.
func (h *Host) run(ctx context.Context, f *hosted, i Invocation) (Invocation, error) {
	i.Function, i.Began = f.Name, h.options.Clock.Now()
	e := h.warm(f)
	if e == nil {
		i.Cold = true
		var failure *answer
		if e, failure = h.coldStart(ctx, f); failure != nil {
			return h.account(i, *failure), nil
		}
		i.Init = e.initDuration
	}
	i.Began = h.options.Clock.Now()
	began, lacked := time.Now(), lackedHere()
	a := e.invoke(ctx, event{id: i.RequestID, functionARN: f.ARN, payload: i.Payload, timeout: f.Timeout, deadline: began.Add(f.Timeout)})
	i.Duration = time.Since(began)
	i.Lacked = min(lackedHere()-lacked, i.Duration)
	h.rest(f, e)
	return h.account(i, a), nil
}

// account adds an ended attempt to [Host.Invocations].
func (h *Host) account(i Invocation, a answer) Invocation {
	i.Response, i.Failure = a.payload, a.failure
	h.mu.Lock()
	defer h.mu.Unlock()
	h.invocations = append(h.invocations, i)
	return i
}

// warm returns the environment that has been idle for the shortest time, or nil.
func (h *Host) warm(f *hosted) *environment {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(f.idle) > 0 {
		e := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if e.alive() {
			return e
		}
	}
	return nil
}

// coldStart starts an environment and waits until it polls, or returns its failure.
func (h *Host) coldStart(ctx context.Context, f *hosted) (*environment, *answer) {
	e, err := h.newEnvironment(f.Function)
	if err != nil {
		a := failed("Runtime.InvalidEntrypoint", fmt.Sprintf("Error: %v", err))
		return nil, &a
	}
	if err := h.hold(e); err != nil {
		e.end()
		a := failed("Sandbox.Failure", fmt.Sprintf("Error: %v", err))
		return nil, &a
	}
	if a := e.init(ctx); a != nil {
		return nil, a
	}
	return e, nil
}

// hold registers a process until it ends, so that [Host.Close] ends it.
func (h *Host) hold(e *environment) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errClosed
	}
	h.running[e] = struct{}{}
	go func() {
		<-e.exited
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.running, e)
	}()
	return nil
}

// rest keeps an environment for the next invocation, unless it has ended or its function was removed.
func (h *Host) rest(f *hosted, e *environment) {
	if !e.alive() {
		return
	}
	if h.options.Freeze {
		child.Freeze(e.command.Process)
	}
	h.mu.Lock()
	kept := h.functions[f.Name] == f && !h.closed
	if kept {
		f.idle = append(f.idle, e)
	}
	h.mu.Unlock()
	if !kept {
		e.end()
	}
}

// takeIdle takes all idle environments of a function.
func (h *Host) takeIdle(f *hosted) []*environment {
	h.mu.Lock()
	defer h.mu.Unlock()
	idle := slices.Clone(f.idle)
	f.idle = nil
	return idle
}

// enter claims one of a function's concurrent invocations. If all are in use, it counts a throttle and returns an
// error.
func (h *Host) enter(f *hosted) error {
	if f.slots == nil {
		return nil
	}
	select {
	case f.slots <- struct{}{}:
		return nil
	default:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.throttles[f.Name]++
	return &Error{Status: 429, Code: "TooManyRequestsException", Message: "Rate Exceeded."}
}

// Throttles returns how often each function's invocation was refused because its reserved concurrency was used up.
func (h *Host) Throttles() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.throttles)
}

// switchedOff reports whether a function has a reserved concurrency of 0.
func (f *hosted) switchedOff() bool { return f.slots != nil && cap(f.slots) == 0 }

// leave releases what enter claimed.
func (f *hosted) leave() {
	if f.slots != nil {
		<-f.slots
	}
}
