package samtemplate

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parameter is a declared parameter of the template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
type Parameter struct {
	Name        string
	Type        string
	Description string
	// Default is only meaningful if HasDefault is true.
	Default    string
	HasDefault bool
	// AllowedValues is nil if all values are allowed.
	AllowedValues []string
	// AllowedPattern is "" if all values are allowed.
	AllowedPattern string
	// ConstraintDescription describes the constraints in words.
	ConstraintDescription string
	// NoEcho reports whether the value is a secret.
	NoEcho bool
}

// parameter is a Parameter with its parsed constraints.
type parameter struct {
	Parameter
	kind               valueKind
	pattern            *regexp.Regexp // nil = none
	minLength          *float64
	maxLength          *float64
	minValue, maxValue *float64
}

// Parameters returns the parameters in the order of the template.
func (t *Template) Parameters() []Parameter {
	all := make([]Parameter, len(t.parameters))
	for i, p := range t.parameters {
		all[i] = p.Parameter
	}
	return all
}

// parameter returns the parameter of that name, nil if there is none.
func (t *Template) parameter(name string) *parameter {
	for i := range t.parameters {
		if t.parameters[i].Name == name {
			return &t.parameters[i]
		}
	}
	return nil
}

func (t *Template) readParameters(section place) error {
	members, err := section.members()
	if err != nil {
		return err
	}
	for _, m := range members {
		p, err := readParameter(m)
		if err != nil {
			return err
		}
		t.parameters = append(t.parameters, p)
	}
	return nil
}

func readParameter(m member) (parameter, error) {
	parts, err := m.only("Type", "Description", "Default", "AllowedValues", "AllowedPattern",
		"ConstraintDescription", "MinLength", "MaxLength", "MinValue", "MaxValue", "NoEcho")
	if err != nil {
		return parameter{}, err
	}
	p := parameter{}
	p.Name = m.name
	_, p.HasDefault = parts["Default"]
	noEcho := ""
	for name, field := range map[string]*string{
		"Type": &p.Type, "Description": &p.Description, "Default": &p.Default, "NoEcho": &noEcho,
		"AllowedPattern": &p.AllowedPattern, "ConstraintDescription": &p.ConstraintDescription,
	} {
		if *field, err = parts[name].word(); err != nil {
			return parameter{}, err
		}
	}
	p.NoEcho = strings.EqualFold(noEcho, "true")
	if p.AllowedValues, err = parts["AllowedValues"].words(); err != nil {
		return parameter{}, err
	}
	if p.kind, err = parseType(p.Type); err != nil {
		return parameter{}, m.errorf("%w", err)
	}
	return p, p.readLimits(m.place, parts)
}

// readLimits reads the constraints that need parsing.
func (p *parameter) readLimits(at place, parts map[string]place) error {
	for name, limit := range map[string]**float64{
		"MinLength": &p.minLength, "MaxLength": &p.maxLength, "MinValue": &p.minValue, "MaxValue": &p.maxValue,
	} {
		text, err := parts[name].word()
		if err != nil || text == "" {
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return parts[name].errorf("want a number")
		}
		*limit = &n
	}
	if p.AllowedPattern == "" {
		return nil
	}
	// CloudFormation also matches the whole value. It uses Java's expressions; a feature that Go lacks (look-around)
	// is an error here.
	pattern, err := regexp.Compile(`^(?:` + p.AllowedPattern + `)$`)
	if err != nil {
		return at.errorf("AllowedPattern: %w", err)
	}
	p.pattern = pattern
	return nil
}

// parameterValues returns the values of all parameters: a string, or a []any of strings. The error lists all unknown,
// missing and bad values.
func (t *Template) parameterValues(o Options) (map[string]any, error) {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(o.Parameters)) {
		if t.parameter(name) == nil {
			faults = append(faults, fmt.Errorf("parameter %s: not a parameter of the template", name))
		}
	}
	values := map[string]any{}
	for _, p := range t.parameters {
		text, given := o.Parameters[p.Name]
		if !given {
			text = p.Default
		}
		if !given && !p.HasDefault {
			faults = append(faults, fmt.Errorf("parameter %s: missing, and without a default", p.Name))
			continue
		}
		if err := p.check(text); err != nil {
			faults = append(faults, err)
			continue
		}
		values[p.Name] = p.kind.resolve(text)
	}
	return values, errors.Join(faults...)
}

// check returns an error if the value violates the type or a constraint.
func (p *parameter) check(text string) error {
	err := p.checkWhole(text)
	for _, item := range p.kind.items(text) {
		if err != nil {
			break
		}
		err = p.checkItem(item)
	}
	switch {
	case err == nil:
		return nil
	case p.NoEcho:
		err = errors.New("the value breaks a constraint")
	}
	if p.ConstraintDescription != "" {
		return fmt.Errorf("parameter %s: %w: %s", p.Name, err, p.ConstraintDescription)
	}
	return fmt.Errorf("parameter %s: %w", p.Name, err)
}

func (p *parameter) checkWhole(text string) error {
	length := float64(utf8.RuneCountInString(text))
	switch {
	case p.minLength != nil && length < *p.minLength:
		return fmt.Errorf("%q is shorter than %v characters", text, *p.minLength)
	case p.maxLength != nil && length > *p.maxLength:
		return fmt.Errorf("%q is longer than %v characters", text, *p.maxLength)
	}
	return nil
}

// checkItem checks the value, or one item of a list.
func (p *parameter) checkItem(item string) error {
	if err := p.kind.check(item); err != nil {
		return err
	}
	if p.AllowedValues != nil && !slices.Contains(p.AllowedValues, item) {
		return fmt.Errorf("%q is none of %s", item, strings.Join(p.AllowedValues, ", "))
	}
	if p.pattern != nil && !p.pattern.MatchString(item) {
		return fmt.Errorf("%q does not match %s", item, p.AllowedPattern)
	}
	n, err := strconv.ParseFloat(item, 64)
	if p.kind.item != "Number" || err != nil {
		return nil
	}
	switch {
	case p.minValue != nil && n < *p.minValue:
		return fmt.Errorf("%s is less than %v", item, *p.minValue)
	case p.maxValue != nil && n > *p.maxValue:
		return fmt.Errorf("%s is more than %v", item, *p.maxValue)
	}
	return nil
}

// valueKind is a parsed parameter type.
type valueKind struct {
	item string // "String", "Number", "AWS::EC2::VPC::Id" …
	list bool
	ssm  bool // the value is the name of an SSM parameter that holds the value
}

// formats are the types that a value may have, with their formats. An empty format is not checked, because only AWS
// knows the existing names.
var formats = map[string]*regexp.Regexp{
	"String":                           nil,
	"Number":                           regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`),
	"AWS::EC2::AvailabilityZone::Name": regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$`),
	"AWS::EC2::Image::Id":              regexp.MustCompile(`^ami-[0-9a-f]+$`),
	"AWS::EC2::Instance::Id":           regexp.MustCompile(`^i-[0-9a-f]+$`),
	"AWS::EC2::KeyPair::KeyName":       regexp.MustCompile(`.`),
	"AWS::EC2::SecurityGroup::Id":      regexp.MustCompile(`^sg-[0-9a-f]+$`),
	"AWS::EC2::Subnet::Id":             regexp.MustCompile(`^subnet-[0-9a-f]+$`),
	"AWS::EC2::VPC::Id":                regexp.MustCompile(`^vpc-[0-9a-f]+$`),
	"AWS::EC2::Volume::Id":             regexp.MustCompile(`^vol-[0-9a-f]+$`),
	"AWS::Route53::HostedZone::Id":     regexp.MustCompile(`.`),
	"AWS::SSM::Parameter::Name":        regexp.MustCompile(`.`),
}

// parseType parses a parameter's type.
func parseType(text string) (valueKind, error) {
	kind := valueKind{item: text}
	if inner, ok := strings.CutPrefix(kind.item, "AWS::SSM::Parameter::Value<"); ok {
		kind.ssm, kind.item = true, strings.TrimSuffix(inner, ">")
	}
	if inner, ok := strings.CutPrefix(kind.item, "List<"); ok {
		kind.list, kind.item = true, strings.TrimSuffix(inner, ">")
	}
	if kind.item == "CommaDelimitedList" {
		kind.list, kind.item = true, "String"
	}
	if _, ok := formats[kind.item]; !ok {
		return valueKind{}, fmt.Errorf("unknown type %q", text)
	}
	return kind, nil
}

// items returns the trimmed values of a list, or the value itself. As with CloudFormation, an empty string is a list
// of one empty string.
func (k valueKind) items(text string) []string {
	if !k.list || k.ssm {
		return []string{text}
	}
	items := strings.Split(text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// check checks one item. For a value in SSM it checks only the name.
func (k valueKind) check(item string) error {
	if k.ssm {
		if item == "" {
			return errors.New("an empty name of an SSM parameter")
		}
		return nil
	}
	if format := formats[k.item]; format != nil && !format.MatchString(item) {
		return fmt.Errorf("%q is no %s", item, k.item)
	}
	return nil
}

// resolve returns the value of Ref for the parameter. The value of an SSM parameter is invented: an image id if the
// type does not define it.
func (k valueKind) resolve(text string) any {
	if k.ssm {
		text = inventID(map[string]string{
			"AWS::EC2::VPC::Id": "vpc", "AWS::EC2::Subnet::Id": "subnet", "AWS::EC2::SecurityGroup::Id": "sg",
			"AWS::EC2::Instance::Id": "i", "AWS::EC2::Volume::Id": "vol",
		}[k.item], text)
		k.ssm = false
	}
	if !k.list {
		return text
	}
	var list []any
	for _, item := range k.items(text) {
		list = append(list, item)
	}
	return list
}
