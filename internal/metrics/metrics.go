// Package metrics names the project's metrics and writes them as Embedded Metric Format lines. CloudWatch reads these
// from a function's log, so that they need no call and no network.
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

// Namespace and a dimension identify the metrics in CloudWatch. The dimension's value is the bucket's name or, for a guard of many
// buckets, the name of its stack: a metric for each bucket would cost more than all the rest.
const (
	Namespace  = "S3EndpointGuard"
	Dimension  = "Bucket"
	OfTheStack = "Stack"
)

// The names of second dimensions; see [Detail].
const (
	// ByCheck is the name of the failed check, in CheckFailed.
	ByCheck = "Check"
	// ByZone is the Availability Zone, in ProbeSucceeded and ProbeLatency.
	ByZone = "Zone"
)

// Detail is a second dimension in addition to [Dimension]. The zero value means none.
//
// Each pair of dimensions is billed as a separate metric: keep details few and their values stable.
type Detail struct {
	Name, Value string
}

// Datum is one metric's values in one run.
type Datum struct {
	Name Name
	Unit Unit
	// Detail is the second dimension, if any.
	Detail Detail
	// Values are at most 100; [Write] omits further ones, and data without values.
	Values []float64
}

// Limits of one EMF line: metrics in a directive, and values of a metric.
const (
	maxMetrics = 100
	maxValues  = 100
)

// Line contains what all data of one line share.
type Line struct {
	// Bucket is the value of [Dimension]; "" if the data are of a stack.
	Bucket string
	// Stack is the value of [OfTheStack], if Bucket is "".
	Stack string
	// Time is the data's time.
	Time time.Time
	// RequestID is a property of the line that connects it to the run's log lines; "" for none.
	RequestID string
}

// Write writes the data as EMF, one line for each 100 of them that have the same [Detail]. It writes each line in one
// call, so that lines of concurrent writers do not mix.
func Write(w io.Writer, line Line, data ...Datum) error {
	for len(data) > 0 {
		part, rest := firstLine(data)
		text, err := encode(line, part)
		if err != nil {
			return fmt.Errorf("encoding metrics: %w", err)
		}
		if _, err := w.Write(append(text, '\n')); err != nil {
			return fmt.Errorf("writing metrics: %w", err)
		}
		data = rest
	}
	return nil
}

// firstLine returns the data for one line: those with the first one's detail, because a line has one value per dimension.
func firstLine(data []Datum) (part, rest []Datum) {
	for _, d := range data {
		if d.Detail == data[0].Detail && len(part) < maxMetrics {
			part = append(part, d)
		} else {
			rest = append(rest, d)
		}
	}
	return part, rest
}

// metadata is the part of an EMF line that names its metrics.
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

// encode returns one line. All data have the same detail.
func encode(line Line, data []Datum) ([]byte, error) {
	name, value := Dimension, line.Bucket
	if value == "" {
		name, value = OfTheStack, line.Stack
	}
	dimensions := []string{name}
	members := map[string]any{name: value}
	if detail := data[0].Detail; detail.Name != "" {
		dimensions = append(dimensions, detail.Name)
		members[detail.Name] = detail.Value
	}
	d := directive{Namespace: Namespace, Dimensions: [][]string{dimensions}, Metrics: []definition{}}
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

// values returns a metric's values as EMF requires: a number, or a list of several.
func values(v []float64) any {
	if len(v) == 1 {
		return v[0]
	}
	return v[:min(len(v), maxValues)]
}
