// Package remediate is the function that corrects drift, without its main: configuration, wiring, and what happens
// with a run's report.
//
// It imports the SDK clients that the function needs and no others, for each costs start-up time.
package remediate

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"s3-endpoint-guard/internal/guard"
	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/internal/metrics"
	"s3-endpoint-guard/internal/timeleft"
	"s3-endpoint-guard/internal/trigger"
)

// Notifier tells people about records.
type Notifier interface {
	// Publish sends one record's message. It may leave out what it has told lately.
	Publish(context.Context, guard.Record) error
	// Forget says which records a run has; drift of other resources is over.
	Forget([]guard.Record)
	// SumUp tells of records that Publish left out and that are due.
	SumUp(context.Context) error
}

// Function is the function behind the Lambda Runtime API. It implements the runtime's lambda.Handler, and is called as
// the runtime does: one invocation after another.
type Function struct {
	// Bucket is the guarded bucket's name, the metrics' dimension.
	Bucket string
	Guard  *guard.Guard
	Notify Notifier
	// Log gets one line for each record, or one that says that all is as desired.
	Log *slog.Logger
	// Out gets the metrics as EMF lines.
	Out io.Writer
	// Now is the clock.
	Now func() time.Time
	// Role is the ARN of the guard's own role.
	Role string

	contest  contest
	failures failures
	// untold are records of drift that is over, of which nobody could be told yet.
	untold []guard.Record
}

// The log's messages beside the records' outcomes.
const (
	asDesired = "already as desired"
	unknown   = "unknown payload, treated as a sweep"
	lasts     = "it fails as an earlier run did; this run counts as done"
)

// Time that a run leaves at the end of the invocation: to report (log, metrics, notifications), and of that again to
// answer the runtime. A run that is cut off by the platform reports nothing.
const (
	reportMargin = 5 * time.Second
	answerMargin = time.Second
)

// maxLogged is how many bytes of an unknown payload are logged.
const maxLogged = 1 << 10

// Invoke runs the guard once. The error joins everything that failed, so that Lambda tries again and, after that,
// hands the trigger to the function's failure destination; what was corrected is reported nevertheless. What fails in
// the same way run after run is an error once an hour, of every invocation by hand, and of every event that leaves something
// open; in between it is logged.
//
// The log and the metrics come before the notifications, which take a call that can fail.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	t := trigger.Parse(payload)
	if t.Unknown {
		f.Log.WarnContext(ctx, unknown, "payload", string(payload[:min(len(payload), maxLogged)]))
	}
	running, cancel := timeleft.Early(ctx, reportMargin, 4)
	defer cancel()
	report, err := f.Guard.Run(running, t)
	f.contest.note(report.Records, f.Role, f.Now())
	f.log(ctx, t, report)
	measureErr := metrics.Write(f.Out, f.line(ctx), measure(report)...)
	notifyErr := f.notify(ctx, report.Records)
	answer, encodeErr := json.Marshal(append([]guard.Record{}, report.Records...)) // [] rather than null
	all := errors.Join(err, measureErr, notifyErr, encodeErr)
	if all == nil {
		return answer, nil
	}
	news := f.failures.news(met(report, err, measureErr, notifyErr), request(ctx), f.Now())
	if news || t.Kind == guard.Direct || t.Kind == guard.Event && leavesOpen(report) || encodeErr != nil {
		return answer, all
	}
	f.Log.WarnContext(ctx, lasts, "error", all.Error())
	return answer, nil
}

// leavesOpen reports whether a run left something open that another attempt may close. The run of an event fails for it
// every time, because Lambda tries again sooner than a sweep may come. A sweep is followed by the next one.
func leavesOpen(report guard.Report) bool {
	return slices.ContainsFunc(report.Records, func(r guard.Record) bool {
		return r.Outcome == guard.NotCorrected && r.Verdict == iampolicy.Open && !r.Missing
	})
}

// request is the invocation's id, which its retries share; "" outside of Lambda.
func request(ctx context.Context) string {
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		return invocation.AwsRequestID
	}
	return ""
}

// log writes one line for each record, or one that says that there is none.
func (f *Function) log(ctx context.Context, t guard.Trigger, report guard.Report) {
	for _, r := range report.Records {
		f.Log.LogAttrs(ctx, r.Level(), string(r.Outcome), slog.Any("", r))
	}
	if len(report.Records) > 0 {
		return
	}
	attrs := []slog.Attr{slog.Any("trigger", t), slog.Int64("elapsedMs", report.Elapsed.Milliseconds())}
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

// line is what the metrics of this invocation have in common.
func (f *Function) line(ctx context.Context) metrics.Line {
	return metrics.Line{Bucket: f.Bucket, Time: f.Now(), RequestID: request(ctx)}
}

// maxUntold is how many records wait at most for somebody to be told of them.
const maxUntold = 100

// notify publishes the records, those of each resource one after another, so that the first one's message counts when
// the next is due. Drift that is over no later run meets again: its record waits for the next run of this process, and that
// run, too, fails while nobody can be told. Other drift is met by every run.
func (f *Function) notify(ctx context.Context, records []guard.Record) error {
	f.Notify.Forget(records)
	records = append(f.untold, records...)
	ctx, cancel := timeleft.Early(ctx, answerMargin, 4)
	defer cancel()
	failures := f.publish(ctx, records)
	f.untold = nil
	for i, r := range records {
		if failures[i] != nil && r.Outcome.IsOver() && len(f.untold) < maxUntold {
			f.untold = append(f.untold, r)
		}
	}
	return errors.Join(append(failures, f.Notify.SumUp(ctx))...)
}

// publish publishes records and returns the failure of each.
func (f *Function) publish(ctx context.Context, records []guard.Record) []error {
	of := map[string][]int{}
	for i, r := range records {
		of[r.Resource] = append(of[r.Resource], i)
	}
	failures := make([]error, len(records))
	var resources sync.WaitGroup
	for _, list := range of {
		resources.Go(func() {
			for _, i := range list {
				failures[i] = f.Notify.Publish(ctx, records[i])
			}
		})
	}
	resources.Wait()
	return failures
}
