package remediate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/sweepqueue"
	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/internal/trigger"
)

// scheduleEvent is the schedule's event.
const scheduleEvent = `{"id":"cccc0000-0000-4000-8000-000000000001","detail-type":"Scheduled Event","time":"2026-05-04T08:01:04Z"}`

// sweepQueue is a fake queue.
type sweepQueue struct {
	mu    sync.Mutex
	sent  []sweepqueue.Message
	err   error
	hangs bool
}

func (q *sweepQueue) Send(ctx context.Context, messages []sweepqueue.Message) error {
	if q.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent = append(q.sent, messages...)
	return q.err
}

// delivered is the payload of a batch with messages.
func delivered(messages ...sweepqueue.Message) []byte {
	var records []map[string]string
	for _, m := range messages {
		records = append(records, map[string]string{"eventSource": "aws:sqs", "body": m.Body})
	}
	payload, _ := json.Marshal(map[string]any{"Records": records})
	return payload
}

// spread runs a test in a bubble, with a function that sends messages for a sweep every so many seconds.
func spread(t *testing.T, seconds int, test func(*testing.T, *harness, *sweepQueue)) {
	t.Helper()
	bubble(t, desiredPolicy, func(t *testing.T, h *harness) {
		q := &sweepQueue{}
		h.Sweeps = &remediate.Sweeps{Every: time.Duration(seconds) * time.Second, Queue: q}
		test(t, h, q)
	})
}

// runs returns how many runs have published their metrics.
func (h *harness) runs() int { return strings.Count(h.out.String(), `"_aws"`) }

func TestTheScheduledRunSendsTheSweepsUntilTheNextOne(t *testing.T) {
	for seconds, want := range map[int]string{
		5: "5 10 15 20 25 30 35 40 45 50 55", 10: "10 20 30 40 50", 15: "15 30 45", 20: "20 40", 30: "30",
	} {
		spread(t, seconds, func(t *testing.T, h *harness, q *sweepQueue) {
			now := h.Now()
			if _, err := h.invoke(t, []byte(scheduleEvent)); err != nil {
				t.Fatal(err)
			}
			var delays []string
			for _, m := range q.sent {
				delays = append(delays, fmt.Sprint(m.Delay.Seconds()))
				if due, ok := trigger.SweepDue(delivered(m)); !ok || !due.Equal(now.Add(m.Delay)) {
					t.Errorf("the message after %s is due at %s, want %s", m.Delay, due, now.Add(m.Delay))
				}
			}
			if got := strings.Join(delays, " "); got != want {
				t.Errorf("at %d s, messages after %s, want %s", seconds, got, want)
			}
		})
	}
}

func TestOnlyTheScheduledRunSendsMessages(t *testing.T) {
	spread(t, 5, func(t *testing.T, h *harness, q *sweepQueue) {
		message := sweepqueue.Message{Body: trigger.SweepMessage([]byte(scheduleEvent), h.Now())}
		event := `{"detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"PutBucketPolicy","eventSource":"s3.amazonaws.com"}}`
		for _, payload := range []string{string(delivered(message)), event, "", "{}", "what is this", `{"requestPayload":` + scheduleEvent + `}`} {
			if _, err := h.invoke(t, []byte(payload)); err != nil {
				t.Fatal(err)
			}
		}
		if len(q.sent) > 0 || h.runs() != 6 {
			t.Errorf("%d runs sent %d messages, want six runs and no message", h.runs(), len(q.sent))
		}
	})
}

// A message says when its sweep is due. What came late, twice or in a heap causes no more sweeps than are of use.
func TestASweepThatALaterOneHasReplacedIsLeftOut(t *testing.T) {
	for name, v := range map[string]struct {
		due  []time.Duration // from the time of the schedule's run
		at   []time.Duration
		want []bool // that it runs
	}{
		"each in time":              {[]time.Duration{5, 10, 15}, []time.Duration{5, 10, 15}, []bool{true, true, true}},
		"each a second late":        {[]time.Duration{5, 10, 15}, []time.Duration{6, 11, 16}, []bool{true, true, true}},
		"one twice":                 {[]time.Duration{5, 5, 10}, []time.Duration{5, 6, 10}, []bool{true, false, true}},
		"all together":              {[]time.Duration{5, 10, 15}, []time.Duration{20, 20, 20}, []bool{true, false, false}},
		"in the reverse order":      {[]time.Duration{15, 10, 5}, []time.Duration{20, 20, 20}, []bool{true, false, false}},
		"before the schedule's run": {[]time.Duration{-1}, []time.Duration{3}, []bool{false}},
		"after an outage":           {[]time.Duration{5, 10, 15, 70}, []time.Duration{71, 71, 71, 71}, []bool{false, false, true, false}},
		"years too late":            {[]time.Duration{5}, []time.Duration{1e8}, []bool{false}},
	} {
		t.Run(name, func(t *testing.T) {
			spread(t, 5, func(t *testing.T, h *harness, _ *sweepQueue) {
				began := h.Now()
				if _, err := h.invoke(t, []byte(scheduleEvent)); err != nil {
					t.Fatal(err)
				}
				var got []bool
				for i, due := range v.due {
					time.Sleep(began.Add(v.at[i] * time.Second).Sub(h.Now())) // synthetic time
					before := h.runs()
					answer, err := h.invoke(t, delivered(sweepqueue.Message{Body: trigger.SweepMessage([]byte(scheduleEvent), began.Add(due*time.Second))}))
					if err != nil || string(answer) != "[]" {
						t.Errorf("Invoke = %s, %v, want an empty list", answer, err)
					}
					got = append(got, h.runs() > before)
				}
				if diff := cmp.Diff(v.want, got); diff != "" {
					t.Errorf("which message's sweep ran (-want +got):\n%s\n%s", diff, h.log.String())
				}
			})
		})
	}
}

func TestABatchIsOneSweep(t *testing.T) {
	spread(t, 5, func(t *testing.T, h *harness, q *sweepQueue) {
		if _, err := h.invoke(t, []byte(scheduleEvent)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(55 * time.Second)
		if _, err := h.invoke(t, delivered(q.sent[:10]...)); err != nil {
			t.Fatal(err)
		}
		if _, err := h.invoke(t, delivered(q.sent[10:]...)); err != nil {
			t.Fatal(err)
		}
		if got := h.runs(); got != 2 {
			t.Errorf("%d runs, want that of the schedule and one for eleven messages in two batches", got)
		}
	})
}

// A run that finds open access corrects it, whether or not the messages can be sent, and does not wait for them before it
// reports.
func TestWhatFailsToSendMessagesStillCorrects(t *testing.T) {
	for name, q := range map[string]*sweepQueue{"refused": {err: errors.New("AccessDenied")}, "hanging": {hangs: true}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, publicPolicy, func(t *testing.T, h *harness) {
				h.Sweeps = &remediate.Sweeps{Every: 5 * time.Second, Queue: q}
				began := time.Now()
				_, err := h.invoke(t, []byte(scheduleEvent))
				if err == nil || h.bucket.puts != 1 || len(h.mailbox.got) != 1 {
					t.Errorf("Invoke = %v with %d writes and %d messages, want an error, one write and one message", err, h.bucket.puts, len(h.mailbox.got))
				}
				if took := time.Since(began); took > 15*time.Second {
					t.Errorf("the run took %s, want the sending given up soon", took)
				}
				if again := h.as(t, "r-2", scheduleEvent); again != nil {
					t.Errorf("the next run failed with %v, want one failure an hour", again)
				}
			})
		})
	}
}

// SQS would deliver the message of a failed sweep again, later than the next sweep. The next scheduled sweep fails instead, with
// its retries and its dead letter.
func TestADelayedSweepLeavesItsFailureToTheScheduledOne(t *testing.T) {
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		h.bucket.refuses = &smithy.GenericAPIError{Code: "AccessDenied"}
		message := sweepqueue.Message{Body: trigger.SweepMessage([]byte(scheduleEvent), h.Now())}
		if _, err := h.invoke(t, delivered(message)); err != nil {
			t.Errorf("the delayed sweep failed with %v, want its message deleted", err)
		}
		if !strings.Contains(h.log.String(), `"message":"not corrected"`) {
			t.Errorf("log = %s, want the failure", h.log.String())
		}
		if h.as(t, "r-2", scheduleEvent) == nil {
			t.Error("the scheduled sweep succeeded, want the failure as news")
		}
	})
}
