package lambda_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/sqs"
)

// queues is a local SQS on which all roles may do everything, except when denied is set.
type queues struct {
	*sqs.Service
	denied atomic.Pointer[error] // tests set it while a mapping receives
}

// deny makes all calls fail with an error; nil denies none.
func (q *queues) deny(err error) { q.denied.Store(&err) }

func (q *queues) refusal() error {
	if err := q.denied.Load(); err != nil {
		return *err
	}
	return nil
}

func (q *queues) VisibilityTimeout(_ lambda.Function, arn string) (time.Duration, error) {
	hidden, err := q.Service.VisibilityTimeout(arn)
	return hidden, errors.Join(q.refusal(), err)
}

func (q *queues) Receive(_ lambda.Function, arn string, most int) ([]lambda.QueueMessage, error) {
	if err := q.refusal(); err != nil {
		return nil, err
	}
	received, err := q.Service.Receive(arn, most, nil)
	var messages []lambda.QueueMessage
	for _, m := range received {
		messages = append(messages, lambda.QueueMessage{MessageID: m.ID, ReceiptHandle: m.Receipt(), Body: m.Body})
	}
	return messages, err
}

func (q *queues) Delete(_ lambda.Function, arn string, receipts []string) error {
	for _, r := range receipts {
		if err := q.Remove(arn, r); err != nil {
			return err
		}
	}
	return nil
}

// mapped is a host whose function f gets the messages of the queue "q".
type mapped struct {
	at
	t     *testing.T
	queue string
}

// mapQueue makes a mapping that change has changed. The queue hides a received message for 30 s.
func mapQueue(t *testing.T, change func(*lambda.Function, *lambda.Mapping)) mapped {
	t.Helper()
	m := mapped{t: t}
	mapping := lambda.Mapping{ID: "m", Function: "f"}
	m.at = host(t, func(f *lambda.Function) {
		if change != nil {
			change(f, &mapping)
		}
	})
	m.queue = m.queues.CreateQueue("q")
	mapping.QueueARN = m.queue
	if err := m.Map(mapping); err != nil {
		t.Fatal(err)
	}
	return m
}

// send sends messages with a delay, and waits until those that are due have been processed.
func (m mapped) send(delay time.Duration, bodies ...string) {
	m.t.Helper()
	for _, body := range bodies {
		localtest.Must(m.queues.SendLater(m.queue, body, &delay))(m.t)
	}
	m.forward(0)
}

// forward advances the clock, and waits until the messages that are due have been processed.
func (m mapped) forward(d time.Duration) {
	m.t.Helper()
	m.clock.Advance(d)
	if err := m.work.Wait(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

// waiting returns the bodies of the messages that are left in the queue.
func (m mapped) waiting() []string {
	var bodies []string
	for _, message := range m.queues.Messages(m.queue) {
		bodies = append(bodies, message.Body)
	}
	return bodies
}

func TestAMessageInvokesTheFunctionAfterItsDelay(t *testing.T) {
	m := mapQueue(t, nil)
	m.send(5*time.Second, "hello")
	m.forward(4 * time.Second)
	if got := len(m.Invocations("f")); got != 0 {
		t.Fatalf("%d invocations before the delay has ended, want none", got)
	}
	m.forward(time.Second)
	got := m.Invocations("f")
	if len(got) != 1 || got[0].Failure != nil || got[0].Asynchronous {
		t.Fatalf("Invocations = %+v, want a synchronous one that succeeds", got)
	}
	for _, want := range []string{`"body":"hello"`, `"eventSource":"aws:sqs"`, `"eventSourceARN":"` + m.queue + `"`, `"awsRegion":"eu-central-1"`} {
		if !strings.Contains(string(got[0].Payload), want) {
			t.Errorf("payload = %s, want %s in it", got[0].Payload, want)
		}
	}
	if left := m.waiting(); left != nil {
		t.Errorf("the queue still has %q, want the message deleted", left)
	}
}

func TestMessagesThatAreDueTogetherAreOneBatch(t *testing.T) {
	m := mapQueue(t, func(_ *lambda.Function, mapping *lambda.Mapping) { mapping.BatchSize = 3 })
	delay := time.Second
	for range 4 {
		localtest.Must(m.queues.SendLater(m.queue, "x", &delay))(t)
	}
	m.forward(time.Second)
	if got := len(m.Invocations("f")); got != 2 {
		t.Errorf("%d invocations for four messages in batches of three, want 2", got)
	}
}

func TestWhatAFunctionDoesNotProcessComesBack(t *testing.T) {
	for name, v := range map[string]struct {
		report   bool
		variable string
		want     []string
	}{
		"the whole batch of a function that fails":           {false, "", []string{"one", "fail", "two"}},
		"only what the answer names":                         {true, "yes", []string{"fail"}},
		"all, if the answer names a message that it has not": {true, "nonsense", []string{"one", "fail", "two"}},
		"none, if nobody reads the answer":                   {false, "yes", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := mapQueue(t, func(f *lambda.Function, mapping *lambda.Mapping) {
				f.Environment = map[string]string{"REPORT": v.variable}
				mapping.ReportsFailures = v.report
			})
			delay := time.Second
			for _, body := range []string{"one", "fail", "two"} {
				localtest.Must(m.queues.SendLater(m.queue, body, &delay))(t)
			}
			m.forward(time.Second)
			if diff := cmp.Diff(v.want, m.waiting()); diff != "" {
				t.Errorf("left in the queue (-want +got):\n%s", diff)
			}
			again := 0
			if v.want != nil {
				again = 1
			}
			m.forward(29 * time.Second)
			if got := len(m.Invocations("f")); got != 1 {
				t.Errorf("%d invocations before the visibility timeout has ended, want 1", got)
			}
			m.forward(time.Second)
			if got := len(m.Invocations("f")); got != 1+again {
				t.Errorf("%d invocations after it, want %d", got, 1+again)
			}
		})
	}
}

func TestAThrottledBatchIsRetriedUntilItsMessagesComeBack(t *testing.T) {
	none, one := 0, 1
	m := mapQueue(t, func(f *lambda.Function, _ *lambda.Mapping) { f.ReservedConcurrency = &none })
	m.send(0, "x")
	if got := m.Throttles()["f"]; got != 1 || len(m.waiting()) != 1 {
		t.Fatalf("%d throttles and %q in the queue, want one throttle and the message", got, m.waiting())
	}
	for range 60 {
		m.forward(time.Second)
	}
	if got := m.Throttles()["f"]; got < 8 || got > 12 || len(m.waiting()) != 1 {
		t.Errorf("%d throttles in a minute, want those at 0, 1, 3, 7 and 15 s, and again after 30 s", got)
	}
	f, _ := m.Function("f")
	f.ReservedConcurrency = &one
	if err := m.Update(f); err != nil {
		t.Fatal(err)
	}
	m.forward(30 * time.Second)
	if got := len(m.Invocations("f")); got != 1 || len(m.waiting()) != 0 {
		t.Errorf("%d invocations and %q in the queue, want one invocation and no message", got, m.waiting())
	}
}

func TestAMappingWithoutPermissionReceivesNothing(t *testing.T) {
	m := mapQueue(t, nil)
	m.queues.deny(errors.New("denied"))
	m.send(0, "x")
	if got := len(m.Invocations("f")); got != 0 || len(m.waiting()) != 1 {
		t.Errorf("%d invocations and %q in the queue, want no invocation and the message", got, m.waiting())
	}
}

func TestADeletedMappingInvokesNothing(t *testing.T) {
	m := mapQueue(t, nil)
	m.send(time.Second, "x")
	if err := m.Unmap("m"); err != nil {
		t.Fatal(err)
	}
	m.forward(time.Second)
	if got := len(m.Invocations("f")); got != 0 || len(m.Mappings()) != 0 {
		t.Errorf("%d invocations and mappings %v, want none", got, m.Mappings())
	}
	if err := m.Unmap("m"); err == nil {
		t.Error("Unmap of a mapping that there is not = nil, want an error")
	}
}

func TestMapRefusesWhatLambdaRefuses(t *testing.T) {
	for name, v := range map[string]struct {
		mapping lambda.Mapping
		denied  error
		want    string
	}{
		"a function that there is not":              {lambda.Mapping{Function: "g"}, nil, "ResourceNotFoundException"},
		"a queue that there is not":                 {lambda.Mapping{Function: "f", QueueARN: "arn:aws:sqs:eu-central-1:111122223333:gone"}, nil, "does not exist"},
		"a visibility timeout below the function's": {lambda.Mapping{Function: "slow"}, nil, "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds"},
		"a concurrency of one":                      {lambda.Mapping{Function: "f", MaximumConcurrency: 1}, nil, "MaximumConcurrency"},
		"a batch that needs a window":               {lambda.Mapping{Function: "f", BatchSize: 11}, nil, "BatchSize"},
		"a role without permission":                 {lambda.Mapping{Function: "f"}, errors.New("not permitted"), "not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			m := mapQueue(t, nil)
			if _, err := m.Create(lambda.Function{Name: "slow", Bootstrap: bootstrap, Timeout: 31 * time.Second}); err != nil {
				t.Fatal(err)
			}
			m.queues.deny(v.denied)
			if v.mapping.QueueARN == "" {
				v.mapping.QueueARN = m.queue
			}
			if err := m.Map(v.mapping); err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("Map = %v, want %q in it", err, v.want)
			}
		})
	}
}
