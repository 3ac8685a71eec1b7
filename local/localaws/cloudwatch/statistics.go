package cloudwatch

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bucket contains the values of one period.
type Bucket struct {
	// Start is the period's beginning.
	Start                              time.Time
	SampleCount, Sum, Minimum, Maximum float64
	// Unit is the values' unit.
	Unit string

	// values are the single values. If some values came aggregated, there are fewer than SampleCount.
	values []weighted
}

// weighted is a value and its number of occurrences.
type weighted struct {
	value, count float64
}

// merge aggregates two buckets. It keeps the first one's start and unit.
func (b Bucket) merge(other Bucket) Bucket {
	if b.SampleCount == 0 {
		other.Start, other.Unit = b.Start, cmp.Or(b.Unit, other.Unit)
		return other
	}
	b.Minimum, b.Maximum = min(b.Minimum, other.Minimum), max(b.Maximum, other.Maximum)
	b.SampleCount += other.SampleCount
	b.Sum += other.Sum
	b.values = slices.Concat(b.values, other.values)
	return b
}

// Value returns one statistic of the bucket: "SampleCount", "Average", "Sum", "Minimum", "Maximum", or a percentile
// such as "p90" or "p99.9". ok is false for other names, and for percentiles if not all values are known.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
func (b Bucket) Value(statistic string) (value float64, ok bool) {
	switch statistic {
	case "SampleCount":
		return b.SampleCount, true
	case "Average":
		return b.Sum / b.SampleCount, true
	case "Sum":
		return b.Sum, true
	case "Minimum":
		return b.Minimum, true
	case "Maximum":
		return b.Maximum, true
	}
	percent, ok := percentile(statistic)
	if !ok {
		return 0, false
	}
	return b.percentile(percent)
}

// percentile returns the number in the name of a percentile.
func percentile(statistic string) (percent float64, ok bool) {
	digits, ok := strings.CutPrefix(statistic, "p")
	if !ok {
		return 0, false
	}
	percent, err := strconv.ParseFloat(digits, 64)
	return percent, err == nil && percent >= 0 && percent <= 100
}

// known reports whether a statistic of that name is supported.
func known(statistic string) bool {
	_, ok := Bucket{SampleCount: 1, values: []weighted{{0, 1}}}.Value(statistic)
	return ok
}

// percentile returns the smallest value that at least this percentage of the values does not exceed.
func (b Bucket) percentile(percent float64) (float64, bool) {
	counted := 0.0
	for _, w := range b.values {
		counted += w.count
	}
	if counted < b.SampleCount || counted == 0 {
		return 0, false
	}
	values := slices.SortedFunc(slices.Values(b.values), func(x, y weighted) int { return cmp.Compare(x.value, y.value) })
	rank := max(math.Ceil(percent/100*counted), 1)
	for _, w := range values {
		if rank -= w.count; rank <= 0 {
			return w.value, true
		}
	}
	return values[len(values)-1].value, true
}

// Query is a query for the statistics of one metric.
type Query struct {
	Metric Metric
	// Period is the length of each bucket. From is inclusive, To exclusive.
	Period   time.Duration
	From, To time.Time
	// Unit limits the values to one unit; "" means all units.
	Unit string
}

// Statistics returns the periods with data, oldest first. Periods begin at multiples of their length.
func (s *Service) Statistics(q Query) []Bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.series[q.Metric.key()]
	if found == nil || q.Period <= 0 {
		return nil
	}
	buckets := map[time.Time]Bucket{}
	for _, p := range found.points {
		if p.time.Before(q.From) || !p.time.Before(q.To) || q.Unit != "" && q.Unit != p.unit {
			continue
		}
		start := p.time.UTC().Truncate(q.Period)
		b, ok := buckets[start]
		if !ok {
			b = Bucket{Start: start, Unit: p.unit}
		}
		buckets[start] = b.merge(p.Bucket)
	}
	var list []Bucket
	for _, b := range buckets {
		list = append(list, b)
	}
	slices.SortFunc(list, func(x, y Bucket) int { return x.Start.Compare(y.Start) })
	return list
}
