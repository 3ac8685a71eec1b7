package remediate

import (
	"context"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/sweepqueue"
	"example.com/s3-endpoint-guard/internal/environment"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/timeleft"
	"example.com/s3-endpoint-guard/internal/trigger"
)

// Delayer sends messages that start this function after their delay.
type Delayer interface {
	Send(context.Context, []sweepqueue.Message) error
}

// Sweeps distributes the sweeps of a schedule's period.
type Sweeps struct {
	// Every is the time between two sweeps, a whole number of seconds below a minute.
	Every time.Duration
	Queue Delayer
}

// sendPatience limits the sending of the messages: later, they would not be of use.
const sendPatience = 5 * time.Second

// start begins to send the messages for the sweeps until the schedule's next run, if the payload is the schedule's event. It
// returns a function that waits for the result. The run itself does not wait.
func (s *Sweeps) start(ctx context.Context, payload []byte, now time.Time) (wait func() error) {
	if s == nil || !trigger.IsSchedule(payload) {
		return func() error { return nil }
	}
	var messages []sweepqueue.Message
	for delay := s.Every; delay < environment.SchedulePeriod; delay += s.Every {
		messages = append(messages, sweepqueue.Message{Body: trigger.SweepMessage(payload, now.Add(delay)), Delay: delay})
	}
	sent := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, timeleft.Share(ctx, sendPatience, 4))
		defer cancel()
		sent <- s.Queue.Send(ctx, messages)
	}()
	return func() error { return <-sent }
}

// delayed is the sweep of a batch of messages.
type delayed struct {
	// is reports whether the payload is such a batch, and due is when the latest of its sweeps is due.
	is  bool
	due time.Time
}

func delayedSweep(payload []byte) delayed {
	due, ok := trigger.SweepDue(payload)
	return delayed{ok, due}
}

// isNeeded reports whether a sweep is still needed. It is not if this process has begun a sweep when it was due or later, which
// has seen the same and more: the messages that came late, together or twice cause one sweep. It is not if it is late by a
// whole period of the schedule either, whose next run has come: no sweeps accumulate during an outage.
func (d delayed) isNeeded(swept, now time.Time) bool {
	return !d.is || swept.Before(d.due) && now.Sub(d.due) < environment.SchedulePeriod
}

// noteSweep remembers when the latest sweep of this process began.
func (f *Function) noteSweep(t guard.Trigger) {
	if t.Kind == guard.Sweep {
		f.swept = f.Now()
	}
}
