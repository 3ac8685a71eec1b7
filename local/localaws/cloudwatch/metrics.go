// Package cloudwatch is the local AWS's CloudWatch: it stores metric data and answers statistics of them, over the
// three protocols that clients speak: Smithy RPC v2 CBOR (the Go SDK), AWS JSON 1.0 and the query protocol.
//
// Metric data come by PutMetricData, as lines in the Embedded Metric Format ([Service.PutEMF]), or from Go code
// ([Service.Put]), which may also play AWS's own namespaces. [Service.Statistics] is what dashboards read.
//
// Alarms are evaluated when [Service.Evaluate] is called, at the clock's time: M of N, missing data, the metric math of
// math.go, and composite rules. Anomaly detection is not imitated: its alarms are kept and never leave
// INSUFFICIENT_DATA.
//
// To add a call, write a decoder for it and name it in [Service.decoders]; no protocol needs to be touched.
package cloudwatch

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"s3-endpoint-guard/local/localaws/api"
)

// Dimension is one of the names and values that tell metrics of one name apart.
type Dimension struct {
	Name, Value string
}

// Metric is what data belong to. The order of dimensions does not matter.
type Metric struct {
	Namespace, Name string
	Dimensions      []Dimension
}

// key is the same for the same metric, whatever the order of its dimensions.
func (m Metric) key() string {
	parts := []string{m.Namespace, m.Name}
	for _, d := range sorted(m.Dimensions) {
		parts = append(parts, d.Name, d.Value)
	}
	return strings.Join(parts, "\x00")
}

// sorted are dimensions in the order of their names.
func sorted(dimensions []Dimension) []Dimension {
	return slices.SortedFunc(slices.Values(dimensions), func(a, b Dimension) int { return cmp.Compare(a.Name, b.Name) })
}

// Datum is one published value, or several, of a metric.
type Datum struct {
	Name       string
	Dimensions []Dimension
	// Time is when it was measured; the clock's now when it is zero.
	Time time.Time
	// Unit is e.g. "Milliseconds"; "None" when empty.
	Unit string
	// Values are the measured values. Counts says how often each occurred; once when it is nil.
	Values, Counts []float64
	// Set stands for values that were summed up before; nil when there are Values.
	Set *StatisticSet
}

// StatisticSet sums values up.
type StatisticSet struct {
	SampleCount, Sum, Minimum, Maximum float64
}

// Service is the CloudWatch of one account and Region. Its methods may be called at any time and concurrently.
type Service struct {
	options api.Options
	skew    func() time.Duration

	mu        sync.Mutex
	series    map[string]*series
	order     []string
	emfErrors int

	alarms     map[string]*Condition
	alarmOrder []string
	dashboards map[string]string
	onAlarm    func(actionARN, subject, message string)
	// evaluations are the times of the evaluations so far, oldest first.
	evaluations []time.Time
}

// series are the data of one metric.
type series struct {
	metric Metric
	points []point
}

// point is one datum in a series. Statistics count it at its time, alarms when [Service.counted] says.
type point struct {
	time, counted time.Time
	unit          string
	Bucket
}

// New makes a CloudWatch without data. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service {
	return &Service{options: o, series: map[string]*series{}, alarms: map[string]*Condition{}, dashboards: map[string]string{}}
}

// Skew says by how much the clocks of callers are behind this one: functions are processes, and their time is the real
// one even where a test has moved ours. Times in calls, in answers and in EMF lines are theirs. Without it there is none.
// It must be called before the first call.
func (s *Service) Skew(behind func() time.Duration) { s.skew = behind }

// fromCaller is a caller's time by our clock; toCaller the other way round. The zero time stays.
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

// Put stores data of one namespace: all of them, or none when CloudWatch would not take one. AWS's own namespaces are
// open to it, unlike to PutMetricData.
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

// bucket is the datum's values, summed up.
func (d Datum) bucket() Bucket {
	if d.Set != nil {
		b := Bucket{SampleCount: d.Set.SampleCount, Sum: d.Set.Sum, Minimum: d.Set.Minimum, Maximum: d.Set.Maximum}
		// Percentiles of a set are known only where all its values are the same.
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

// Metrics are all metrics that have data, in the order in which they first got some.
func (s *Service) Metrics() []Metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	var metrics []Metric
	for _, key := range s.order {
		metrics = append(metrics, s.series[key].metric)
	}
	return metrics
}

// Reset forgets all data, and when alarms were evaluated. Alarms and dashboards stay.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.series, s.order, s.evaluations = map[string]*series{}, nil, nil
}
