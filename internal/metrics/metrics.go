// Package metrics names the project's metrics and writes them as Embedded Metric Format lines, which CloudWatch reads
// from a function's log: they cost no call and need no network.
//
// It imports the standard library only.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package metrics

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Namespace and Dimension are where the metrics stand in CloudWatch; the dimension's value is the bucket's name.
const (
	Namespace = "S3EndpointGuard"
	Dimension = "Bucket"
)

// Unit is a CloudWatch unit.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
)

// Name is a metric's name.
type Name string

// The metrics of a correction run. All but TimeToCorrect are published at every run, also when they are 0, so that a
// missing one says that the guard does not run.
const (
	// DriftDetected is how many properties differed from the desired state when the run looked.
	DriftDetected Name = "DriftDetected"
	// DriftCorrected is how many of them were restored and read back as desired.
	DriftCorrected Name = "DriftCorrected"
	// CorrectionFailed is how many were not, or could not even be inspected, without the guard standing down.
	CorrectionFailed Name = "CorrectionFailed"
	// OpenDrift is how many of the differing properties allowed something that must be denied.
	OpenDrift Name = "OpenDrift"
	// ClosedDrift is how many of them allowed nothing of the kind.
	ClosedDrift Name = "ClosedDrift"
	// StoodDown is 1 when drift was left alone because our own stack was being changed or deleted, else 0.
	StoodDown Name = "StoodDown"
	// Contested is how many properties were corrected that have been corrected again and again of late.
	Contested Name = "Contested"
	// ResourceMissing is how many guarded resources are gone and cannot be put back: the endpoint or the bucket.
	ResourceMissing Name = "ResourceMissing"
	// TimeToCorrect is, for each correction, from the event (or else the run's start) to the verified fix.
	TimeToCorrect Name = "TimeToCorrect"
)

// Datum is one metric's values in one run.
type Datum struct {
	Name Name
	Unit Unit
	// Values are at most [MaxValues]; [Write] leaves out what is beyond, and a datum without values altogether.
	Values []float64
}

// Limits of one EMF line: metrics in a directive, and values of a metric.
const (
	maxMetrics = 100
	MaxValues  = 100
)

// Line says what all data of one line have in common.
type Line struct {
	// Bucket is the dimension's value.
	Bucket string
	// Time is the data's time.
	Time time.Time
	// RequestID becomes a property of the line, by which it is found beside the run's log lines; "" for none.
	RequestID string
}

// Write writes the data as EMF, one line for each 100 of them. The line is written in one call, so that
// lines of concurrent writers do not mix.
func Write(w io.Writer, line Line, data ...Datum) error {
	for len(data) > 0 {
		n := min(len(data), maxMetrics)
		text, err := encode(line, data[:n])
		if err != nil {
			return fmt.Errorf("encoding metrics: %w", err)
		}
		if _, err := w.Write(append(text, '\n')); err != nil {
			return fmt.Errorf("writing metrics: %w", err)
		}
		data = data[n:]
	}
	return nil
}

// metadata is the part of an EMF line that says which of its members are metrics.
type metadata struct {
	Timestamp         int64
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct {
	Name Name
	Unit Unit
}

func encode(line Line, data []Datum) ([]byte, error) {
	d := directive{Namespace: Namespace, Dimensions: [][]string{{Dimension}}, Metrics: []definition{}}
	members := map[string]any{Dimension: line.Bucket}
	if line.RequestID != "" {
		members["requestId"] = line.RequestID
	}
	for _, datum := range data {
		if len(datum.Values) == 0 {
			continue
		}
		d.Metrics = append(d.Metrics, definition{datum.Name, datum.Unit})
		members[string(datum.Name)] = values(datum.Values)
	}
	members["_aws"] = metadata{line.Time.UnixMilli(), []directive{d}}
	return json.Marshal(members)
}

// values are a metric's values as EMF has them: a number, or a list of several.
func values(v []float64) any {
	if len(v) == 1 {
		return v[0]
	}
	return v[:min(len(v), MaxValues)]
}
