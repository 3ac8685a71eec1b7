package samtemplate

import (
	"fmt"
	"time"
)

// Function is what an AWS::Serverless::Function is once it is deployed.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
type Function struct {
	LogicalID string
	Name      string // what Ref returns
	ARN       string
	// Role is the ARN of the role that the function runs as.
	Role string
	// RoleLogicalID is the role's logical id, "" where it is not a role of
	// this template.
	RoleLogicalID string
	// Environment are the variables, as text, and never nil.
	Environment map[string]string
	// Timeout is how long one invocation may take.
	Timeout time.Duration
	// MemoryMB is the memory in MB (of 1,048,576 bytes).
	MemoryMB int
	// EventInvoke is what happens to asynchronous invocations that fail.
	EventInvoke EventInvoke
}

// EventInvoke is what Lambda does with asynchronous invocations that fail.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
type EventInvoke struct {
	// MaximumRetryAttempts is 0 to 2; with 2, Lambda's default, a failing
	// event is tried three times.
	MaximumRetryAttempts int
	// MaximumEventAge is how long an event is kept for, by default 6 h.
	MaximumEventAge time.Duration
	// OnFailure is the ARN that a failed event is sent to, "" for none.
	OnFailure string
}

// Function returns the function of that logical id. A function whose role or
// whose triggers SAM would make up (no Role, Events) is an error, for then the
// template would not show all that it deploys.
func (p *Plan) Function(logicalID string, a Attributes) (Function, error) {
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
	failure := r.object(config, "DestinationConfig", "OnFailure")
	if _, ok := failure["Destination"]; failure != nil && !ok {
		r.fail("DestinationConfig.OnFailure: no Destination: would make SAM create one")
	}
	return EventInvoke{
		MaximumRetryAttempts: r.number(config, "MaximumRetryAttempts", 2),
		MaximumEventAge:      r.seconds(config, "MaximumEventAgeInSeconds", 6*time.Hour),
		OnFailure:            r.text(failure, "Destination", ""),
	}
}

// roleOf returns the logical id of the role that a function's Role names, as
// !GetAtt Name.Arn, after conditions; "" where it is written otherwise.
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
