package samtemplate

import (
	"fmt"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/eventpattern"
)

// Rule is a deployed AWS::Events::Rule. It has a pattern or a schedule.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
type Rule struct {
	LogicalID string
	Name      string // Ref's value
	ARN       string
	// Pattern is nil for a schedule.
	Pattern *eventpattern.Pattern
	// Schedule is "rate(1 minute)" or "cron(…)", "" for a pattern.
	Schedule string
	// Enabled is false if State is DISABLED.
	Enabled bool
	Targets []Target
}

// Target is a target to which a rule sends matching events.
type Target struct {
	ID  string
	ARN string
	// DeadLetterARN is the queue for events that could not be delivered, or "".
	DeadLetterARN string
	// Input is the JSON sent instead of the event, or "" for the event itself.
	Input string
	// MaximumRetryAttempts is 185 by default.
	MaximumRetryAttempts int
	// MaximumEventAge is 24 h by default.
	MaximumEventAge time.Duration
}

// Rules returns all rules (AWS::Events::Rule) whose condition holds, in the order of Resources, with compiled
// patterns, also those of nested applications. Rules of other event buses and targets that rewrite the event (InputPath, InputTransformer) are errors.
func (p *Plan) Rules(a Attributes) ([]Rule, error) {
	var rules []Rule
	for _, resource := range p.order {
		if resource.Type == applicationType {
			inner, err := p.Nested(resource.LogicalID, a)
			if err != nil {
				return nil, err
			}
			more, err := inner.Rules(a)
			if err != nil {
				return nil, err
			}
			rules = append(rules, more...)
		}
		if resource.Type != "AWS::Events::Rule" {
			continue
		}
		rule, err := p.rule(resource.LogicalID, a)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func (p *Plan) rule(logicalID string, a Attributes) (Rule, error) {
	properties, err := p.Properties(logicalID, a)
	if err != nil {
		return Rule{}, err
	}
	r := &reader{where: "rule " + logicalID}
	rule := Rule{LogicalID: logicalID, Schedule: r.text(properties, "ScheduleExpression", "")}
	rule.Name, rule.ARN = r.identity(a, logicalID)
	if bus := r.text(properties, "EventBusName", "default"); bus != "default" {
		r.fail("EventBusName: %s, want the default event bus", bus)
	}
	state := r.text(properties, "State", "ENABLED")
	if !strings.HasPrefix(state, "ENABLED") && state != "DISABLED" {
		r.fail("State: unknown state %s", state)
	}
	rule.Enabled = state != "DISABLED"
	rule.Targets = r.targets(properties)
	pattern := r.object(properties, "EventPattern")
	if (pattern == nil) == (rule.Schedule == "") {
		r.fail("want an EventPattern or a ScheduleExpression, not both")
	}
	if r.err != nil || pattern == nil {
		return rule, r.err
	}
	if rule.Pattern, err = eventpattern.Compile(pattern); err != nil {
		return Rule{}, fmt.Errorf("%s: EventPattern: %w", r.where, err)
	}
	return rule, nil
}

func (r *reader) targets(properties map[string]any) []Target {
	list, ok := properties["Targets"].([]any)
	if !ok || len(list) == 0 {
		r.fail("Targets: want a list that is not empty")
	}
	var targets []Target
	for _, element := range list {
		t, ok := element.(map[string]any)
		if !ok {
			r.fail("Targets: want mappings")
			continue
		}
		r.only(t, "Id", "Arn", "Input", "DeadLetterConfig", "RetryPolicy", "RoleArn")
		retry := r.object(t, "RetryPolicy")
		targets = append(targets, Target{
			ID:                   r.text(t, "Id", ""),
			ARN:                  r.text(t, "Arn", ""),
			Input:                r.text(t, "Input", ""),
			DeadLetterARN:        r.text(r.object(t, "DeadLetterConfig"), "Arn", ""),
			MaximumRetryAttempts: r.number(retry, "MaximumRetryAttempts", 185),
			MaximumEventAge:      r.seconds(retry, "MaximumEventAgeInSeconds", 24*time.Hour),
		})
	}
	return targets
}
