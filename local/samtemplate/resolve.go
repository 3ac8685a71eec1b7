package samtemplate

import (
	"encoding/base64"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// scope is what functions can refer to: the plan's parameters, and its resources if attributes is set. Conditions and
// Rules have no attributes.
type scope struct {
	plan       *Plan
	attributes Attributes // nil = only parameters
}

// nothing represents AWS::NoValue until it is dropped.
type nothing struct{}

// value resolves all functions at and below p.
func (s scope) value(p place) (any, error) {
	if name, arg, ok := p.function(); ok {
		v, err := s.call(name, arg)
		return s.orUnknown(v, err, p)
	}
	switch p.Kind {
	case yaml.SequenceNode:
		return s.listOf(p)
	case yaml.MappingNode:
		return s.mapOf(p)
	}
	if s.plan.foreign != nil {
		return s.foreignScalar(p), nil
	}
	return p.scalar()
}

func (s scope) listOf(p place) ([]any, error) {
	elements, err := p.elements()
	if err != nil {
		return nil, err
	}
	list := make([]any, 0, len(elements))
	for _, e := range elements {
		v, err := s.value(e)
		if err != nil {
			return nil, err
		}
		if v != (nothing{}) {
			list = append(list, v)
		}
	}
	return list, nil
}

func (s scope) mapOf(p place) (map[string]any, error) {
	members, err := p.members()
	if err != nil {
		return nil, err
	}
	m := make(map[string]any, len(members))
	for _, member := range members {
		v, err := s.value(member.place)
		if err != nil {
			return nil, err
		}
		if v != (nothing{}) {
			m[member.name] = v
		}
	}
	return m, nil
}

// call resolves one function.
func (s scope) call(name string, arg place) (any, error) {
	switch name {
	case "Ref", "Fn::GetAtt":
		to, err := targets(name, arg)
		if err != nil {
			return nil, err
		}
		return s.named(to[0])
	case "Fn::Sub":
		return s.sub(arg)
	case "Fn::If":
		branch, err := s.plan.taken(arg)
		if err != nil {
			return nil, err
		}
		return s.value(branch)
	case "Fn::Join":
		return s.join(arg)
	case "Fn::Split":
		return s.split(arg)
	case "Fn::Select":
		return s.pick(arg)
	case "Fn::FindInMap":
		return s.findInMap(arg)
	case "Fn::GetAZs":
		return s.zones(arg)
	case "Fn::Cidr":
		return s.cidr(arg)
	case "Fn::Base64":
		text, err := s.knownText(arg)
		return base64.StdEncoding.EncodeToString([]byte(text)), err
	}
	return nil, arg.errorf("%s stands only in Conditions and Rules", name)
}

// named evaluates Ref and Fn::GetAtt, and the variables of Fn::Sub.
func (s scope) named(to target) (any, error) {
	if to.attribute == "" {
		if v, ok := s.parameter(to.name); ok {
			return v, nil
		}
	}
	v, err := s.resourceValue(to)
	return s.orUnknown(v, err, to.place)
}

// resourceValue evaluates Ref and Fn::GetAtt of a resource.
func (s scope) resourceValue(to target) (any, error) {
	r := s.plan.template.byID[to.name]
	switch {
	case r == nil:
		return nil, to.errorf("unknown name %s", to.name)
	case s.attributes == nil:
		return nil, to.errorf("resource %s: only parameters can be named here", to.name)
	case !s.plan.active[to.name]:
		return nil, to.errorf("%s is not in the stack: condition %s does not hold", to.name, r.condition)
	}
	return s.answer(r, to)
}

// answer gets the value from the attributes.
func (s scope) answer(r *resource, to target) (any, error) {
	if to.attribute == "" {
		if v, ok := s.attributes.Ref(to.name); ok {
			return v, nil
		}
		return nil, to.errorf("Ref of %s (%s) is not known%s", to.name, r.Type, s.because(to))
	}
	if s.plan.template.nested[to.name] != nil {
		return s.output(to)
	}
	if v, ok := s.attributes.GetAtt(to.name, to.attribute); ok {
		return v, nil
	}
	return nil, to.errorf("%s has no known attribute %s (%s)%s", to.name, to.attribute, r.Type, s.because(to))
}

// because returns why attributes have no value, if they can explain it.
func (s scope) because(to target) string {
	if e, ok := s.attributes.(interface {
		explain(id, attribute string) error
	}); ok {
		if err := e.explain(to.name, to.attribute); err != nil {
			return ": " + err.Error()
		}
	}
	return ""
}

// parameter returns the value of a parameter or pseudo parameter.
func (s scope) parameter(name string) (any, bool) {
	o := s.plan.options
	switch name {
	case "AWS::AccountId":
		return o.AccountID, true
	case "AWS::NotificationARNs":
		return []any{}, true
	case "AWS::NoValue":
		return nothing{}, true
	case "AWS::Partition":
		return o.Partition, true
	case "AWS::Region":
		return o.Region, true
	case "AWS::StackId":
		return o.StackID, true
	case "AWS::StackName":
		return o.StackName, true
	case "AWS::URLSuffix":
		return o.urlSuffix(), true
	}
	v, ok := s.plan.parameters[name]
	return v, ok
}

// text resolves to the text of a scalar.
func (s scope) text(p place) (string, error) {
	v, err := s.value(p)
	if err != nil {
		return "", err
	}
	return scalarText(p, v)
}

// texts resolves to the texts of a list of scalars.
func (s scope) texts(p place) ([]string, error) {
	v, err := s.value(p)
	if err != nil {
		return nil, err
	}
	return listTexts(p, v)
}

// scalarText returns the text into which CloudFormation converts a scalar.
func scalarText(p place, v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case nothing:
		return "", p.errorf("AWS::NoValue cannot stand here")
	}
	return "", p.errorf("want text, not a list or mapping")
}

func listTexts(p place, v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, p.errorf("want a list")
	}
	texts := make([]string, len(list))
	for i, v := range list {
		var err error
		if texts[i], err = scalarText(p, v); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

func (s scope) join(arg place) (any, error) {
	delimiter, list, err := delimited(arg)
	if err != nil {
		return nil, err
	}
	texts, err := s.texts(list)
	return strings.Join(texts, delimiter), err
}

func (s scope) split(arg place) (any, error) {
	delimiter, whole, err := delimited(arg)
	if err != nil {
		return nil, err
	}
	text, err := s.knownText(whole)
	if err != nil {
		return nil, err
	}
	var list []any
	for _, piece := range strings.Split(text, delimiter) {
		list = append(list, piece)
	}
	return list, nil
}

// delimited returns the arguments of Fn::Join and Fn::Split: [delimiter, what is joined or split].
func delimited(arg place) (delimiter string, of place, err error) {
	two, err := arg.list(2, 2)
	if err != nil {
		return "", place{}, err
	}
	delimiter, err = two[0].word()
	return delimiter, two[1], err
}

// threeTexts returns the texts of a list of three.
func (s scope) threeTexts(arg place) (texts [3]string, err error) {
	three, err := arg.list(3, 3)
	if err != nil {
		return texts, err
	}
	for i := range texts {
		if texts[i], err = s.text(three[i]); err != nil {
			return texts, err
		}
	}
	return texts, nil
}

// pick evaluates Fn::Select.
func (s scope) pick(arg place) (any, error) {
	two, err := arg.list(2, 2)
	if err != nil {
		return nil, err
	}
	text, err := s.text(two[0])
	if err != nil {
		return nil, err
	}
	v, err := s.value(two[1])
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, two[1].errorf("Fn::Select: want a list")
	}
	index, err := strconv.Atoi(text)
	if err != nil || index < 0 || index >= len(list) {
		return nil, arg.errorf("Fn::Select: no element %s in a list of %d", text, len(list))
	}
	return list[index], nil
}

func (s scope) findInMap(arg place) (any, error) {
	keys, err := s.threeTexts(arg)
	if err != nil {
		return nil, err
	}
	p, ok := s.plan.template.mappings[keys[0]][keys[1]][keys[2]]
	if !ok {
		return nil, arg.errorf("Fn::FindInMap: nothing under %s", strings.Join(keys[:], "."))
	}
	return p.plain()
}

// zones evaluates Fn::GetAZs: three zones for each Region.
func (s scope) zones(arg place) (any, error) {
	region, err := s.text(arg)
	if err != nil {
		return nil, err
	}
	if region == "" {
		region = s.plan.options.Region
	}
	return []any{region + "a", region + "b", region + "c"}, nil
}
