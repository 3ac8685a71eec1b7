package sweepqueue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/sweepqueue"
)

// queue is a fake queue, which refuses the messages with a body that is in fails, and all calls if err is set.
type queue struct {
	mu    sync.Mutex
	calls int
	sent  []string
	fails []string
	err   error
}

func (q *queue) Call(_ context.Context, operation string, input, output any) error {
	in, out := input.(sweepqueue.Batch), output.(*sweepqueue.Answer)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	if operation != "SendMessageBatch" {
		return errors.New(operation)
	}
	if q.err != nil {
		return q.err
	}
	ids := map[string]bool{}
	for _, e := range in.Entries {
		if ids[e.Id] || len(in.Entries) > 10 {
			return errors.New("an invalid batch")
		}
		ids[e.Id] = true
		if slices.Contains(q.fails, e.MessageBody) {
			out.Failed = append(out.Failed, struct{ Id, Code, Message string }{e.Id, "InternalError", "try again"})
			continue
		}
		q.sent = append(q.sent, fmt.Sprintf("%s after %d s", e.MessageBody, e.DelaySeconds))
	}
	return nil
}

// messages returns n messages, one every five seconds.
func messages(n int) []sweepqueue.Message {
	var list []sweepqueue.Message
	for i := range n {
		list = append(list, sweepqueue.Message{Body: fmt.Sprint(i + 1), Delay: time.Duration(i+1) * 5 * time.Second})
	}
	return list
}

func TestSendMakesAsFewCallsAsPossible(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 10: 1, 11: 2} {
		q := &queue{}
		if err := (&sweepqueue.Queue{SQS: q}).Send(t.Context(), messages(n)); err != nil || q.calls != want || len(q.sent) != n {
			t.Errorf("%d messages took %d calls, which sent %d (%v), want %d calls and all", n, q.calls, len(q.sent), err, want)
		}
	}
}

func TestEachMessageHasItsDelay(t *testing.T) {
	q := &queue{}
	if err := (&sweepqueue.Queue{SQS: q}).Send(t.Context(), messages(2)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1 after 5 s", "2 after 10 s"}, q.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestSendNamesWhatWasNotSent(t *testing.T) {
	q := &queue{fails: []string{"2"}}
	err := (&sweepqueue.Queue{SQS: q, URL: "https://sqs/sweeps"}).Send(t.Context(), messages(3))
	if err == nil || !strings.Contains(err.Error(), "queue https://sqs/sweeps: message 1: InternalError: try again") || len(q.sent) != 2 {
		t.Errorf("Send = %v after %q, want the second message's error and the others sent", err, q.sent)
	}
	refused := errors.New("AccessDenied")
	if err := (&sweepqueue.Queue{SQS: &queue{err: refused}}).Send(t.Context(), messages(11)); !errors.Is(err, refused) {
		t.Errorf("Send = %v, want the reason", err)
	}
}
