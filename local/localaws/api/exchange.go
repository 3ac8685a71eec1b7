package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// errReset and errHang are outcomes of calls without an answer.
var (
	errReset = errors.New("(reset)")
	errHang  = errors.New("(hang)")
)

// exchange is one request in the gate, and its result so far.
type exchange struct {
	gate      *Gate
	began     time.Time
	scope     scope
	service   Service
	request   *Request
	operation *Operation
	// answered is the size of the answer's body, in bytes.
	answered int
	// asked are the first needs of each action that the operation checked with [Request.May].
	asked []Need
}

// run takes a request through the gate's steps. The error is an *[Error], errReset or errHang.
func (x *exchange) run(listener Listener, hr *http.Request) (*Response, error) {
	if err := x.admit(listener, hr); err != nil {
		return nil, err
	}
	x.gate.delay(hr.Context())
	operation, err := x.service.Decode(x.request)
	if err != nil {
		return nil, err
	}
	x.operation = operation
	if fault := x.gate.takeFault(x); fault != nil {
		return x.suffer(fault)
	}
	return x.perform()
}

// admit reads the request, and finds its service and its caller.
func (x *exchange) admit(listener Listener, hr *http.Request) error {
	x.scope = scopeOf(hr)
	x.request = &Request{
		Method: hr.Method, URL: hr.URL, Host: hr.Host, Header: hr.Header, Listener: listener,
		AccessKeyID: x.scope.accessKeyID, Region: x.scope.region,
		ID: x.gate.nextID(), Time: x.gate.options.Now(),
	}
	if x.request.Region == "" {
		x.request.Region = x.gate.options.Region
	}
	x.service = x.gate.service(x.scope.service)
	if x.service == nil {
		return &Error{Status: http.StatusNotImplemented, Code: "NotImplemented",
			Message: fmt.Sprintf("the local AWS has no service %q", x.scope.service)}
	}
	caller, known := x.gate.caller(x.scope.accessKeyID)
	if !known {
		return x.unknownKey()
	}
	x.request.Caller = caller
	body, err := readBody(hr)
	x.request.Body = body
	return err
}

// perform authorises and executes the call, and sends it to the trail.
func (x *exchange) perform() (*Response, error) {
	response, err := x.authorised()
	if err != nil {
		x.gate.trail(x, asError(err))
		return nil, err
	}
	x.gate.trail(x, nil)
	return response, nil
}

// authorised executes the call if its caller has permission.
func (x *exchange) authorised() (*Response, error) {
	x.request.May = x.judge()
	if err := x.authorise(); err != nil {
		return nil, err
	}
	x.request.May = x.noting(x.request.May)
	return x.operation.Do()
}

// noting returns may, extended to record its argument.
func (x *exchange) noting(may func(Need) *Error) func(Need) *Error {
	return func(need Need) *Error {
		if !slices.ContainsFunc(x.asked, func(n Need) bool { return n.Action == need.Action }) {
			x.asked = append(x.asked, need)
		}
		return may(need)
	}
}

// suffer returns the result of a call with a fault.
func (x *exchange) suffer(f *Fault) (*Response, error) {
	x.request.Stale = f.Stale
	if f.Stale {
		return x.perform()
	}
	if f.After {
		x.perform() // the answer is lost
		return nil, f.outcome()
	}
	err := f.outcome()
	if refusal := (*Error)(nil); errors.As(err, &refusal) {
		x.gate.trail(x, refusal)
	}
	return nil, err
}

// renderError writes an error in the service's protocol, or as plain text if no service was found.
func (x *exchange) renderError(e *Error) *Response {
	if x.service == nil {
		return &Response{Status: e.Status, Body: []byte(e.Error() + "\n")}
	}
	return x.service.RenderError(x.request, e)
}

// asError converts an error of a service to an answer.
func asError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	return &Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: err.Error()}
}
