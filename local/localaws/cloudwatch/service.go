package cloudwatch

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

var _ api.Service = (*Service)(nil)

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "monitoring" }

// decoder executes a call. Its condition keys are added to the gate's.
type decoder struct {
	keys func(object) map[string][]string
	// trail returns the parameters in CloudTrail's record of a management write; nil for other calls.
	trail func(object) map[string]any
	do    func(object) (object, error)
}

// decoders returns the supported calls, by name.
func (s *Service) decoders() map[string]decoder {
	return map[string]decoder{
		"DeleteAlarms":        {do: s.deleteAlarms, trail: namedAlarms},
		"DeleteDashboards":    {do: s.deleteDashboards, trail: namedDashboards},
		"DescribeAlarms":      {do: s.describeAlarms},
		"DisableAlarmActions": {do: s.switchActions(false), trail: namedAlarms},
		"EnableAlarmActions":  {do: s.switchActions(true), trail: namedAlarms},
		"GetDashboard":        {do: s.getDashboard},
		"GetMetricData":       {do: s.getMetricData},
		"GetMetricStatistics": {do: s.getMetricStatistics},
		"ListDashboards":      {do: s.listDashboards},
		"ListMetrics":         {do: s.listMetrics},
		"PutCompositeAlarm":   {do: s.putCompositeAlarm, trail: namedAlarm},
		"PutDashboard":        {do: s.putDashboard, trail: namedDashboard},
		"PutMetricAlarm":      {do: s.putMetricAlarm, trail: namedAlarm},
		"PutMetricData":       {do: s.putMetricData, keys: namespaceKey},
	}
}

// namespaceKey returns the condition key with which a role is limited to one namespace.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
func namespaceKey(in object) map[string][]string {
	return map[string][]string{"cloudwatch:namespace": {in.text("Namespace")}}
}

// namedAlarm and namedAlarms are the parameters by which the records of calls name alarms.
func namedAlarm(in object) map[string]any { return map[string]any{"alarmName": in.text("AlarmName")} }

func namedAlarms(in object) map[string]any {
	return map[string]any{"alarmNames": in.texts("AlarmNames")}
}

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	w := wireOf(r)
	name, in, err := w.decode(r)
	if err != nil {
		return nil, err
	}
	decode, ok := s.decoders()[name]
	if !ok {
		return nil, refuse("InvalidAction", "The local AWS has no CloudWatch operation %q.", name)
	}
	need := api.Need{Action: "cloudwatch:" + name, Resource: "*", ResourceAccount: s.options.Account}
	if decode.keys != nil {
		need.Context = decode.keys(in)
	}
	operation := &api.Operation{Name: name, Needs: []api.Need{need}}
	if decode.trail != nil {
		operation.Trail = &api.Trail{RequestParameters: decode.trail(in)}
	}
	operation.Do = func() (*api.Response, error) {
		result, err := decode.do(in)
		if err != nil {
			return nil, err
		}
		return w.encode(r, name, result)
	}
	return operation, nil
}

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response {
	return wireOf(r).refuse(r, e)
}

// putMetricData stores data.
func (s *Service) putMetricData(in object) (object, error) {
	namespace, list := in.text("Namespace"), in.objects("MetricData")
	switch {
	case namespace == "":
		return nil, refuse("MissingParameter", "The parameter Namespace is required.")
	case strings.HasPrefix(namespace, "AWS/"):
		return nil, invalid("The value AWS/ for parameter Namespace is invalid.")
	case len(list) > maxData:
		return nil, invalid("The collection MetricData must not have a size greater than %d.", maxData)
	}
	var data []Datum
	for _, d := range list {
		data = append(data, s.datum(d))
	}
	return object{}, s.Put(namespace, data...)
}

// datum returns one element of PutMetricData's list.
func (s *Service) datum(in object) Datum {
	d := Datum{
		Name: in.text("MetricName"), Dimensions: in.dimensions(), Time: s.fromCaller(in.time("Timestamp")), Unit: in.text("Unit"),
		Values: in.numbers("Values"), Counts: in.numbers("Counts"),
	}
	if value, ok := in.number("Value"); ok {
		d.Values = append(d.Values, value)
	}
	if set := in.object("StatisticValues"); set != nil {
		d.Set = &StatisticSet{}
		for name, field := range map[string]*float64{
			"SampleCount": &d.Set.SampleCount, "Sum": &d.Set.Sum, "Minimum": &d.Set.Minimum, "Maximum": &d.Set.Maximum,
		} {
			*field, _ = set.number(name)
		}
	}
	return d
}

// asked returns a call's query of one metric.
func (s *Service) asked(in, period object, m Metric) (Query, error) {
	length, _ := period.number("Period")
	q := Query{
		Metric: m, Unit: period.text("Unit"), Period: time.Duration(length) * time.Second,
		From: s.fromCaller(in.time("StartTime")), To: s.fromCaller(in.time("EndTime")),
	}
	if length < 1 || length >= 60 && int(length)%60 != 0 || length < 60 && !slices.Contains([]float64{1, 5, 10, 20, 30}, length) {
		return q, invalid("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
	}
	if !q.From.Before(q.To) {
		return q, invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	return q, nil
}

// getMetricStatistics returns statistics of one metric.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
func (s *Service) getMetricStatistics(in object) (object, error) {
	q, err := s.asked(in, in, in.metric())
	if err != nil {
		return nil, err
	}
	plain, extended := in.texts("Statistics"), in.texts("ExtendedStatistics")
	for _, statistic := range slices.Concat(plain, extended) {
		if !known(statistic) {
			return nil, invalid("The local AWS has no statistic %q.", statistic)
		}
	}
	if len(plain)+len(extended) == 0 {
		return nil, refuse("MissingParameter", "The parameter Statistics or ExtendedStatistics is required.")
	}
	points := []any{}
	for _, b := range s.Statistics(q) {
		shown := object{"Timestamp": s.toCaller(b.Start), "Unit": b.Unit}
		for _, statistic := range plain {
			shown[statistic], _ = b.Value(statistic)
		}
		percentiles := object{}
		for _, statistic := range extended {
			if value, ok := b.Value(statistic); ok {
				percentiles[statistic] = value
			}
		}
		if len(percentiles) > 0 {
			shown["ExtendedStatistics"] = percentiles
		}
		points = append(points, shown)
	}
	return object{"Label": q.Metric.Name, "Datapoints": points}, nil
}

// getMetricData returns statistics of several metrics. Metric math is not supported.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
func (s *Service) getMetricData(in object) (object, error) {
	results := []any{}
	for _, asking := range in.objects("MetricDataQueries") {
		if asking.text("Expression") != "" {
			return nil, refuse("ValidationError", "The local AWS does not imitate metric math: %s", asking.text("Expression"))
		}
		result, err := s.metricData(in, asking)
		if err != nil {
			return nil, err
		}
		if asking.flag("ReturnData", true) {
			results = append(results, result)
		}
	}
	return object{"MetricDataResults": results}, nil
}

// metricData returns the result of one query of GetMetricData, newest first by default.
func (s *Service) metricData(in, asking object) (object, error) {
	stat := asking.object("MetricStat")
	statistic := stat.text("Stat")
	q, err := s.asked(in, stat, stat.object("Metric").metric())
	if err != nil {
		return nil, err
	}
	if !known(statistic) {
		return nil, refuse("ValidationError", "The local AWS has no statistic %q.", statistic)
	}
	buckets := s.Statistics(q)
	if in.text("ScanBy") != "TimestampAscending" {
		slices.Reverse(buckets)
	}
	times, values := []any{}, []any{}
	for _, b := range buckets {
		if value, ok := b.Value(statistic); ok {
			times, values = append(times, s.toCaller(b.Start)), append(values, value)
		}
	}
	label := asking.text("Label")
	if label == "" {
		label = q.Metric.Name
	}
	return object{"Id": asking.text("Id"), "Label": label, "StatusCode": "Complete", "Timestamps": times, "Values": values}, nil
}

// listMetrics returns the metrics with data.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html
func (s *Service) listMetrics(in object) (object, error) {
	const pageSize = 500
	var all []any
	for _, m := range s.Metrics() {
		if m.passes(in) {
			all = append(all, m.shown())
		}
	}
	from, _ := strconv.Atoi(in.text("NextToken"))
	from = min(from, len(all))
	to := min(from+pageSize, len(all))
	result := object{"Metrics": append([]any{}, all[from:to]...)}
	if to < len(all) {
		result["NextToken"] = strconv.Itoa(to)
	}
	return result, nil
}

// passes reports whether a metric matches the filters of ListMetrics. A dimension without a value matches all values.
func (m Metric) passes(in object) bool {
	namespace, name := in.text("Namespace"), in.text("MetricName")
	if namespace != "" && namespace != m.Namespace || name != "" && name != m.Name {
		return false
	}
	for _, want := range in.dimensions() {
		if !slices.ContainsFunc(m.Dimensions, func(d Dimension) bool {
			return d.Name == want.Name && (want.Value == "" || d.Value == want.Value)
		}) {
			return false
		}
	}
	return true
}
