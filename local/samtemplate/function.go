package samtemplate

import (
	"fmt"
	"time"
)

// Function is a deployed AWS::Serverless::Function.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
type Function struct {
	LogicalID string
	Name      string // Ref's value
	ARN       string
	// Role is the ARN of the function's execution role.
	Role string
	// RoleLogicalID is the role's logical id, or "" if the role is not in this template.
	RoleLogicalID string
	// Environment contains the variables as strings. It is never nil.
	Environment map[string]string
	// Timeout limits one invocation.
	Timeout time.Duration
	// MemoryMB is the memory in MB (of 1,048,576 bytes).
	MemoryMB int
	// EventInvoke is the configuration of failed asynchronous invocations.
	EventInvoke EventInvoke
}

// EventInvoke is what Lambda does with failed asynchronous invocations.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
type EventInvoke struct {
	// MaximumRetryAttempts is 0 to 2; with 2, Lambda's default, a failing event is tried three times.
	MaximumRetryAttempts int
	// MaximumEventAge is how long Lambda keeps an event, 6 h by default.
	MaximumEventAge time.Duration
	// OnFailure and OnSuccess are the ARNs to which the record of a failed or successful event is sent, or "".
	OnFailure, OnSuccess string
}

// Function returns the function with that logical id. A function whose role or triggers SAM would generate (no Role,
// Events) is an error, because the template would not show all that it deploys. It may be in a nested application.
func (p *Plan) Function(logicalID string, a Attributes) (Function, error) {
	p, err := p.holder(logicalID, a)
	if err != nil {
		return Function{}, err
	}
	properties, err := p.Properties(logicalID, a)
	if err != nil {
		return Function{}, err
	}
	if typ := p.template.byID[logicalID].Type; typ != functionType {
		return Function{}, fmt.Errorf("%s is an %s, want an %s", logicalID, typ, functionType)
	}
	r := &reader{where: "function " + logicalID}
	for _, made := range []string{"Events", "Policies", "AutoPublishAlias", "FunctionUrlConfig"} {
		if _, ok := properties[made]; ok {
			r.fail("%s: would make SAM create resources that do not stand in the template", made)
		}
	}
	if _, ok := properties["Role"]; !ok {
		r.fail("no Role: would make SAM create one")
	}
	f := Function{
		LogicalID:     logicalID,
		Role:          r.text(properties, "Role", ""),
		RoleLogicalID: p.roleOf(logicalID),
		Environment:   map[string]string{},
		Timeout:       r.seconds(properties, "Timeout", 3*time.Second),
		MemoryMB:      r.number(properties, "MemorySize", 128),
		EventInvoke:   r.eventInvoke(properties),
	}
	variables := r.object(properties, "Environment", "Variables")
	for name := range variables {
		f.Environment[name] = r.text(variables, name, "")
	}
	f.Name, f.ARN = r.identity(a, logicalID)
	return f, r.err
}

// identity returns a resource's Ref and its attribute Arn.
func (r *reader) identity(a Attributes, logicalID string) (name, arn string) {
	name, known := a.Ref(logicalID)
	if !known {
		r.fail("its Ref is not known")
	}
	v, known := a.GetAtt(logicalID, "Arn")
	arn, isText := v.(string)
	if !known || !isText {
		r.fail("its attribute Arn is not known")
	}
	return name, arn
}

// eventInvoke reads EventInvokeConfig.
func (r *reader) eventInvoke(properties map[string]any) EventInvoke {
	config := r.object(properties, "EventInvokeConfig")
	r.only(config, "MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
	destinations := map[string]string{}
	for _, outcome := range []string{"OnFailure", "OnSuccess"} {
		to := r.object(config, "DestinationConfig", outcome)
		if _, ok := to["Destination"]; to != nil && !ok {
			r.fail("DestinationConfig." + outcome + ": no Destination: would make SAM create one")
		}
		destinations[outcome] = r.text(to, "Destination", "")
	}
	return EventInvoke{
		MaximumRetryAttempts: r.number(config, "MaximumRetryAttempts", 2),
		MaximumEventAge:      r.seconds(config, "MaximumEventAgeInSeconds", 6*time.Hour),
		OnFailure:            destinations["OnFailure"],
		OnSuccess:            destinations["OnSuccess"],
	}
}

// roleOf returns the logical id of the role in a function's Role, written as !GetAtt Name.Arn, after conditions; ""
// for any other form.
func (p *Plan) roleOf(logicalID string) string {
	properties, err := p.template.byID[logicalID].properties.byName()
	if err != nil {
		return ""
	}
	role := properties["Role"]
	for {
		name, arg, _ := role.function()
		switch name {
		case "Fn::If":
			if role, err = p.taken(arg); err != nil {
				return ""
			}
		case "Fn::GetAtt":
			to, err := attributeTarget(arg)
			if err != nil {
				return ""
			}
			return to.name
		default:
			return ""
		}
	}
}
