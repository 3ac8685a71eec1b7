package healthcheck

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/environment"
	"example.com/s3-endpoint-guard/internal/health"
)

// Config is the function's configuration from its environment. guard.yaml sets all variables, for one bucket and endpoint if
// template.yaml contains it.
type Config struct {
	environment.Guarded
	// Function is the ARN of the function that corrects drift.
	Function string
	// StackID is the ARN of the guard's stack: the one of template.yaml, if it contains guard.yaml's.
	StackID string
	// Rules are the names of the EventBridge rules that must invoke it.
	Rules []string
	// SweepEvery is the interval of the sweeps.
	SweepEvery time.Duration
	// TrailDays is for how many days the files of the stack's own trail are kept, if it has one.
	TrailDays int32
	// IdleAfter is the time without traffic after which an endpoint counts as idle.
	IdleAfter time.Duration
	// CanaryKey is the key of the object that the anonymous read requests.
	CanaryKey string
}

// canaries is the beginning of the keys of the probes' objects; the Availability Zone follows.
const canaries = ".s3-endpoint-guard/canary-"

// ReadConfig reads the environment. The error names all wrong variables. To save space, the template abbreviates the names of
// the rules, and names the canary object by its zone.
func ReadConfig(getenv func(string) string) (Config, error) {
	r := environment.New(getenv)
	c := Config{
		Guarded:   r.Guarded(),
		CanaryKey: canaries + r.Match("ZONE", environment.Name),
	}
	c.readTimes(r)
	c.Rules = readRules(r)
	s := c.Setting
	c.StackID = fmt.Sprintf("arn:%s:cloudformation:%s:%s:%s", s.Partition, s.Region, s.Account, r.Match("STACK", environment.Stack))
	function := r.Match("FUNCTION", environment.Name)
	c.Function = fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", s.Partition, s.Region, s.Account, function)
	return c, r.Err()
}

// readRules reads the names of the rules, which guard.yaml abbreviates.
func readRules(r *environment.Reader) []string {
	var names []string
	for _, name := range r.List("RULES", environment.Name) {
		names = append(names, strings.ReplaceAll(name, "~", "Rule-"))
	}
	return names
}

// readTimes reads three parameters of the template: SweepSeconds, IdleDays and TrailRetentionDays.
func (c *Config) readTimes(r *environment.Reader) {
	texts := r.List("TIMES", environment.Count)
	if len(texts) != 3 {
		r.Refuse(fmt.Errorf("TIMES has %d numbers, want those of SweepSeconds, IdleDays and TrailRetentionDays", len(texts)))
		return
	}
	var n [3]int
	for i, text := range texts {
		n[i], _ = strconv.Atoi(text) // its shape was checked
	}
	c.SweepEvery, c.IdleAfter, c.TrailDays = time.Duration(n[0])*time.Second, time.Duration(n[1])*24*time.Hour, int32(n[2])
}

// sweepGrace is the time that a sweep's metrics may need from its log to CloudWatch.
const sweepGrace = 5 * time.Minute

// criteria returns the limits for judging a snapshot. Two missed scheduled sweeps in a row do not count as a problem.
func (c Config) criteria() health.Criteria {
	return health.Criteria{
		Setting: c.Setting, Gateway: c.Gateway, Function: c.Function, StackID: c.StackID, SweepEvery: c.SweepEvery,
		EndpointGroups: c.SecurityGroupIDs,
		SweepWithin:    2*max(c.SweepEvery, environment.SchedulePeriod) + sweepGrace, SweepsAMinute: c.sweepsAMinute(), IdleAfter: c.IdleAfter,
	}
}

// sweepsAMinute returns the least number of sweeps in the busiest minute: one if the schedule starts them all, and otherwise more
// than half of those that messages start, because the schedule's own continue if no message arrives.
func (c Config) sweepsAMinute() int {
	if c.SweepEvery >= environment.SchedulePeriod {
		return 1
	}
	delayed := int(environment.SchedulePeriod/c.SweepEvery) - 1
	return 1 + (delayed+1)/2
}
