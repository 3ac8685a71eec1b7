// Package healthcheck is the function that looks after the endpoint's and the guard's health, without its main:
// configuration, wiring, and what happens with a run's report. It writes nothing but metrics and its log.
//
// It runs outside the VPC, where AWS's interfaces are reached over the internet: so it can see what a stranger sees, and
// still reports when the endpoint does not work. What only a client inside the VPC can see, the probe looks after.
package healthcheck

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"s3-endpoint-guard/internal/health"
	"s3-endpoint-guard/internal/metrics"
	"s3-endpoint-guard/internal/timeleft"
)

// Function is the function behind the Lambda Runtime API. It implements the runtime's lambda.Handler.
type Function struct {
	Checks Checks
	Terms  health.Terms
	// Publish publishes the metrics.
	Publish func(context.Context, time.Time, ...metrics.Datum) error
	// Log gets one line for each problem and each check that failed, or one that says that all is well.
	Log *slog.Logger
	// Now is the clock.
	Now func() time.Time

	mu sync.Mutex
	// listed are the findings of the audit as they were listed last, and when.
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

// publishMargin is the time that a run leaves at the end of the invocation to publish what it found.
const publishMargin = 8 * time.Second

// listEvery is how often the findings of the audit are listed while they stay the same.
const listEvery = 24 * time.Hour

// Invoke makes one run, whatever the payload. The error says that its metrics could not be published; a check that
// could not be made is no error, but a metric.
func (f *Function) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	began := f.Now()
	reading, cancel := timeleft.Early(ctx, publishMargin, 2)
	defer cancel()
	report := f.Terms.Judge(f.Checks.Take(reading, began))
	f.log(ctx, report, began)
	if err := f.Publish(ctx, began, report.Data...); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"problems":%d,"failed":%d}`, len(report.Problems), len(report.Failures)), nil
}

// log writes one line for each problem and failure, or one that says that there is none. Findings of the audit, which
// nobody mends within the minute, are listed when they change and once a day.
func (f *Function) log(ctx context.Context, report health.Report, began time.Time) {
	for _, failure := range report.Failures {
		f.Log.ErrorContext(ctx, checkFailed, "check", failure.Check, "error", failure.Err.Error())
	}
	for _, p := range report.Problems {
		if p.Metric != metrics.RoleFindings {
			f.Log.WarnContext(ctx, unhealthy, "metric", p.Metric, "why", p.Why)
		}
	}
	if len(report.Failures)+len(report.Problems) == 0 {
		f.Log.InfoContext(ctx, healthy, "elapsedMs", f.Now().Sub(began).Milliseconds())
	}
	if f.newlyFound(report.Findings, began) {
		f.Log.WarnContext(ctx, audited, "findings", report.Findings)
	}
}

// newlyFound is whether findings are to be listed: when they changed, and once a day. None are never listed.
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
