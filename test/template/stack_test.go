// Package template_test tests the files at the root: template.yaml and guard.yaml, their policies, patterns and roles, the app
// inside template.yaml, and the dependency direction of the packages.
package template_test

import (
	"maps"
	"sync"
	"testing"

	read "example.com/s3-endpoint-guard/internal/environment"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// The physical ids in testdata/events.
const (
	account       = "111122223333"
	region        = "eu-central-1"
	bucket        = "docs-example"
	endpointID    = "vpce-0a1b2c3d4e5f60718"
	groupID       = "sg-0123456789abcdef0"
	routeTableID  = "rtb-0123456789abcdef0"
	subnetA       = "subnet-0aaa1111bbbb2222c"
	subnetB       = "subnet-0ddd3333eeee4444f"
	associationA  = "rtbassoc-0aaaabbbbccccdddd"
	stackID       = "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/0f0f0f0f-0000-4000-8000-000000000001"
	guardRole     = "arn:aws:iam::111122223333:role/guard-RemediateRole-EXAMPLE"
	workloadRole  = "arn:aws:iam::111122223333:role/guard-InstanceRole-EXAMPLE"
	vpcID         = "vpc-0123456789abcdef0"
	instanceGroup = "sg-0aaaa1111bbbb2222"
	probeRole     = "arn:aws:iam::111122223333:role/guard-ProbeRole-EXAMPLE"
	probeGroup    = "sg-0cccc3333dddd4444"
)

// parameters are values for the template's parameters; missing ones have their defaults.
type parameters map[string]string

func (p parameters) with(name, value string) parameters {
	p = maps.Clone(p)
	if p == nil {
		p = parameters{}
	}
	p[name] = value
	return p
}

// readTemplate reads template.yaml once for all tests.
var readTemplate = sync.OnceValues(func() (*samtemplate.Template, error) { return samtemplate.Load("template.yaml") })

// planned resolves the template for the default account and Region.
func planned(t *testing.T, p parameters) *samtemplate.Plan {
	t.Helper()
	template, err := readTemplate()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := template.Plan(samtemplate.Options{Parameters: p})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// stack is the template as it would be deployed.
type stack struct {
	*testing.T
	*samtemplate.Plan
	names map[string]string
	samtemplate.Attributes
	// nested are the plans of the resources of nested stacks.
	nested map[string]*samtemplate.Plan
}

// deploy plans the template, with the names that testdata/events uses.
func deploy(t *testing.T, p parameters) stack {
	t.Helper()
	return deployAs(t, samtemplate.Options{Parameters: p, Region: region, AccountID: account, StackName: "guard", StackID: stackID},
		map[string]string{
			"Bucket":                bucket,
			"Bucket.Arn":            "arn:aws:s3:::" + bucket,
			"InterfaceEndpoint":     endpointID,
			"GatewayEndpoint":       endpointID,
			"EndpointSecurityGroup": groupID,
			"InstanceSecurityGroup": instanceGroup,
			"RouteTable":            routeTableID,
			"SubnetA":               subnetA,
			"SubnetB":               subnetB,
			"SubnetARoutes":         associationA,
			"Vpc":                   vpcID,
			"RemediateRole.Arn":     guardRole,
			"InstanceRole":          workloadRole[len("arn:aws:iam::111122223333:role/"):],
			"InstanceRole.Arn":      workloadRole,
			"ProbeRole":             probeRole[len("arn:aws:iam::111122223333:role/"):],
			"ProbeRole.Arn":         probeRole,
			"ProbeSecurityGroup":    probeGroup,
		})
}

// deployAs plans the template. names answers for "Resource" and "Resource.Attribute"; all others are invented.
func deployAs(t *testing.T, o samtemplate.Options, names map[string]string) stack {
	t.Helper()
	return deployOf(t, readTemplate, o, names)
}

// deployOf plans a template.
func deployOf(t *testing.T, read func() (*samtemplate.Template, error), o samtemplate.Options, names map[string]string) stack {
	t.Helper()
	template, err := read()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := template.Plan(o)
	if err != nil {
		t.Fatalf("Plan(%v) = %v, want a plan", o.Parameters, err)
	}
	invented := &remembered{samtemplate.Invented(plan), map[[2]string]any{}}
	s := stack{T: t, Plan: plan, names: names, Attributes: invented, nested: map[string]*samtemplate.Plan{}}
	for _, application := range s.ofType("AWS::Serverless::Application") {
		inner, err := plan.Nested(application.LogicalID, s)
		if err != nil {
			t.Fatalf("%s with %v: %v", application.LogicalID, o.Parameters, err)
		}
		for _, r := range inner.Resources() {
			s.nested[r.LogicalID] = inner
		}
	}
	return s
}

// remembered are attributes that are each computed once for a plan. What is not known is asked for again.
type remembered struct {
	samtemplate.Attributes
	known map[[2]string]any
}

// Ref implements samtemplate.Attributes.
func (r *remembered) Ref(id string) (string, bool) {
	v, ok := r.once([2]string{id}, func() (any, bool) { return r.Attributes.Ref(id) })
	text, _ := v.(string)
	return text, ok
}

// GetAtt implements samtemplate.Attributes.
func (r *remembered) GetAtt(id, name string) (any, bool) {
	return r.once([2]string{id, name}, func() (any, bool) { return r.Attributes.GetAtt(id, name) })
}

func (r *remembered) once(key [2]string, compute func() (any, bool)) (any, bool) {
	if v, ok := r.known[key]; ok {
		return v, true
	}
	v, ok := compute()
	if ok {
		r.known[key] = v
	}
	return v, ok
}

// Ref implements samtemplate.Attributes.
func (s stack) Ref(id string) (string, bool) {
	if name, ok := s.names[id]; ok {
		return name, true
	}
	return s.Attributes.Ref(id)
}

// GetAtt implements samtemplate.Attributes. The value of a parameter is its own text, resolved with the same names.
func (s stack) GetAtt(id, name string) (any, bool) {
	if value, ok := s.names[id+"."+name]; ok {
		return value, true
	}
	if name == "Value" {
		return s.properties(id)["Value"], true
	}
	return s.Attributes.GetAtt(id, name)
}

// properties returns a resource's properties as they would be deployed.
func (s stack) properties(id string) map[string]any {
	s.Helper()
	plan := s.Plan
	if inner, ok := s.nested[id]; ok {
		plan = inner
	}
	properties, err := plan.Properties(id, s)
	if err != nil {
		s.Fatalf("properties of %s: %v", id, err)
	}
	return properties
}

// variables returns a function's environment variables as Lambda gets them.
func variables(s stack, id string) map[string]string {
	s.Helper()
	function, err := s.Function(id, s)
	if err != nil {
		s.Fatal(err)
	}
	return function.Environment
}

// environment returns RemediateFunction's variables, with the policies as the function reads them.
func environment(s stack) map[string]string {
	s.Helper()
	e := maps.Clone(variables(s, "RemediateFunction"))
	for _, name := range []string{"BUCKET_POLICY", "ENDPOINT_POLICY"} {
		e[name] = read.New(func(string) string { return e[name] }).Policy(name)
	}
	return e
}

// ofType returns the resources of a type, in the order of their creation.
func (s stack) ofType(typ string) []samtemplate.Resource {
	var found []samtemplate.Resource
	for _, r := range s.Resources() {
		if r.Type == typ {
			found = append(found, r)
		}
	}
	return found
}

// at follows keys (string) and indexes (int) into decoded YAML; it returns nil if one does not exist.
func at(value any, way ...any) any {
	for _, step := range way {
		switch step := step.(type) {
		case string:
			m, _ := value.(map[string]any)
			value = m[step]
		case int:
			l, _ := value.([]any)
			if step >= len(l) {
				return nil
			}
			value = l[step]
		}
	}
	return value
}

// list returns a value that may be a single one or a list, as a list.
func list(value any) []any {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		return value
	}
	return []any{value}
}

// eachString calls f for every string in decoded YAML.
func eachString(value any, f func(string)) {
	switch value := value.(type) {
	case string:
		f(value)
	case []any:
		for _, v := range value {
			eachString(v, f)
		}
	case map[string]any:
		for _, v := range value {
			eachString(v, f)
		}
	}
}
