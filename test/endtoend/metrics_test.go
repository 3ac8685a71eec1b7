package endtoend_test

import (
	"time"

	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
)

// sum returns the sum of a metric's values since the start of the last watch.
func (s *scene) sum(name metrics.Name) float64 {
	var sum float64
	for _, b := range s.statistics(name) {
		sum += b.Sum
	}
	return sum
}

// statistics returns a metric's values in CloudWatch.
func (s *scene) statistics(name metrics.Name) []cloudwatch.Bucket {
	now := s.Clock.Now()
	return s.CloudWatch.Statistics(cloudwatch.Query{
		Metric: cloudwatch.Metric{
			Namespace: metrics.Namespace, Name: string(name),
			Dimensions: []cloudwatch.Dimension{{Name: metrics.Dimension, Value: s.bucket}},
		},
		Period: time.Minute, From: now.Add(-time.Hour), To: now.Add(time.Hour),
	})
}
