package cloudwatch

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// The states of an alarm.
const (
	OK               = "OK"
	Alarming         = "ALARM"
	InsufficientData = "INSUFFICIENT_DATA"
)

// The ways to treat a period without data, as described at [verdict].
const (
	missing      = "missing"
	ignore       = "ignore"
	breaching    = "breaching"
	notBreaching = "notBreaching"
)

// Alarm is the configuration of a metric alarm, or with a Rule of a composite one.
type Alarm struct {
	Name, Description string
	// ActionsEnabled enables messages to the topics of the new state.
	ActionsEnabled                                   bool
	AlarmActions, OKActions, InsufficientDataActions []string

	// Rule makes a composite alarm, e.g. `ALARM("a") OR NOT OK("b")`. All fields below are for metric alarms.
	Rule string
	// Queries are the metrics and expressions; the result of the one that returns data is compared with the
	// threshold.
	Queries []AlarmQuery
	// Comparison is e.g. "GreaterThanOrEqualToThreshold".
	Comparison string
	Threshold  float64
	// ThresholdMetricID is an anomaly detection band instead of a threshold. Such an alarm is stored but not
	// evaluated.
	ThresholdMetricID string
	// EvaluationPeriods is the number of evaluated periods (N); DatapointsToAlarm is how many of them must breach
	// (M), or 0 for all.
	EvaluationPeriods, DatapointsToAlarm int
	// TreatMissingData is "missing" (the default), "ignore", "breaching" or "notBreaching".
	TreatMissingData string
}

// AlarmQuery is one metric of an alarm, or an expression over them.
type AlarmQuery struct {
	ID         string
	Expression string
	Metric     Metric
	// Statistic is as in [Bucket.Value], Unit as in [Query].
	Statistic, Unit string
	Period          time.Duration
	ReturnData      bool
	// Sole means that the alarm was put on this one metric, without a list of queries, and is shown so.
	Sole bool
}

// Condition is an alarm with its current state.
type Condition struct {
	Alarm
	ARN string
	// State is OK, Alarming or InsufficientData, Reason its reason, and Since when the alarm entered it.
	State, Reason string
	Since         time.Time
	// Changed is when its configuration was last changed.
	Changed time.Time
}

// comparisons maps each operator to a function that reports whether a value breaches.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
var comparisons = map[string]func(value, threshold float64) bool{
	"GreaterThanOrEqualToThreshold": func(value, threshold float64) bool { return value >= threshold },
	"GreaterThanThreshold":          func(value, threshold float64) bool { return value > threshold },
	"LessThanThreshold":             func(value, threshold float64) bool { return value < threshold },
	"LessThanOrEqualToThreshold":    func(value, threshold float64) bool { return value <= threshold },
}

// bandComparisons are the operators of anomaly detection.
var bandComparisons = []string{
	"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold",
}

// The limits of alarms.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
const (
	maxAlarmName        = 255
	maxAlarmDescription = 1024
	maxAlarmMetrics     = 10
	maxActions          = 5
	longestLookBack     = 24 * time.Hour
)

// PutAlarm creates an alarm, or replaces the one with that name and keeps its state. A new one has insufficient data
// until [Service.Evaluate]. It refuses what CloudWatch refuses, and unsupported statistics and expressions.
func (s *Service) PutAlarm(a Alarm) error {
	if a.TreatMissingData == "" {
		a.TreatMissingData = missing
	}
	if a.DatapointsToAlarm == 0 {
		a.DatapointsToAlarm = a.EvaluationPeriods
	}
	if err := a.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.Rule != "" {
		if err := s.checkRule(a); err != nil {
			return err
		}
	}
	if before := s.alarms[a.Name]; before != nil {
		before.Alarm, before.plan, before.Changed = a, newPlan(a), s.options.Now()
		return nil
	}
	s.alarms[a.Name] = &stored{Condition{
		Alarm: a, ARN: s.alarmARN(a.Name), State: InsufficientData, Reason: "Unchecked: Initial alarm creation", Since: s.options.Now(),
		Changed: s.options.Now(),
	}, newPlan(a)}
	s.alarmOrder = append(s.alarmOrder, a.Name)
	return nil
}

// alarmARN returns the ARN of an alarm of this account.
func (s *Service) alarmARN(name string) string {
	return fmt.Sprintf("arn:%s:cloudwatch:%s:%s:alarm:%s", s.options.Partition, s.options.Region, s.options.Account, name)
}

// DeleteAlarm removes an alarm, if it exists. An alarm in the rule of a composite alarm cannot be removed.
func (s *Service) DeleteAlarm(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.alarms {
		if slices.Contains(other.plan.children, name) {
			return invalid("The alarm %s is used by the composite alarm %s.", name, other.Name)
		}
	}
	delete(s.alarms, name)
	s.alarmOrder = slices.DeleteFunc(s.alarmOrder, func(other string) bool { return other == name })
	return nil
}

// Alarms returns all alarms, in the order of their creation.
func (s *Service) Alarms() []Condition {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Condition
	for _, name := range s.alarmOrder {
		all = append(all, s.alarms[name].Condition)
	}
	return all
}

// AlarmState returns the state of the alarm with that name, or "".
func (s *Service) AlarmState(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.alarms[name]; c != nil {
		return c.State
	}
	return ""
}

// check refuses an alarm that CloudWatch refuses.
func (a Alarm) check() error {
	switch {
	case a.Name == "" || len(a.Name) > maxAlarmName:
		return invalid("The parameter AlarmName must have 1 to %d characters.", maxAlarmName)
	case len(a.Description) > maxAlarmDescription:
		return invalid("The parameter AlarmDescription must have at most %d characters.", maxAlarmDescription)
	case max(len(a.AlarmActions), len(a.OKActions), len(a.InsufficientDataActions)) > maxActions:
		return invalid("An alarm can have at most %d actions for each state.", maxActions)
	case a.Rule != "":
		return nil
	case !slices.Contains([]string{missing, ignore, breaching, notBreaching}, a.TreatMissingData):
		return invalid("The parameter TreatMissingData must be one of breaching, notBreaching, ignore, missing, not %q.", a.TreatMissingData)
	case a.EvaluationPeriods < 1 || a.DatapointsToAlarm < 1 || a.DatapointsToAlarm > a.EvaluationPeriods:
		return invalid("The parameters EvaluationPeriods and DatapointsToAlarm must be at least 1, and the second no more than the first.")
	}
	if err := a.checkComparison(); err != nil {
		return err
	}
	return a.checkQueries()
}

// checkComparison refuses operators that do not match the threshold.
func (a Alarm) checkComparison() error {
	if a.ThresholdMetricID != "" {
		if !slices.Contains(bandComparisons, a.Comparison) {
			return invalid("The operator %q does not compare with an anomaly detection band.", a.Comparison)
		}
		return nil
	}
	if comparisons[a.Comparison] == nil {
		return invalid("The parameter ComparisonOperator does not know the value %q.", a.Comparison)
	}
	return nil
}

// checkQueries refuses unsupported queries, and requires exactly one that returns data.
func (a Alarm) checkQueries() error {
	var returned int
	var metrics []AlarmQuery
	for _, q := range a.Queries {
		if q.ReturnData {
			returned++
		}
		if q.Expression == "" {
			metrics = append(metrics, q)
		}
	}
	wanted := 1
	if a.ThresholdMetricID != "" {
		wanted = 2 // the metric and its band
	}
	switch {
	case returned != wanted:
		return invalid("%d of the metrics return data, of which there must be %d.", returned, wanted)
	case len(metrics) == 0 || len(metrics) > maxAlarmMetrics:
		return invalid("An alarm must have 1 to %d metrics.", maxAlarmMetrics)
	}
	for _, q := range a.Queries {
		if err := a.checkQuery(q); err != nil {
			return err
		}
	}
	return nil
}

// checkQuery refuses an unsupported query.
func (a Alarm) checkQuery(q AlarmQuery) error {
	if q.Expression != "" {
		if a.ThresholdMetricID != "" {
			return nil // the band, which is not evaluated
		}
		_, err := parseExpression(q.Expression, a.Queries)
		return err
	}
	switch {
	case q.Metric.Namespace == "" || q.Metric.Name == "":
		return refuse("MissingParameter", "The parameters Namespace and MetricName are required.")
	case !known(q.Statistic):
		return invalid("The local AWS has no statistic %q.", q.Statistic)
	case q.Period < time.Minute || q.Period%time.Minute != 0:
		return invalid("The local AWS knows only periods of whole minutes, not %s.", q.Period)
	case q.Period != a.period():
		return invalid("All metrics of an alarm must have the same period.")
	case q.Period*time.Duration(a.EvaluationPeriods) > longestLookBack:
		return invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).")
	}
	return Datum{Name: q.Metric.Name, Dimensions: q.Metric.Dimensions, Values: []float64{0}}.check(time.Time{})
}

// period returns the period of the alarm's metrics.
func (a Alarm) period() time.Duration {
	for _, q := range a.Queries {
		if q.Expression == "" {
			return q.Period
		}
	}
	return 0
}

// actions returns the actions of a state.
func (a Alarm) actions(state string) []string {
	if !a.ActionsEnabled {
		return nil
	}
	return map[string][]string{OK: a.OKActions, Alarming: a.AlarmActions, InsufficientData: a.InsufficientDataActions}[state]
}

// shownThreshold returns the comparison as reasons and dashboards show it, e.g. "OpenDrift >= 1".
func (a Alarm) shownThreshold() string {
	signs := map[string]string{
		"GreaterThanOrEqualToThreshold": ">=", "GreaterThanThreshold": ">", "LessThanThreshold": "<", "LessThanOrEqualToThreshold": "<=",
	}
	return fmt.Sprintf("%s %v", cmp.Or(signs[a.Comparison], a.Comparison), a.Threshold)
}
