package samtemplate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// applicationType is the type of a nested application. SAM's transform makes an AWS::CloudFormation::Stack of it.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-application.html
const applicationType = "AWS::Serverless::Application"

// outputsPrefix begins the attributes of a nested stack.
const outputsPrefix = "Outputs."

// Load reads the template in the file at path. A nested application's Location is a path relative to the template's
// directory, and lies in or below it.
func Load(path string) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := parseAmong(os.DirFS(filepath.Dir(path)), filepath.Base(path), data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// LoadFS reads the template of that name among files, with its nested applications: a Location is a path relative to the
// template's. It refuses a logical id that is in both templates, so that an id alone names a resource, and an application
// within an application.
func LoadFS(files fs.FS, name string) (*Template, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	return parseAmong(files, name, data)
}

// parseAmong parses the template of that name, and those of its nested applications.
func parseAmong(files fs.FS, name string, data []byte) (*Template, error) {
	t, err := parse(data)
	if err != nil {
		return nil, err
	}
	for _, r := range t.resources {
		if r.Type != applicationType {
			continue
		}
		if err := t.nest(files, path.Dir(name), r); err != nil {
			return nil, err
		}
	}
	return t, t.checkOutputNames()
}

// nest reads the template of one nested application.
func (t *Template) nest(files fs.FS, directory string, r *resource) error {
	properties, err := r.properties.only("Location", "Parameters", "NotificationARNs", "Tags", "TimeoutInMinutes")
	if err != nil {
		return err
	}
	at := properties["Location"]
	location, err := at.word()
	if err != nil || location == "" || strings.Contains(location, "://") {
		return r.at.errorf("Location: want the path of a template")
	}
	data, err := fs.ReadFile(files, path.Join(directory, location))
	if err != nil {
		return at.errorf("%w", err)
	}
	inner, err := Parse(data)
	if err != nil {
		return at.errorf("%s: %w", location, err)
	}
	for _, one := range inner.resources {
		if t.byID[one.LogicalID] != nil || t.owner[one.LogicalID] != "" {
			return at.errorf("%s: the logical id %s is already that of another resource", location, one.LogicalID)
		}
		t.owner[one.LogicalID] = r.LogicalID
	}
	t.nested[r.LogicalID] = inner
	return inner.checkGiven(properties["Parameters"])
}

// checkGiven returns an error if an application's Parameters has a name that its template does not declare.
func (t *Template) checkGiven(parameters place) error {
	members, err := parameters.members()
	for _, m := range members {
		if t.parameter(m.name) == nil {
			return m.errorf("not a parameter of the nested template")
		}
	}
	return err
}

// checkOutputNames returns an error for an attribute of a nested application that is not one of its outputs.
func (t *Template) checkOutputNames() error {
	every := func(arg place) ([]place, error) { return arg.branches(t.conditions) }
	check := func(function string, arg place) error {
		all, err := targets(function, arg)
		for _, to := range all {
			inner := t.nested[to.name]
			if inner == nil || to.attribute == "" {
				continue
			}
			name, ok := strings.CutPrefix(to.attribute, outputsPrefix)
			if !ok || !slices.ContainsFunc(inner.outputs, func(o output) bool { return o.name == name }) {
				return to.errorf("%s: %s is not an output of the nested template", function, to.attribute)
			}
		}
		return err
	}
	for _, r := range t.resources {
		if err := visit(r.properties, every, check); err != nil {
			return err
		}
	}
	for _, o := range t.outputs {
		if err := visit(o.value, every, check); err != nil {
			return err
		}
	}
	return nil
}

// Nested returns the plan of a nested application, with the parameters that the template passes to it. Its stack's name is
// that of its parent, the logical id and a suffix. A list is refused as the value of a parameter, as by CloudFormation:
// Fn::Join makes a text of it.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html
func (p *Plan) Nested(logicalID string, a Attributes) (*Plan, error) {
	inner := p.template.nested[logicalID]
	if inner == nil {
		return nil, fmt.Errorf("%s is not a nested application of the template", logicalID)
	}
	options, err := p.nestedOptions(logicalID, a)
	if err != nil {
		return nil, err
	}
	given, err := json.Marshal(options.Parameters)
	if err != nil {
		return nil, err
	}
	key := logicalID + string(given)
	if known, ok := p.plans.Load(key); ok {
		return known.(*Plan), nil
	}
	plan, err := inner.Plan(options)
	if err != nil {
		return nil, fmt.Errorf("nested application %s: %w", logicalID, err)
	}
	p.plans.Store(key, plan)
	return plan, nil
}

// Named returns the plan for a stack of another name and ARN.
func (p *Plan) Named(name, id string) (*Plan, error) {
	o := p.options
	o.StackName, o.StackID = name, id
	if o.StackName == p.options.StackName && o.StackID == p.options.StackID {
		return p, nil
	}
	return p.template.Plan(o)
}

// SameTemplate reports whether two plans are of the same template.
func (p *Plan) SameTemplate(other *Plan) bool {
	return bytes.Equal(p.template.text, other.template.text)
}

// nestedOptions returns the options of a nested stack.
func (p *Plan) nestedOptions(logicalID string, a Attributes) (Options, error) {
	properties, err := p.Properties(logicalID, a)
	if err != nil {
		return Options{}, err
	}
	r := &reader{where: "nested application " + logicalID}
	o := p.options
	o.Parameters = map[string]string{}
	given := r.object(properties, "Parameters")
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := given[name].([]any); ok {
			r.fail("parameter %s is a list; CloudFormation passes only text: Fn::Join with a comma makes it one", name)
			continue
		}
		o.Parameters[name] = r.text(given, name, "")
	}
	digits := hash(o.StackID + "/" + logicalID)
	o.StackName = GeneratedName(o.StackName, logicalID, strings.ToUpper(digits[:12]), mostStackName)
	o.StackID = fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%s-%s-4%s-8%s-%s", o.Partition, o.Region, o.AccountID,
		o.StackName, digits[:8], digits[8:12], digits[13:16], digits[17:20], digits[20:32])
	return o, r.err
}

// mostStackName is the maximum number of characters of a stack's name.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const mostStackName = 128

// GeneratedName returns a physical name in CloudFormation's format: stack, logical id and a suffix, at most limit
// characters. Where they are more, the longer one of the stack's name and the logical id is cut.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
func GeneratedName(stack, logicalID, suffix string, limit int) string {
	room := limit - len(suffix) - len("--")
	if over := len(stack) + len(logicalID) - room; over > 0 {
		half := room / 2
		first := max(half, room-len(logicalID))
		stack = stack[:min(len(stack), first)]
		logicalID = logicalID[:min(len(logicalID), room-len(stack))]
	}
	return stack + "-" + logicalID + "-" + suffix
}

// holder returns the plan that has a resource: p, or that of the nested application whose template has it.
func (p *Plan) holder(logicalID string, a Attributes) (*Plan, error) {
	application, ok := p.template.owner[logicalID]
	if !ok {
		return p, nil
	}
	return p.Nested(application, a)
}

// output evaluates the output of a nested application.
func (s scope) output(to target) (any, error) {
	inner, err := s.plan.Nested(to.name, s.attributes)
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(to.attribute, outputsPrefix)
	for _, o := range inner.template.outputs {
		if o.name == name && inner.holds(o.condition) {
			return scope{inner, s.attributes}.text(o.value)
		}
	}
	return nil, to.errorf("the nested stack %s has no output %s: its condition does not hold", to.name, name)
}
