package api

import (
	"slices"
	"time"
)

// Call is the record of one request that reached the gate.
type Call struct {
	// Service is the signing name, Operation the API's name ("" when it could not be decoded).
	Service, Operation string
	// Caller is the principal's ARN, Listener the address at which the request arrived.
	Caller   string
	Listener Listener
	// Needs are the permissions that were checked. If an operation checks them for each of its parts, only the first
	// need of each action is included.
	Needs []Need
	// Write means that the call is a management write, which CloudTrail delivers.
	Write bool
	// ErrorCode is AWS's error code, "" for a success; faults without an answer have "(reset)" or "(hang)".
	ErrorCode string
	// Bytes is the size of the request's body plus that of a successful answer's.
	Bytes int
	// Began and Ended are times of the machine's clock: two calls overlapped if each began before the other ended.
	Began, Ended time.Time
}

// TrailCall is a management write, with the data that CloudTrail needs.
type TrailCall struct {
	Request   *Request
	Service   string
	Operation *Operation
	// Error is the error of a failed call, or nil.
	Error *Error
}

// OnTrail calls f after each management write, successful or failed, and before its caller has the answer. It does
// not include requests that no service could decode. f may be called from several goroutines at once, and it delays
// the answer: it should return soon.
func (g *Gate) OnTrail(f func(TrailCall)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onTrail = append(g.onTrail, f)
}

// trail passes a management write to the functions set with OnTrail.
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

// record stores the call, which ends now.
func (x *exchange) record(err error) {
	c := Call{
		Service: x.scope.service, Caller: x.request.Caller.Principal, Listener: x.request.Listener,
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
	if keep := x.gate.keep; keep > 0 && len(x.gate.calls) >= 2*keep {
		x.gate.calls = slices.Clone(x.gate.calls[len(x.gate.calls)-keep:])
	}
	listeners := slices.Clone(x.gate.onCall)
	x.gate.mu.Unlock()
	for _, f := range listeners {
		f(c)
	}
}

// OnCall calls f after each call, no matter what its outcome is, and before its caller has the answer. f may be
// called from several goroutines at once, and it delays the answer: it should return soon.
func (g *Gate) OnCall(f func(Call)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onCall = append(g.onCall, f)
}

// Calls returns the calls that have ended since the gate was made or [Gate.ResetCalls], in the order in which they
// began.
func (g *Gate) Calls() []Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	calls := slices.Clone(g.calls)
	slices.SortStableFunc(calls, func(a, b Call) int { return a.Began.Compare(b.Began) })
	return calls
}

// KeepCalls limits the number of ended calls that are kept: the latest n calls, and at most 2n. Without it all are kept.
func (g *Gate) KeepCalls(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keep = n
}

// ResetCalls removes the ended calls.
func (g *Gate) ResetCalls() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = nil
}

// Depth returns the number of sequential round trips of the calls: the length of the longest chain of calls each of
// which began after the previous one had ended. Without latency, calls that were sent together may be answered in
// sequence, so set a latency first.
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
