package api

// Fault makes calls fail. The zero value of each selector matches everything.
type Fault struct {
	// Service and Operation select the calls.
	Service, Operation string
	// Caller selects the calls of one principal, or of all sessions of one role, by ARN.
	Caller string
	// Skip lets that many matching calls pass first; Times is how many then fail, 0 for all.
	Skip, Times int
	// Error is the answer, unless Reset, Hang or Stale says otherwise.
	Error *Error
	// Reset closes the connection without an answer.
	Reset bool
	// Hang answers nothing until the caller gives up.
	Hang bool
	// Stale makes an eventually consistent read answer the state before the latest write.
	Stale bool
	// After carries the call out first, so that only its answer is lost or replaced.
	After bool
}

// armedFault is a fault and how many matching calls it has seen.
type armedFault struct {
	Fault
	seen int
}

// Inject makes later calls fail. Where several faults hit the same call, the one injected first decides; each counts
// the calls that it matches, whoever decides.
func (g *Gate) Inject(f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, &armedFault{Fault: f})
}

// ClearFaults forgets all faults. Calls that hang go on hanging.
func (g *Gate) ClearFaults() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = nil
}

// takeFault is the fault that the call meets; nil for none.
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

// matches reports whether the call is one of those that the fault selects.
func (f *armedFault) matches(x *exchange) bool {
	caller := x.request.Caller
	return (f.Service == "" || f.Service == x.scope.service) &&
		(f.Operation == "" || f.Operation == x.operation.Name) &&
		(f.Caller == "" || f.Caller == caller.Principal || f.Caller == caller.Issuer)
}

// strikes counts a matching call, and reports whether it is one that fails.
func (f *armedFault) strikes() bool {
	f.seen++
	return f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times)
}

// outcome is how a call ends that meets the fault.
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
