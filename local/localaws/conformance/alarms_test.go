package conformance_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
)

// alarmCases are the cases on CloudWatch. Their calls are JSON, as those of the AWS CLI: moto does not speak CBOR, as the Go
// SDK does. Where moto differs, these pages decide:
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html (AWS's namespaces)
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html (names of no alarm)
func alarmCases() []testCase {
	const gone, noComposite = "ResourceNotFound", "does not know PutCompositeAlarm in JSON"
	return []testCase{
		{name: "metric data are stored and summed up", ops: []op{
			measure("Conformance", 1), measure("Conformance", 2), summed(3), queried(3),
		}},
		{name: "a metric is listed once", moto: "lists it for each call", ops: []op{measure("Conformance", 1), measure("Conformance", 2), metricListed(1)}},
		{name: "a metric without data is not listed", ops: []op{metricListed(0), summed(0), queried(0)}},
		{name: "AWS's own namespaces take no metric data", moto: "takes them", ops: []op{refused("InvalidParameterValue", measure("AWS/S3", 1))}},
		{name: "an alarm is described as it was put", ops: []op{
			putAlarm("a", nil), alarms("a MetricAlarm true"), alarmThreshold("a", 1), putAlarm("a", members{"Threshold": 2}), alarms("a MetricAlarm true"), alarmThreshold("a", 2),
		}},
		{name: "an alarm on one metric is described with this metric", ops: []op{putAlarm("a", nil), alarmMetric("a")}},
		{name: "alarms are described by the beginning of their names", ops: []op{putAlarm("a", nil), putAlarm("b", nil), alarms("a MetricAlarm true", "b MetricAlarm true")}},
		{name: "alarms are described by their names", ops: []op{putAlarm("a", nil), putAlarm("b", nil), alarmsNamed([]string{"a", "none"}, "a")}},
		{name: "a composite alarm is described only on demand", moto: noComposite, ops: []op{
			putAlarm("a", nil), putComposite("b", "a"), alarms("a MetricAlarm true", "b CompositeAlarm true"), alarmsOf(nil, "a MetricAlarm true"),
		}},
		{name: "the actions of alarms are disabled and enabled", moto: "does not know the calls", ops: []op{
			putAlarm("a", nil), putAlarm("b", nil), actions("Disable", "a"), alarms("a MetricAlarm false", "b MetricAlarm true"),
			actions("Enable", "a"), alarms("a MetricAlarm true", "b MetricAlarm true"),
		}},
		{name: "the actions of a composite alarm are disabled", moto: noComposite, ops: []op{
			putAlarm("a", nil), putComposite("b", "a"), actions("Disable", "b"), alarms("a MetricAlarm true", "b CompositeAlarm false"),
		}},
		{name: "alarms are deleted", ops: []op{putAlarm("a", nil), putAlarm("b", nil), deleteAlarms("a"), alarms("b MetricAlarm true")}},
		{name: "a name of no alarm does not keep the others", moto: "says nothing", ops: []op{
			putAlarm("a", nil), refused(gone, deleteAlarms("none", "a")), alarms(),
		}},
		{name: "a dashboard is read as it was put", ops: []op{putDashboard("a", `{"widgets":[]}`), dashboardBody("a", `{"widgets":[]}`)}},
		{name: "a dashboard that is no JSON is refused", ops: []op{refused("InvalidParameterInput", putDashboard("a", "no JSON")), dashboards()}},
		{name: "dashboards are listed by the beginning of their names until they are deleted", ops: []op{
			putDashboard("a", `{"widgets":[]}`), putDashboard("b", `{"widgets":[]}`), dashboards("a", "b"), deleteDashboards("a"), dashboards("b"), deleteDashboards("b"), dashboards(),
		}},
		{name: "a dashboard that there is not is not read or deleted", ops: []op{refused(gone, deleteDashboards("none")), refused(gone, dashboardBody("none", ""))}},
		{name: "dashboards are deleted all or none", ops: []op{putDashboard("a", `{"widgets":[]}`), refused(gone, deleteDashboards("a", "none")), dashboards("a")}},
	}
}

// cloudWatch is CloudWatch's protocol.
var cloudWatch = awscall.JSON("CloudWatch", "monitoring", "GraniteServiceVersion20100801", "1.0")

// members are the parameters of a call.
type members map[string]any

// cloudwatch makes a call to CloudWatch.
func (s *scene) cloudwatch(ctx context.Context, call string, in members, out any) error {
	return awscall.New(s.config, cloudWatch).Call(ctx, call, in, out)
}

// ownNames returns the scene's own names, for names that are the same in all scenes.
func (s *scene) ownNames(names []string) (own []string) {
	for _, name := range names {
		own = append(own, s.name+"-"+name)
	}
	return own
}

// nothing is an answer without members.
type nothing struct{}

// measure publishes one value, named after the scene.
func measure(namespace string, value float64) op {
	return func(ctx context.Context, s *scene) error {
		return s.cloudwatch(ctx, "PutMetricData", members{"Namespace": namespace, "MetricData": []members{{"MetricName": s.name, "Value": value}}}, &nothing{})
	}
}

// span is from an hour ago to an hour from now, with one period for both.
func span(in members) members {
	in["StartTime"], in["EndTime"] = time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	return in
}

// summed expects the sum of the recently published values.
func summed(want float64) op {
	return func(ctx context.Context, s *scene) error {
		var out struct{ Datapoints []struct{ Sum float64 } }
		err := s.cloudwatch(ctx, "GetMetricStatistics", span(members{
			"Namespace": "Conformance", "MetricName": s.name, "Period": 3600, "Statistics": []string{"Sum"},
		}), &out)
		got := 0.0
		for _, point := range out.Datapoints {
			got += point.Sum
		}
		if err == nil && got != want {
			err = differs("sum", got, want)
		}
		return err
	}
}

// queried expects the sum of the recently published values by the other call.
func queried(want float64) op {
	return func(ctx context.Context, s *scene) error {
		var out struct {
			MetricDataResults []struct {
				Id, Label string
				Values    []float64
			}
		}
		err := s.cloudwatch(ctx, "GetMetricData", span(members{"MetricDataQueries": []members{{"Id": "q", "MetricStat": members{
			"Metric": members{"Namespace": "Conformance", "MetricName": s.name}, "Period": 3600, "Stat": "Sum",
		}}}}), &out)
		if err != nil {
			return err
		}
		got := 0.0
		for _, value := range out.MetricDataResults[0].Values {
			got += value
		}
		if r := out.MetricDataResults[0]; r.Id != "q" || got != want {
			return differs("result", r, want)
		}
		return nil
	}
}

// metricListed expects this number of metrics with the scene's name.
func metricListed(want int) op {
	return func(ctx context.Context, s *scene) error {
		var out struct{ Metrics []struct{ MetricName string } }
		err := s.cloudwatch(ctx, "ListMetrics", members{"Namespace": "Conformance", "MetricName": s.name}, &out)
		if err == nil && len(out.Metrics) != want {
			err = differs("metrics", out.Metrics, want)
		}
		return err
	}
}

// putAlarm puts an alarm on the scene's metric, with other members.
func putAlarm(name string, other members) op {
	return func(ctx context.Context, s *scene) error {
		in := members{
			"AlarmName": s.name + "-" + name, "Namespace": "Conformance", "MetricName": s.name, "Statistic": "Sum", "Period": 60,
			"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
		}
		maps.Copy(in, other)
		return s.cloudwatch(ctx, "PutMetricAlarm", in, &nothing{})
	}
}

// putComposite puts an alarm on another.
func putComposite(name, on string) op {
	return func(ctx context.Context, s *scene) error {
		return s.cloudwatch(ctx, "PutCompositeAlarm", members{"AlarmName": s.name + "-" + name, "AlarmRule": `ALARM("` + s.name + "-" + on + `")`}, &nothing{})
	}
}

// alarm is an alarm in an answer.
type alarm struct {
	AlarmName, AlarmArn                  string
	ActionsEnabled                       bool
	Threshold                            float64
	MetricName, Namespace, Statistic     string
	Period, EvaluationPeriods            int
	Metrics                              []any
	ComparisonOperator, TreatMissingData string
	AlarmConfigurationUpdatedTimestamp   float64
}

// alarms returns the alarms whose names begin with the scene's.
func (s *scene) alarms(ctx context.Context, types []string) (metric, composite []alarm, err error) {
	in := members{"AlarmNamePrefix": s.name + "-", "MaxRecords": 100}
	if types != nil {
		in["AlarmTypes"] = types
	}
	var out struct{ MetricAlarms, CompositeAlarms []alarm }
	err = s.cloudwatch(ctx, "DescribeAlarms", in, &out)
	return out.MetricAlarms, out.CompositeAlarms, err
}

// alarms expects name, kind and whether actions are enabled, of alarms of both kinds.
func alarms(want ...string) op { return alarmsOf([]string{"MetricAlarm", "CompositeAlarm"}, want...) }

// alarmsOf expects the same of alarms of some kinds; nil is the default.
func alarmsOf(types []string, want ...string) op {
	return func(ctx context.Context, s *scene) error {
		metric, composite, err := s.alarms(ctx, types)
		if err != nil {
			return err
		}
		var got []string
		for kind, list := range map[string][]alarm{"MetricAlarm": metric, "CompositeAlarm": composite} {
			for _, a := range list {
				got = append(got, fmt.Sprint(strings.TrimPrefix(a.AlarmName, s.name+"-"), " ", kind, " ", a.ActionsEnabled))
				if want := "arn:aws:cloudwatch:" + region + ":" + account + ":alarm:" + a.AlarmName; a.AlarmArn != want {
					return differs("ARN", a.AlarmArn, want)
				}
				if age := time.Since(time.Unix(int64(a.AlarmConfigurationUpdatedTimestamp), 0)); age.Abs() > time.Hour {
					return differs("age of "+a.AlarmName, age, "less than an hour")
				}
			}
		}
		return sameSet("alarms", got, want)
	}
}

// alarmsNamed expects the names of those alarms that are asked for by name and there.
func alarmsNamed(names []string, want ...string) op {
	return func(ctx context.Context, s *scene) error {
		var out struct{ MetricAlarms []alarm }
		err := s.cloudwatch(ctx, "DescribeAlarms", members{"AlarmNames": s.ownNames(names)}, &out)
		var got []string
		for _, a := range out.MetricAlarms {
			got = append(got, strings.TrimPrefix(a.AlarmName, s.name+"-"))
		}
		if err == nil && !slices.Equal(got, want) {
			err = differs("alarms", got, want)
		}
		return err
	}
}

func alarmThreshold(name string, want float64) op {
	return func(ctx context.Context, s *scene) error {
		metric, _, err := s.alarms(ctx, nil)
		for _, a := range metric {
			if a.AlarmName == s.name+"-"+name && a.Threshold != want {
				err = differs("threshold", a.Threshold, want)
			}
		}
		return err
	}
}

// alarmMetric expects the members of an alarm on one metric.
func alarmMetric(name string) op {
	return func(ctx context.Context, s *scene) error {
		metric, _, err := s.alarms(ctx, nil)
		if err != nil {
			return err
		}
		a := metric[0]
		got := fmt.Sprint(a.Namespace, " ", a.MetricName, " ", a.Statistic, " ", a.Period, " ", a.EvaluationPeriods, " ", a.ComparisonOperator, " ", a.TreatMissingData, " ", len(a.Metrics))
		if want := "Conformance " + s.name + " Sum 60 1 GreaterThanOrEqualToThreshold notBreaching 0"; got != want {
			return differs("alarm", got, want)
		}
		return nil
	}
}

// actions enables or disables the actions of alarms.
func actions(change string, names ...string) op { return onAlarms(change+"AlarmActions", names) }

func deleteAlarms(names ...string) op { return onAlarms("DeleteAlarms", names) }

func onAlarms(call string, names []string) op {
	return func(ctx context.Context, s *scene) error {
		return s.cloudwatch(ctx, call, members{"AlarmNames": s.ownNames(names)}, &nothing{})
	}
}

func putDashboard(name, body string) op {
	return func(ctx context.Context, s *scene) error {
		return s.cloudwatch(ctx, "PutDashboard", members{"DashboardName": s.name + "-" + name, "DashboardBody": body}, &nothing{})
	}
}

func dashboardBody(name, want string) op {
	return func(ctx context.Context, s *scene) error {
		var out struct{ DashboardName, DashboardBody, DashboardArn string }
		err := s.cloudwatch(ctx, "GetDashboard", members{"DashboardName": s.name + "-" + name}, &out)
		if arn := "arn:aws:cloudwatch::" + account + ":dashboard/" + s.name + "-" + name; err == nil && (out.DashboardBody != want || out.DashboardArn != arn) {
			err = differs("dashboard", out, want)
		}
		return err
	}
}

func deleteDashboards(names ...string) op {
	return func(ctx context.Context, s *scene) error {
		return s.cloudwatch(ctx, "DeleteDashboards", members{"DashboardNames": s.ownNames(names)}, &nothing{})
	}
}

// dashboards expects these names, each with the time of its last change.
func dashboards(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		var out struct {
			DashboardEntries []struct {
				DashboardName string
				LastModified  float64
			}
		}
		if err := s.cloudwatch(ctx, "ListDashboards", members{"DashboardNamePrefix": s.name + "-"}, &out); err != nil {
			return err
		}
		var got []string
		for _, d := range out.DashboardEntries {
			if d.LastModified == 0 {
				return differs("last change", d.LastModified, "a time")
			}
			got = append(got, d.DashboardName[len(s.name)+1:])
		}
		return sameList("dashboards", got, want)
	}
}
