package deployment

import (
	"time"

	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
)

// watchKinds are the types of AWS::CloudWatch. Models of anomaly detection are not supported: a detector is only recorded,
// and the alarm on its band never leaves INSUFFICIENT_DATA.
var watchKinds = map[string]kind{
	"AWS::CloudWatch::Alarm":           {create: createAlarm, nameProperty: "AlarmName", ignored: []string{"Tags", "Metrics[].Label"}},
	"AWS::CloudWatch::CompositeAlarm":  {create: createCompositeAlarm, nameProperty: "AlarmName", ignored: []string{"Tags"}},
	"AWS::CloudWatch::Dashboard":       {create: createDashboard, nameProperty: "DashboardName"},
	"AWS::CloudWatch::AnomalyDetector": {create: createDetector},
}

func createAlarm(c *creation, p properties) (made, error) {
	a := commonAlarm(c, p)
	a.Comparison, a.ThresholdMetricID = p.text("ComparisonOperator"), p.text("ThresholdMetricId")
	a.TreatMissingData, a.Threshold = p.text("TreatMissingData"), p.decimal("Threshold")
	a.EvaluationPeriods, a.DatapointsToAlarm = p.number("EvaluationPeriods"), p.number("DatapointsToAlarm")
	if p.has("MetricName") {
		a.Queries = []cloudwatch.AlarmQuery{{
			ID: "m1", Metric: metricOf(p), Statistic: or(p.text("Statistic"), p.text("ExtendedStatistic")), Unit: p.text("Unit"),
			Period: time.Duration(p.number("Period")) * time.Second, ReturnData: true, Sole: true,
		}}
	}
	for _, q := range p.objects("Metrics") {
		query := cloudwatch.AlarmQuery{ID: q.text("Id"), Expression: q.text("Expression"), ReturnData: !q.has("ReturnData") || q.flag("ReturnData")}
		if q.has("MetricStat") {
			stat := q.object("MetricStat")
			query.Metric, query.Statistic, query.Unit = metricOf(stat.object("Metric")), stat.text("Stat"), stat.text("Unit")
			query.Period = time.Duration(stat.number("Period")) * time.Second
		}
		a.Queries = append(a.Queries, query)
	}
	return putAlarm(c, a, createAlarm)
}

func createCompositeAlarm(c *creation, p properties) (made, error) {
	a := commonAlarm(c, p)
	a.Rule = p.text("AlarmRule")
	return putAlarm(c, a, createCompositeAlarm)
}

// commonAlarm reads the properties that both kinds of alarms have.
func commonAlarm(c *creation, p properties) cloudwatch.Alarm {
	return cloudwatch.Alarm{
		Name: c.physicalName(p), Description: p.text("AlarmDescription"),
		ActionsEnabled: !p.has("ActionsEnabled") || p.flag("ActionsEnabled"),
		AlarmActions:   p.texts("AlarmActions"), OKActions: p.texts("OKActions"), InsufficientDataActions: p.texts("InsufficientDataActions"),
	}
}

// metricOf reads Namespace, MetricName and Dimensions.
func metricOf(p properties) cloudwatch.Metric {
	m := cloudwatch.Metric{Namespace: p.text("Namespace"), Name: p.text("MetricName")}
	for _, d := range p.objects("Dimensions") {
		m.Dimensions = append(m.Dimensions, cloudwatch.Dimension{Name: d.text("Name"), Value: d.text("Value")})
	}
	return m
}

// putAlarm puts an alarm of either kind.
func putAlarm(c *creation, a cloudwatch.Alarm, again func(*creation, properties) (made, error)) (made, error) {
	if err := c.CloudWatch.PutAlarm(a); err != nil {
		return made{}, err
	}
	return made{
		ref: a.Name, attributes: map[string]any{"Arn": c.arn("cloudwatch", "alarm:"+a.Name)},
		remove: func() error { return c.CloudWatch.DeleteAlarm(a.Name) },
		update: func(p properties) (made, error) { return again(c, p) },
	}, nil
}

func createDashboard(c *creation, p properties) (made, error) {
	name := c.physicalName(p)
	if err := c.CloudWatch.PutDashboard(name, p.text("DashboardBody")); err != nil {
		return made{}, err
	}
	forget := c.named("dashboard", name)
	return made{
		ref: name, remove: func() error { c.CloudWatch.DeleteDashboard(name); return forget() },
		update: func(p properties) (made, error) { return createDashboard(c, p) },
	}, nil
}

func createDetector(c *creation, p properties) (made, error) {
	single := p.object("SingleMetricAnomalyDetector")
	metricOf(single)
	single.text("Stat")
	id := uuid(c.name())
	return made{ref: id, remove: c.named("detector", id)}, nil
}
