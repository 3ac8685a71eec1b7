package cloudwatch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// extraPeriods is the number of periods beyond EvaluationPeriods in an evaluation, so that older data points can
// replace missing ones. CloudWatch documents its number only in an example, with this value.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
const extraPeriods = 2

// OnAlarm sets a function for the actions of an alarm that changes its state: f gets the topic's ARN, and subject and
// text of the message. It must be called before the first evaluation.
func (s *Service) OnAlarm(f func(actionARN, subject, message string)) { s.onAlarm = f }

// Evaluate evaluates all alarms at the clock's time, as CloudWatch does once a minute: first metric alarms, then
// composite ones. The window of a period has its length and ends now, or at the beginning of the next period. Each
// window begins where the window of an earlier evaluation ended: see [Service.opening]. Alarms on anomaly detection
// keep their state, because the models are not implemented.
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

// change is a change of an alarm's state.
type change struct {
	Condition
	before string
}

// evaluate sets the new states of all alarms, and returns the changes.
func (s *Service) evaluate(now time.Time) []change {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.remember(now)
	var changes []change
	enter := func(c *stored, state, reason string) {
		before := c.State
		c.State, c.Reason, c.Since = state, reason, now
		changes = append(changes, change{c.Condition, before})
	}
	for _, name := range s.alarmOrder {
		if c := s.alarms[name]; c.Rule == "" && c.ThresholdMetricID == "" {
			values := s.values(c, now)
			if state := c.judge(values); state != c.State {
				enter(c, state, c.reason(values))
			}
		}
	}
	// A composite alarm is created after the alarms in its rule, so one pass in that order is sufficient.
	for _, name := range s.alarmOrder {
		if c := s.alarms[name]; c.Rule != "" {
			if state, reason := s.compose(c.plan); state != c.State {
				enter(c, state, reason)
			}
		}
	}
	return changes
}

// judge returns a metric alarm's state for the values of the periods, oldest first.
func (c *Condition) judge(values []*float64) (state string) {
	points := make([]sighting, len(values))
	breaches := comparisons[c.Comparison]
	for i, value := range values {
		switch {
		case value == nil:
			points[i] = absent
		case breaches(*value, c.Threshold):
			points[i] = over
		default:
			points[i] = within
		}
	}
	state, decided := verdict(points, c.EvaluationPeriods, c.DatapointsToAlarm, c.TreatMissingData)
	if !decided {
		return c.State
	}
	return state
}

// reason says why a metric alarm has a state.
func (c *Condition) reason(values []*float64) string {
	shown := make([]string, len(values))
	for i, value := range values {
		shown[i] = "-"
		if value != nil {
			shown[i] = fmt.Sprint(*value)
		}
	}
	return fmt.Sprintf("Threshold %s, %d of %d datapoints, missing data are %s: [%s], the latest last",
		c.shownThreshold(), c.DatapointsToAlarm, c.EvaluationPeriods, c.TreatMissingData, strings.Join(shown, " "))
}

// values returns the compared value of each period in the evaluation range, oldest first; nil for a missing one.
func (s *Service) values(c *stored, now time.Time) []*float64 {
	period := c.period()
	values := make([]*float64, c.EvaluationPeriods+extraPeriods)
	found := make([]*series, len(c.Queries))
	for i, key := range c.plan.keys {
		found[i] = s.series[key]
	}
	to := now
	for i := len(values) - 1; i >= 0; i-- {
		from := s.opening(to, period)
		each := make([]*float64, len(c.Queries))
		for j, q := range c.Queries {
			if found[j] != nil {
				each[j] = found[j].window(q, from, to)
			}
		}
		values[i] = c.plan.compute(each)
		to = from
	}
	return values
}

// maxDelay is the maximum delay of an evaluation beyond a minute after the previous one: the clock continues while
// the local AWS waits for activity to end.
const maxDelay = 30 * time.Second

// opening returns the beginning of the period that ends at to: the time of the evaluation that was due then, even if
// to is somewhat later than a period after it. So the windows of successive evaluations are contiguous, and no data
// point is lost between them. Without such an evaluation the window has exactly its length.
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

// remember stores the time of an evaluation for later ones, and removes those that are too old for all alarms.
func (s *Service) remember(now time.Time) {
	s.evaluations = slices.DeleteFunc(s.evaluations, func(at time.Time) bool { return now.Sub(at) > 2*longestLookBack })
	s.evaluations = append(s.evaluations, now)
}

// lateness is how far before an evaluation the timestamp of a data point may be that arrives after it and belongs to
// the next: callers send whole milliseconds, or whole seconds.
const lateness = time.Second

// counted returns the time at which alarms count a data point that arrives now.
func (s *Service) counted(at time.Time) time.Time {
	if len(s.evaluations) == 0 {
		return at
	}
	if last := s.evaluations[len(s.evaluations)-1]; !at.After(last) && last.Sub(at) < lateness {
		return last.Add(1)
	}
	return at
}

// window returns a metric's statistic after from, up to and including to; nil if it has no data there.
func (s *series) window(q AlarmQuery, from, to time.Time) *float64 {
	var sum Bucket
	for _, p := range s.points {
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

// sighting is a data point as an alarm counts it.
type sighting int

const (
	absent sighting = iota
	within
	over
)

// verdict returns the state for points, oldest first, when m of n must breach. decided is false if the alarm keeps
// its state. These are CloudWatch's documented rules:
//
//	enough real points (n or more)           the latest n of them decide, independent of the others
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

// maxSubject is the maximum length of a subject in SNS.
const maxSubject = 99

// subject returns the message's subject in CloudWatch's format, cut to SNS's maximum.
func (c change) subject(region string) string {
	subject := fmt.Sprintf("%s: %q in %s", c.State, c.Name, region)
	return subject[:min(len(subject), maxSubject)]
}

// message returns CloudWatch's message about a change of state, without the description of the trigger.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
func (s *Service) message(c change) string {
	text, _ := json.Marshal(map[string]any{ // encoding cannot fail
		"AlarmName": c.Name, "AlarmDescription": c.Description, "AWSAccountId": s.options.Account, "Region": s.options.Region,
		"AlarmArn": c.ARN, "NewStateValue": c.State, "NewStateReason": c.Reason, "OldStateValue": c.before,
		"StateChangeTime": c.Since.Format("2006-01-02T15:04:05.000-0700"),
	})
	return string(text)
}
