package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// StatisticsAPI has the call that [Statistics] makes. GetMetricStatistics is free for the first million calls a month;
// GetMetricData is not. https://aws.amazon.com/cloudwatch/pricing/
type StatisticsAPI interface {
	GetMetricStatistics(context.Context, *cloudwatch.GetMetricStatisticsInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error)
}

// Statistics reads sums of metrics.
type Statistics struct {
	API StatisticsAPI
	// Bucket is the dimension of our own metrics.
	Bucket string
	// EndpointID, VPCID and Service are the dimensions of the endpoint's metrics.
	EndpointID, VPCID, Service string
}

// ReadSweeps counts the correction runs that published their metrics in the time before now, by minutes.
func (s *Statistics) ReadSweeps(ctx context.Context, now time.Time, within time.Duration) (health.SweepCount, error) {
	minutes, err := s.periods(ctx, query{
		name: string(metrics.OpenDrift), namespace: metrics.Namespace, dimensions: s.ours(),
		statistic: types.StatisticSampleCount, from: now.Add(-within), to: now.Add(time.Minute), period: time.Minute,
	})
	return health.SweepCount{Minutes: len(minutes), Busiest: int(slices.Max(append(minutes, 0)))}, err
}

// ReadVolume returns how many bytes passed the endpoint in the time before now, in whole days, and how many of them were
// the probe's.
func (s *Statistics) ReadVolume(ctx context.Context, now time.Time, within time.Duration) (health.Volume, error) {
	q := query{statistic: types.StatisticSum, from: now.Add(-within), to: now, period: 24 * time.Hour}
	total, probe := q, q
	total.name, total.namespace, total.dimensions = "BytesProcessed", "AWS/PrivateLinkEndpoints", s.theirs()
	probe.name, probe.namespace, probe.dimensions = string(metrics.ProbeBytes), metrics.Namespace, s.ours()
	sums, err := parallel.Map([]query{total, probe}, func(q query) (float64, error) { return s.total(ctx, q) })
	return health.Volume{Total: sums[0], Probe: sums[1]}, err
}

func (s *Statistics) ours() []types.Dimension { return dimensions(metrics.Dimension, s.Bucket) }

// theirs returns the dimensions of the endpoint's metrics. docs/facts.md: VPC endpoints
func (s *Statistics) theirs() []types.Dimension {
	return dimensions("Endpoint Type", "Interface", "Service Name", s.Service, "VPC Endpoint Id", s.EndpointID, "VPC Id", s.VPCID)
}

// dimensions takes names and values in turn.
func dimensions(pairs ...string) []types.Dimension {
	var list []types.Dimension
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.Dimension{Name: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

// query is a request for one statistic of one metric from one time to another.
type query struct {
	name, namespace string
	dimensions      []types.Dimension
	statistic       types.Statistic
	from, to        time.Time
	period          time.Duration
}

// total adds up a query's periods; 0 if there are no data.
func (s *Statistics) total(ctx context.Context, q query) (float64, error) {
	sum := 0.0
	values, err := s.periods(ctx, q)
	for _, value := range values {
		sum += value
	}
	return sum, err
}

// periods returns a query's values in no order, without the periods that have no data.
func (s *Statistics) periods(ctx context.Context, q query) ([]float64, error) {
	answer, err := s.API.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		MetricName: &q.name, Namespace: &q.namespace, Dimensions: q.dimensions, Statistics: []types.Statistic{q.statistic},
		StartTime: &q.from, EndTime: &q.to, Period: aws.Int32(int32(q.period / time.Second)),
	})
	if err != nil {
		return nil, fmt.Errorf("metric %s: %w", q.name, err)
	}
	var values []float64
	for _, p := range answer.Datapoints {
		values = append(values, aws.ToFloat64(p.Sum)+aws.ToFloat64(p.SampleCount))
	}
	return values, nil
}
