package api

// Fault makes calls fail. The zero value of each selector matches all calls.
type Fault struct {
	// Service and Operation select the calls.
	Service, Operation string
	// Caller selects the calls of one principal, or of all sessions of one role, by ARN.
	Caller string
	// Skip is the number of matching calls that pass first; Times is how many then fail, 0 for all.
	Skip, Times int
	// Error is the answer, unless Reset, Hang or Stale is set.
	Error *Error
	// Reset closes the connection without an answer.
	Reset bool
	// Hang sends no answer until the caller gives up.
	Hang bool
	// Stale makes an eventually consistent read return the state before the latest write.
	Stale bool
	// After executes the call first, so that only its answer is lost or replaced.
	After bool
}

// armedFault is a fault and the number of matching calls so far.
type armedFault struct {
	Fault
	seen int
}

// Inject makes later calls fail. If several faults match the same call, the first injected one decides; each counts
// the calls that it matches, even if another decides.
func (g *Gate) Inject(f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, &armedFault{Fault: f})
}

// ClearFaults removes all faults. Calls that hang continue to hang.
func (g *Gate) ClearFaults() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = nil
}

// takeFault returns the fault for the call, or nil.
func (g *Gate) takeFault(x *exchange) *Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	var met *Fault
	for _, f := range g.faults {
		if f.matches(x) && f.strikes() && met == nil {
			met = &f.Fault
		}
	}
	return met
}

// matches reports whether the fault's selectors match the call.
func (f *armedFault) matches(x *exchange) bool {
	caller := x.request.Caller
	return (f.Service == "" || f.Service == x.scope.service) &&
		(f.Operation == "" || f.Operation == x.operation.Name) &&
		(f.Caller == "" || f.Caller == caller.Principal || f.Caller == caller.Issuer)
}

// strikes counts a matching call, and reports whether it fails.
func (f *armedFault) strikes() bool {
	f.seen++
	return f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times)
}

// outcome returns the result of a call with the fault.
func (f *Fault) outcome() error {
	switch {
	case f.Reset:
		return errReset
	case f.Hang:
		return errHang
	case f.Error != nil:
		return f.Error
	}
	return &Error{Status: 500, Code: "InternalError", Message: "an injected fault without an error of its own"}
}
