package cloudwatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// extraPeriods is how many periods more than EvaluationPeriods an evaluation looks back, so that a few missing ones can
// be made up for by older ones. CloudWatch's own number is not documented beyond its example, where it is this.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
const extraPeriods = 2

// OnAlarm lets f hear of every action of an alarm that changes its state: f gets the topic's ARN, and subject and text
// of the message. It must be called before the first evaluation.
func (s *Service) OnAlarm(f func(actionARN, subject, message string)) { s.onAlarm = f }

// Evaluate evaluates all alarms at the clock's now, as CloudWatch does once a minute: first those of metrics, then the
// composite ones. A period is the window of its length that ends now, or at the beginning of the period after it. Each
// window begins where an earlier evaluation's ended: see [Service.opening].
// Alarms of anomaly detection keep their state: the models behind them are not imitated.
func (s *Service) Evaluate() {
	now := s.options.Now()
	for _, change := range s.evaluate(now) {
		for _, action := range change.actions(change.State) {
			if s.onAlarm != nil {
				s.onAlarm(action, change.subject(s.options.Region), s.message(change))
			}
		}
	}
}

// change is an alarm that changed its state.
type change struct {
	Condition
	before string
}

// evaluate moves every alarm to its state, and returns those that changed it.
func (s *Service) evaluate(now time.Time) []change {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.remember(now)
	var changes []change
	enter := func(c *Condition, state, reason string) {
		if state == c.State {
			return
		}
		before := c.State
		c.State, c.Reason, c.Since = state, reason, now
		changes = append(changes, change{*c, before})
	}
	for _, name := range s.alarmOrder {
		if c := s.alarms[name]; c.Rule == "" && c.ThresholdMetricID == "" {
			state, reason := s.judge(c.Alarm, c.State, now)
			enter(c, state, reason)
		}
	}
	// A composite alarm exists only after those that it names, so one pass in that order is enough.
	for _, name := range s.alarmOrder {
		if c := s.alarms[name]; c.Rule != "" {
			state, reason := s.compose(c.Alarm)
			enter(c, state, reason)
		}
	}
	return changes
}

// judge is a metric alarm's state at a time, and why.
func (s *Service) judge(a Alarm, before string, now time.Time) (state, reason string) {
	values := s.values(a, now)
	points := make([]sighting, len(values))
	shown := make([]string, len(values))
	for i, value := range values {
		points[i], shown[i] = absent, "-"
		if value != nil {
			points[i], shown[i] = within, fmt.Sprint(*value)
			if comparisons[a.Comparison](*value, a.Threshold) {
				points[i] = over
			}
		}
	}
	state, decided := verdict(points, a.EvaluationPeriods, a.DatapointsToAlarm, a.TreatMissingData)
	if !decided {
		state = before
	}
	return state, fmt.Sprintf("Threshold %s, %d of %d datapoints, missing data are %s: [%s], the latest last",
		a.shownThreshold(), a.DatapointsToAlarm, a.EvaluationPeriods, a.TreatMissingData, strings.Join(shown, " "))
}

// values are what the alarm compares in each period of its evaluation range, oldest first; nil where there is none.
func (s *Service) values(a Alarm, now time.Time) []*float64 {
	returned, period := a.compared(), a.period()
	values := make([]*float64, a.EvaluationPeriods+extraPeriods)
	to := now
	for i := len(values) - 1; i >= 0; i-- {
		from := s.opening(to, period)
		byID := map[string]*float64{}
		for _, q := range a.Queries {
			if q.Expression == "" {
				byID[q.ID] = s.window(q, from, to)
			}
		}
		values[i] = a.compute(returned, byID)
		to = from
	}
	return values
}

// maxDelay is how much later than a minute after the one before an evaluation may come: waiting for what is under way
// takes time, by which the clock goes on.
const maxDelay = 30 * time.Second

// opening is when the period begins that ends at to: with the evaluation that was due then, even where this one comes
// somewhat later than a period after it. So the windows of successive evaluations meet, and no data point falls between
// them. Without such an evaluation the window has exactly its length.
func (s *Service) opening(to time.Time, period time.Duration) time.Time {
	due := to.Add(-period)
	for _, at := range slices.Backward(s.evaluations) {
		if at.After(due) {
			continue
		}
		if due.Sub(at) < maxDelay {
			return at
		}
		break
	}
	return due
}

// remember notes an evaluation for those to come, and forgets those that no alarm looks back to.
func (s *Service) remember(now time.Time) {
	s.evaluations = slices.DeleteFunc(s.evaluations, func(at time.Time) bool { return now.Sub(at) > 2*longestLookBack })
	s.evaluations = append(s.evaluations, now)
}

// lateness is how long before an evaluation a data point may be dated that arrives after it and belongs to the next:
// callers write whole milliseconds, or whole seconds.
const lateness = time.Second

// counted is the time at which alarms count a data point that arrives now.
func (s *Service) counted(at time.Time) time.Time {
	if len(s.evaluations) == 0 {
		return at
	}
	if last := s.evaluations[len(s.evaluations)-1]; !at.After(last) && last.Sub(at) < lateness {
		return last.Add(1)
	}
	return at
}

// compute is the value of a query in one period, of the metrics' values in it; nil where there is none. An alarm has few
// queries: expressions that name others are followed, at most as deep as there are queries.
func (a Alarm) compute(q AlarmQuery, metrics map[string]*float64) *float64 {
	known := maps.Clone(metrics)
	for range a.Queries {
		for _, other := range a.Queries {
			if other.Expression != "" {
				e, _ := parseExpression(other.Expression, a.Queries) // checked when it was put
				known[other.ID] = e.one(known)
			}
		}
	}
	return known[q.ID]
}

// window is a metric's statistic after from, up to to; nil when it has no data there.
func (s *Service) window(q AlarmQuery, from, to time.Time) *float64 {
	found := s.series[q.Metric.key()]
	if found == nil {
		return nil
	}
	var sum Bucket
	for _, p := range found.points {
		if p.counted.After(from) && !p.counted.After(to) && (q.Unit == "" || q.Unit == p.unit) {
			sum = sum.merge(p.Bucket)
		}
	}
	if sum.SampleCount == 0 {
		return nil
	}
	if value, ok := sum.Value(q.Statistic); ok {
		return &value
	}
	return nil
}

// sighting is a data point as an alarm sees it.
type sighting int

const (
	absent sighting = iota
	within
	over
)

// verdict is the state that points demand, oldest first, when m of n have to breach. It is not decided where the alarm
// keeps its state. These are CloudWatch's documented rules:
//
//	enough real points (n or more)           the latest n of them decide, whatever became of the others
//	fewer, and missing ones are breaching    they are filled up with breaching ones
//	                        notBreaching     … with good ones
//	                        ignore, missing  the real ones decide where they can: m breach, or one is good. Otherwise
//	                                         ignore keeps the state; with missing there are insufficient data, unless
//	                                         the oldest breach is m periods old and nothing good came after it.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func verdict(points []sighting, n, m int, missingData string) (state string, decided bool) {
	found := slices.DeleteFunc(slices.Clone(points), func(p sighting) bool { return p == absent })
	fill := max(n-len(found), 0)
	found = found[max(len(found)-n, 0):]
	breaches := count(found, over)
	if missingData == breaching {
		breaches += fill
	}
	switch {
	case breaches >= m:
		return Alarming, true
	case fill == 0 || missingData == breaching || missingData == notBreaching || count(found, within) > 0:
		return OK, true
	case missingData == ignore:
		return "", false
	case len(found) > 0 && len(points)-slices.Index(points, over) >= m:
		return Alarming, true
	}
	return InsufficientData, true
}

func count(points []sighting, wanted sighting) int {
	n := 0
	for _, p := range points {
		if p == wanted {
			n++
		}
	}
	return n
}

// maxSubject is the longest subject that SNS takes.
const maxSubject = 99

// subject is the message's, as CloudWatch writes it, cut to what SNS takes.
func (c change) subject(region string) string {
	subject := fmt.Sprintf("%s: %q in %s", c.State, c.Name, region)
	return subject[:min(len(subject), maxSubject)]
}

// message is what CloudWatch publishes of a change of state, without the description of the trigger.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
func (s *Service) message(c change) string {
	text, _ := json.Marshal(map[string]any{ // texts can always be written
		"AlarmName": c.Name, "AlarmDescription": c.Description, "AWSAccountId": s.options.Account, "Region": s.options.Region,
		"AlarmArn": c.ARN, "NewStateValue": c.State, "NewStateReason": c.Reason, "OldStateValue": c.before,
		"StateChangeTime": c.Since.Format("2006-01-02T15:04:05.000-0700"),
	})
	return string(text)
}
