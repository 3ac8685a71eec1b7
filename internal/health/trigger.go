package health

import (
	"fmt"
	"slices"

	"example.com/s3-endpoint-guard/internal/metrics"
)

// CloudTrail is a trail that covers the Region.
type CloudTrail struct {
	Name string
	// Logging is whether the trail is logging.
	Logging bool
	// Selectors are its basic event selectors, Advanced its advanced ones. A trail has at most one kind; a trail
	// without selectors logs all management events.
	Selectors []Selector
	Advanced  []AdvancedSelector
	// Bucket is the bucket of its files. Validated is whether it writes digests, with which a changed file is recognised. Key
	// is the key that encrypts the files, "" for S3's own.
	Bucket, Key string
	Validated   bool
	// DeliveryError is S3's latest error when a file was written; "" for none.
	// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html
	DeliveryError string
}

// Selector is a basic event selector.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
type Selector struct {
	// Management is whether management events are logged, Kind which: "All", "ReadOnly" or "WriteOnly".
	Management bool
	Kind       string
}

// AdvancedSelector is an advanced event selector: an event must match all fields.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html
type AdvancedSelector []Field

// Field is one condition of an [AdvancedSelector].
type Field struct {
	Name string
	// Equals are the accepted values. Others is true if there are conditions of other kinds.
	Equals []string
	// Differs are the excluded values.
	Differs []string
	Others  bool
}

// logsWrites reports whether a trail logs the management writes that the guard's rules match.
func (c CloudTrail) logsWrites() bool {
	switch {
	case len(c.Advanced) > 0:
		return slices.ContainsFunc(c.Advanced, AdvancedSelector.takesWrites)
	case len(c.Selectors) > 0:
		return slices.ContainsFunc(c.Selectors, func(s Selector) bool { return s.Management && s.Kind != "ReadOnly" })
	}
	return true
}

// takesWrites reports whether a selector includes the management writes of S3 and EC2. A condition that cannot be
// judged here counts as excluding them: a false alarm is better than a guard without events.
func (a AdvancedSelector) takesWrites() bool {
	management := false
	for _, f := range a {
		switch {
		case f.Others:
			return false
		case f.Name == "eventCategory" && slices.Equal(f.Equals, []string{"Management"}) && len(f.Differs) == 0:
			management = true
		case f.Name == "readOnly" && slices.Equal(f.Equals, []string{"false"}) && len(f.Differs) == 0:
		case f.Name == "eventSource" && f.passes("s3.amazonaws.com") && f.passes("ec2.amazonaws.com"):
		default:
			return false
		}
	}
	return management
}

// passes reports whether a value meets the condition.
func (f Field) passes(value string) bool {
	return (len(f.Equals) == 0 || slices.Contains(f.Equals, value)) && !slices.Contains(f.Differs, value)
}

// Rule is an EventBridge rule that must invoke the guard.
type Rule struct {
	Name string
	// State is EventBridge's state, "ENABLED" for an active rule; "not found" for a missing one.
	State string
	// Targets are the ARNs of the rule's targets, Declared the targets with all their members, as JSON.
	Targets, Declared []string
	// Pattern is its event pattern, Schedule its schedule expression; "" for none.
	Pattern, Schedule string
}

// enabled are the states of an active rule. In the second one it also matches read-only calls, which does no harm.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html
var enabled = []string{"ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}

// judgeTrigger judges whether events invoke the guard.
func (t Criteria) judgeTrigger(r *Report, s Snapshot) {
	t.judgeInvocation(r, s)
	if r.made(Sweep, s.Sweeps.Err) {
		r.flag(metrics.SweepRecent, t.sweepObjections(s.Sweeps.Value)...)
	}
}

// fullMinutes is how many minutes with runs there must be before too few runs count: in a new stack, the first of them are not
// complete.
const fullMinutes = 3

// sweepObjections says what is wrong with the number of correction runs.
func (t Criteria) sweepObjections(runs SweepCount) []string {
	switch {
	case runs.Minutes == 0:
		return []string{fmt.Sprintf("no correction run has published its metrics for %s", t.SweepWithin)}
	case runs.Minutes >= fullMinutes && runs.Busiest < t.SweepsAMinute:
		return []string{fmt.Sprintf("at most %d correction runs a minute have published their metrics for %s, want at least %d: "+
			"the messages that start sweeps between the scheduled ones do not arrive", runs.Busiest, t.SweepWithin, t.SweepsAMinute)}
	}
	return nil
}

// judgeInvocation judges the trail and the rules.
func (t Criteria) judgeInvocation(r *Report, s Snapshot) {
	r.judgeTrails(s.Trails)
	rules := verdict{incomplete: !r.made(Rules, s.Rules.Err)}
	for _, rule := range s.Rules.Value {
		rules.hear(true, t.faults(rule)...)
	}
	r.conclude(metrics.RulesEnabled, rules)
}

// judgeTrails judges whether a trail logs management writes. One is enough, even if others could not be read. If there
// is none, a trail that could not be read may be the one, and the result stays open.
func (r *Report) judgeTrails(trails Reading[[]CloudTrail]) {
	logged := slices.ContainsFunc(trails.Value, func(c CloudTrail) bool { return c.Logging && c.logsWrites() })
	switch {
	case logged:
		r.flag(metrics.TrailLogging)
	case r.made(Trail, trails.Err):
		r.flag(metrics.TrailLogging, unlogged(trails.Value)...)
	}
}

// unlogged gives for each trail the reason why it logs no management writes.
func unlogged(trails []CloudTrail) []string {
	if len(trails) == 0 {
		return []string{"there is no trail in this Region: only the sweep corrects"}
	}
	var objections []string
	for _, c := range trails {
		why := "logs no management writes of S3 and EC2"
		if !c.Logging {
			why = "is switched off"
		}
		objections = append(objections, fmt.Sprintf("trail %s %s", c.Name, why))
	}
	return objections
}

// faults lists the reasons why a rule does not invoke the guard.
func (t Criteria) faults(rule Rule) []string {
	var objections []string
	if !slices.Contains(enabled, rule.State) {
		objections = append(objections, fmt.Sprintf("rule %s: its state is %s", rule.Name, rule.State))
	} else if !slices.Contains(rule.Targets, t.Function) {
		objections = append(objections, fmt.Sprintf("rule %s: %s is not among its targets", rule.Name, t.Function))
	}
	return objections
}
