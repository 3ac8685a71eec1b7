package api

import (
	"slices"
	"time"
)

// Call is the record of one request that reached the gate.
type Call struct {
	// Service is the signing name, Operation the API's name ("" when it could not be decoded).
	Service, Operation string
	// Caller is the principal's ARN, Door where the request came in.
	Caller string
	Door   Door
	// Needs are the permissions that were asked for. Of those that an operation asks for of each of its parts, only the
	// first of each action is here.
	Needs []Need
	// Write says that the call is a management write, one that CloudTrail delivers.
	Write bool
	// ErrorCode is AWS's error code, "" for a success; injected faults that answer nothing have "(reset)" or "(hang)".
	ErrorCode string
	// Bytes are those of the request's body, and of a successful answer's.
	Bytes int
	// Began and Ended order calls, by the machine's clock: two calls overlapped when each began before the other
	// ended.
	Began, Ended time.Time
}

// TrailCall is a management write that went through the gate, as CloudTrail needs to know it.
type TrailCall struct {
	Request   *Request
	Service   string
	Operation *Operation
	// Error is why it failed; nil when it succeeded.
	Error *Error
}

// OnTrail calls f after every management write, successful or failed, and before its caller has the answer. Requests
// that no service could decode are not among them. f may be called from several goroutines at once, and the answer
// waits for it: it should return soon.
func (g *Gate) OnTrail(f func(TrailCall)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onTrail = append(g.onTrail, f)
}

// trail hands a management write to those who asked for them.
func (g *Gate) trail(x *exchange, failure *Error) {
	if x.operation.Trail == nil {
		return
	}
	g.mu.Lock()
	listeners := slices.Clone(g.onTrail)
	g.mu.Unlock()
	for _, f := range listeners {
		f(TrailCall{Request: x.request, Service: x.scope.service, Operation: x.operation, Error: failure})
	}
}

// record remembers the call, which ends now.
func (x *exchange) record(err error) {
	c := Call{
		Service: x.scope.service, Caller: x.request.Caller.Principal, Door: x.request.Door,
		Bytes: len(x.request.Body) + x.answered, Began: x.began, Ended: time.Now(),
	}
	if x.operation != nil {
		c.Operation, c.Needs, c.Write = x.operation.Name, slices.Concat(x.operation.Needs, x.asked), x.operation.Trail != nil
	}
	if e, ok := err.(*Error); ok {
		c.ErrorCode = e.Code
	} else if err != nil {
		c.ErrorCode = err.Error()
	}
	x.gate.mu.Lock()
	x.gate.calls = append(x.gate.calls, c)
	listeners := slices.Clone(x.gate.onCall)
	x.gate.mu.Unlock()
	for _, f := range listeners {
		f(c)
	}
}

// OnCall calls f after every call, of any outcome, and before its caller has the answer. f may be called from several
// goroutines at once, and the answer waits for it: it should return soon.
func (g *Gate) OnCall(f func(Call)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onCall = append(g.onCall, f)
}

// Calls are the calls that have ended since the gate was made or [Gate.ResetCalls], in the order in which they began.
func (g *Gate) Calls() []Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	calls := slices.Clone(g.calls)
	slices.SortStableFunc(calls, func(a, b Call) int { return a.Began.Compare(b.Began) })
	return calls
}

// ResetCalls forgets the calls that have ended.
func (g *Gate) ResetCalls() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = nil
}

// Depth is how many round trips deep the calls are: the length of the longest chain of calls each of which began
// after the one before had ended. Without latency calls that were sent together may well be answered one after the
// other: set one before asking how deep they are.
func Depth(calls []Call) int {
	byEnd := slices.Clone(calls)
	slices.SortFunc(byEnd, func(a, b Call) int { return a.Ended.Compare(b.Ended) })
	depth := 0
	var last time.Time
	for _, c := range byEnd {
		if depth == 0 || !c.Began.Before(last) {
			depth++
			last = c.Ended
		}
	}
	return depth
}
