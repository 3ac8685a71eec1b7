// Package samtemplate reads template.yaml as CloudFormation and SAM do: it checks parameters and Rules, evaluates
// conditions, merges Globals, resolves intrinsic functions, and returns the order in which resources are created.
// With it, tests, the demo and the local AWS run the template itself and not a copy.
//
// It is as strict as CloudFormation, and stricter where CloudFormation would guess: an unknown section, function,
// parameter, condition or attribute is an error with its position. A function whose value only AWS knows
// (Fn::ImportValue, macros, Fn::RefAll) is also an error.
//
// A nested application (AWS::Serverless::Application) belongs to its parent's plan: a plan finds the resources of both
// templates by their logical ids, which must differ, and resolves those of the nested one with the parameters that it gets.
//
//	t, err := samtemplate.Load("template.yaml")
//	p, err := t.Plan(samtemplate.Options{Parameters: …})
//	for _, r := range p.Resources() { p.Properties(r.LogicalID, attributes) }
//
// Values keep the types of the template: text is a string, true a bool, 5 an int. A parameter is always a string or a
// list of strings, also a Number, because CloudFormation passes it so; a caller that needs a number must accept "5"
// for 5.
//
// It imports the standard library, a YAML parser and local/eventpattern. It is for tests and tools, and is not linked
// into deployed code. To support another resource type in Invented, add it to the table in species.go.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
package samtemplate

import (
	"fmt"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Template is a parsed template. It is immutable; any number of goroutines may make plans from it.
type Template struct {
	text       []byte
	parameters []parameter
	rules      []member
	mappings   map[string]map[string]map[string]place
	conditions map[string]place
	resources  []*resource // in the order of the template
	byID       map[string]*resource
	outputs    []output
	nested     map[string]*Template // of the nested applications, by the application's logical id
	owner      map[string]string    // the application that contains a resource, by the resource's logical id
	orders     sync.Map             // the resources that plans have, in their order, by the values of the conditions
}

// resource is one entry of the Resources section, with Globals merged.
type resource struct {
	Resource
	at         place
	condition  string // "" = always
	properties place
}

// output is one entry of the Outputs section.
type output struct {
	at              place
	name, condition string
	value           place
}

// Parse parses a template. All names that it uses must be declared in it, also if a condition disables the use. A template
// with nested applications is read by [Load] or [LoadFS], which find the other templates.
func Parse(data []byte) (*Template, error) {
	t, err := parse(data)
	if err != nil {
		return nil, err
	}
	for _, r := range t.resources {
		if r.Type == applicationType {
			return nil, r.at.errorf("a nested application cannot stand here")
		}
	}
	return t, nil
}

// parse parses a template without those of its nested applications.
func parse(data []byte) (*Template, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, fmt.Errorf("an empty template")
	}
	root := place{Node: document.Content[0]}
	if err := check(root); err != nil {
		return nil, err
	}
	sections, err := root.only("AWSTemplateFormatVersion", "Transform", "Description", "Metadata",
		"Parameters", "Rules", "Mappings", "Conditions", "Globals", "Resources", "Outputs")
	if err != nil {
		return nil, err
	}
	t := &Template{text: data, byID: map[string]*resource{}, nested: map[string]*Template{}, owner: map[string]string{}}
	if err := t.read(sections); err != nil {
		return nil, err
	}
	return t, t.checkNames()
}

// read reads the sections in the order of their dependencies.
func (t *Template) read(sections map[string]place) error {
	if err := checkVersions(sections); err != nil {
		return err
	}
	for _, section := range []struct {
		name string
		read func(place) error
	}{
		{"Parameters", t.readParameters},
		{"Rules", t.readRules},
		{"Mappings", t.readMappings},
		{"Conditions", t.readConditions},
		{"Resources", t.readResources},
		{"Outputs", t.readOutputs},
	} {
		p, ok := sections[section.name]
		if !ok {
			continue
		}
		if err := section.read(p); err != nil {
			return err
		}
	}
	if len(t.resources) == 0 {
		return fmt.Errorf("no Resources")
	}
	return t.mergeGlobals(sections["Globals"])
}

// checkVersions rejects other template languages, and macros other than SAM's.
func checkVersions(sections map[string]place) error {
	for name, want := range map[string]string{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Transform":                "AWS::Serverless-2016-10-31",
	} {
		if p, ok := sections[name]; ok && p.Value != want {
			return p.errorf("want %s", want)
		}
	}
	return nil
}

func (t *Template) readMappings(section place) error {
	t.mappings = map[string]map[string]map[string]place{}
	maps, err := section.members()
	if err != nil {
		return err
	}
	for _, m := range maps {
		tops, err := m.members()
		if err != nil {
			return err
		}
		t.mappings[m.name] = map[string]map[string]place{}
		for _, top := range tops {
			if t.mappings[m.name][top.name], err = top.byName(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Template) readConditions(section place) (err error) {
	t.conditions, err = section.byName()
	return err
}

func (t *Template) readResources(section place) error {
	members, err := section.members()
	if err != nil {
		return err
	}
	for _, m := range members {
		r, err := readResource(m)
		if err != nil {
			return err
		}
		t.resources = append(t.resources, r)
		t.byID[r.LogicalID] = r
	}
	return nil
}

func readResource(m member) (*resource, error) {
	parts, err := m.only("Type", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy",
		"UpdatePolicy", "CreationPolicy", "Metadata", "Properties")
	if err != nil {
		return nil, err
	}
	r := &resource{at: m.place, properties: parts["Properties"]}
	r.LogicalID = m.name
	if _, ok := parts["Type"]; !ok {
		return nil, m.errorf("no Type")
	}
	for name, field := range map[string]*string{
		"Type": &r.Type, "Condition": &r.condition, "DeletionPolicy": &r.DeletionPolicy,
	} {
		if *field, err = parts[name].word(); err != nil {
			return nil, err
		}
	}
	if !slices.Contains([]string{"", "Delete", "Retain", "Snapshot", "RetainExceptOnCreate"}, r.DeletionPolicy) {
		return nil, parts["DeletionPolicy"].errorf("unknown policy %s", r.DeletionPolicy)
	}
	if r.DependsOn, err = parts["DependsOn"].words(); err != nil {
		return nil, err
	}
	r.Metadata, err = parts["Metadata"].plainMap()
	return r, err
}

func (t *Template) readOutputs(section place) error {
	members, err := section.members()
	if err != nil {
		return err
	}
	for _, m := range members {
		parts, err := m.only("Description", "Value", "Export", "Condition")
		if err != nil {
			return err
		}
		o := output{at: m.place, name: m.name, value: parts["Value"]}
		if o.value.Node == nil {
			return m.errorf("no Value")
		}
		if o.condition, err = parts["Condition"].word(); err != nil {
			return err
		}
		t.outputs = append(t.outputs, o)
	}
	return nil
}
