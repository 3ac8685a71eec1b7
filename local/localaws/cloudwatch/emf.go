package cloudwatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The limits of the Embedded Metric Format.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const (
	maxEMFLine    = 256 << 10
	maxEMFMetrics = 100
	maxEMFValues  = 100
)

// directive is one metric directive of a line.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct {
		Name, Unit        string
		StorageResolution int
	}
}

// metadata is the part of a line that describes its members.
type metadata struct {
	// Timestamp is in milliseconds since 1970.
	Timestamp         *int64
	CloudWatchMetrics []directive
}

// PutEMF processes one line of a function's log as CloudWatch Logs does: a line in the Embedded Metric Format becomes
// metric data; it ignores all other lines. An invalid EMF line is an error, stores nothing, and is counted by
// [Service.EMFErrors].
func (s *Service) PutEMF(line []byte) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(line, &members) != nil || members["_aws"] == nil {
		return nil
	}
	err := s.putEMF(line, members)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.emfErrors++
		return fmt.Errorf("embedded metric format: %w", err)
	}
	return nil
}

// EMFErrors returns the number of invalid lines, which AWS counts in AWS/Logs as EMFParsingErrors and
// EMFValidationErrors (docs/facts.md, VPC endpoints).
func (s *Service) EMFErrors() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emfErrors
}

// putEMF stores all data of a line, or none.
func (s *Service) putEMF(line []byte, members map[string]json.RawMessage) error {
	if len(line) > maxEMFLine {
		return fmt.Errorf("the line has more than %d bytes", maxEMFLine)
	}
	var m metadata
	decoder := json.NewDecoder(bytes.NewReader(members["_aws"]))
	if err := decoder.Decode(&m); err != nil {
		return err
	}
	if m.Timestamp == nil || len(m.CloudWatchMetrics) == 0 {
		return errors.New("_aws has no Timestamp or no CloudWatchMetrics")
	}
	now := s.options.Now()
	var all [][]Datum
	for _, d := range m.CloudWatchMetrics {
		data, err := d.data(members, s.fromCaller(time.UnixMilli(*m.Timestamp)))
		if err != nil {
			return err
		}
		for _, datum := range data {
			if err := datum.check(now); err != nil {
				return err
			}
		}
		all = append(all, data)
	}
	for i, d := range m.CloudWatchMetrics {
		if err := s.Put(d.Namespace, all[i]...); err != nil {
			return err
		}
	}
	return nil
}

// data returns the data of a directive in a line: each metric once for each set of dimensions.
func (d directive) data(members map[string]json.RawMessage, at time.Time) ([]Datum, error) {
	if d.Namespace == "" || len(d.Metrics) > maxEMFMetrics {
		return nil, fmt.Errorf("a directive has no namespace, or more than %d metrics", maxEMFMetrics)
	}
	var data []Datum
	for _, names := range d.Dimensions {
		dimensions, err := dimensionsOf(members, names)
		if err != nil {
			return nil, err
		}
		for _, metric := range d.Metrics {
			values, err := valuesOf(members, metric.Name)
			if err != nil {
				return nil, err
			}
			data = append(data, Datum{Name: metric.Name, Unit: metric.Unit, Dimensions: dimensions, Time: at, Values: values})
		}
	}
	return data, nil
}

// dimensionsOf returns the dimensions with those names: members of the line with a string.
func dimensionsOf(members map[string]json.RawMessage, names []string) ([]Dimension, error) {
	var dimensions []Dimension
	for _, name := range names {
		var value string
		if err := json.Unmarshal(members[name], &value); err != nil {
			return nil, fmt.Errorf("dimension %q is no text in the line", name)
		}
		dimensions = append(dimensions, Dimension{name, value})
	}
	return dimensions, nil
}

// valuesOf returns the values of a metric: a member of the line with a number, or a list of numbers.
func valuesOf(members map[string]json.RawMessage, name string) ([]float64, error) {
	var one float64
	if json.Unmarshal(members[name], &one) == nil {
		return []float64{one}, nil
	}
	var several []float64
	if err := json.Unmarshal(members[name], &several); err != nil || len(several) > maxEMFValues {
		return nil, fmt.Errorf("metric %q is no number, nor up to %d of them, in the line", name, maxEMFValues)
	}
	return several, nil
}
