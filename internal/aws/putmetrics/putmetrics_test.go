package putmetrics_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/s3-endpoint-guard/internal/aws/putmetrics"
	"example.com/s3-endpoint-guard/internal/metrics"
)

// fake records the calls.
type fake struct {
	err error
	got []*cloudwatch.PutMetricDataInput
}

func (f *fake) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	f.got = append(f.got, in)
	return &cloudwatch.PutMetricDataOutput{}, f.err
}

var at = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

func count(name metrics.Name, values ...float64) metrics.Datum {
	return metrics.Datum{Name: name, Unit: metrics.Count, Values: values}
}

func TestPutPublishesAllDataWithOneCall(t *testing.T) {
	f := &fake{}
	failed := count(metrics.CheckFailed, 1)
	failed.Detail = metrics.Detail{Name: metrics.ByCheck, Value: "trail"}
	err := (&putmetrics.Publisher{API: f, Bucket: "docs-example"}).Put(t.Context(), at, count(metrics.HealthyZones, 2), count(metrics.EndpointIdle), failed)
	bucket := types.Dimension{Name: aws.String("Bucket"), Value: aws.String("docs-example")}
	want := []*cloudwatch.PutMetricDataInput{{Namespace: aws.String("S3EndpointGuard"), MetricData: []types.MetricDatum{
		{MetricName: aws.String("HealthyZones"), Unit: types.StandardUnitCount, Timestamp: &at, Values: []float64{2}, Dimensions: []types.Dimension{bucket}},
		{MetricName: aws.String("CheckFailed"), Unit: types.StandardUnitCount, Timestamp: &at, Values: []float64{1},
			Dimensions: []types.Dimension{bucket, {Name: aws.String("Check"), Value: aws.String("trail")}}},
	}}}
	ignore := cmpopts.IgnoreUnexported(cloudwatch.PutMetricDataInput{}, types.MetricDatum{}, types.Dimension{})
	if diff := cmp.Diff(want, f.got, ignore); diff != "" || err != nil {
		t.Errorf("err %v, calls (-want +got):\n%s", err, diff)
	}
}

func TestPutStaysWithinTheCallsLimits(t *testing.T) {
	for name, c := range map[string]struct {
		data  []metrics.Datum
		calls int
		fails bool
	}{
		"nothing":         {nil, 0, false},
		"as much as goes": {make([]metrics.Datum, 1000), 1, false},
		"too many data":   {make([]metrics.Datum, 1001), 0, true},
		"too many values": {[]metrics.Datum{count(metrics.HealthyZones, make([]float64, 151)...)}, 0, true},
	} {
		for i := range c.data {
			if c.data[i].Name == "" {
				c.data[i] = count(metrics.HealthyZones, 1)
			}
		}
		f := &fake{}
		err := (&putmetrics.Publisher{API: f, Bucket: "b"}).Put(t.Context(), at, c.data...)
		if len(f.got) != c.calls || (err != nil) != c.fails {
			t.Errorf("%s: %d calls and %v, want %d", name, len(f.got), err, c.calls)
		}
	}
}

func TestPutReturnsWhyItFailed(t *testing.T) {
	f := &fake{err: errors.New("refused")}
	if err := (&putmetrics.Publisher{API: f, Bucket: "b"}).Put(t.Context(), at, count(metrics.HealthyZones, 1)); !errors.Is(err, f.err) {
		t.Errorf("Put = %v, want %v", err, f.err)
	}
}
