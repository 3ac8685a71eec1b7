// Package cloudwatch is the local AWS's CloudWatch: it stores metric data and returns their statistics, over the
// three protocols of clients: Smithy RPC v2 CBOR (the Go SDK), AWS JSON 1.0 and the query protocol.
//
// Metric data come from PutMetricData, from lines in the Embedded Metric Format ([Service.PutEMF]), or from Go code
// ([Service.Put]), which may also write to AWS's own namespaces. Dashboards read [Service.Statistics].
//
// Alarms are evaluated when [Service.Evaluate] is called, at the clock's time: M of N, missing data, the metric math
// of math.go, and composite rules. Anomaly detection is not implemented: its alarms are stored and remain in
// INSUFFICIENT_DATA.
//
// To add a call, write a decoder for it and add it to [Service.decoders]; protocols need no change.
package cloudwatch

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// Dimension is a name and value that distinguish metrics of the same name.
type Dimension struct {
	Name, Value string
}

// Metric identifies a metric. The order of dimensions does not matter.
type Metric struct {
	Namespace, Name string
	Dimensions      []Dimension
}

// key returns the same key for equal metrics, independent of the order of their dimensions.
func (m Metric) key() string {
	parts := []string{m.Namespace, m.Name}
	for _, d := range sorted(m.Dimensions) {
		parts = append(parts, d.Name, d.Value)
	}
	return strings.Join(parts, "\x00")
}

// sorted returns dimensions sorted by name.
func sorted(dimensions []Dimension) []Dimension {
	return slices.SortedFunc(slices.Values(dimensions), func(a, b Dimension) int { return cmp.Compare(a.Name, b.Name) })
}

// Datum is one published value, or several, of a metric.
type Datum struct {
	Name       string
	Dimensions []Dimension
	// Time is the time of the measurement; the zero time means the clock's time.
	Time time.Time
	// Unit is e.g. "Milliseconds"; "" means "None".
	Unit string
	// Values are the measured values. Counts are how often each occurred; nil means once.
	Values, Counts []float64
	// Set contains aggregated values; nil if there are Values.
	Set *StatisticSet
}

// StatisticSet aggregates values.
type StatisticSet struct {
	SampleCount, Sum, Minimum, Maximum float64
}

// Service is the CloudWatch of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	options api.Options
	skew    func() time.Duration

	mu        sync.Mutex
	series    map[string]*series
	order     []string
	emfErrors int

	alarms     map[string]*stored
	alarmOrder []string
	dashboards map[string]dashboard
	onAlarm    func(actionARN, subject, message string)
	// evaluations are the times of the evaluations so far, oldest first.
	evaluations []time.Time
}

// series contains the data of one metric.
type series struct {
	metric Metric
	points []point
}

// point is one datum in a series. Statistics use its time, alarms the time from [Service.counted].
type point struct {
	time, counted time.Time
	unit          string
	Bucket
}

// New makes a CloudWatch without data. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service {
	return &Service{options: o, series: map[string]*series{}, alarms: map[string]*stored{}, dashboards: map[string]dashboard{}}
}

// Skew sets a function that returns by how much the callers' clocks are behind this one: functions are processes, and
// use the real time even if a test has advanced our clock. Times in calls, answers and EMF lines are the callers'.
// The default is no difference. It must be called before the first call.
func (s *Service) Skew(behind func() time.Duration) { s.skew = behind }

// fromCaller converts a caller's time to our clock; toCaller does the opposite. The zero time is unchanged.
func (s *Service) fromCaller(t time.Time) time.Time {
	if s.skew == nil || t.IsZero() {
		return t
	}
	return t.Add(s.skew())
}

func (s *Service) toCaller(t time.Time) time.Time {
	if s.skew == nil {
		return t
	}
	return t.Add(-s.skew())
}

// Put stores data of one namespace: all of them, or none if CloudWatch would refuse one. Unlike PutMetricData, it
// accepts AWS's own namespaces.
func (s *Service) Put(namespace string, data ...Datum) error {
	now := s.options.Now()
	for i, d := range data {
		if err := d.check(now); err != nil {
			return err
		}
		if d.Time.IsZero() {
			data[i].Time = now
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range data {
		s.add(Metric{namespace, d.Name, sorted(d.Dimensions)}, d)
	}
	return nil
}

// add stores one datum.
func (s *Service) add(m Metric, d Datum) {
	key := m.key()
	if s.series[key] == nil {
		s.series[key] = &series{metric: m}
		s.order = append(s.order, key)
	}
	unit := cmp.Or(d.Unit, "None")
	s.series[key].points = append(s.series[key].points, point{d.Time, s.counted(d.Time), unit, d.bucket()})
}

// bucket returns the datum's values, aggregated.
func (d Datum) bucket() Bucket {
	if d.Set != nil {
		b := Bucket{SampleCount: d.Set.SampleCount, Sum: d.Set.Sum, Minimum: d.Set.Minimum, Maximum: d.Set.Maximum}
		// Percentiles of a set are known only if all its values are equal.
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Percentiles
		if b.Minimum == b.Maximum {
			b.values = []weighted{{b.Minimum, b.SampleCount}}
		}
		return b
	}
	var b Bucket
	for i, value := range d.Values {
		count := 1.0
		if d.Counts != nil {
			count = d.Counts[i]
		}
		b = b.merge(Bucket{
			SampleCount: count, Sum: value * count, Minimum: value, Maximum: value, values: []weighted{{value, count}},
		})
	}
	return b
}

// Metrics returns all metrics with data, in the order of their first data.
func (s *Service) Metrics() []Metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	var metrics []Metric
	for _, key := range s.order {
		metrics = append(metrics, s.series[key].metric)
	}
	return metrics
}

// Reset removes all data, and the times of evaluations. It keeps alarms and dashboards.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.series, s.order, s.evaluations = map[string]*series{}, nil, nil
}
