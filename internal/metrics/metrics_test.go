package metrics_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/metrics"
)

var line = metrics.Line{Bucket: "docs-example", Time: time.UnixMilli(1772442063000), RequestID: "r-1"}

func count(name metrics.Name, values ...float64) metrics.Datum {
	return metrics.Datum{Name: name, Unit: metrics.Count, Values: values}
}

func TestWriteWritesEmbeddedMetricFormat(t *testing.T) {
	for name, test := range map[string]struct {
		line metrics.Line
		data []metrics.Datum
		want string
	}{
		"one value": {line, []metrics.Datum{count(metrics.OpenDrift, 0)},
			`{"Bucket":"docs-example","OpenDrift":0,"_aws":{"Timestamp":1772442063000,"CloudWatchMetrics":[{"Namespace":"S3EndpointGuard","Dimensions":[["Bucket"]],"Metrics":[{"Name":"OpenDrift","Unit":"Count"}]}]},"requestId":"r-1"}`},
		"several values, and a metric without any": {line, []metrics.Datum{
			{Name: metrics.TimeToCorrect, Unit: metrics.Milliseconds, Values: []float64{85, 1500.5}}, count(metrics.StoodDown)},
			`{"Bucket":"docs-example","TimeToCorrect":[85,1500.5],"_aws":{"Timestamp":1772442063000,"CloudWatchMetrics":[{"Namespace":"S3EndpointGuard","Dimensions":[["Bucket"]],"Metrics":[{"Name":"TimeToCorrect","Unit":"Milliseconds"}]}]},"requestId":"r-1"}`},
		"no request id": {metrics.Line{Bucket: "b", Time: time.UnixMilli(1)}, []metrics.Datum{count(metrics.DriftDetected, 2)},
			`{"Bucket":"b","DriftDetected":2,"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"S3EndpointGuard","Dimensions":[["Bucket"]],"Metrics":[{"Name":"DriftDetected","Unit":"Count"}]}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := metrics.Write(&out, test.line, test.data...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want+"\n", out.String()); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteStaysWithinTheFormatsLimits(t *testing.T) {
	data := make([]metrics.Datum, 250)
	for i := range data {
		data[i] = count(metrics.Name("Metric"+strings.Repeat("x", i)), make([]float64, 1000)...)
	}
	var out bytes.Buffer
	if err := metrics.Write(&out, line, data...); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("250 metrics took %d lines, want 3", len(lines))
	}
	for _, text := range lines {
		var members map[string]any
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			t.Fatal(err)
		}
		for name, value := range members {
			if values, ok := value.([]any); ok && len(values) > 100 {
				t.Errorf("%s has %d values, want at most %d", name, len(values), 100)
			}
		}
		if len(text) > 256<<10 {
			t.Errorf("a line has %d bytes, want at most 256 KB", len(text))
		}
	}
}

func TestWriteWritesNothingForNothing(t *testing.T) {
	var out bytes.Buffer
	if err := metrics.Write(&out, line); err != nil || out.Len() > 0 {
		t.Errorf("Write() = %v and %q, want no error and no output", err, out.String())
	}
}

// broken is a writer that fails.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteTellsWhatWentWrong(t *testing.T) {
	if err := metrics.Write(broken{}, line, count(metrics.OpenDrift, 1)); err == nil || err.Error() != "writing metrics: broken pipe" {
		t.Errorf("Write to a broken pipe = %v", err)
	}
	if err := metrics.Write(&bytes.Buffer{}, line, count(metrics.OpenDrift, math.NaN())); err == nil {
		t.Error("Write(NaN) = nil, want an error: CloudWatch does not accept NaN")
	}
}
