package samtemplate

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// subPart is a piece of Fn::Sub's text: a variable, or else literal text.
type subPart struct{ literal, variable string }

// isSubName reports whether a text can be the name between ${ and }.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html
func isSubName(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.:", r)
	}) < 0
}

// readSub reads the argument of Fn::Sub: a text, or a list of a text and a mapping with additional variables.
func readSub(arg place) ([]subPart, map[string]place, error) {
	text, own := arg, map[string]place(nil)
	if arg.Kind == yaml.SequenceNode {
		both, err := arg.list(2, 2)
		if err != nil {
			return nil, nil, err
		}
		text = both[0]
		if own, err = both[1].byName(); err != nil {
			return nil, nil, err
		}
	}
	source, err := text.word()
	if err != nil {
		return nil, nil, err
	}
	parts, err := splitSub(text, source)
	return parts, own, err
}

// splitSub splits the text. "${!Name}" is the literal "${Name}".
func splitSub(at place, text string) ([]subPart, error) {
	var parts []subPart
	for {
		before, rest, found := strings.Cut(text, "${")
		parts = append(parts, subPart{literal: before})
		if !found {
			return parts, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !closed:
			return nil, at.errorf("Fn::Sub: ${ without }")
		case strings.HasPrefix(name, "!"):
			parts = append(parts, subPart{literal: "${" + name[1:] + "}"})
		case !isSubName(name):
			return nil, at.errorf("Fn::Sub: ${%s} is no name; a literal is written ${!%s}", name, name)
		default:
			parts = append(parts, subPart{variable: name})
		}
		text = after
	}
}

// sub evaluates Fn::Sub.
func (s scope) sub(arg place) (any, error) {
	parts, own, err := readSub(arg)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(part.literal)
		if part.variable == "" {
			continue
		}
		text, err := s.variable(arg, part.variable, own)
		if err != nil {
			return nil, err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// variable returns the text of one variable of Fn::Sub.
func (s scope) variable(arg place, name string, own map[string]place) (string, error) {
	if p, ok := own[name]; ok {
		return s.text(p)
	}
	name, attribute, _ := strings.Cut(name, ".")
	v, err := s.named(target{name, attribute, arg})
	if err != nil {
		return "", err
	}
	return scalarText(arg, v)
}
