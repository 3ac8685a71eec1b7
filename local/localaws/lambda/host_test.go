package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/clock"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/sqs"
	"example.com/s3-endpoint-guard/local/localaws/underway"
)

// bootstrap is the path of the built testdata program.
var bootstrap string

func TestMain(m *testing.M) {
	if bootstrap = os.Getenv("BOOTSTRAP"); bootstrap != "" { // a process that a test has started
		os.Exit(m.Run())
	}
	folder, err := os.MkdirTemp("", "lambda-host-*")
	if err != nil {
		panic(err)
	}
	bootstrap = filepath.Join(folder, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./testdata/bootstrap")
	build.Stderr = os.Stderr
	code := 1
	if build.Run() == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// at is a host with one function, "f", and what it sent to destinations.
type at struct {
	*lambda.Host
	clock   *clock.Clock
	work    *underway.Count
	records chan []byte
	metrics chan string
	queues  *queues
}

// host starts a host whose only function is changed by change.
func host(t *testing.T, change func(*lambda.Function)) at {
	t.Helper()
	a := at{clock: clock.Stepped(), work: new(underway.Count), records: make(chan []byte, 10), metrics: make(chan string, 10)}
	a.queues = &queues{Service: sqs.New(localtest.Gate(t, api.Options{Now: a.clock.Standing}).Options())}
	a.Host = lambda.New(lambda.Options{
		Clock: a.clock, Work: a.work, Freeze: true,
		Credentials: func(role, session string) (string, string) { return "ASIA" + session, "secret of " + role },
		Destination: func(_ lambda.Function, arn string, record []byte) error { a.records <- record; return nil },
		Queues:      a.queues,
		Metrics:     func(function string, line []byte) { a.metrics <- function + " " + string(line) },
	})
	t.Cleanup(func() { _ = a.Close() })
	f := lambda.Function{Name: "f", Bootstrap: bootstrap, Role: "arn:aws:iam::111122223333:role/r", Timeout: 20 * time.Second}
	if change != nil {
		change(&f)
	}
	if _, err := a.Create(f); err != nil {
		t.Fatal(err)
	}
	return a
}

// invoke runs f and fails the test if that is impossible.
func (a at) invoke(t *testing.T, event string) lambda.Invocation {
	t.Helper()
	i, err := a.Invoke(t.Context(), "f", []byte(event))
	if err != nil {
		t.Fatalf("Invoke(%s) = %v", event, err)
	}
	return i
}

// answered is what the function of testdata answers.
type answered struct {
	Runs                   int
	RequestID, FunctionARN string
	LeftMs                 int64
	Environment            []string
}

func decoded(t *testing.T, i lambda.Invocation) answered {
	t.Helper()
	var a answered
	if i.Failure != nil {
		t.Fatalf("the function failed: %v", i.Failure)
	}
	if err := json.Unmarshal(i.Response, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestASecondInvocationIsWarmAndOneAfterShutdownIsCold(t *testing.T) {
	a := host(t, nil)
	for n, want := range []struct {
		cold bool
		runs int
	}{{true, 1}, {false, 2}, {false, 3}} {
		i := a.invoke(t, `{}`)
		if got := decoded(t, i).Runs; got != want.runs || i.Cold != want.cold || (i.Init > 0) != want.cold {
			t.Errorf("invocation %d: run %d of its process, cold %v, init %s, want run %d, cold %v", n, got, i.Cold, i.Init, want.runs, want.cold)
		}
	}
	if err := a.Shutdown("f"); err != nil {
		t.Fatal(err)
	}
	if i := a.invoke(t, `{}`); !i.Cold {
		t.Error("the invocation after Shutdown was warm, want cold")
	}
	if err := a.Shutdown("f"); err != nil {
		t.Fatal(err)
	}
	if d, err := a.Provision(t.Context(), "f"); err != nil || d <= 0 {
		t.Errorf("Provision = %s, %v", d, err)
	}
	if i := a.invoke(t, `{}`); i.Cold {
		t.Error("the invocation after Provision was cold, want warm")
	}
}

func TestANewTimeOutKeepsTheEnvironment(t *testing.T) {
	a := host(t, nil)
	a.invoke(t, `{}`)
	if err := a.SetTimeout("f", 300*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if i := a.invoke(t, `{"Do":"hang"}`); i.Cold || i.Failure == nil || !strings.Contains(i.Failure.Message, "Task timed out after 0.30 seconds") {
		t.Errorf("the invocation was cold: %v, and failed with %v, want a warm one that times out after 0.3 s", i.Cold, i.Failure)
	}
	if err := a.SetTimeout("g", time.Second); err == nil {
		t.Error("SetTimeout of a function that there is not = nil, want an error")
	}
}

func TestTheFunctionSeesWhatLambdaShowsAndNothingElse(t *testing.T) {
	t.Setenv("LEAKED_FROM_PARENT", "yes")
	a := host(t, func(f *lambda.Function) {
		f.Environment = map[string]string{"BUCKET": "docs"}
		f.EndpointURL, f.LogFormat, f.MemoryMB = "http://127.0.0.1:1", "JSON", 256
	})
	i := a.invoke(t, `{}`)
	got := decoded(t, i)
	if got.RequestID != i.RequestID || got.FunctionARN != "arn:aws:lambda:eu-central-1:111122223333:function:f" {
		t.Errorf("the function saw request %s of %s", got.RequestID, got.FunctionARN)
	}
	if got.LeftMs <= 0 || got.LeftMs > 20_000 {
		t.Errorf("the function had %d ms left, want up to 20,000", got.LeftMs)
	}
	want := map[string]string{
		"BUCKET": "docs", "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "ASIAf",
		"AWS_SECRET_ACCESS_KEY": "secret of arn:aws:iam::111122223333:role/r", "AWS_SESSION_TOKEN": "token-of-ASIAf",
		"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO",
		"AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "GOMEMLIMIT": "256MiB",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "_HANDLER": "bootstrap", "TZ": ":UTC", "LANG": "en_US.UTF-8",
		"LAMBDA_TASK_ROOT": filepath.Dir(bootstrap), "LAMBDA_RUNTIME_DIR": "/var/runtime",
	}
	seen := map[string]string{}
	for _, variable := range got.Environment {
		name, value, _ := strings.Cut(variable, "=")
		seen[name] = value
	}
	for _, perProcess := range []string{"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME", "_X_AMZN_TRACE_ID"} {
		if seen[perProcess] == "" {
			t.Errorf("%s is not set", perProcess)
		}
		delete(seen, perProcess)
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("environment (-want +got)\n%s", diff)
	}
}

func TestFailuresAreToldInLambdasWords(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*lambda.Function)
		event   string
		kind    string
		message string
		warm    bool
	}{
		"an error is the function's own, and its process lives on": {event: `{"Do":"fail"}`, kind: "errorString", message: "as told", warm: true},
		"a panic ends the process":                                 {event: `{"Do":"panic"}`, kind: "string", message: "as told"},
		"an exit ends the process":                                 {event: `{"Do":"exit"}`, kind: "Runtime.ExitError", message: "Runtime exited with error: exit status 7"},
		"a time-out kills the process": {
			change: func(f *lambda.Function) { f.Timeout = 300 * time.Millisecond },
			event:  `{"Do":"hang"}`, kind: "Sandbox.Timedout", message: "Task timed out after 0.30 seconds",
		},
		"an exit before the first poll": {
			change: func(f *lambda.Function) { f.Environment = map[string]string{"EXIT_IN_INIT": "1"} },
			event:  `{}`, kind: "Runtime.ExitError", message: "Runtime exited with error: exit status 3",
		},
		"a bootstrap that is not there": {
			change: func(f *lambda.Function) { f.Bootstrap = "/nowhere/bootstrap" },
			event:  `{}`, kind: "Runtime.InvalidEntrypoint", message: "no such file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := host(t, c.change)
			i := a.invoke(t, c.event)
			if i.Failure == nil || i.Failure.Type != c.kind || !strings.Contains(i.Failure.Message, c.message) {
				t.Fatalf("Invoke(%s) failed with %v, want %s: …%s", c.event, i.Failure, c.kind, c.message)
			}
			if c.change == nil {
				if next := a.invoke(t, `{}`); next.Cold == c.warm {
					t.Errorf("the next invocation was cold: %v, want %v", next.Cold, !c.warm)
				}
			}
		})
	}
}

func TestAnAsynchronousInvocationIsTriedThriceAndThenToldToItsDestination(t *testing.T) {
	a := host(t, func(f *lambda.Function) { f.Async.OnFailure = "arn:aws:sqs:eu-central-1:111122223333:q" })
	id, err := a.InvokeAsync("f", []byte(`{"Do":"fail"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, pause := range []time.Duration{time.Minute, 2 * time.Minute} {
		a.rest(t)
		if len(a.records) != 0 {
			t.Fatal("the destination got a record before the last attempt")
		}
		a.clock.Advance(pause)
	}
	a.rest(t)
	var attempts []int
	for _, i := range a.Invocations("f") {
		attempts = append(attempts, i.Attempt)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, attempts); diff != "" {
		t.Errorf("attempts (-want +got)\n%s", diff)
	}
	var got map[string]any
	if err := json.Unmarshal(localtest.Receive(t, a.records, "the record of an invocation"), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "timestamp")
	want := map[string]any{
		"version": "1.0",
		"requestContext": map[string]any{
			"requestId": id, "functionArn": "arn:aws:lambda:eu-central-1:111122223333:function:f:$LATEST",
			"condition": "RetriesExhausted", "approximateInvokeCount": 3.0,
		},
		"requestPayload":  map[string]any{"Do": "fail"},
		"responseContext": map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"responsePayload": map[string]any{"errorMessage": "as told", "errorType": "errorString"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got)\n%s", diff)
	}
}

func TestAnEventThatGrowsTooOldIsNotTriedAgain(t *testing.T) {
	a := host(t, func(f *lambda.Function) {
		f.Async = lambda.Async{MaximumEventAge: 90 * time.Second, OnFailure: "arn:aws:sqs:eu-central-1:111122223333:q"}
	})
	if _, err := a.InvokeAsync("f", []byte(`{"Do":"fail"}`)); err != nil {
		t.Fatal(err)
	}
	a.rest(t)
	a.clock.Advance(time.Minute)
	a.rest(t)
	if record := string(localtest.Receive(t, a.records, "the record of an invocation")); !strings.Contains(record, `"EventAgeExceeded"`) || !strings.Contains(record, `"approximateInvokeCount":2`) {
		t.Errorf("record = %s, want EventAgeExceeded after 2 attempts", record)
	}
}

// rest waits until all activity ends.
func (a at) rest(t *testing.T) {
	t.Helper()
	if err := a.work.Wait(localtest.Context(t, "the host to rest")); err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentInvocationsGetAnEnvironmentEach(t *testing.T) {
	a := host(t, nil)
	for range 3 {
		if _, err := a.InvokeAsync("f", []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	a.rest(t)
	for _, i := range a.Invocations("f") {
		if i.Failure != nil {
			t.Errorf("an invocation failed: %v", i.Failure)
		}
	}
	if got := len(a.Invocations("f")); got != 3 {
		t.Errorf("%d invocations ended, want 3", got)
	}
}

func TestReservedConcurrencyIsTheMostThatRun(t *testing.T) {
	none := 0
	a := host(t, func(f *lambda.Function) { f.ReservedConcurrency = &none })
	_, err := a.Invoke(t.Context(), "f", nil)
	if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Code != "TooManyRequestsException" {
		t.Errorf("Invoke = %v, want TooManyRequestsException", err)
	}
}

func TestAFunctionThatIsSwitchedOffHandsItsEventsOnAtOnce(t *testing.T) {
	none := 0
	a := host(t, func(f *lambda.Function) {
		f.ReservedConcurrency, f.Async.OnFailure = &none, "arn:aws:sqs:eu-central-1:111122223333:q"
	})
	id, err := a.InvokeAsync("f", []byte(`{"the":"event"}`))
	if err != nil {
		t.Fatal(err)
	}
	a.rest(t)
	record := string(localtest.Receive(t, a.records, "the record of the event"))
	for _, want := range []string{id, `"condition":"ZeroReservedConcurrency"`, `"approximateInvokeCount":0`, `"requestPayload":{"the":"event"}`} {
		if !strings.Contains(record, want) {
			t.Errorf("record = %s, want %s in it", record, want)
		}
	}
	if strings.Contains(record, "response") {
		t.Errorf("record = %s, want no response, because the function did not run", record)
	}
	if throttles := a.Throttles()["f"]; throttles != 1 || len(a.Invocations("f")) > 0 {
		t.Errorf("%d throttles and %d invocations, want 1 and none", throttles, len(a.Invocations("f")))
	}
}

func TestAThrottledEventIsTriedAgainUntilItMayRun(t *testing.T) {
	a := occupied(t)
	if _, err := a.InvokeAsync("f", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	a.turn(t, time.Second, "the third throttle", func() bool { return a.Throttles()["f"] >= 3 })
	a.free(t)
	a.turn(t, time.Second, "the event's own invocation", func() bool { return len(a.Invocations("f")) == 2 })
	if last := a.Invocations("f")[1]; last.Failure != nil || last.Attempt != 1 || len(a.records) > 0 {
		t.Errorf("the invocation was %+v, with %d records; want a success at the first attempt", last, len(a.records))
	}
}

// TestAThrottledEventGrowsTooOld counts the attempts in six hours. The pauses double from one second to five minutes,
// which makes 80 attempts; each may be a minute late, because the test advances the clock in steps.
func TestAThrottledEventGrowsTooOld(t *testing.T) {
	a := occupied(t)
	if _, err := a.InvokeAsync("f", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	a.turn(t, time.Minute, "the record of the event", func() bool { return len(a.records) > 0 })
	if record := string(<-a.records); !strings.Contains(record, `"EventAgeExceeded"`) {
		t.Errorf("record = %s, want EventAgeExceeded", record)
	}
	if passed, throttles := a.clock.Advanced(), a.Throttles()["f"]; passed < 6*time.Hour-5*time.Minute || throttles < 50 || throttles > 81 {
		t.Errorf("the event was dropped after %s and %d attempts, want 6 hours and about 80", passed, throttles)
	}
}

func TestAnEventFindsTheFunctionAsItIsConfiguredThen(t *testing.T) {
	a := occupied(t)
	if _, err := a.InvokeAsync("f", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	a.turn(t, 0, "the first throttle", func() bool { return a.Throttles()["f"] > 0 })
	f, _ := a.Function("f")
	f.ReservedConcurrency = nil
	if err := a.Update(f); err != nil {
		t.Fatal(err)
	}
	a.turn(t, time.Second, "the event's invocation", func() bool { return len(a.Invocations("f")) > 0 })
}

// busy is a host whose function has a reserved concurrency of 1 and is running.
type busy struct {
	at
	end   func()
	ended chan error
}

// occupied returns a busy host.
func occupied(t *testing.T) busy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_ = listener.(*net.TCPListener).SetDeadline(time.Now().Add(localtest.Limit))
	one := 1
	b := busy{ended: make(chan error, 1), at: host(t, func(f *lambda.Function) {
		f.ReservedConcurrency, f.Async.OnFailure = &one, "arn:aws:sqs:eu-central-1:111122223333:q"
		f.Environment, f.Timeout = map[string]string{"CALL": listener.Addr().String()}, localtest.Limit
	})}
	ctx, end := context.WithCancel(t.Context())
	b.end = end
	go func() {
		_, err := b.Invoke(ctx, "f", []byte(`{"Do":"call"}`))
		b.ended <- err
	}()
	if _, err := listener.Accept(); err != nil {
		t.Fatalf("waiting for the function's call: %v", err)
	}
	return b
}

// free ends the running invocation.
func (b busy) free(t *testing.T) {
	t.Helper()
	b.end()
	if err := localtest.Receive(t, b.ended, "the invocation to end"); err != nil {
		t.Fatal(err)
	}
}

// turn advances the clock in steps until so returns true.
func (b busy) turn(t *testing.T, step time.Duration, what string, so func() bool) {
	t.Helper()
	localtest.Until(t, what, func() bool {
		b.clock.Advance(step)
		return so()
	})
}

func TestLinesAreKeptAndMetricsHandedOn(t *testing.T) {
	a := host(t, func(f *lambda.Function) { f.LogFormat = "JSON" })
	lines := []string{
		`{"level":"WARN","message":"corrected"}`, `{"level":"DEBUG","message":"too fine"}`, `plain`,
		`{"_aws":{"CloudWatchMetrics":[]},"DriftDetected":1}`,
	}
	event, err := json.Marshal(map[string]string{"Say": strings.Join(lines, "\n")})
	if err != nil {
		t.Fatal(err)
	}
	i := a.invoke(t, string(event))
	var got []string
	for _, line := range a.Logs("f") {
		if line.RequestID != i.RequestID {
			t.Errorf("line %q belongs to %q, want %q", line.Text, line.RequestID, i.RequestID)
		}
		got = append(got, fmt.Sprint(line.Fields["message"], " ", line.Text))
	}
	want := []string{"corrected " + lines[0], "<nil> plain", "<nil> " + lines[3]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Logs (-want +got)\n%s", diff)
	}
	if got, want := localtest.Receive(t, a.metrics, "a line of metrics"), "f "+lines[3]; got != want {
		t.Errorf("Metrics got %s, want %s", got, want)
	}
}

func TestCreateRefusesWhatLambdaRefuses(t *testing.T) {
	for name, environment := range map[string]map[string]string{
		"a reserved name":         {"AWS_REGION": "eu-west-1"},
		"a name with a dash":      {"MY-NAME": ""},
		"more than 4 KB in total": {"POLICY": strings.Repeat("x", 4096)},
	} {
		t.Run(name, func(t *testing.T) {
			h := lambda.New(lambda.Options{})
			defer func() { _ = h.Close() }()
			_, err := h.Create(lambda.Function{Name: "g", Bootstrap: bootstrap, Environment: environment})
			if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Code != "InvalidParameterValueException" {
				t.Errorf("Create = %v, want InvalidParameterValueException", err)
			}
		})
	}
}

func TestAServiceNeedsAPermission(t *testing.T) {
	rule := lambda.Source{Service: "events.amazonaws.com", ARN: "arn:aws:events:eu-central-1:111122223333:rule/sweep", Account: "111122223333"}
	for name, c := range map[string]struct {
		permission lambda.Permission
		allowed    bool
	}{
		"the very rule":             {lambda.Permission{Service: rule.Service, SourceARN: rule.ARN}, true},
		"any rule of the account":   {lambda.Permission{Service: rule.Service, SourceARN: "arn:aws:events:*:111122223333:rule/*"}, true},
		"the service":               {lambda.Permission{Service: rule.Service}, true},
		"another rule":              {lambda.Permission{Service: rule.Service, SourceARN: rule.ARN + "2"}, false},
		"another service":           {lambda.Permission{Service: "sns.amazonaws.com"}, false},
		"the rule, another account": {lambda.Permission{Service: rule.Service, SourceARN: rule.ARN, SourceAccount: "444455556666"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := host(t, nil)
			if err := a.Permit("f", c.permission); err != nil {
				t.Fatal(err)
			}
			_, err := a.InvokeFrom(rule, "f", []byte(`{}`))
			if got := err == nil; got != c.allowed {
				t.Errorf("InvokeFrom(%+v) with %+v = %v, want allowed %v", rule, c.permission, err, c.allowed)
			}
		})
	}
}

func TestPermitTakesAStatementsIDOnce(t *testing.T) {
	a := host(t, nil)
	var refused atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := a.Permit("f", lambda.Permission{StatementID: "one"}); err != nil {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if got := a.Permissions("f"); len(got) != 1 || refused.Load() != 7 {
		t.Errorf("after eight calls at the same time: %+v, %d refused, want one permission, 7 refused", got, refused.Load())
	}
}

func TestCloseEndsEveryProcessAtOnce(t *testing.T) {
	a := host(t, nil)
	a.invoke(t, `{}`)
	hanging, err := a.InvokeAsync("f", []byte(`{"Do":"hang","Say":"here"}`))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a.rest(t)
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("Close took %s with %s running", d, hanging)
	}
	if _, err := a.Create(lambda.Function{Name: "late", Bootstrap: bootstrap}); err == nil {
		t.Error("Create after Close = nil, want an error")
	}
}

// TestChildrenDieWithTheHost kills a host process while its function holds a connection to this process, and checks
// that the connection ends.
func TestChildrenDieWithTheHost(t *testing.T) {
	if address := os.Getenv("CALL"); address != "" {
		a := host(t, func(f *lambda.Function) { f.Environment = map[string]string{"CALL": address} })
		i := a.invoke(t, `{"Do":"call"}`)
		t.Fatalf("the invocation ended: %+v", i)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	parent := exec.Command(os.Args[0], "-test.run=^TestChildrenDieWithTheHost$")
	parent.Env = append(os.Environ(), "CALL="+listener.Addr().String(), "BOOTSTRAP="+bootstrap)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	_ = listener.(*net.TCPListener).SetDeadline(time.Now().Add(localtest.Limit))
	child, err := listener.Accept()
	if err != nil {
		t.Fatalf("waiting for the function's call: %v", err)
	}
	_ = child.SetReadDeadline(time.Now().Add(localtest.Limit))
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = localtest.Exit(t, parent)
	if n, err := child.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read from the function = %d, %v, want its end", n, err)
	}
}
