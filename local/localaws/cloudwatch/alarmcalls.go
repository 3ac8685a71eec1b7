package cloudwatch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// putMetricAlarm puts an alarm on a metric or an expression.
func (s *Service) putMetricAlarm(in object) (object, error) {
	return object{}, s.PutAlarm(metricAlarm(in))
}

// metricAlarm returns the alarm in a call's parameters.
func metricAlarm(in object) Alarm {
	a := commonAlarm(in)
	a.Comparison, a.ThresholdMetricID, a.TreatMissingData = in.text("ComparisonOperator"), in.text("ThresholdMetricId"), in.text("TreatMissingData")
	a.Threshold, _ = in.number("Threshold")
	a.EvaluationPeriods, a.DatapointsToAlarm = in.whole("EvaluationPeriods"), in.whole("DatapointsToAlarm")
	if in.text("MetricName") != "" {
		a.Queries = []AlarmQuery{{
			ID: "m1", Metric: in.metric(), Statistic: cmp.Or(in.text("Statistic"), in.text("ExtendedStatistic")), Unit: in.text("Unit"),
			Period: time.Duration(in.whole("Period")) * time.Second, ReturnData: true, Sole: true,
		}}
	}
	for _, q := range in.objects("Metrics") {
		stat := q.object("MetricStat")
		a.Queries = append(a.Queries, AlarmQuery{
			ID: q.text("Id"), Expression: q.text("Expression"), Metric: stat.object("Metric").metric(), Statistic: stat.text("Stat"),
			Unit: stat.text("Unit"), Period: time.Duration(stat.whole("Period")) * time.Second, ReturnData: q.flag("ReturnData", true),
		})
	}
	return a
}

// putCompositeAlarm puts an alarm on other alarms. Suppression of actions is not supported.
func (s *Service) putCompositeAlarm(in object) (object, error) {
	if in.text("ActionsSuppressor") != "" {
		return nil, invalid("The local AWS does not imitate ActionsSuppressor.")
	}
	a := commonAlarm(in)
	a.Rule = in.text("AlarmRule")
	if a.Rule == "" {
		return nil, refuse("MissingParameter", "The parameter AlarmRule is required.")
	}
	return object{}, s.PutAlarm(a)
}

// commonAlarm returns the common part of both kinds of alarms.
func commonAlarm(in object) Alarm {
	return Alarm{
		Name: in.text("AlarmName"), Description: in.text("AlarmDescription"), ActionsEnabled: in.flag("ActionsEnabled", true),
		AlarmActions: in.texts("AlarmActions"), OKActions: in.texts("OKActions"), InsufficientDataActions: in.texts("InsufficientDataActions"),
	}
}

// deleteAlarms deletes alarms. One that does not exist is an error, but does not keep the others.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html
func (s *Service) deleteAlarms(in object) (object, error) {
	var missing error
	for _, name := range in.texts("AlarmNames") {
		if !s.hasAlarm(name) {
			missing = refuse("ResourceNotFound", "Alarm %s does not exist.", name)
			continue
		}
		if err := s.DeleteAlarm(name); err != nil {
			return nil, err
		}
	}
	return object{}, missing
}

// switchActions enables or disables the actions of alarms, which changes their configuration.
func (s *Service) switchActions(on bool) func(object) (object, error) {
	return func(in object) (object, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, name := range in.texts("AlarmNames") {
			if a := s.alarms[name]; a != nil {
				a.ActionsEnabled, a.Changed = on, s.options.Now()
			}
		}
		return object{}, nil
	}
}

func (s *Service) hasAlarm(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alarms[name] != nil
}

// describeAlarms returns alarms of both kinds, by name, prefix or state, in one page. Without AlarmTypes it returns
// only metric alarms, as CloudWatch does.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
func (s *Service) describeAlarms(in object) (object, error) {
	types := in.texts("AlarmTypes")
	if len(types) == 0 {
		types = []string{"MetricAlarm"}
	}
	metric, composite := []any{}, []any{}
	for _, c := range s.Alarms() {
		switch {
		case !c.asked(in):
		case c.Rule == "" && slices.Contains(types, "MetricAlarm"):
			metric = append(metric, c.shownMetric())
		case c.Rule != "" && slices.Contains(types, "CompositeAlarm"):
			composite = append(composite, c.shownComposite())
		}
	}
	return object{"MetricAlarms": metric, "CompositeAlarms": composite}, nil
}

// asked reports whether an alarm matches the filters of DescribeAlarms.
func (c Condition) asked(in object) bool {
	names, state := in.texts("AlarmNames"), in.text("StateValue")
	return (len(names) == 0 || slices.Contains(names, c.Name)) && strings.HasPrefix(c.Name, in.text("AlarmNamePrefix")) &&
		(state == "" || state == c.State)
}

// shown returns the common members of both kinds of alarms in answers.
func (c Condition) shown() object {
	return object{
		"AlarmName": c.Name, "AlarmArn": c.ARN, "AlarmDescription": c.Description, "ActionsEnabled": c.ActionsEnabled,
		"AlarmActions": list(c.AlarmActions), "OKActions": list(c.OKActions), "InsufficientDataActions": list(c.InsufficientDataActions),
		"StateValue": c.State, "StateReason": c.Reason, "StateUpdatedTimestamp": c.Since, "StateTransitionedTimestamp": c.Since,
		"AlarmConfigurationUpdatedTimestamp": c.Changed,
	}
}

func (c Condition) shownComposite() object {
	shown := c.shown()
	shown["AlarmRule"] = c.Rule
	return shown
}

// shownMetric returns a complete metric alarm: with its metric or its queries, as it was put.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
func (c Condition) shownMetric() object {
	shown := c.shown()
	shown["ComparisonOperator"], shown["TreatMissingData"] = c.Comparison, c.TreatMissingData
	shown["EvaluationPeriods"], shown["DatapointsToAlarm"] = c.EvaluationPeriods, c.DatapointsToAlarm
	if c.ThresholdMetricID != "" {
		shown["ThresholdMetricId"] = c.ThresholdMetricID
	} else {
		shown["Threshold"] = c.Threshold
	}
	if len(c.Queries) == 1 && c.Queries[0].Sole {
		maps.Copy(shown, c.Queries[0].shownSole())
		return shown
	}
	queries := []any{}
	for _, q := range c.Queries {
		query := object{"Id": q.ID, "ReturnData": q.ReturnData}
		if q.Expression != "" {
			query["Expression"] = q.Expression
		} else {
			query["MetricStat"] = object{"Metric": q.Metric.shown(), "Period": int(q.Period.Seconds()), "Stat": q.Statistic}
		}
		queries = append(queries, query)
	}
	shown["Metrics"] = queries
	return shown
}

// shownSole returns the members of an alarm on one metric.
func (q AlarmQuery) shownSole() object {
	shown := q.Metric.shown()
	shown["Period"] = int(q.Period.Seconds())
	if slices.Contains([]string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}, q.Statistic) {
		shown["Statistic"] = q.Statistic
	} else {
		shown["ExtendedStatistic"] = q.Statistic
	}
	if q.Unit != "" {
		shown["Unit"] = q.Unit
	}
	return shown
}

// list returns strings as a list for an answer.
func list(texts []string) []any {
	all := []any{}
	for _, text := range texts {
		all = append(all, text)
	}
	return all
}
