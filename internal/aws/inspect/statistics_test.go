package inspect_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/internal/health"
)

// fakeCloudWatch returns two data points, with sums of 3 each or counts of 3 and 5, and records its requests.
type fakeCloudWatch struct {
	err   error
	mu    sync.Mutex
	asked map[string]*cloudwatch.GetMetricStatisticsInput
}

func (f *fakeCloudWatch) GetMetricStatistics(_ context.Context, in *cloudwatch.GetMetricStatisticsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked == nil {
		f.asked = map[string]*cloudwatch.GetMetricStatisticsInput{}
	}
	f.asked[*in.MetricName] = in
	points := []types.Datapoint{{Sum: aws.Float64(3)}, {Sum: aws.Float64(3)}}
	if in.Statistics[0] == types.StatisticSampleCount {
		points = []types.Datapoint{{SampleCount: aws.Float64(3)}, {SampleCount: aws.Float64(5)}}
	}
	return &cloudwatch.GetMetricStatisticsOutput{Datapoints: points}, f.err
}

var now = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

func statistics(f *fakeCloudWatch) *inspect.Statistics {
	return &inspect.Statistics{API: f, Bucket: "docs-example", EndpointID: "vpce-1", VPCID: "vpc-1", Service: "com.amazonaws.eu-central-1.s3"}
}

func TestVolumeAddsUpTheEndpointsBytesAndTheProbes(t *testing.T) {
	f := &fakeCloudWatch{}
	got, err := statistics(f).ReadVolume(t.Context(), now, 48*time.Hour)
	if want := (health.Volume{Total: 6, Probe: 6}); err != nil || got != want {
		t.Errorf("ReadVolume = %v, %v, want %v", got, err, want)
	}
	var dimensions []string
	for _, d := range f.asked["BytesProcessed"].Dimensions {
		dimensions = append(dimensions, *d.Name+"="+*d.Value)
	}
	// docs/facts.md: VPC endpoints
	want := []string{"Endpoint Type=Interface", "Service Name=com.amazonaws.eu-central-1.s3", "VPC Endpoint Id=vpce-1", "VPC Id=vpc-1"}
	if diff := cmp.Diff(want, dimensions); diff != "" {
		t.Errorf("dimensions (-want +got):\n%s", diff)
	}
	if asked := f.asked["ProbeBytes"]; *asked.Namespace != "S3EndpointGuard" || *asked.Dimensions[0].Value != "docs-example" ||
		!asked.StartTime.Equal(now.Add(-48*time.Hour)) || *asked.Period != 86400 {
		t.Errorf("asked for %+v, want our bucket's metric of two days", asked)
	}
}

func TestSweepsCountsTheRunsByMinutes(t *testing.T) {
	f := &fakeCloudWatch{}
	if got, err := statistics(f).ReadSweeps(t.Context(), now, 7*time.Minute); err != nil || got != (health.SweepCount{Minutes: 2, Busiest: 5}) {
		t.Errorf("ReadSweeps = %+v, %v, want two minutes, of which the busiest has 5 runs", got, err)
	}
	if asked := f.asked["OpenDrift"]; asked == nil || !asked.StartTime.Equal(now.Add(-7*time.Minute)) {
		t.Errorf("asked for %+v, want OpenDrift of seven minutes", f.asked)
	}
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	f := &fakeCloudWatch{err: errors.New("refused")}
	if _, err := statistics(f).ReadVolume(t.Context(), now, time.Hour); !errors.Is(err, f.err) || !strings.Contains(err.Error(), "metric BytesProcessed: ") {
		t.Errorf("ReadVolume = %v, want the metric and the reason", err)
	}
	if _, err := statistics(f).ReadSweeps(t.Context(), now, time.Hour); !errors.Is(err, f.err) {
		t.Errorf("ReadSweeps = %v, want the reason", err)
	}
}
