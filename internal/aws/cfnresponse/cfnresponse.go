// Package cfnresponse answers a CloudFormation custom resource exactly once, in time, within 4,096 bytes.
//
// An answer that never arrives costs the owner of the stack an hour (FACTS: CloudFormation), so this package answers
// whatever happens: the handler succeeds or fails, panics, forgets the time, or the request makes no sense. It imports
// timeleft and the standard library only.
//
//	what happened                                    | what CloudFormation hears
//	the handler returned a Result                    | SUCCESS
//	the handler returned an error, or panicked       | FAILED, with the error as Reason
//	the request is broken or of an unknown type      | FAILED, saying what is wrong; the handler never sees it
//	the deadline is near and the handler still works | FAILED, with the handler's latest note
//	the handler handed over to another invocation    | nothing yet: that invocation answers
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

// Handler does what a request asks for. It is called only with a request whose type is known and whose answer can be
// delivered. An error becomes the Reason of a FAILED answer, so it should say what the owner of the stack can do.
//
// ctx ends when the watchdog answers in the handler's place. The handler calls note, from any goroutine, with a phrase
// on how far it is ("deleted 120,000 versions"), which becomes part of the Reason if the time runs out.
type Handler func(ctx context.Context, request Request, note func(string)) (Result, error)

// Result is what a handler that succeeded has to say.
type Result struct {
	// Data are the values that Fn::GetAtt finds; nil for none.
	Data map[string]string
	// HandedOver means that another invocation goes on with the request and answers it: nothing is sent.
	HandedOver bool
}

// Responder answers the requests of one kind of custom resource. It can serve several requests at the same time.
type Responder struct {
	// Handle does the work.
	Handle Handler
	// PhysicalID derives the resource's physical id from a request. It must give the same id for the same resource
	// each time, for a changed id makes CloudFormation delete the old one (FACTS: CloudFormation). When it returns ""
	// (say, because the request is broken) the request's own id is kept, or one is made from the logical id.
	PhysicalID func(Request) string
	// Reserve is the time before the context's deadline that is kept for the answer and its retries; 0 means 20 s.
	Reserve time.Duration
	// Client sends the answer; nil means a client that opens a connection per attempt.
	Client *http.Client
	// Log gets one line per answer, and the stack of a panic; nil means slog.Default().
	Log *slog.Logger
}

// defaultReserve leaves room for four attempts at sending an answer.
const defaultReserve = 20 * time.Second

// Serve carries one request out and answers it. payload is the JSON that CloudFormation sent.
//
// It returns an error only when no answer could be delivered, so that Lambda's own retry of an asynchronous
// invocation tries again. A request that failed and was answered with FAILED is no error.
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

// carryOut runs the handler under the eyes of the watchdog and returns the answer of whoever is done first.
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

// watch returns a context that ends when it is time to answer, whatever the handler does.
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

// attempt runs the handler and turns its outcome, or its panic, into an answer.
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
