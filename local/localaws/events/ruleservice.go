package events

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// ruleService is EventBridge's API of the bus.
type ruleService struct{ bus *Bus }

// Service returns the API of the bus: DescribeRule, ListRules, ListTargetsByRule, PutRule, PutTargets, DisableRule, EnableRule,
// RemoveTargets and PutEvents. PutRule changes an existing rule only.
func (b *Bus) Service() api.Service { return ruleService{b} }

// SigningName implements [api.Service].
func (s ruleService) SigningName() string { return "events" }

// RenderError implements [api.Service].
func (s ruleService) RenderError(r *api.Request, e *api.Error) *api.Response {
	return jsonrpc.Error(r, e)
}

// ruleParameters are the parameters of all calls here. The rule is called Name in some and Rule in others.
type ruleParameters struct {
	Name, Rule string
	NamePrefix string
	IDs        []string `json:"Ids"`

	EventPattern, ScheduleExpression, State string
	Targets                                 []target
}

// target is a target in requests and answers.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
type target struct {
	Id, Arn          string
	Input            string            `json:",omitempty"`
	DeadLetterConfig map[string]string `json:",omitempty"`
	RetryPolicy      map[string]int    `json:",omitempty"`
}

// shown returns a target as it was put.
func (t Target) shown() target {
	shown := target{Id: t.ID, Arn: t.ARN, Input: t.Input}
	if t.DeadLetterARN != "" {
		shown.DeadLetterConfig = map[string]string{"Arn": t.DeadLetterARN}
	}
	if t.MaximumRetryAttempts != nil || t.MaximumEventAge > 0 {
		shown.RetryPolicy = map[string]int{}
	}
	if t.MaximumRetryAttempts != nil {
		shown.RetryPolicy["MaximumRetryAttempts"] = *t.MaximumRetryAttempts
	}
	if t.MaximumEventAge > 0 {
		shown.RetryPolicy["MaximumEventAgeInSeconds"] = int(t.MaximumEventAge.Seconds())
	}
	return shown
}

// target returns the target in a request.
func (t target) target() Target {
	put := Target{ID: t.Id, ARN: t.Arn, Input: t.Input, DeadLetterARN: t.DeadLetterConfig["Arn"],
		MaximumEventAge: time.Duration(t.RetryPolicy["MaximumEventAgeInSeconds"]) * time.Second}
	if attempts, ok := t.RetryPolicy["MaximumRetryAttempts"]; ok {
		put.MaximumRetryAttempts = &attempts
	}
	return put
}

// ruleCall executes a call about one rule.
type ruleCall struct {
	do func(Rule, ruleParameters) (any, error)
	// writes means that the call is a management write.
	writes bool
}

func (s ruleService) calls() map[string]ruleCall {
	return map[string]ruleCall{
		"DescribeRule":      {do: describedRule},
		"ListTargetsByRule": {do: listedTargets},
		"DisableRule":       {do: s.switched(true), writes: true},
		"EnableRule":        {do: s.switched(false), writes: true},
		"RemoveTargets":     {do: s.removedTargets, writes: true},
		"PutRule":           {do: s.putRule, writes: true},
		"PutTargets":        {do: s.putTargets, writes: true},
	}
}

// Decode implements [api.Service].
func (s ruleService) Decode(r *api.Request) (*api.Operation, error) {
	name := jsonrpc.Operation(r)
	if name == "PutEvents" {
		return s.putEvents(r)
	}
	var p ruleParameters
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	if name == "ListRules" {
		need := api.Need{Action: "events:" + name, Resource: s.bus.ruleARN("*"), ResourceAccount: s.bus.options.Account}
		return &api.Operation{Name: name, Needs: []api.Need{need}, Do: func() (*api.Response, error) {
			return jsonrpc.Answer(r, map[string]any{"Rules": s.listed(p.NamePrefix)})
		}}, nil
	}
	call, ok := s.calls()[name]
	if !ok {
		return nil, jsonrpc.Unknown(r)
	}
	p.Name = or(p.Name, p.Rule)
	operation := &api.Operation{Name: name, Needs: []api.Need{{
		Action: "events:" + name, Resource: s.bus.ruleARN(p.Name), ResourceAccount: s.bus.options.Account,
	}}}
	if call.writes {
		operation.Trail = &api.Trail{RequestParameters: map[string]any{"name": p.Name}}
	}
	operation.Do = func() (*api.Response, error) {
		rule, ok := s.bus.rule(p.Name)
		if !ok {
			return nil, jsonrpc.Refuse("ResourceNotFoundException", "Rule "+p.Name+" does not exist on EventBus default.")
		}
		answer, err := call.do(rule.Rule, p)
		if err != nil {
			return nil, err
		}
		return jsonrpc.Answer(r, answer)
	}
	return operation, nil
}

func describedRule(rule Rule, _ ruleParameters) (any, error) {
	described := map[string]any{"Name": rule.Name, "Arn": rule.ARN, "State": "ENABLED", "EventBusName": "default"}
	if rule.Disabled {
		described["State"] = "DISABLED"
	}
	if rule.Schedule != "" {
		described["ScheduleExpression"] = rule.Schedule
	}
	if rule.Pattern != nil {
		pattern, err := json.Marshal(rule.Pattern)
		if err != nil {
			return nil, err
		}
		described["EventPattern"] = string(pattern)
	}
	return described, nil
}

// putRule changes pattern, schedule and state of a rule, which keeps its targets.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
func (s ruleService) putRule(rule Rule, p ruleParameters) (any, error) {
	rule.Pattern, rule.Schedule, rule.Disabled = nil, p.ScheduleExpression, p.State == "DISABLED"
	if p.EventPattern != "" {
		if err := json.Unmarshal([]byte(p.EventPattern), &rule.Pattern); err != nil {
			return nil, invalidPattern(err)
		}
	}
	arn, err := s.bus.PutRule(rule)
	if err != nil {
		return nil, err
	}
	return map[string]any{"RuleArn": arn}, nil
}

func invalidPattern(err error) error {
	return jsonrpc.Refuse("InvalidEventPatternException", err.Error())
}

// mostTargets is how many targets a rule has at most.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const mostTargets = 5

// putTargets adds targets to a rule, or replaces those with the same id in their place.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
func (s ruleService) putTargets(rule Rule, p ruleParameters) (any, error) {
	var err error
	s.bus.change(rule.Name, func(r *Rule) {
		var targets []Target
		if targets, err = withTargets(r.Targets, p.Targets); err == nil {
			r.Targets = targets
		}
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []any{}}, nil
}

// withTargets returns a rule's targets after the put ones are added or have replaced those with the same id.
func withTargets(targets []Target, all []target) ([]Target, error) {
	targets = slices.Clone(targets)
	for _, put := range all {
		switch {
		case !strings.HasPrefix(put.Arn, "arn:"):
			return nil, invalid("Parameter " + put.Arn + " is not valid. Reason: Provided Arn is not in correct format.")
		case put.Input != "" && !json.Valid([]byte(put.Input)):
			return nil, invalid("Input for target " + put.Id + " is not a valid JSON text.")
		}
		if i := slices.IndexFunc(targets, func(t Target) bool { return t.ID == put.Id }); i >= 0 {
			targets[i] = put.target()
		} else {
			targets = append(targets, put.target())
		}
	}
	if len(targets) > mostTargets {
		return nil, jsonrpc.Refuse("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	return targets, nil
}

// listed returns the rules whose names begin with prefix, in order.
func (s ruleService) listed(prefix string) []any {
	list := []any{}
	for _, rule := range s.bus.Rules() {
		if strings.HasPrefix(rule.Name, prefix) {
			if described, err := describedRule(rule, ruleParameters{}); err == nil {
				list = append(list, described)
			}
		}
	}
	return list
}

func listedTargets(rule Rule, _ ruleParameters) (any, error) {
	targets := []target{}
	for _, t := range rule.Targets {
		targets = append(targets, t.shown())
	}
	return map[string]any{"Targets": targets}, nil
}

func (s ruleService) switched(off bool) func(Rule, ruleParameters) (any, error) {
	return func(rule Rule, _ ruleParameters) (any, error) {
		s.bus.change(rule.Name, func(r *Rule) { r.Disabled = off })
		return map[string]any{}, nil
	}
}

func (s ruleService) removedTargets(rule Rule, p ruleParameters) (any, error) {
	s.bus.change(rule.Name, func(r *Rule) {
		var kept []Target
		for _, t := range r.Targets {
			if !slices.Contains(p.IDs, t.ID) {
				kept = append(kept, t)
			}
		}
		r.Targets = kept
	})
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []any{}}, nil
}
