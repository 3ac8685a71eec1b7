// Package remediate implements the function that corrects drift, without its main: configuration, wiring, and the
// handling of a run's report.
//
// It imports only the SDK clients that the function needs, because each adds start-up time.
package remediate

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/internal/timeleft"
	"example.com/s3-endpoint-guard/internal/trigger"
)

// Notifier sends notifications about records.
type Notifier interface {
	// Publish sends one record's message. It may leave out what it sent recently.
	Publish(context.Context, guard.Record) error
	// Forget takes the report of a run: the drift of what was inspected and has no record is over.
	Forget(guard.Report)
	// SumUp sends a summary of the records that Publish left out, if one is due.
	SumUp(context.Context) error
}

// Sender passes a run's records on to another system, in addition to the notifications.
type Sender interface {
	// Name identifies the sender's failures.
	Name() string
	// Send passes on what is news in the report. The next call repeats what could not be passed on.
	Send(context.Context, guard.Report) error
}

// Function handles invocations through the Lambda Runtime API. It implements lambda.Handler. Like the runtime, callers
// must call it for one invocation at a time.
type Function struct {
	// Bucket is the name of the guarded bucket, a dimension of the metrics; "" if the guard has a fleet. Then the dimension is
	// Stack, the name of the guard's stack.
	Bucket, Stack string
	Guard         *guard.Guard
	Notify        Notifier
	// Senders pass on the records at the same time as the notifications are sent.
	Senders []Sender
	// Sweeps sends the messages for the sweeps between two scheduled ones; nil if the schedule starts all sweeps.
	Sweeps *Sweeps
	// Log receives one line per record, or one line if there is no drift.
	Log *slog.Logger
	// Out receives the metrics as EMF lines.
	Out io.Writer
	// Now returns the current time.
	Now func() time.Time
	// Role is the ARN of the guard's own role.
	Role string

	contest  contest
	failures failures
	// untold are records of ended drift that could not be published yet.
	untold []guard.Record
	// swept is when the latest sweep began.
	swept time.Time
}

// The log messages that are not outcomes of records.
const (
	asDesired = "already as desired"
	unknown   = "unknown payload, treated as a sweep"
	lasts     = "it fails as an earlier run did; this run counts as done"
	leftOver  = "it fails; the next scheduled sweep tries again and reports it"
	late      = "a later sweep has replaced this one"
)

// The time that a run reserves at the end of the invocation: to report (log, metrics, notifications), and within that
// time to answer the runtime. A run that Lambda ends reports nothing.
const (
	reportMargin = 5 * time.Second
	answerMargin = time.Second
)

// maxLogged is how many bytes of an unknown payload are logged at most.
const maxLogged = 1 << 10

// maxAnswered is how many records the answer has at most: Lambda refuses one of more than 6 MB. The log has all.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxAnswered = 100

// Invoke runs the guard once. The error joins all failures; Lambda then retries, and after the last retry sends the
// trigger to the function's failure destination. Corrections are reported even if Invoke fails. A failure that repeats
// in each run is returned as an error once an hour, in each manual invocation, and for each event that leaves drift
// open; at other times it is only logged. The sweep of a message never fails: if SQS delivered the message again, it would
// come later than the next sweep.
//
// Log and metrics are written before notifications and other messages are sent, because sending can fail.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	t := trigger.Parse(payload)
	if t.Unknown {
		f.Log.WarnContext(ctx, unknown, "payload", string(payload[:min(len(payload), maxLogged)]))
	}
	sweep := delayedSweep(payload)
	if !sweep.isNeeded(f.swept, f.Now()) {
		f.Log.InfoContext(ctx, late, "due", sweep.due)
		return []byte("[]"), nil
	}
	f.noteSweep(t)
	running, cancel := timeleft.Early(ctx, reportMargin, 4)
	defer cancel()
	sent := f.Sweeps.start(running, payload, f.Now())
	report, err := f.Guard.Run(running, t)
	for i := range report.Records {
		report.Records[i].RequestID = request(ctx)
	}
	f.contest.note(report.Records, f.Role, f.Now())
	f.log(ctx, t, report)
	problems := []problem{{metricFailure, metrics.Write(f.Out, f.line(ctx), measure(report)...)}}
	problems = append(problems, f.tell(ctx, report, sent)...)
	answer, encodeErr := json.Marshal(append([]guard.Record{}, report.Records[:min(len(report.Records), maxAnswered)]...)) // [] instead of null
	all := errors.Join(err, joined(problems), encodeErr)
	if all == nil {
		return answer, nil
	}
	if sweep.is && encodeErr == nil {
		f.Log.WarnContext(ctx, leftOver, "error", all.Error())
		return answer, nil
	}
	news := f.failures.news(met(report, err, problems), request(ctx), f.Now())
	if news || t.Kind == guard.Direct || t.Kind == guard.Event && leavesOpen(report) || encodeErr != nil {
		return answer, all
	}
	f.Log.WarnContext(ctx, lasts, "error", all.Error())
	return answer, nil
}

// leavesOpen reports whether a run left drift open that another attempt may correct. An event's run then always fails,
// because Lambda retries sooner than the next sweep may run. A sweep's run need not fail: the next sweep follows.
func leavesOpen(report guard.Report) bool {
	return slices.ContainsFunc(report.Records, func(r guard.Record) bool {
		return r.Outcome == guard.NotCorrected && r.Verdict == iampolicy.Open && !r.Missing
	})
}

// request returns the invocation's id, which its retries share; "" outside Lambda.
func request(ctx context.Context) string {
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		return invocation.AwsRequestID
	}
	return ""
}

// log writes one line for each record, or one line if there is none.
func (f *Function) log(ctx context.Context, t guard.Trigger, report guard.Report) {
	for _, r := range report.Records {
		f.Log.LogAttrs(ctx, r.Level(), string(r.Outcome), slog.Any("", r))
	}
	if len(report.Records) > 0 {
		return
	}
	attrs := []slog.Attr{slog.Any("trigger", t), slog.Int64("elapsedMs", report.Elapsed.Milliseconds())}
	if f.Guard.Fleet != nil {
		attrs = append(attrs, slog.Int("resources", len(report.Inspected)))
	}
	if t.Actor != nil {
		attrs = append(attrs, slog.Any("actor", t.Actor))
	}
	level := slog.LevelInfo
	if report.StackError != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", report.StackError.Error()))
	}
	f.Log.LogAttrs(ctx, level, asDesired, attrs...)
}

// line returns the properties that all metrics of this invocation share.
func (f *Function) line(ctx context.Context) metrics.Line {
	return metrics.Line{Bucket: f.Bucket, Stack: f.Stack, Time: f.Now(), RequestID: request(ctx)}
}

// maxUntold is how many unpublished records are kept at most.
const maxUntold = 100

// tell sends the notifications, lets the senders pass on the report, and waits for the messages of the next sweeps, all at
// the same time, so that a failure of one neither prevents nor delays the others.
func (f *Function) tell(ctx context.Context, report guard.Report, sent func() error) []problem {
	ctx, cancel := timeleft.Early(ctx, answerMargin, 4)
	defer cancel()
	problems := make([]problem, 2+len(f.Senders))
	var all sync.WaitGroup
	all.Go(func() { problems[0] = problem{notifyFailure, f.notify(ctx, report)} })
	all.Go(func() { problems[1] = problem{sweepsFailure, sent()} })
	for i, s := range f.Senders {
		all.Go(func() { problems[2+i] = problem{s.Name(), s.Send(ctx, report)} })
	}
	all.Wait()
	return problems
}

// notify publishes the records. It publishes those of the same property in sequence, because the first message decides
// whether the next is due. Later runs do not find drift that is over; therefore, if publishing fails, its record is
// kept for the next run of this process, which fails too if publishing fails again. Other drift is found again by each
// run.
func (f *Function) notify(ctx context.Context, report guard.Report) error {
	f.Notify.Forget(report)
	records := crowded(append(f.untold, report.Records...), f.Now())
	failures := f.publish(ctx, records)
	f.untold = nil
	for i, r := range records {
		if failures[i] != nil && r.Outcome.IsOver() && len(f.untold) < maxUntold {
			f.untold = append(f.untold, r)
		}
	}
	return errors.Join(append(failures, f.Notify.SumUp(ctx))...)
}

// mostAlike is how many messages of a run have the same property, outcome and verdict at most.
const mostAlike = 10

// crowded returns the records of a run that have messages of their own. If more than [mostAlike] say the same of buckets of a
// fleet, the last message counts the others: nobody reads a thousand.
func crowded(records []guard.Record, now time.Time) []guard.Record {
	type kind struct {
		resource string
		outcome  guard.Outcome
		verdict  iampolicy.Verdict
		missing  bool
	}
	alike := map[kind][]int{}
	var kept []guard.Record
	for _, r := range slices.SortedStableFunc(slices.Values(records), byTarget) {
		k := kind{r.Resource, r.Outcome, r.Verdict, r.Missing}
		if r.Place.Bucket == "" || len(alike[k]) < mostAlike {
			alike[k] = append(alike[k], len(kept))
			kept = append(kept, r)
			continue
		}
		last := &kept[alike[k][mostAlike-1]]
		if last.Repeats == nil {
			last.Repeats = &guard.Repeats{Since: now.UTC()}
		}
		last.Repeats.More++
	}
	return kept
}

// byTarget orders the records of a fleet's buckets always in the same way, so that the next run's messages are about the same
// ones.
func byTarget(a, b guard.Record) int { return strings.Compare(a.Place.Bucket, b.Place.Bucket) }

// publish publishes records and returns their errors in the same order.
func (f *Function) publish(ctx context.Context, records []guard.Record) []error {
	of := map[guard.Key][]int{}
	for i, r := range records {
		of[r.Key()] = append(of[r.Key()], i)
	}
	failures := make([]error, len(records))
	var properties sync.WaitGroup
	for _, list := range of {
		properties.Go(func() {
			for _, i := range list {
				failures[i] = f.Notify.Publish(ctx, records[i])
			}
		})
	}
	properties.Wait()
	return failures
}
