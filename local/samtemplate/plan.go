package samtemplate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Options is the input of CloudFormation in addition to the template. Zero values are replaced by the defaults of an
// invented stack.
type Options struct {
	// Parameters are the given values; missing ones have their defaults.
	Parameters map[string]string
	// Partition is "aws", "aws-cn" or "aws-us-gov"; the default is the Region's.
	Partition string
	// Region is eu-central-1 by default.
	Region string
	// AccountID has twelve digits; the default is 111122223333.
	AccountID string
	// StackName is s3-endpoint-guard by default.
	StackName string
	// StackID is the stack's ARN; the default has an invented end.
	StackID string
}

func (o Options) withDefaults() Options {
	o.Region = cmp.Or(o.Region, "eu-central-1")
	o.AccountID = cmp.Or(o.AccountID, "111122223333")
	o.StackName = cmp.Or(o.StackName, "s3-endpoint-guard")
	if o.Partition == "" {
		o.Partition = partitionOf(o.Region)
	}
	o.StackID = cmp.Or(o.StackID, fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/0f0f0f0f-0000-4000-8000-000000000001",
		o.Partition, o.Region, o.AccountID, o.StackName))
	return o
}

func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// urlSuffix is AWS::URLSuffix.
func (o Options) urlSuffix() string {
	if o.Partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// Plan is a template in which all is resolved that does not depend on the physical ids of resources. It is immutable.
type Plan struct {
	template   *Template
	options    Options
	parameters map[string]any // string or []any
	conditions map[string]bool
	order      []Resource      // of this template
	all        []Resource      // with those of nested applications
	active     map[string]bool // the resources whose condition holds
	foreign    *ForeignOptions // nil for a template that must be resolved completely
	plans      sync.Map        // the plans of nested applications, by logical id and parameters
}

// Resource is one resource of the stack.
type Resource struct {
	LogicalID string
	Type      string
	// DeletionPolicy is "" for the type's default, which is Delete, except for types that support snapshots.
	DeletionPolicy string
	// DependsOn are the logical ids of the resources that must exist first, from DependsOn and from the properties,
	// sorted.
	DependsOn []string
	// Metadata is unresolved, with functions in their long form.
	Metadata map[string]any
}

// Attributes returns the values of Ref and Fn::GetAtt for a resource, such as its physical id. false means that the
// value is unknown.
type Attributes interface {
	Ref(logicalID string) (string, bool)
	GetAtt(logicalID, name string) (any, bool)
}

// Plan checks the parameters (all errors in one) and the Rules, evaluates the conditions, and orders the resources. A
// reference to a resource that the conditions leave out is an error, and so is a dependency cycle. Nested applications are
// planned with invented values of this template's resources.
func (t *Template) Plan(options Options) (*Plan, error) {
	p := &Plan{template: t, options: options.withDefaults(), active: map[string]bool{}}
	var err error
	if p.parameters, err = t.parameterValues(p.options); err != nil {
		return nil, err
	}
	if err := p.assertRules(); err != nil {
		return nil, err
	}
	if p.conditions, err = p.decide(); err != nil {
		return nil, err
	}
	for _, r := range t.resources {
		p.active[r.LogicalID] = p.holds(r.condition)
	}
	if p.order, err = p.ordered(); err != nil {
		return nil, err
	}
	return p, p.planNested()
}

// planNested plans the nested applications, and orders the resources of all templates.
func (p *Plan) planNested() error {
	for _, r := range p.order {
		if r.Type == applicationType {
			inner, err := p.Nested(r.LogicalID, Invented(p))
			if err != nil {
				return err
			}
			p.all = append(p.all, inner.order...)
		}
		p.all = append(p.all, r)
	}
	return nil
}

// holds reports whether a condition holds; "" always holds.
func (p *Plan) holds(condition string) bool { return condition == "" || p.conditions[condition] }

// Options returns the plan's options, with defaults filled in.
func (p *Plan) Options() Options { return p.options }

// Parameter returns a parameter's value, given or default; "" for a list or an unknown parameter.
func (p *Plan) Parameter(name string) string {
	text, _ := p.parameters[name].(string)
	return text
}

// Resources returns the resources whose condition holds, each after its dependencies, and otherwise in the template's
// order. Those of a nested application come before it; its conditions are those for invented values of this template's
// resources.
func (p *Plan) Resources() []Resource { return slices.Clone(p.all) }

// OwnResources are Resources without those of nested applications: what CloudFormation lists for the stack itself.
func (p *Plan) OwnResources() []Resource { return slices.Clone(p.order) }

// Properties returns a resource's properties with all functions resolved, never nil, without what AWS::NoValue
// removes. The resource may be in a nested application. The error names the first place that cannot be resolved.
func (p *Plan) Properties(logicalID string, a Attributes) (map[string]any, error) {
	if inner, err := p.holder(logicalID, a); err != nil || inner != p {
		if err != nil {
			return nil, err
		}
		return inner.Properties(logicalID, a)
	}
	r, err := p.resource(logicalID)
	if err != nil {
		return nil, err
	}
	if r.properties.Node == nil {
		return map[string]any{}, nil
	}
	v, err := scope{p, a}.value(r.properties)
	if err != nil {
		return nil, err
	}
	properties, ok := v.(map[string]any)
	if !ok {
		return nil, r.properties.errorf("want a mapping")
	}
	return properties, nil
}

// resource returns a resource of the plan.
func (p *Plan) resource(logicalID string) (*resource, error) {
	r, ok := p.template.byID[logicalID]
	if !ok {
		return nil, fmt.Errorf("no resource %s in the template", logicalID)
	}
	if !p.active[logicalID] {
		return nil, fmt.Errorf("resource %s is not in the stack: condition %s does not hold", logicalID, r.condition)
	}
	return r, nil
}

// Outputs returns the outputs whose condition holds, by name.
func (p *Plan) Outputs(a Attributes) (map[string]string, error) {
	outputs := map[string]string{}
	var faults []error
	for _, o := range p.template.outputs {
		if !p.holds(o.condition) {
			continue
		}
		text, err := scope{p, a}.text(o.value)
		if err != nil {
			faults = append(faults, err)
		}
		outputs[o.name] = text
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return outputs, nil
}

func (p *Plan) checkOutputs() error {
	for _, o := range p.template.outputs {
		if !p.holds(o.condition) {
			continue
		}
		if _, err := p.references(o.value); err != nil {
			return err
		}
	}
	return nil
}
