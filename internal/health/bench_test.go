package health_test

import (
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/health"
)

// BenchmarkJudge measures the judgement of a run, which also compares the deployment as it was last read.
func BenchmarkJudge(b *testing.B) {
	s := healthySnapshot()
	s.Time, s.Deployment.Value = deployed.Add(time.Hour), stack()
	for range 110 {
		s.Deployment.Value.Resources[time.Now().String()] = health.Resource{PhysicalID: "x", Type: "AWS::Events::Rule", Changed: deployed}
	}
	s.Deployment.Value.Failures.Err, s.Deployment.Value.Topic.Err = nil, nil
	for b.Loop() {
		terms().Judge(s)
	}
}
