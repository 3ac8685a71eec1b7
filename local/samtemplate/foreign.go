package samtemplate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ForeignOptions says how a template of another project is read: what it leaves open stays unknown.
type ForeignOptions struct {
	// Options has the given parameters, and the account and Region that the template's pseudo parameters have.
	Options Options
	// Types are the resource types whose properties are resolved.
	Types []string
	// Unknown makes the text for a value that is not known from its description; IsUnknown reports whether a text contains one.
	Unknown   func(what string) string
	IsUnknown func(text string) bool
}

// Foreign is a template of another project, as far as it is understood.
type Foreign struct {
	// Resources are those of the asked types, in the order of the template.
	Resources []ForeignResource
	// Parameters are the names of the template's parameters.
	Parameters []string
	// Notes says what was assumed, or is not followed.
	Notes []string
}

// ForeignResource is a resource of a foreign template.
type ForeignResource struct {
	LogicalID, Type string
	Line            int
	// Ref is the value of Ref: a name from the properties, an invented one, or one that is not known.
	Ref string
	// Properties are resolved; values that are not known are texts of ForeignOptions.Unknown.
	Properties map[string]any
	// Condition is a condition of which it is not known whether it holds; "" if the resource is certainly in the stack.
	Condition string
}

// ReadForeign reads a template of CloudFormation or SAM, in YAML or JSON. Unlike [Parse] it does not insist that it
// understands all of it: other sections, resource types, macros and functions are skipped, and a value that depends on
// one, or on a parameter without a value, is unknown. Two kinds of parameters get an invented value, because only the
// identity of the value matters: a bucket's name, and the id of an EC2 resource.
func ReadForeign(data []byte, o ForeignOptions) (*Foreign, error) {
	root, err := foreignRoot(data)
	if err != nil {
		return nil, err
	}
	sections, err := root.byName()
	if err != nil {
		return nil, err
	}
	r := &foreignReader{
		template: &Template{byID: map[string]*resource{}, mappings: map[string]map[string]map[string]place{}},
		options:  o, found: &Foreign{},
	}
	if err := r.readResources(sections["Resources"]); err != nil {
		return nil, err
	}
	r.readMappings(sections["Mappings"])
	r.template.conditions, _ = sections["Conditions"].byName() // a condition that is not there is not known
	p := &Plan{template: r.template, options: o.Options.withDefaults(), active: map[string]bool{}, foreign: &o}
	if p.parameters, err = r.parameterValues(sections["Parameters"]); err != nil {
		return nil, err
	}
	p.conditions = p.decideForeign()
	for _, res := range r.template.resources {
		holds, known := p.conditions[res.condition]
		p.active[res.LogicalID] = res.condition == "" || holds || !known
	}
	return r.found, r.resolve(p)
}

// foreignRoot parses the text. Not all JSON is YAML as the parser reads it.
func foreignRoot(data []byte) (place, error) {
	var document yaml.Node
	err := yaml.Unmarshal(data, &document)
	if err != nil && (!json.Valid(data) || yaml.Unmarshal(jsonAsYAML(data), &document) != nil) {
		return place{}, err
	}
	if len(document.Content) == 0 {
		return place{}, errors.New("an empty template")
	}
	root := place{Node: document.Content[0]}
	return root, root.refuseAliases()
}

// jsonEscape is an escape sequence of JSON, or the two of a character beyond U+FFFF.
// https://datatracker.ietf.org/doc/html/rfc8259#section-7
var jsonEscape = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\.`)

// jsonAsYAML returns JSON as YAML, each value in the line where it was: with spaces for tabs, which JSON has between values only and the
// parser of YAML refuses before the first one; without the escapes that it does not know, those of slashes and of characters as two (as
// Python's json.dumps writes them).
func jsonAsYAML(data []byte) []byte {
	return jsonEscape.ReplaceAllFunc(bytes.ReplaceAll(data, []byte("\t"), []byte(" ")), func(escape []byte) []byte {
		var character string
		kept := len(escape) == 2 && escape[1] != '/'
		if kept || json.Unmarshal(slices.Concat([]byte(`"`), escape, []byte(`"`)), &character) != nil {
			return escape
		}
		return []byte(character)
	})
}

// refuseAliases returns an error if there is an alias at or below p: CloudFormation supports none.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
func (p place) refuseAliases() error {
	if p.Kind == yaml.AliasNode {
		return p.errorf("aliases are not for CloudFormation")
	}
	for _, node := range p.Content {
		if err := (place{node, p.path}).refuseAliases(); err != nil {
			return err
		}
	}
	return nil
}

type foreignReader struct {
	template *Template
	options  ForeignOptions
	found    *Foreign
}

func (r *foreignReader) note(format string, args ...any) {
	r.found.Notes = append(r.found.Notes, fmt.Sprintf(format, args...))
}

func (r *foreignReader) readResources(section place) error {
	members, err := section.members()
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return errors.New("no Resources")
	}
	for _, m := range members {
		m.path = "Resources." + m.name
		parts, err := m.byName()
		if err != nil {
			r.note("line %d: %s is not understood", m.Line, m.name)
			continue
		}
		res := &resource{at: m.place, properties: parts["Properties"]}
		res.LogicalID = m.name
		if res.Type, err = parts["Type"].word(); err != nil || res.Type == "" {
			r.note("line %d: %s has no Type", m.Line, m.name)
			continue
		}
		if res.condition, err = parts["Condition"].word(); err != nil {
			res.condition = "?" // a condition that is not there is not known
		}
		if slices.Contains([]string{"AWS::CloudFormation::Stack", "AWS::Serverless::Application"}, res.Type) {
			r.note("line %d: the nested stack %s is not followed: give its template as a file, too", m.Line, m.name)
		}
		r.template.resources = append(r.template.resources, res)
		r.template.byID[res.LogicalID] = res
	}
	return nil
}

// readMappings reads each mapping that has the form of one. Fn::FindInMap in another one is not known.
func (r *foreignReader) readMappings(section place) {
	maps, err := section.members()
	if err != nil {
		return
	}
	for _, m := range maps {
		tops, err := m.byName()
		if err != nil {
			continue
		}
		r.template.mappings[m.name] = map[string]map[string]place{}
		for top, values := range tops {
			if byName, err := values.byName(); err == nil {
				r.template.mappings[m.name][top] = byName
			}
		}
	}
}

// parameterValues returns the values of the parameters: given ones, defaults, invented ones, or unknown ones.
func (r *foreignReader) parameterValues(section place) (map[string]any, error) {
	members, err := section.members()
	if err != nil {
		return nil, err
	}
	bucketNames := r.parametersOfBucketNames()
	values := map[string]any{}
	for _, m := range members {
		r.found.Parameters = append(r.found.Parameters, m.name)
		parts, err := m.byName()
		if err != nil {
			return nil, err
		}
		declared, _ := parts["Type"].word()
		kind, err := parseType(declared)
		if err != nil {
			kind = valueKind{item: "String", list: strings.HasPrefix(declared, "List<")}
		}
		text, given := r.options.Options.Parameters[m.name]
		if !given {
			var hasDefault bool
			if _, hasDefault = parts["Default"]; hasDefault {
				if text, err = parts["Default"].word(); err != nil {
					return nil, err
				}
			}
			if !hasDefault || kind.ssm || text == "" && bucketNames[m.name] {
				text = r.invent(m.name, kind, bucketNames[m.name])
			}
		}
		kind.ssm = false // a given value stands for the one that SSM has
		values[m.name] = kind.resolve(text)
	}
	return values, nil
}

// invent returns a value for a parameter without one.
func (r *foreignReader) invent(name string, kind valueKind, isBucket bool) string {
	prefix := map[string]string{
		"AWS::EC2::VPC::Id": "vpc", "AWS::EC2::Subnet::Id": "subnet", "AWS::EC2::SecurityGroup::Id": "sg",
	}[kind.item]
	value := ""
	switch {
	case isBucket:
		value = "invented-" + hash(name)[:12]
		r.note("%s stands for the bucket name in parameter %s", value, name)
	case prefix != "" && !kind.list && !kind.ssm:
		value = inventID(prefix, name)
		r.note("%s stands for parameter %s", value, name)
	default:
		return r.options.Unknown("parameter " + name)
	}
	return value
}

// parametersOfBucketNames returns the parameters that are the whole name of a bucket.
func (r *foreignReader) parametersOfBucketNames() map[string]bool {
	names := map[string]bool{}
	for _, res := range r.template.resources {
		property, ok := map[string]string{"AWS::S3::Bucket": "BucketName", "AWS::S3::BucketPolicy": "Bucket"}[res.Type]
		if !ok {
			continue
		}
		properties, err := res.properties.byName()
		if err != nil {
			continue
		}
		function, arg, ok := properties[property].function()
		if !ok {
			continue
		}
		all, err := targets(function, arg)
		if err != nil || len(all) != 1 || all[0].attribute != "" {
			continue
		}
		if function == "Ref" || function == "Fn::Sub" && arg.Value == "${"+all[0].name+"}" {
			names[all[0].name] = true
		}
	}
	return names
}

// decideForeign evaluates the conditions that do not depend on what is not known.
func (p *Plan) decideForeign() map[string]bool {
	decided := map[string]bool{}
	for name := range p.template.conditions {
		d := decider{plan: p, decided: map[string]bool{}}
		if holds, err := d.condition(name); err == nil {
			decided[name] = holds
		}
	}
	return decided
}

// resolve resolves the resources of the asked types.
func (r *foreignReader) resolve(p *Plan) error {
	in := &inventor{plan: p, busy: map[string]bool{}}
	for _, res := range r.template.resources {
		if !p.active[res.LogicalID] || !slices.Contains(r.options.Types, res.Type) {
			continue
		}
		f := ForeignResource{LogicalID: res.LogicalID, Type: res.Type, Line: res.at.Line, Properties: map[string]any{}}
		var known bool
		if f.Ref, known = in.Ref(res.LogicalID); !known {
			f.Ref = r.options.Unknown(res.LogicalID)
		}
		if _, known := p.conditions[res.condition]; res.condition != "" && !known {
			f.Condition = res.condition
		}
		if res.properties.Node != nil {
			v, err := scope{p, in}.value(res.properties)
			if err != nil {
				return err
			}
			var ok bool
			if f.Properties, ok = r.options.hideReferences(v).(map[string]any); !ok {
				return res.properties.errorf("want a mapping")
			}
		}
		r.found.Resources = append(r.found.Resources, f)
	}
	return nil
}

// isUnknown reports whether a text contains a value that is not known.
func (p *Plan) isUnknown(text string) bool { return p.foreign != nil && p.foreign.IsUnknown(text) }

// orUnknown returns a value, or for a foreign template instead of an error a value that is not known.
func (s scope) orUnknown(v any, err error, at place) (any, error) {
	if err == nil || s.plan.foreign == nil {
		return v, err
	}
	return s.plan.foreign.Unknown(at.describe()), nil
}

// foreignScalar returns a scalar as YAML 1.1 reads it, which CloudFormation uses; null is no value.
func (s scope) foreignScalar(p place) any {
	plain := p.Kind == yaml.ScalarNode && p.Style == 0
	switch {
	case p.ShortTag() == "!!null":
		return nothing{}
	case plain && oldBool.MatchString(p.Value):
		return strings.EqualFold(p.Value, "yes") || strings.EqualFold(p.Value, "on")
	case plain && padded.MatchString(p.Value):
		return s.plan.foreign.Unknown("number " + p.Value + " without quotes")
	}
	v, err := p.scalar()
	if err != nil {
		return p.Value
	}
	return v
}

// hideReferences replaces texts with dynamic references, whose values only AWS knows, by values that are not known.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func (o *ForeignOptions) hideReferences(v any) any {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "{{resolve:") {
			return o.Unknown(v)
		}
	case []any:
		for i := range v {
			v[i] = o.hideReferences(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = o.hideReferences(v[name])
		}
	}
	return v
}

// knownText resolves to the text of a scalar, with an error if it is not known: parts of it would not show that.
func (s scope) knownText(p place) (string, error) {
	text, err := s.text(p)
	if err == nil && s.plan.isUnknown(text) {
		err = p.errorf("not known")
	}
	return text, err
}

// describe returns a short form of what stands at p, e.g. "Ref VpcId", "Fn::ImportValue network-S3EndpointId".
func (p place) describe() string {
	name, arg, ok := p.function()
	if !ok {
		name, arg = "", p
	}
	if isShort(p.Tag) && name == "" {
		name = p.Tag
	}
	var words []string
	if name != "" {
		words = append(words, name)
	}
	arg.scalars(func(text string) { words = append(words, text) })
	text := strings.Join(words, " ")
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:80], "") + "…"
	}
	return text
}

// scalars calls f for the scalars at and below p.
func (p place) scalars(f func(string)) {
	if p.Node == nil {
		return
	}
	if p.Kind == yaml.ScalarNode {
		f(p.Value)
	}
	for _, node := range p.Content {
		place{node, p.path}.scalars(f)
	}
}
