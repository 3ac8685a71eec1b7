// Package lambda hosts functions as AWS Lambda does: it starts built bootstrap binaries as child processes, one for
// each concurrent invocation, provides the Runtime API to them, kills them at their time-out, retries asynchronous
// invocations and sends permanently failed ones to the on-failure destination.
//
// It uses only the standard library. Each bootstrap runs unchanged, with Lambda's environment and without the
// environment of the host process.
//
//	Invoke ───────────────► environment (child process) ◄─ Runtime API ─► bootstrap
//	InvokeAsync ► attempts ─┤   idle ones are reused; Shutdown makes the next one cold
//	                └─ failed for good ► Options.Destination
//	Map: queue ► batches ───┘
package lambda

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/child"
	"example.com/s3-endpoint-guard/local/localaws/clock"
	"example.com/s3-endpoint-guard/local/localaws/underway"
)

// Options are the options of a host.
type Options struct {
	// Account, Region and Partition are used in the functions' ARNs; "" means 111122223333, eu-central-1 and aws.
	Account, Region, Partition string
	// Clock delays retries and dates records; nil means the real clock. Time-outs of functions
	// always use real time, without that for which a busy machine gives the function no processor.
	Clock *clock.Clock
	// Work counts each invocation until it has ended, without the pauses of retries; nil disables it.
	Work *underway.Count
	// Credentials registers a session of an execution role and returns its keys; nil gives unregistered keys.
	Credentials func(roleARN, sessionName string) (accessKeyID, secretAccessKey string)
	// Destination sends a function's invocation record to a queue or topic; nil refuses all records. Refused records
	// are lost: see [Host.LostRecords].
	Destination func(f Function, arn string, record []byte) error
	// Metrics gets each line of Embedded Metric Format that a function prints; nil ignores them.
	Metrics func(function string, line []byte)
	// Group gets each line for the function's log group; nil keeps no log groups.
	Group func(logGroup, function string, line Line)
	// Log gets each line that a function prints; nil keeps them only for [Host.Logs].
	Log func(function string, line Line)
	// Queues is SQS for event source mappings; nil refuses them.
	Queues Queues
	// RetryDelay returns the pause before an asynchronous invocation's second (1) and third (2) attempt. nil means
	// AWS's: one minute, then two. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
	RetryDelay func(retry int) time.Duration
	// Freeze stops idle environments, as Lambda does between invocations (only on Linux).
	Freeze bool
}

// Host runs functions. Any number of goroutines may use it at the same time.
type Host struct {
	options  Options
	launcher *child.Launcher
	// background ends asynchronous invocations when the host closes.
	background context.Context
	cancel     context.CancelCauseFunc

	mu          sync.Mutex
	functions   map[string]*hosted
	mappings    []*mapping
	invocations []Invocation
	throttles   map[string]int
	lostRecords []LostRecord
	logs        map[string][]Line
	running     map[*environment]struct{}
	closed      bool
}

// errClosed ends all activity when a host closes.
var errClosed = errors.New("the Lambda host is closed")

// New returns a host without functions. It must be closed.
func New(o Options) *Host {
	o.Account = or(o.Account, "111122223333")
	o.Region = or(o.Region, "eu-central-1")
	o.Partition = or(o.Partition, "aws")
	if o.Clock == nil {
		o.Clock = clock.Real()
	}
	if o.Work == nil {
		o.Work = new(underway.Count)
	}
	if o.RetryDelay == nil {
		o.RetryDelay = func(retry int) time.Duration { return time.Duration(retry) * time.Minute }
	}
	background, cancel := context.WithCancelCause(context.Background())
	return &Host{
		options: o, launcher: child.New(), background: background, cancel: cancel,
		functions: map[string]*hosted{}, throttles: map[string]int{}, logs: map[string][]Line{}, running: map[*environment]struct{}{},
	}
}

// Create adds a function and returns its ARN. It refuses what Lambda refuses: reserved names among the environment
// variables, or more than 4 KB of them.
func (h *Host) Create(f Function) (arn string, err error) {
	if f, err = h.complete(f); err != nil {
		return "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return "", errClosed
	}
	if _, ok := h.functions[f.Name]; ok {
		return "", &Error{Status: 409, Code: "ResourceConflictException", Message: "Function already exist: " + f.Name}
	}
	f.Modified = h.options.Clock.Now()
	h.functions[f.Name] = newHosted(f)
	return f.ARN, nil
}

// complete sets defaults in a function, and checks it.
func (h *Host) complete(f Function) (Function, error) {
	f = f.withDefaults()
	f.ARN = fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", h.options.Partition, h.options.Region, h.options.Account, f.Name)
	if err := f.check(); err != nil {
		return f, fmt.Errorf("function %s: %w", f.Name, err)
	}
	return f, nil
}

// Update changes a function's configuration, with the checks of [Host.Create]. It keeps the permissions. Running
// invocations keep the old configuration; the next invocation is a cold start.
func (h *Host) Update(f Function) error {
	f.Modified = h.options.Clock.Now()
	return h.reconfigure(f)
}

// reconfigure is Update for changes that do not count as a modification: concurrency, and what happens to failed runs.
func (h *Host) reconfigure(f Function) error {
	f, err := h.complete(f)
	if err != nil {
		return err
	}
	before, err := h.lookUp(f.Name)
	if err != nil {
		return err
	}
	after := newHosted(f)
	h.mu.Lock()
	after.permissions = before.permissions
	h.functions[f.Name] = after
	h.mu.Unlock()
	for _, e := range h.takeIdle(before) {
		e.end()
	}
	return nil
}

// SetTimeout changes how long an invocation of a function may take. Unlike [Host.Update], and unlike Lambda, it keeps the idle
// environments: the next invocation is no cold start.
func (h *Host) SetTimeout(name string, timeout time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	before, ok := h.functions[name]
	if !ok {
		return missing("Function not found: " + name)
	}
	after := *before // invocations that run read the old one without the mutex
	after.Timeout = timeout
	before.idle = nil
	h.functions[name] = &after
	return nil
}

// Function returns a function's configuration; ok is false if there is none with that name or ARN.
func (h *Host) Function(nameOrARN string) (f Function, ok bool) {
	found, err := h.lookUp(nameOrARN)
	if err != nil {
		return Function{}, false
	}
	return found.Function, true
}

// Functions returns the sorted names of all functions.
func (h *Host) Functions() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.functions))
}

// Remove deletes a function and ends its idle environments. Running invocations continue to their end.
func (h *Host) Remove(name string) error {
	if err := h.Shutdown(name); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.functions, name)
	return nil
}

// Shutdown ends a function's idle environments, so that its next invocation is a cold start.
func (h *Host) Shutdown(name string) error {
	f, err := h.lookUp(name)
	if err != nil {
		return err
	}
	for _, e := range h.takeIdle(f) {
		e.end()
	}
	return nil
}

// Close ends all environments at once, including running ones, and drops events that wait for a retry. Close may be
// called twice.
func (h *Host) Close() error {
	h.cancel(errClosed)
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	var all []*environment
	for e := range h.running {
		all = append(all, e)
	}
	h.mu.Unlock()
	for _, e := range all {
		e.end()
	}
	h.launcher.Close()
	return nil
}

// lookUp finds a function by name or ARN.
func (h *Host) lookUp(nameOrARN string) (*hosted, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f, ok := h.functions[functionName(nameOrARN)]; ok {
		return f, nil
	}
	return nil, missing("Function not found: " + nameOrARN)
}

// Error is Lambda's refusal to invoke a function. A failure of the function itself is a [Failure].
type Error struct {
	// Status is the HTTP status, Code Lambda's exception, e.g. "ResourceNotFoundException".
	Status        int
	Code, Message string
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// missing returns the error for something that does not exist.
func missing(message string) error {
	return &Error{Status: 404, Code: "ResourceNotFoundException", Message: message}
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = io.ReadFull(rand.Reader, b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return hyphenated(b[:])
}

// hyphenated returns 16 bytes in the form of a UUID.
func hyphenated(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
