// Package putmetrics publishes metrics by PutMetricData, for functions that can reach CloudWatch. The others write them
// as log lines: see metrics.
package putmetrics

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"example.com/s3-endpoint-guard/internal/metrics"
)

// Limits of one call: number of data, and number of values in a datum.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
const (
	maxData   = 1000
	maxValues = 150
)

// API contains the call that [Publisher] makes.
type API interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

// Publisher publishes metrics of one bucket or, if Bucket is "", of a guard of many buckets by the name of its stack.
type Publisher struct {
	API           API
	Bucket, Stack string
}

// Put publishes data with one call. It omits data without values. If there are more data or values than a call accepts,
// it returns an error and publishes nothing.
func (p *Publisher) Put(ctx context.Context, at time.Time, data ...metrics.Datum) error {
	in := &cloudwatch.PutMetricDataInput{Namespace: aws.String(metrics.Namespace)}
	for _, d := range data {
		if len(d.Values) > maxValues {
			return fmt.Errorf("publishing %s: %d values, want at most %d", d.Name, len(d.Values), maxValues)
		}
		if len(d.Values) > 0 {
			in.MetricData = append(in.MetricData, p.datum(at, d))
		}
	}
	switch n := len(in.MetricData); {
	case n == 0:
		return nil
	case n > maxData:
		return fmt.Errorf("publishing metrics: %d data, want at most %d", n, maxData)
	}
	if _, err := p.API.PutMetricData(ctx, in); err != nil {
		return fmt.Errorf("publishing metrics: %w", err)
	}
	return nil
}

func (p *Publisher) datum(at time.Time, d metrics.Datum) types.MetricDatum {
	name, value := metrics.Dimension, p.Bucket
	if value == "" {
		name, value = metrics.OfTheStack, p.Stack
	}
	dimensions := []types.Dimension{{Name: &name, Value: &value}}
	if d.Detail.Name != "" {
		dimensions = append(dimensions, types.Dimension{Name: &d.Detail.Name, Value: &d.Detail.Value})
	}
	return types.MetricDatum{
		MetricName: aws.String(string(d.Name)), Unit: types.StandardUnit(d.Unit), Timestamp: &at,
		Dimensions: dimensions, Values: d.Values,
	}
}
