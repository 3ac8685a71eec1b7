// Package cfnresponse answers a CloudFormation custom resource exactly once, in time, within 4,096 bytes.
//
// A missing answer costs the owner of the stack an hour (docs/facts.md, CloudFormation), so this package answers in
// each case: the handler succeeds, fails, panics or takes too long, or the request is invalid. It imports timeleft and
// the standard library only.
//
//	event                                             | answer
//	the handler returned a Result                     | SUCCESS
//	the handler returned an error, or panicked        | FAILED, with the error as Reason
//	the request is invalid or of an unknown type      | FAILED, with the errors; the handler is not called
//	the deadline is near and the handler still works  | FAILED, with the handler's latest note
//	the handler handed over to another invocation     | none: that invocation answers
package cfnresponse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// Handler handles a request. It is called only for requests of a known type whose answer can be delivered. An error
// becomes the Reason of a FAILED answer; it should say what the owner of the stack can do.
//
// ctx ends when the watchdog answers instead of the handler. The handler calls note, from any goroutine, with its
// progress ("deleted 120,000 versions"), which becomes part of the Reason if the time runs out.
type Handler func(ctx context.Context, request Request, note func(string)) (Result, error)

// Result is the result of a handler that succeeded.
type Result struct {
	// Data are the values for Fn::GetAtt; nil for none.
	Data map[string]string
	// HandedOver means that another invocation continues the request and answers it: nothing is sent.
	HandedOver bool
}

// Responder answers the requests of one kind of custom resource. It is safe for concurrent use.
type Responder struct {
	// Handle does the work.
	Handle Handler
	// PhysicalID derives the resource's physical id from a request. It must always return the same id for the same
	// resource, because a changed id makes CloudFormation delete the old one (docs/facts.md, CloudFormation). If it
	// returns "" (e.g. for an invalid request), the request's own id is used, or one derived from the logical id.
	PhysicalID func(Request) string
	// Reserve is the time before the context's deadline that is reserved for the answer and its retries; 0 means 20 s.
	Reserve time.Duration
	// Client sends the answer; nil means a client that opens a connection per attempt.
	Client *http.Client
	// Log receives one line per answer, and the stack of a panic; nil means slog.Default().
	Log *slog.Logger
}

// defaultReserve is enough for four attempts to send an answer.
const defaultReserve = 20 * time.Second

// Serve handles one request and answers it. payload is CloudFormation's JSON.
//
// It returns an error only if no answer could be delivered, so that Lambda retries the asynchronous invocation. A
// request that failed and was answered with FAILED is no error.
func (r *Responder) Serve(ctx context.Context, payload []byte) error {
	request, err := Parse(payload)
	if request.ResponseURL == "" {
		return errors.Join(errors.New("answering CloudFormation: the request has no ResponseURL"), err)
	}
	answer := answer{}
	if err != nil {
		answer.failed(err)
	} else if answer = r.carryOut(ctx, request); answer.handedOver {
		r.log().Info("handed over", "requestType", request.RequestType, "logicalResourceId", request.LogicalResourceID)
		return nil
	}
	answer.about(request, r.physicalID(request))
	return r.deliver(ctx, request.ResponseURL, answer)
}

// carryOut runs the handler and the watchdog and returns the answer of the first one to finish.
func (r *Responder) carryOut(ctx context.Context, request Request) answer {
	work, stop := context.WithCancel(ctx)
	defer stop()
	var latest note
	done := make(chan answer, 1)
	go func() { done <- r.attempt(work, request, latest.set) }()

	alarm, cancel := r.watch(ctx)
	defer cancel()
	select {
	case a := <-done:
		return a
	case <-alarm.Done():
	}
	select {
	case a := <-done:
		return a
	default:
		var a answer
		a.failed(fmt.Errorf("the time of the function ran out before the work was done%s", latest.suffix()))
		return a
	}
}

// watch returns a context that ends when it is time to answer, even if the handler is not done.
func (r *Responder) watch(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	reserve := r.Reserve
	if reserve == 0 {
		reserve = defaultReserve
	}
	return context.WithDeadline(ctx, deadline.Add(-reserve))
}

// attempt runs the handler and converts its result, or its panic, to an answer.
func (r *Responder) attempt(ctx context.Context, request Request, note func(string)) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			r.log().Error("panic", "error", fmt.Sprint(p), "stack", string(debug.Stack()))
			a = answer{}
			a.failed(fmt.Errorf("a defect in the function: %v", p))
		}
	}()
	result, err := r.Handle(ctx, request, note)
	if err != nil {
		a.failed(err)
		return a
	}
	return answer{Status: statusSuccess, Data: result.Data, handedOver: result.HandedOver}
}

func (r *Responder) physicalID(request Request) string {
	if id := r.PhysicalID(request); id != "" {
		return id
	}
	if request.PhysicalResourceID != "" {
		return request.PhysicalResourceID
	}
	if request.LogicalResourceID != "" {
		return "none-" + request.LogicalResourceID
	}
	return "none"
}

func (r *Responder) log() *slog.Logger {
	if r.Log != nil {
		return r.Log
	}
	return slog.Default()
}
