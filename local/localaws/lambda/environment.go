package lambda

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/child"
)

// initTimeout is the maximum time of a cold start until the first poll of the Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
const initTimeout = 10 * time.Second

// environment is one execution environment: a child process with its own Runtime API, which runs one invocation at a
// time.
type environment struct {
	command *exec.Cmd
	server  *http.Server
	output  *output
	// started is when the process was started, initDuration the time from then to its first poll.
	started      time.Time
	initDuration time.Duration

	// polls gets one token when the runtime asks for an event, events passes the event, answers returns its result.
	polls   chan struct{}
	events  chan event
	answers chan answer
	// exited is closed after the process has ended; exit then contains its exit state.
	exited chan struct{}
	exit   error

	mu      sync.Mutex
	current string
}

// event is one invocation as the runtime receives it.
type event struct {
	id, functionARN string
	payload         []byte
	// timeout is the function's, deadline when it is reached.
	timeout  time.Duration
	deadline time.Time
}

// answer is the result of an invocation.
type answer struct {
	payload []byte
	failure *Failure
}

// newEnvironment starts a function's process and its Runtime API, without waiting for them.
func (h *Host) newEnvironment(f Function) (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a Runtime API: %w", err)
	}
	stream := h.options.Clock.Now().Format("2006/01/02") + "/[$LATEST]" + strings.ReplaceAll(newID(), "-", "")
	e := &environment{
		polls: make(chan struct{}, 1), events: make(chan event), answers: make(chan answer, 1),
		exited: make(chan struct{}),
	}
	e.server = &http.Server{Handler: e.runtimeAPI()}
	e.output, err = newOutput(func(text string) { h.print(f, e.request(), text) })
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	e.command = exec.Command(f.Bootstrap)
	e.command.Dir = filepath.Dir(f.Bootstrap)
	e.command.Env = h.variables(f, stream, listener.Addr().String())
	e.command.Stdout, e.command.Stderr = e.output.write, e.output.write
	e.started = time.Now()
	if err := h.launcher.Start(e.command); err != nil {
		_ = listener.Close()
		e.output.close()
		return nil, fmt.Errorf("starting %s: %w", f.Name, err)
	}
	go func() { _ = e.server.Serve(listener) }()
	go e.reap()
	return e, nil
}

// reap waits for the process, ends processes that it has left running, and closes its resources.
func (e *environment) reap() {
	e.exit = e.command.Wait()
	child.Kill(e.command.Process)
	e.output.close()
	close(e.exited)
	_ = e.server.Close()
}

// init waits for the first poll. It returns nil if the environment can be invoked. Otherwise it returns the reason,
// and the process has ended.
func (e *environment) init(ctx context.Context) *answer {
	limit := newLimit(initTimeout, lackedHere(), e.lacked)
	defer limit.Stop()
	for {
		select {
		case <-e.polls:
			e.initDuration = time.Since(e.started)
			e.output.flush()
			return nil
		case <-e.exited:
			a := e.outcome("INIT")
			return &a
		case <-ctx.Done():
			e.end()
			a := interrupted(ctx, "INIT")
			return &a
		case <-limit.C:
			if limit.isReached() {
				e.end()
				a := timedOut("INIT", initTimeout)
				return &a
			}
		}
	}
}

// invoke passes an event to the process and waits until the process asks for the next one, ends, or reaches the function's
// time-out.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-invoke
func (e *environment) invoke(ctx context.Context, ev event) answer {
	limit := newLimit(time.Until(ev.deadline), lackedHere(), e.lacked)
	defer limit.Stop()
	e.setRequest(ev.id)
	child.Thaw(e.command.Process)
	events := e.events
	for {
		select {
		case events <- ev:
			events = nil
		case <-e.polls:
			e.output.flush()
			return e.outcome(ev.id)
		case <-e.exited:
			return e.outcome(ev.id)
		case <-ctx.Done():
			e.end()
			return interrupted(ctx, ev.id)
		case <-limit.C:
			if limit.isReached() {
				e.end()
				return timedOut(ev.id, ev.timeout)
			}
		}
	}
}

// outcome returns the runtime's answer, or the error for a missing one.
func (e *environment) outcome(requestID string) answer {
	select {
	case a := <-e.answers:
		return a
	default:
		return failed("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", requestID, e.exitMessage()))
	}
}

// exitMessage returns Lambda's message about the end of the process.
func (e *environment) exitMessage() string {
	select {
	case <-e.exited:
	default:
		return "Runtime asked for the next event without answering"
	}
	if e.exit == nil {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + e.exit.Error()
}

// interrupted returns the answer to an invocation whose caller or host ended it.
func interrupted(ctx context.Context, requestID string) answer {
	return failed("Sandbox.Failure", fmt.Sprintf("RequestId: %s Error: %v", requestID, context.Cause(ctx)))
}

// timedOut returns the answer to an invocation that reached its time-out.
func timedOut(requestID string, timeout time.Duration) answer {
	return failed("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", requestID, timeout.Seconds()))
}

// end kills the process, with all processes that it started, and waits for it.
func (e *environment) end() {
	child.Kill(e.command.Process)
	<-e.exited
}

// alive reports whether the process can run a further invocation.
func (e *environment) alive() bool {
	select {
	case <-e.exited:
		return false
	default:
		return true
	}
}

// request returns the id of the current invocation, "" before the first.
func (e *environment) request() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current
}

func (e *environment) setRequest(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current = id
}
