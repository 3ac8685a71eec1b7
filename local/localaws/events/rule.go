package events

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"example.com/s3-endpoint-guard/local/eventpattern"
)

// Rule is an EventBridge rule: it has a pattern, a schedule, or both.
type Rule struct {
	// Name is the rule's name. ARN is set by [Bus.PutRule].
	Name, ARN string
	// Pattern is the event pattern as decoded JSON; nil for none.
	Pattern any
	// Schedule is a rate expression such as "rate(5 minutes)", or "". cron expressions are not supported.
	Schedule string
	// Disabled rules match nothing and never fire.
	Disabled bool
	// Targets receive the events.
	Targets []Target
}

// Target is a target of a rule.
type Target struct {
	// ID is the target's id within the rule; ARN is the function's, queue's or topic's.
	ID, ARN string
	// Input, if not "", is the JSON that is sent instead of the event.
	Input string
	// DeadLetterARN is the queue for events that could not be delivered, or "".
	DeadLetterARN string
	// MaximumRetryAttempts is 0 to 185; nil means 185. MaximumEventAge 0 means 24 hours.
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
	MaximumRetryAttempts *int
	MaximumEventAge      time.Duration
}

// rule is a rule in the bus.
type rule struct {
	Rule
	pattern *eventpattern.Pattern
	stop    func()
}

func (r *rule) matches(e Event) bool {
	if r.pattern == nil || r.Disabled {
		return false
	}
	ok, _ := r.pattern.Match(map[string]any(e))
	return ok
}

// PutRule creates a rule, or replaces the one with the same name, and returns its ARN. It returns an error for an
// invalid pattern or schedule, as EventBridge does, and then changes nothing. A schedule first fires one interval from now.
func (b *Bus) PutRule(r Rule) (arn string, err error) {
	r.ARN = b.ruleARN(r.Name)
	put := &rule{Rule: r, stop: func() {}}
	if r.Pattern == nil && r.Schedule == "" {
		return "", invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if r.Pattern != nil {
		if put.pattern, err = eventpattern.Compile(r.Pattern); err != nil {
			return "", invalidPattern(fmt.Errorf("rule %s: %w", r.Name, err))
		}
	}
	var interval time.Duration
	if r.Schedule != "" {
		if interval, err = rate(r.Schedule); err != nil {
			return "", invalid("Parameter ScheduleExpression is not valid. Reason: " + err.Error())
		}
	}
	b.RemoveRule(r.Name)
	b.mu.Lock()
	b.rules[r.Name] = put
	b.mu.Unlock()
	if r.Schedule != "" {
		b.schedule(put, interval)
	}
	return r.ARN, nil
}

// RemoveRule deletes a rule, if it exists.
func (b *Bus) RemoveRule(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, ok := b.rules[name]; ok {
		r.stop()
		delete(b.rules, name)
	}
}

// ruleARN returns the ARN of a rule with that name.
func (b *Bus) ruleARN(name string) string {
	return fmt.Sprintf("arn:%s:events:%s:%s:rule/%s", b.options.Partition, b.options.Region, b.options.Account, name)
}

// rule finds a rule.
func (b *Bus) rule(name string) (rule, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.rules[name]
	if !ok {
		return rule{}, false
	}
	return *r, true
}

// change changes an existing rule.
func (b *Bus) change(name string, f func(*Rule)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, ok := b.rules[name]; ok {
		f(&r.Rule)
	}
}

// Rules returns all rules, sorted by name.
func (b *Bus) Rules() []Rule {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rules []Rule
	for _, name := range slices.Sorted(maps.Keys(b.rules)) {
		rules = append(rules, b.rules[name].Rule)
	}
	return rules
}

// schedule fires a rule at each interval from now, while the rule exists.
func (b *Bus) schedule(r *rule, interval time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.rules[r.Name] != r {
		return
	}
	r.stop = b.options.Clock.AfterFunc(interval, func() {
		_ = b.Fire(r.Name)
		b.schedule(r, interval)
	})
}

// rateExpression matches EventBridge's rate expressions: the unit is singular after 1 and plural after other numbers.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html#eb-rate-expressions
var rateExpression = regexp.MustCompile(`^rate\((1) (minute|hour|day)\)$|^rate\(([1-9][0-9]*) (minute|hour|day)s\)$`)

var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

// rate parses a rate expression.
func rate(expression string) (time.Duration, error) {
	m := rateExpression.FindStringSubmatch(expression)
	if m == nil || m[3] == "1" {
		return 0, fmt.Errorf("schedule %q is no rate that EventBridge takes", expression)
	}
	n, err := strconv.Atoi(m[1] + m[3])
	if err != nil {
		return 0, fmt.Errorf("schedule %q: %w", expression, err)
	}
	return time.Duration(n) * units[m[2]+m[4]], nil
}
