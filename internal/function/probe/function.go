// Package probe implements the function that tests the endpoint as the workload would, without its main: it resolves
// the bucket's name, writes and reads an object through the VPC endpoint, and tries a foreign bucket, which the
// endpoint must refuse.
//
// There is one function in each Availability Zone. It runs in the VPC's subnets and reaches only the endpoint: its
// metrics are log lines, which need no network. PutMetricData would hang until the time-out. Source: docs/facts.md, VPC
// endpoints
//
//	resolve ─► connect ─► tls ─► write ─► read ─► compare       ProbeSucceeded, and a latency for each step
//	   └ ResolvedToEndpoint   └► foreign bucket                 ForeignBucketRefused
package probe

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"example.com/s3-endpoint-guard/internal/metrics"
)

// Function handles invocations through the Lambda Runtime API. It implements lambda.Handler.
type Function struct {
	Probe *Probe
	// Log receives one line per run.
	Log *slog.Logger
	// Out receives the metrics as EMF lines.
	Out io.Writer
}

// The log's messages.
const (
	probed     = "probed"
	failed     = "probe failed"
	notRefused = "foreign bucket not refused"
	notTold    = "foreign bucket: neither served nor refused"
)

// Invoke makes one run; it ignores the payload. A failed probe is a metric, not an error: the next run is a minute
// later, and a retry before that gains nothing.
func (f *Function) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	r := f.Probe.Run(ctx)
	f.log(ctx, r)
	line := metrics.Line{Bucket: f.Probe.Config.Bucket, Time: f.Probe.Now()}
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		line.RequestID = invocation.AwsRequestID
	}
	if err := metrics.Write(f.Out, line, measure(r, f.Probe.Config.Zone)...); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"succeeded":%t}`, r.succeeded()), nil
}

// succeeded reports whether the probe succeeded and the name resolved as expected.
func (r Result) succeeded() bool { return r.Err == nil && r.Resolved }

// measure returns the metrics of a result. Steps that were not reached have no values.
func measure(r Result, zone string) []metrics.Datum {
	data := []metrics.Datum{
		flag(metrics.ResolvedToEndpoint, r.Resolved),
		latency(metrics.DNSLatency, r.DNS), latency(metrics.ConnectLatency, r.Connect), latency(metrics.TLSLatency, r.TLS),
		latency(metrics.FirstByteLatency, r.FirstBytes...),
		{Name: metrics.ProbeBytes, Unit: metrics.Bytes, Values: []float64{float64(r.Bytes)}},
	}
	if r.Foreign != 0 {
		data = append(data, flag(metrics.ForeignBucketRefused, r.Foreign == http.StatusForbidden))
	}
	for _, d := range []metrics.Datum{flag(metrics.ProbeSucceeded, r.succeeded()), latency(metrics.ProbeLatency, r.Total)} {
		d.Detail = metrics.Detail{Name: metrics.ByZone, Value: zone}
		if len(d.Values) > 0 {
			data = append(data, d)
		}
	}
	return data
}

func flag(name metrics.Name, good bool) metrics.Datum {
	d := metrics.Datum{Name: name, Unit: metrics.Count, Values: []float64{0}}
	if good {
		d.Values[0] = 1
	}
	return d
}

// latency returns a metric without the durations that are 0.
func latency(name metrics.Name, times ...time.Duration) metrics.Datum {
	d := metrics.Datum{Name: name, Unit: metrics.Milliseconds}
	for _, t := range times {
		if t > 0 {
			d.Values = append(d.Values, float64(t.Microseconds())/1000)
		}
	}
	return d
}

// log writes one line about the run, and one more when the foreign bucket was not refused.
func (f *Function) log(ctx context.Context, r Result) {
	attrs := []any{
		"zone", f.Probe.Config.Zone, "host", f.Probe.Config.Host, "addresses", r.Addresses, "address", r.Address,
		"otherZone", r.OtherZone, "dnsMs", r.DNS.Milliseconds(), "connectMs", r.Connect.Milliseconds(),
		"tlsMs", r.TLS.Milliseconds(), "totalMs", r.Total.Milliseconds(), "bytes", r.Bytes,
	}
	switch {
	case r.Err != nil:
		f.Log.ErrorContext(ctx, failed, append(attrs, "step", r.Failed, "error", r.Err.Error())...)
	case !r.Resolved:
		f.Log.ErrorContext(ctx, failed, append(attrs, "step", Resolve, "error", fmt.Sprintf("%v are not the endpoint's", r.Strange))...)
	default:
		f.Log.InfoContext(ctx, probed, attrs...)
	}
	switch {
	case r.Foreign == http.StatusOK:
		f.Log.ErrorContext(ctx, notRefused, "host", f.Probe.Config.ForeignHost, "status", r.Foreign)
	case r.ForeignError != nil:
		f.Log.WarnContext(ctx, notTold, "host", f.Probe.Config.ForeignHost, "error", r.ForeignError.Error())
	}
}
