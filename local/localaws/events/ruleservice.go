package events

import (
	"net/http"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// ruleService is EventBridge's API of the bus.
type ruleService struct{ bus *Bus }

// Service returns the API of the bus: DescribeRule, ListRules, ListTargetsByRule, DisableRule, EnableRule, RemoveTargets
// and PutEvents.
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
}

// ruleCall executes a call about one rule.
type ruleCall struct {
	do func(Rule, ruleParameters) any
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
			return nil, &api.Error{Status: http.StatusBadRequest, Code: "ResourceNotFoundException",
				Message: "Rule " + p.Name + " does not exist on EventBus default."}
		}
		return jsonrpc.Answer(r, call.do(rule.Rule, p))
	}
	return operation, nil
}

func describedRule(rule Rule, _ ruleParameters) any {
	state := "ENABLED"
	if rule.Disabled {
		state = "DISABLED"
	}
	return map[string]any{"Name": rule.Name, "Arn": rule.ARN, "State": state, "ScheduleExpression": rule.Schedule, "EventBusName": "default"}
}

// listed returns the rules whose names begin with prefix, in order.
func (s ruleService) listed(prefix string) []any {
	list := []any{}
	for _, rule := range s.bus.Rules() {
		if strings.HasPrefix(rule.Name, prefix) {
			list = append(list, describedRule(rule, ruleParameters{}))
		}
	}
	return list
}

func listedTargets(rule Rule, _ ruleParameters) any {
	type target struct{ Id, Arn string }
	targets := []target{}
	for _, t := range rule.Targets {
		targets = append(targets, target{t.ID, t.ARN})
	}
	return map[string]any{"Targets": targets}
}

func (s ruleService) switched(off bool) func(Rule, ruleParameters) any {
	return func(rule Rule, _ ruleParameters) any {
		s.bus.change(rule.Name, func(r *Rule) { r.Disabled = off })
		return map[string]any{}
	}
}

func (s ruleService) removedTargets(rule Rule, p ruleParameters) any {
	s.bus.change(rule.Name, func(r *Rule) {
		var kept []Target
		for _, t := range r.Targets {
			if !slices.Contains(p.IDs, t.ID) {
				kept = append(kept, t)
			}
		}
		r.Targets = kept
	})
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []any{}}
}
