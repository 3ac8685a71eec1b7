package cloudwatch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// noon is the time of all tests.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// start makes a CloudWatch whose clock is fixed at noon, and a client with the permissions of a policy.
func start(t *testing.T, policy string) (*cloudwatch.Service, *sdk.Client, aws.Config) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{Now: func() time.Time { return noon }})
	s := cloudwatch.New(gate.Options())
	gate.Add(s)
	config := localtest.Config(t, gate, policy)
	return s, sdk.NewFromConfig(config), config
}

// put publishes values of one metric with the same time.
func put(t *testing.T, s *cloudwatch.Service, name string, at time.Time, values ...float64) {
	t.Helper()
	if err := s.Put("Test", cloudwatch.Datum{Name: name, Time: at, Values: values}); err != nil {
		t.Fatal(err)
	}
}

func TestPutMetricDataAndGetMetricStatisticsThroughTheSDK(t *testing.T) {
	_, client, _ := start(t, localtest.Everything)
	bucket := []types.Dimension{{Name: aws.String("Bucket"), Value: aws.String("docs")}}
	localtest.Must(client.PutMetricData(t.Context(), &sdk.PutMetricDataInput{Namespace: aws.String("S3EndpointGuard"), MetricData: []types.MetricDatum{
		{MetricName: aws.String("TimeToCorrect"), Dimensions: bucket, Unit: types.StandardUnitMilliseconds, Values: []float64{100, 300}, Counts: []float64{3, 1}},
		{MetricName: aws.String("TimeToCorrect"), Dimensions: bucket, Unit: types.StandardUnitMilliseconds, Value: aws.Float64(500), Timestamp: aws.Time(noon.Add(-90 * time.Second))},
	}}))(t)
	out := localtest.Must(client.GetMetricStatistics(t.Context(), &sdk.GetMetricStatisticsInput{
		Namespace: aws.String("S3EndpointGuard"), MetricName: aws.String("TimeToCorrect"), Dimensions: bucket, Period: aws.Int32(60),
		StartTime: aws.Time(noon.Add(-time.Hour)), EndTime: aws.Time(noon.Add(time.Minute)),
		Statistics: []types.Statistic{"Sum", "SampleCount", "Maximum"}, ExtendedStatistics: []string{"p50", "p90"},
	}))(t)
	var got []string
	for _, p := range out.Datapoints {
		got = append(got, fmt.Sprintf("%s: %v of %v up to %v, %v %s", p.Timestamp.Format(time.TimeOnly), *p.Sum, *p.SampleCount, *p.Maximum, p.ExtendedStatistics, p.Unit))
	}
	want := []string{
		"11:58:00: 500 of 1 up to 500, map[p50:500 p90:500] Milliseconds",
		"12:00:00: 600 of 4 up to 300, map[p50:100 p90:300] Milliseconds",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("data points (-want +got):\n%s", diff)
	}
}

func TestLargeRequestsMayBeCompressed(t *testing.T) {
	s, client, _ := start(t, localtest.Everything)
	in := &sdk.PutMetricDataInput{Namespace: aws.String("Test")}
	for i := range 1000 {
		in.MetricData = append(in.MetricData, types.MetricDatum{MetricName: aws.String(fmt.Sprintf("Metric%d", i)), Value: aws.Float64(1)})
	}
	localtest.Must(client.PutMetricData(t.Context(), in))(t)
	if got := len(s.Metrics()); got != 1000 {
		t.Errorf("metrics = %d, want 1000", got)
	}
}

func TestPutMetricDataRefusesWhatCloudWatchRefuses(t *testing.T) {
	_, client, _ := start(t, localtest.Everything)
	datum := func(change func(*types.MetricDatum)) []types.MetricDatum {
		d := types.MetricDatum{MetricName: aws.String("M"), Value: aws.Float64(1)}
		change(&d)
		return []types.MetricDatum{d}
	}
	same := func(*types.MetricDatum) {}
	for name, v := range map[string]struct {
		namespace string
		data      []types.MetricDatum
		want      string
	}{
		"AWS's own namespace":     {"AWS/S3", datum(same), "InvalidParameterValue"},
		"no name":                 {"Test", datum(func(d *types.MetricDatum) { d.MetricName = aws.String("") }), "MissingParameter"},
		"no value":                {"Test", datum(func(d *types.MetricDatum) { d.Value = nil }), "MissingParameter"},
		"a unit that is none":     {"Test", datum(func(d *types.MetricDatum) { d.Unit = "Furlongs" }), "InvalidParameterValue"},
		"a value and a set":       {"Test", datum(func(d *types.MetricDatum) { d.StatisticValues = set(1, 1, 1, 1) }), "InvalidParameterCombination"},
		"counts without values":   {"Test", datum(func(d *types.MetricDatum) { d.Counts = []float64{1, 2} }), "InvalidParameterValue"},
		"data older than 2 weeks": {"Test", datum(func(d *types.MetricDatum) { d.Timestamp = aws.Time(noon.AddDate(0, 0, -15)) }), "InvalidParameterValue"},
		"a dimension twice":       {"Test", datum(func(d *types.MetricDatum) { d.Dimensions = []types.Dimension{dimension("a", "1"), dimension("a", "2")} }), "InvalidParameterValue"},
		"an empty dimension":      {"Test", datum(func(d *types.MetricDatum) { d.Dimensions = []types.Dimension{dimension("a", "")} }), "InvalidParameterValue"},
		"151 values":              {"Test", datum(func(d *types.MetricDatum) { d.Value, d.Values = nil, make([]float64, 151) }), "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.PutMetricData(t.Context(), &sdk.PutMetricDataInput{Namespace: &v.namespace, MetricData: v.data})
			if got := localtest.Code(err); got != v.want {
				t.Errorf("PutMetricData = %v, want %s", err, v.want)
			}
		})
	}
}

func dimension(name, value string) types.Dimension {
	return types.Dimension{Name: &name, Value: &value}
}

func set(count, sum, least, most float64) *types.StatisticSet {
	return &types.StatisticSet{SampleCount: &count, Sum: &sum, Minimum: &least, Maximum: &most}
}

func TestPutMetricDataIsLimitedToANamespace(t *testing.T) {
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*",
		"Condition":{"StringEquals":{"cloudwatch:namespace":"S3EndpointGuard"}}}]}`
	_, client, _ := start(t, policy)
	for namespace, want := range map[string]string{"S3EndpointGuard": "", "Other": "AccessDenied"} {
		_, err := client.PutMetricData(t.Context(), &sdk.PutMetricDataInput{Namespace: &namespace, MetricData: []types.MetricDatum{{MetricName: aws.String("M"), Value: aws.Float64(1)}}})
		if got := localtest.Code(err); got != want {
			t.Errorf("PutMetricData(%s) = %q, want %q", namespace, got, want)
		}
	}
}

func TestGetMetricDataAnswersSeveralQueries(t *testing.T) {
	s, client, _ := start(t, localtest.Everything)
	put(t, s, "A", noon.Add(-2*time.Minute), 1, 2)
	put(t, s, "A", noon.Add(-time.Minute), 5)
	stat := func(id, name, statistic string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("Test"), MetricName: &name}, Period: aws.Int32(60), Stat: &statistic,
		}}
	}
	in := &sdk.GetMetricDataInput{
		StartTime: aws.Time(noon.Add(-time.Hour)), EndTime: &noon,
		MetricDataQueries: []types.MetricDataQuery{stat("a", "A", "Sum"), stat("b", "B", "Sum")},
	}
	out := localtest.Must(client.GetMetricData(t.Context(), in))(t)
	if diff := cmp.Diff([]float64{5, 3}, out.MetricDataResults[0].Values); diff != "" {
		t.Errorf("sums, newest first (-want +got):\n%s", diff)
	}
	if got := out.MetricDataResults[1]; len(got.Values) != 0 || got.StatusCode != types.StatusCodeComplete {
		t.Errorf("a metric without data = %+v, want a complete answer without values", got)
	}
	in.MetricDataQueries = []types.MetricDataQuery{{Id: aws.String("e"), Expression: aws.String("a+b")}}
	if _, err := client.GetMetricData(t.Context(), in); localtest.Code(err) != "ValidationError" {
		t.Errorf("metric math = %v, want ValidationError", err)
	}
}

func TestListMetricsFilters(t *testing.T) {
	s, client, _ := start(t, localtest.Everything)
	for _, bucket := range []string{"docs", "photos"} {
		if err := s.Put("Test", cloudwatch.Datum{Name: "M", Dimensions: []cloudwatch.Dimension{{Name: "Bucket", Value: bucket}}, Values: []float64{1}}); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, "N", noon, 1)
	for name, v := range map[string]struct {
		in   sdk.ListMetricsInput
		want int
	}{
		"all":                    {sdk.ListMetricsInput{}, 3},
		"by name":                {sdk.ListMetricsInput{MetricName: aws.String("M")}, 2},
		"by namespace":           {sdk.ListMetricsInput{Namespace: aws.String("Other")}, 0},
		"by dimension":           {sdk.ListMetricsInput{Dimensions: []types.DimensionFilter{{Name: aws.String("Bucket")}}}, 2},
		"by dimension and value": {sdk.ListMetricsInput{Dimensions: []types.DimensionFilter{{Name: aws.String("Bucket"), Value: aws.String("docs")}}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			out := localtest.Must(client.ListMetrics(t.Context(), &v.in))(t)
			if len(out.Metrics) != v.want {
				t.Errorf("ListMetrics = %d, want %d", len(out.Metrics), v.want)
			}
		})
	}
}

func TestStatisticsOfAPeriod(t *testing.T) {
	s, _, _ := start(t, localtest.Everything)
	put(t, s, "M", noon, 4, 1, 3, 2)
	put(t, s, "M", noon.Add(59*time.Second), 10)
	put(t, s, "M", noon.Add(time.Minute), 100)
	buckets := s.Statistics(cloudwatch.Query{
		Metric: cloudwatch.Metric{Namespace: "Test", Name: "M"}, Period: time.Minute, From: noon, To: noon.Add(time.Minute),
	})
	if len(buckets) != 1 {
		t.Fatalf("Statistics = %d periods, want 1", len(buckets))
	}
	for statistic, want := range map[string]float64{
		"SampleCount": 5, "Sum": 20, "Average": 4, "Minimum": 1, "Maximum": 10, "p0": 1, "p50": 3, "p90": 10, "p100": 10,
	} {
		if got, ok := buckets[0].Value(statistic); !ok || got != want {
			t.Errorf("Value(%s) = %v, %t, want %v", statistic, got, ok, want)
		}
	}
	for _, statistic := range []string{"tm90", "p101", "pfoo", "sum"} {
		if _, ok := buckets[0].Value(statistic); ok {
			t.Errorf("Value(%s) is ok, want not", statistic)
		}
	}
}

func TestPercentilesOfStatisticSetsAreUnknown(t *testing.T) {
	s, _, _ := start(t, localtest.Everything)
	for name, v := range map[string]struct {
		set  cloudwatch.StatisticSet
		want bool
	}{
		"of different values": {cloudwatch.StatisticSet{SampleCount: 2, Sum: 3, Minimum: 1, Maximum: 2}, false},
		"of one value":        {cloudwatch.StatisticSet{SampleCount: 3, Sum: 6, Minimum: 2, Maximum: 2}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s.Reset()
			if err := s.Put("Test", cloudwatch.Datum{Name: "M", Time: noon, Set: &v.set}); err != nil {
				t.Fatal(err)
			}
			bucket := s.Statistics(cloudwatch.Query{Metric: cloudwatch.Metric{Namespace: "Test", Name: "M"}, Period: time.Minute, From: noon, To: noon.Add(time.Minute)})[0]
			if _, ok := bucket.Value("p90"); ok != v.want || bucket.SampleCount != v.set.SampleCount {
				t.Errorf("p90 is known = %t, want %t; %v samples", ok, v.want, bucket.SampleCount)
			}
		})
	}
}

func TestEMFLinesBecomeMetricData(t *testing.T) {
	s, _, _ := start(t, localtest.Everything)
	line := fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"S3EndpointGuard","Dimensions":[["Bucket"],["Bucket","Resource"]],
		"Metrics":[{"Name":"DriftDetected","Unit":"Count"},{"Name":"TimeToCorrect","Unit":"Milliseconds"}]}]},
		"Bucket":"docs","Resource":"bucket-policy","DriftDetected":1,"TimeToCorrect":[10,20],"note":"not a metric"}`, noon.UnixMilli())
	if err := s.PutEMF([]byte(line)); err != nil {
		t.Fatal(err)
	}
	if got := len(s.Metrics()); got != 4 {
		t.Errorf("metrics = %d, want two metrics for two sets of dimensions", got)
	}
	buckets := s.Statistics(cloudwatch.Query{
		Metric: cloudwatch.Metric{Namespace: "S3EndpointGuard", Name: "TimeToCorrect", Dimensions: []cloudwatch.Dimension{{Name: "Resource", Value: "bucket-policy"}, {Name: "Bucket", Value: "docs"}}},
		Period: time.Minute, From: noon, To: noon.Add(time.Minute), Unit: "Milliseconds",
	})
	if len(buckets) != 1 || buckets[0].Sum != 30 || buckets[0].SampleCount != 2 {
		t.Errorf("TimeToCorrect = %+v, want 30 of 2", buckets)
	}
}

func TestEMFLinesThatAreNotRightAreCounted(t *testing.T) {
	emf := func(metadata, members string) string { return `{"_aws":` + metadata + members + `}` }
	directive := func(dimensions, metrics string) string {
		return fmt.Sprintf(`{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[[%s]],"Metrics":[%s]}]}`, noon.UnixMilli(), dimensions, metrics)
	}
	const metric = `{"Name":"M","Unit":"Count"}`
	for name, v := range map[string]struct {
		line string
		want int
	}{
		"right":                        {emf(directive(`"D"`, metric), `,"D":"d","M":1`), 0},
		"an ordinary line of text":     {"corrected bucket-policy", 0},
		"an ordinary line of JSON":     {`{"message":"corrected"}`, 0},
		"metadata of another shape":    {emf(`[]`, ``), 1},
		"no timestamp":                 {emf(`{"CloudWatchMetrics":[]}`, ``), 1},
		"a dimension that is missing":  {emf(directive(`"D"`, metric), `,"M":1`), 1},
		"a dimension that is a number": {emf(directive(`"D"`, metric), `,"D":1,"M":1`), 1},
		"a metric that is missing":     {emf(directive(`"D"`, metric), `,"D":"d"`), 1},
		"a metric that is text":        {emf(directive(`"D"`, metric), `,"D":"d","M":"1"`), 1},
		"a unit that is none":          {emf(directive(`"D"`, `{"Name":"M","Unit":"Furlongs"}`), `,"D":"d","M":1`), 1},
		"101 metrics":                  {emf(directive(`"D"`, strings.TrimSuffix(strings.Repeat(metric+",", 101), ",")), `,"D":"d","M":1`), 1},
		"a line over 256 KB":           {emf(directive(`"D"`, metric), `,"D":"d","M":1,"x":"`+strings.Repeat("x", 256<<10)+`"`), 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := start(t, localtest.Everything)
			err := s.PutEMF([]byte(v.line))
			if s.EMFErrors() != v.want || (err != nil) != (v.want > 0) {
				t.Errorf("PutEMF = %v, and %d errors are counted, want %d", err, s.EMFErrors(), v.want)
			}
			if v.want > 0 && len(s.Metrics()) > 0 {
				t.Error("an invalid line stored data")
			}
		})
	}
}

func TestAlarmsAreSilencedAndDeleted(t *testing.T) {
	s, client, _ := start(t, localtest.Everything)
	putAlarm(t, s, above(1, 1, "missing"))
	name := s.Alarms()[0].Name
	described := func() types.MetricAlarm {
		all := localtest.Must(client.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{AlarmNamePrefix: &name}))(t).MetricAlarms
		if len(all) != 1 {
			t.Fatalf("%d alarms, want 1", len(all))
		}
		return all[0]
	}
	before := described()
	localtest.Must(client.DisableAlarmActions(t.Context(), &sdk.DisableAlarmActionsInput{AlarmNames: []string{name}}))(t)
	if after := described(); *after.ActionsEnabled || after.AlarmConfigurationUpdatedTimestamp.Before(*before.AlarmConfigurationUpdatedTimestamp) {
		t.Errorf("after DisableAlarmActions: enabled %t, changed at %v, before %v", *after.ActionsEnabled, after.AlarmConfigurationUpdatedTimestamp, before.AlarmConfigurationUpdatedTimestamp)
	}
	localtest.Must(client.EnableAlarmActions(t.Context(), &sdk.EnableAlarmActionsInput{AlarmNames: []string{name}}))(t)
	if !*described().ActionsEnabled {
		t.Error("the actions are not enabled again")
	}
	localtest.Must(client.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{name}}))(t)
	if got := s.Alarms(); len(got) != 0 {
		t.Errorf("%d alarms after DeleteAlarms, want none", len(got))
	}
	_, err := client.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{name}})
	if code := localtest.Code(err); code != "ResourceNotFound" {
		t.Errorf("DeleteAlarms of an alarm that is gone = %v, want ResourceNotFound", err)
	}
}
