package health

import (
	"fmt"
	"slices"

	"s3-endpoint-guard/internal/metrics"
)

// CloudTrail is a trail that covers this Region.
type CloudTrail struct {
	Name string
	// Logging is whether it is switched on.
	Logging bool
	// Selectors are its basic event selectors, Advanced its advanced ones. A trail has at most one of the kinds; one
	// with neither logs all management events.
	Selectors []Selector
	Advanced  []AdvancedSelector
}

// Selector is a basic event selector.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
type Selector struct {
	// Management is whether management events are logged, Kind which: "All", "ReadOnly" or "WriteOnly".
	Management bool
	Kind       string
}

// AdvancedSelector is an advanced event selector: an event must match every field.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html
type AdvancedSelector []Field

// Field is one condition of an [AdvancedSelector].
type Field struct {
	Name string
	// Equals are the values of which one must be met, Others is true when there is any other kind of condition.
	Equals []string
	// Differs are values that must not be met.
	Differs []string
	Others  bool
}

// logsWrites is whether a trail logs the management writes that the guard's rules wait for.
func (c CloudTrail) logsWrites() bool {
	switch {
	case len(c.Advanced) > 0:
		return slices.ContainsFunc(c.Advanced, AdvancedSelector.takesWrites)
	case len(c.Selectors) > 0:
		return slices.ContainsFunc(c.Selectors, func(s Selector) bool { return s.Management && s.Kind != "ReadOnly" })
	}
	return true
}

// takesWrites is whether a selector takes the management writes of S3 and EC2. One with a condition that cannot be
// judged here counts as taking none: a false alarm is better than a guard that waits in vain.
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

// passes is whether a value meets the condition.
func (f Field) passes(value string) bool {
	return (len(f.Equals) == 0 || slices.Contains(f.Equals, value)) && !slices.Contains(f.Differs, value)
}

// Rule is a rule that must wake the guard.
type Rule struct {
	Name string
	// State is EventBridge's word, "ENABLED" for one that works; "not found" for one that is gone.
	State string
	// Targets are the ARNs that it sends its events to.
	Targets []string
}

// enabled are the states of a rule that works. The second also takes read-only calls, and is no worse.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html
var enabled = []string{"ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}

// judgeTrigger judges whether the guard is woken when something happens.
func (t Terms) judgeTrigger(r *Report, s Snapshot) {
	r.judgeTrails(s.Trails)
	rules := verdict{incomplete: !r.made(Rules, s.Rules.Err)}
	for _, rule := range s.Rules.Value {
		rules.hear(true, t.faults(rule)...)
	}
	r.conclude(metrics.RulesEnabled, rules)
	if r.made(Sweep, s.Sweeps.Err) {
		var objections []string
		if s.Sweeps.Value == 0 {
			objections = []string{fmt.Sprintf("no correction run has published its metrics for %s", t.SweepWithin)}
		}
		r.flag(metrics.SweepRecent, objections...)
	}
}

// judgeTrails judges whether some trail logs management writes. One such trail is enough, whichever others could not be
// read; without one, a trail that could not be read may be it.
func (r *Report) judgeTrails(trails Reading[[]CloudTrail]) {
	logged := slices.ContainsFunc(trails.Value, func(c CloudTrail) bool { return c.Logging && c.logsWrites() })
	switch {
	case logged:
		r.flag(metrics.TrailLogging)
	case r.made(Trail, trails.Err):
		r.flag(metrics.TrailLogging, unlogged(trails.Value)...)
	}
}

// unlogged says of each trail why it logs no management writes.
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

// faults objects to a rule that does not wake the guard.
func (t Terms) faults(rule Rule) []string {
	var objections []string
	if !slices.Contains(enabled, rule.State) {
		objections = append(objections, fmt.Sprintf("rule %s: its state is %s", rule.Name, rule.State))
	} else if !slices.Contains(rule.Targets, t.Function) {
		objections = append(objections, fmt.Sprintf("rule %s: %s is not among its targets", rule.Name, t.Function))
	}
	return objections
}
