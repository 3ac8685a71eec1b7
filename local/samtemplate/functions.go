package samtemplate

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// shortForms are the functions that have a short form (!Sub), by its tag.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
var shortForms = map[string]string{
	"!Ref": "Ref", "!Condition": "Condition", "!Base64": "Fn::Base64", "!Cidr": "Fn::Cidr",
	"!FindInMap": "Fn::FindInMap", "!GetAtt": "Fn::GetAtt", "!GetAZs": "Fn::GetAZs",
	"!If": "Fn::If", "!Join": "Fn::Join", "!Select": "Fn::Select", "!Split": "Fn::Split",
	"!Sub": "Fn::Sub", "!And": "Fn::And", "!Equals": "Fn::Equals", "!Not": "Fn::Not", "!Or": "Fn::Or",
}

// ownTags are the tags of nodes without a function's short form.
var ownTags = map[yaml.Kind]string{yaml.ScalarNode: "!!str", yaml.SequenceNode: "!!seq", yaml.MappingNode: "!!map"}

// ruleFunctions exist only in the Rules section, and have no short form.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
var ruleFunctions = []string{"Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"}

// isShort reports whether a YAML tag is a function's short form, known or unknown.
func isShort(tag string) bool {
	return strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!")
}

// function returns the function at p and its argument. It does not return Condition in its long form: only the
// context of a condition distinguishes it from a mapping with that name (see scope.holds).
func (p place) function() (name string, arg place, ok bool) {
	if p.Node == nil {
		return "", place{}, false
	}
	if isShort(p.Tag) {
		node := *p.Node
		node.Tag = ownTags[p.Kind]
		return shortForms[p.Tag], place{&node, p.path}, true
	}
	if p.Kind != yaml.MappingNode || len(p.Content) != 2 {
		return "", place{}, false
	}
	if name = p.Content[0].Value; name == "Ref" || strings.HasPrefix(name, "Fn::") {
		return name, place{p.Content[1], p.path}, true
	}
	return "", place{}, false
}

// checkFunction rejects unknown functions, and functions with other names in the same mapping.
func checkFunction(p place) error {
	if isShort(p.Tag) && shortForms[p.Tag] == "" {
		return p.errorf("unknown function %s", p.Tag)
	}
	if p.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(p.Content); i += 2 {
		name := p.Content[i].Value
		if !strings.HasPrefix(name, "Fn::") {
			continue
		}
		if len(p.Content) != 2 {
			return p.errorf("%s must stand alone", name)
		}
		inRules := strings.HasPrefix(p.path, "Rules.") && slices.Contains(ruleFunctions, name)
		if shortForms["!"+strings.TrimPrefix(name, "Fn::")] == "" && !inRules {
			return p.errorf("unknown function %s", name)
		}
	}
	return nil
}

// visit calls f for each function at and below p, outer ones first. In Fn::If it visits only what branches returns:
// all branches, or the one taken.
func visit(p place, branches func(arg place) ([]place, error), f func(name string, arg place) error) error {
	name, arg, ok := p.function()
	if ok {
		if err := f(name, arg); err != nil {
			return err
		}
		if name != "Fn::If" {
			return visit(arg, branches, f)
		}
	}
	var below []place
	var err error
	switch {
	case ok:
		below, err = branches(arg)
	case p.Node == nil:
	case p.Kind == yaml.SequenceNode:
		below, err = p.elements()
	case p.Kind == yaml.MappingNode:
		below, err = p.values()
	}
	if err != nil {
		return err
	}
	for _, b := range below {
		if err := visit(b, branches, f); err != nil {
			return err
		}
	}
	return nil
}

// values returns the values of a mapping.
func (p place) values() ([]place, error) {
	members, err := p.members()
	values := make([]place, len(members))
	for i, m := range members {
		values[i] = m.place
	}
	return values, err
}

// target is what a function names: a parameter, pseudo parameter or resource. With an attribute it is always a
// resource.
type target struct {
	name, attribute string
	place
}

// targets returns what a Ref, Fn::GetAtt or Fn::Sub names.
func targets(function string, arg place) ([]target, error) {
	switch function {
	case "Ref":
		name, err := arg.word()
		return []target{{name: name, place: arg}}, err
	case "Fn::GetAtt":
		t, err := attributeTarget(arg)
		return []target{t}, err
	case "Fn::Sub":
		return subTargets(arg)
	}
	return nil, nil
}

// attributeTarget reads the argument of Fn::GetAtt: "Name.Attribute" or a list of both. An attribute may contain
// dots.
func attributeTarget(arg place) (target, error) {
	words, err := arg.words()
	if err != nil {
		return target{}, err
	}
	if len(words) == 1 {
		words = strings.SplitN(words[0], ".", 2)
	}
	if len(words) != 2 || words[0] == "" || words[1] == "" {
		return target{}, arg.errorf("Fn::GetAtt: want a resource's name and an attribute")
	}
	return target{words[0], words[1], arg}, nil
}

func subTargets(arg place) ([]target, error) {
	parts, own, err := readSub(arg)
	if err != nil {
		return nil, err
	}
	var all []target
	for _, part := range parts {
		if _, ok := own[part.variable]; part.variable == "" || ok {
			continue
		}
		name, attribute, _ := strings.Cut(part.variable, ".")
		all = append(all, target{name, attribute, arg})
	}
	return all, nil
}
