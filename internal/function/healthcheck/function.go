// Package healthcheck implements the function that checks the health of the endpoint and of the guard, without its
// main: configuration, wiring, and the handling of a run's report. It writes only metrics and its log.
//
// It runs outside the VPC and reaches AWS's APIs over the internet. So it can make anonymous requests as an outsider
// does, and it still reports when the endpoint does not work. The probe checks what only a client inside the VPC can
// see.
package healthcheck

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/internal/timeleft"
	"example.com/s3-endpoint-guard/internal/trigger"
)

// Function handles invocations through the Lambda Runtime API. It implements lambda.Handler.
type Function struct {
	Checks   Checks
	Criteria health.Criteria
	// Publish publishes the metrics.
	Publish func(context.Context, time.Time, ...metrics.Datum) error
	// Log receives one line for each problem and each failed check, or one line if all is well.
	Log *slog.Logger
	// Now returns the current time.
	Now func() time.Time

	mu sync.Mutex
	// listed are the audit's findings as last logged, listedAt is when.
	listed   string
	listedAt time.Time
}

// The log's messages.
const (
	healthy     = "healthy"
	unhealthy   = "unhealthy"
	checkFailed = "check failed"
	audited     = "role findings"
)

// publishMargin is the time that a run reserves at the end of the invocation to publish its results.
const publishMargin = 8 * time.Second

// listEvery is the interval at which unchanged findings of the audit are logged again.
const listEvery = 24 * time.Hour

// Invoke makes one run. An event of a call, unlike the schedule's, makes the watched checks anew; nothing else in it is
// used. The error reports that its metrics could not be published; a failed
// check is a metric, not an error.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	began := f.Now()
	if trigger.Parse(payload).Kind != guard.Sweep {
		f.Checks.Anew()
	}
	reading, cancel := timeleft.Early(ctx, publishMargin, 2)
	defer cancel()
	report := f.Criteria.Judge(f.Checks.Read(reading, began))
	f.log(ctx, report, began)
	if err := f.Publish(ctx, began, report.Data...); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"problems":%d,"failed":%d}`, len(report.Problems), len(report.Failures)), nil
}

// log writes one line for each problem and failure, or one line if there is none. The audit's findings, which are
// usually fixed later than the next run, are logged when they change and once a day.
func (f *Function) log(ctx context.Context, report health.Report, began time.Time) {
	for _, failure := range report.Failures {
		f.Log.ErrorContext(ctx, checkFailed, "check", failure.Check, "error", failure.Err.Error())
	}
	for _, p := range report.Problems {
		if p.Metric != metrics.RoleFindings {
			f.Log.LogAttrs(ctx, slog.LevelWarn, unhealthy, problem(p)...)
		}
	}
	if len(report.Failures)+len(report.Problems) == 0 {
		f.Log.InfoContext(ctx, healthy, "elapsedMs", f.Now().Sub(began).Milliseconds())
	}
	if f.newlyFound(report.Findings, began) {
		f.Log.WarnContext(ctx, audited, "findings", report.Findings)
	}
}

// problem returns the fields of a problem's line.
func problem(p health.Problem) []slog.Attr {
	fields := []slog.Attr{slog.String("metric", string(p.Metric)), slog.String("why", p.Why)}
	if p.Finding != "" {
		fields = append(fields, slog.String("finding", p.Finding))
	}
	return fields
}

// newlyFound reports whether to log the findings: when they changed, and once a day. It is false if there are none.
func (f *Function) newlyFound(findings []health.Grant, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := fmt.Sprint(findings)
	if text == f.listed && now.Sub(f.listedAt) < listEvery {
		return false
	}
	f.listed, f.listedAt = text, now
	return len(findings) > 0
}
