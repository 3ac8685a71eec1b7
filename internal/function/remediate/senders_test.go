package remediate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/internal/guard"
)

// receiver is a fake sender.
type receiver struct {
	name  string
	got   []guard.Report
	err   error
	hangs bool
}

func (r *receiver) Name() string { return r.name }

func (r *receiver) Send(ctx context.Context, report guard.Report) error {
	r.got = append(r.got, report)
	if r.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return r.err
}

func TestEverySenderGetsEachReport(t *testing.T) {
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		one, two := &receiver{name: "one"}, &receiver{name: "two"}
		h.Senders = []remediate.Sender{one, two}
		for range 2 {
			if _, err := h.invoke(t, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range []*receiver{one, two} {
			if len(r.got) != 2 || len(r.got[0].Records) != 1 || len(r.got[1].AsDesired) != 1 {
				t.Errorf("%s got %+v, want the correction, and then a report of what is as desired", r.name, r.got)
			}
		}
	})
}

func TestAFailingSenderPreventsNothingElse(t *testing.T) {
	for name, broken := range map[string]*receiver{
		"refused": {name: "broken", err: errors.New("AccessDeniedException")},
		"hanging": {name: "broken", hangs: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, publicPolicy, func(t *testing.T, h *harness) {
				other := &receiver{name: "other"}
				h.Senders = []remediate.Sender{broken, other}
				began := time.Now()
				_, err := h.invoke(t, nil)
				if err == nil || h.bucket.policy != desiredPolicy || lines(t, h.log)[0]["message"] != "corrected" {
					t.Errorf("Invoke = %v, live %s, log %s; want a correction, a log and an error", err, h.bucket.policy, h.log.String())
				}
				if published(t, h.out)["DriftCorrected"] != 1 || len(h.mailbox.got) != 1 || len(other.got) != 1 {
					t.Errorf("metrics %s, %d notifications, %d reports to another sender; want 1 of each",
						h.out.String(), len(h.mailbox.got), len(other.got))
				}
				if took := time.Since(began); took > 49*time.Second {
					t.Errorf("Invoke took %s of its 50 s, want it to leave time to answer", took)
				}
			})
		})
	}
}

func TestAHangingNotificationDelaysNoSender(t *testing.T) {
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		h.mailbox.hangs = true
		other := &receiver{name: "other"}
		h.Senders = []remediate.Sender{other}
		if _, err := h.invoke(t, nil); err == nil || len(other.got) != 1 {
			t.Errorf("Invoke = %v, %d reports to the sender; want an error, and one report", err, len(other.got))
		}
	})
}

func TestASenderThatKeepsFailingFailsOneInvocationAnHour(t *testing.T) {
	bubble(t, desiredPolicy, func(t *testing.T, h *harness) {
		h.Senders = []remediate.Sender{
			&receiver{name: "one", err: errors.New("InvalidAccessException")}, &receiver{name: "two"},
		}
		const sweep = `{"detail-type":"Scheduled Event"}`
		failed := 0
		for minute := range 120 {
			if h.as(t, time.Duration(minute).String(), sweep) != nil {
				failed++
			}
			time.Sleep(time.Minute)
		}
		if failed != 2 {
			t.Errorf("%d of 120 sweeps failed, want 2, one each hour", failed)
		}
		if got := strings.Count(h.log.String(), "InvalidAccessException"); got != 118 {
			t.Errorf("%d lines name the failure, want one for each of the other sweeps", got)
		}
		h.Senders[1] = &receiver{name: "two", err: errors.New("AccessDeniedException")}
		if h.as(t, "another", sweep) == nil {
			t.Error("the first failure of another sender caused no error")
		}
	})
}
