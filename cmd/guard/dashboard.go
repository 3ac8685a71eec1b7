package main

import (
	"fmt"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/dashboard"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
)

// board is the deployed stack's dashboard.
func (d *deployed) board() (dashboard.Board, error) {
	name := d.stack.Physical("Dashboard")
	body, ok := d.cloud.CloudWatch.Dashboard(name)
	if !ok {
		return dashboard.Board{}, fmt.Errorf("drawing the dashboard: the stack has none (CreateDashboard)")
	}
	return dashboard.Parse([]byte(body))
}

var _ dashboard.Source = (*deployed)(nil)

// Points implements [dashboard.Source] with the local CloudWatch's data.
func (d *deployed) Points(m dashboard.Metric, from, to time.Time) []dashboard.Point {
	metric := cloudwatch.Metric{Namespace: m.Namespace, Name: m.Name}
	for _, dimension := range m.Dimensions {
		metric.Dimensions = append(metric.Dimensions, cloudwatch.Dimension(dimension))
	}
	var points []dashboard.Point
	for _, b := range d.cloud.CloudWatch.Statistics(cloudwatch.Query{Metric: metric, Period: m.Period, From: from, To: to}) {
		if value, ok := b.Value(m.Stat); ok {
			points = append(points, dashboard.Point{Time: b.Start, Value: value})
		}
	}
	return points
}

// Alarm implements [dashboard.Source]. The name it returns is without the stack's name.
func (d *deployed) Alarm(arn string) (name, state string) {
	_, name, _ = strings.Cut(arn, ":alarm:")
	return strings.TrimPrefix(name, d.stack.Name()+"-"), d.cloud.CloudWatch.AlarmState(name)
}
