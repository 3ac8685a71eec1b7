package samtemplate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is a node of the template and its position. Its zero value is a place without a node.
type place struct {
	*yaml.Node
	path string // "Resources.Bucket.Properties.Tags[0]"
}

// member is one entry of a mapping.
type member struct {
	name string
	place
}

// errorf returns an error that begins with the line and the path.
func (p place) errorf(format string, args ...any) error {
	where := p.path
	if where == "" {
		where = "template"
	}
	if p.Node != nil && p.Line > 0 {
		where = fmt.Sprintf("line %d: %s", p.Line, where)
	}
	return fmt.Errorf(where+": "+format, args...)
}

// members returns the entries of a mapping in their order.
func (p place) members() ([]member, error) {
	if p.Node == nil {
		return nil, nil
	}
	if p.Kind != yaml.MappingNode {
		return nil, p.errorf("want a mapping")
	}
	members := make([]member, 0, len(p.Content)/2)
	begin := ""
	if p.path != "" {
		begin = p.path + "."
	}
	for i := 0; i < len(p.Content); i += 2 {
		name := p.Content[i].Value
		members = append(members, member{name, place{p.Content[i+1], begin + name}})
	}
	return members, nil
}

// byName returns the entries of a mapping by their names.
func (p place) byName() (map[string]place, error) {
	members, err := p.members()
	if err != nil {
		return nil, err
	}
	named := make(map[string]place, len(members))
	for _, m := range members {
		named[m.name] = m.place
	}
	return named, nil
}

// only returns the entries of a mapping, and an error if it has unknown ones.
func (p place) only(known ...string) (map[string]place, error) {
	members, err := p.members()
	if err != nil {
		return nil, err
	}
	named := make(map[string]place, len(members))
	for _, m := range members {
		if !slices.Contains(known, m.name) {
			return nil, m.errorf("unknown here; known are %s", strings.Join(known, ", "))
		}
		named[m.name] = m.place
	}
	return named, nil
}

// elements returns the elements of a list.
func (p place) elements() ([]place, error) {
	if p.Node == nil || p.Kind != yaml.SequenceNode {
		return nil, p.errorf("want a list")
	}
	elements := make([]place, len(p.Content))
	for i, node := range p.Content {
		elements[i] = place{node, p.path + "[" + strconv.Itoa(i) + "]"}
	}
	return elements, nil
}

// list returns the elements of a list that must have low to high elements.
func (p place) list(low, high int) ([]place, error) {
	elements, err := p.elements()
	if err != nil {
		return nil, err
	}
	if len(elements) < low || len(elements) > high {
		return nil, p.errorf("%d elements, want %d to %d", len(elements), low, high)
	}
	return elements, nil
}

// word returns the text of a scalar that is not a function, or "" if there is no node.
func (p place) word() (string, error) {
	if p.Node == nil {
		return "", nil
	}
	if p.Kind != yaml.ScalarNode || isShort(p.Tag) {
		return "", p.errorf("want text")
	}
	return p.Value, nil
}

// words returns the texts of a scalar or of a list of scalars.
func (p place) words() ([]string, error) {
	if p.Node == nil {
		return nil, nil
	}
	if p.Kind == yaml.ScalarNode {
		word, err := p.word()
		return []string{word}, err
	}
	elements, err := p.elements()
	if err != nil {
		return nil, err
	}
	words := make([]string, len(elements))
	for i, e := range elements {
		if words[i], err = e.word(); err != nil {
			return nil, err
		}
	}
	return words, nil
}

// plainMap returns an unresolved mapping, with functions in their long form.
func (p place) plainMap() (map[string]any, error) {
	if p.Node == nil {
		return nil, nil
	}
	v, err := p.plain()
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, p.errorf("want a mapping")
	}
	return m, nil
}

// plain returns the unresolved value, with functions in their long form.
func (p place) plain() (any, error) {
	if name, arg, ok := p.function(); ok {
		v, err := arg.plain()
		return map[string]any{name: v}, err
	}
	switch p.Kind {
	case yaml.ScalarNode:
		return p.scalar()
	case yaml.SequenceNode:
		return p.plainList()
	}
	members, err := p.members()
	if err != nil {
		return nil, err
	}
	m := make(map[string]any, len(members))
	for _, member := range members {
		if m[member.name], err = member.plain(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (p place) plainList() ([]any, error) {
	elements, err := p.elements()
	if err != nil {
		return nil, err
	}
	list := make([]any, len(elements))
	for i, e := range elements {
		if list[i], err = e.plain(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// scalar returns a scalar as a string, bool, int or float64.
func (p place) scalar() (any, error) {
	switch p.ShortTag() {
	case "!!str", "!!timestamp": // an unquoted 2012-10-17 remains a string
		return p.Value, nil
	case "!!bool":
		return strconv.ParseBool(strings.ToLower(p.Value))
	case "!!int":
		n, err := strconv.Atoi(p.Value)
		if err != nil {
			return nil, p.errorf("%s: want a plain decimal number, or quotes around it", p.Value)
		}
		return n, nil
	case "!!float":
		f, err := strconv.ParseFloat(p.Value, 64)
		if err != nil {
			return nil, p.errorf("%s: want a plain decimal number, or quotes around it", p.Value)
		}
		return f, nil
	}
	return nil, p.errorf("%s is no value that CloudFormation takes", p.ShortTag())
}

var (
	// oldBool matches text that is a bool in YAML 1.1, which CloudFormation uses, and a string in YAML 1.2, which our
	// parser uses.
	oldBool = regexp.MustCompile(`^(?i:yes|no|on|off)$`)
	// padded matches a number that without quotes loses its leading zero, or is octal.
	padded = regexp.MustCompile(`^[-+]?0[0-9_]+$`)
)

// check rejects what CloudFormation rejects or reads differently from our parser: null, anchors, duplicate names,
// ambiguous scalars, unknown functions.
func check(p place) error {
	if p.Kind == yaml.AliasNode || p.Anchor != "" {
		return p.errorf("anchors and aliases are not for CloudFormation")
	}
	if err := checkFunction(p); err != nil {
		return err
	}
	switch p.Kind {
	case yaml.ScalarNode:
		return checkScalar(p)
	case yaml.SequenceNode:
		elements, err := p.elements()
		if err != nil {
			return err
		}
		for _, e := range elements {
			if err := check(e); err != nil {
				return err
			}
		}
		return nil
	}
	return checkMapping(p)
}

func checkMapping(p place) error {
	members, err := p.members()
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, m := range members {
		key := p.Content[2*i]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" || isShort(key.Tag) {
			return m.errorf("a name must be plain text")
		}
		if seen[m.name] {
			return m.errorf("stands here twice")
		}
		seen[m.name] = true
		if err := check(m.place); err != nil {
			return err
		}
	}
	return nil
}

func checkScalar(p place) error {
	if p.ShortTag() == "!!null" {
		return p.errorf("null is no value for CloudFormation")
	}
	if p.Style == 0 && (oldBool.MatchString(p.Value) || padded.MatchString(p.Value)) {
		return p.errorf("%s: write true or false, or quotes around it", p.Value)
	}
	return nil
}
