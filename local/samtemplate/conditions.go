package samtemplate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// decide evaluates all conditions.
func (p *Plan) decide() (map[string]bool, error) {
	d := decider{plan: p, decided: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(p.template.conditions)) {
		if _, err := d.condition(name); err != nil {
			return nil, err
		}
	}
	return d.decided, nil
}

// decider evaluates conditions, which may refer to one another, and Rules.
type decider struct {
	plan    *Plan
	decided map[string]bool
	trail   []string
	rules   bool // in the Rules section
}

func (d *decider) condition(name string) (bool, error) {
	if holds, ok := d.decided[name]; ok {
		return holds, nil
	}
	at, ok := d.plan.template.conditions[name]
	if !ok {
		return false, fmt.Errorf("unknown condition %s", name)
	}
	if slices.Contains(d.trail, name) {
		return false, at.errorf("a circle of conditions: %s → %s", strings.Join(d.trail, " → "), name)
	}
	d.trail = append(d.trail, name)
	holds, err := d.holds(at)
	if err != nil {
		return false, err
	}
	d.trail = d.trail[:len(d.trail)-1]
	d.decided[name] = holds
	return holds, nil
}

// holds evaluates a condition function.
func (d *decider) holds(p place) (bool, error) {
	name, arg, ok := p.function()
	if !ok {
		if members, err := p.members(); err == nil && len(members) == 1 && members[0].name == "Condition" {
			name, arg = "Condition", members[0].place
		}
	}
	switch name {
	case "Condition":
		return d.named(arg)
	case "Fn::And", "Fn::Or":
		return d.several(name, arg)
	case "Fn::Not":
		one, err := arg.list(1, 1)
		if err != nil {
			return false, err
		}
		holds, err := d.holds(one[0])
		return !holds, err
	case "Fn::Equals":
		return d.equals(arg)
	case "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn":
		return d.compareLists(name, arg)
	}
	return false, p.errorf("want a condition function")
}

func (d *decider) named(arg place) (bool, error) {
	if d.rules {
		return false, arg.errorf("Rules cannot name a condition")
	}
	name, err := arg.word()
	if err != nil {
		return false, err
	}
	holds, err := d.condition(name)
	if err != nil && !strings.HasPrefix(err.Error(), "line ") {
		return false, arg.errorf("%w", err)
	}
	return holds, err
}

// several evaluates Fn::And and Fn::Or, which take two to ten conditions. It evaluates all of them, so that it
// reports an error in each.
func (d *decider) several(name string, arg place) (bool, error) {
	all, err := arg.list(2, 10)
	if err != nil {
		return false, err
	}
	result := name == "Fn::And"
	for _, one := range all {
		holds, err := d.holds(one)
		if err != nil {
			return false, err
		}
		if holds != (name == "Fn::And") {
			result = holds
		}
	}
	return result, nil
}

// equals compares two scalars by their text: true equals "true".
func (d *decider) equals(arg place) (bool, error) {
	two, err := arg.list(2, 2)
	if err != nil {
		return false, err
	}
	left, err := d.text(two[0])
	if err != nil {
		return false, err
	}
	right, err := d.text(two[1])
	if err == nil && (d.plan.isUnknown(left) || d.plan.isUnknown(right)) {
		err = arg.errorf("a value is not known")
	}
	return left == right, err
}

func (d *decider) text(p place) (string, error) {
	v, err := d.value(p)
	if err != nil {
		return "", err
	}
	return scalarText(p, v)
}

// value evaluates an operand of a condition: parameters and functions of them. Rules accept only parameters and
// literals.
func (d *decider) value(p place) (any, error) {
	if name, _, ok := p.function(); d.rules && ok && name != "Ref" {
		return nil, p.errorf("Rules take only Ref here, not %s", name)
	}
	if name, arg, ok := p.function(); ok && name == "Fn::If" {
		condition, branches, err := arg.ifArguments()
		if err != nil {
			return nil, err
		}
		holds, err := d.condition(condition)
		if err != nil {
			return nil, err
		}
		if holds {
			return d.value(branches[0])
		}
		return d.value(branches[1])
	}
	return scope{plan: d.plan}.value(p)
}

// compareLists evaluates the functions of Rules.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
func (d *decider) compareLists(name string, arg place) (bool, error) {
	two, err := arg.list(2, 2)
	if err != nil {
		return false, err
	}
	list, err := d.texts(two[0])
	if err != nil {
		return false, err
	}
	if name == "Fn::EachMemberIn" {
		allowed, err := d.texts(two[1])
		stranger := func(text string) bool { return !slices.Contains(allowed, text) }
		return !slices.ContainsFunc(list, stranger), err
	}
	want, err := d.text(two[1])
	if name == "Fn::Contains" {
		return slices.Contains(list, want), err
	}
	return !slices.ContainsFunc(list, func(text string) bool { return text != want }), err
}

func (d *decider) texts(p place) ([]string, error) {
	v, err := d.value(p)
	if err != nil {
		return nil, err
	}
	return listTexts(p, v)
}

func (t *Template) readRules(section place) (err error) {
	t.rules, err = section.members()
	for _, rule := range t.rules {
		if _, err := rule.only("RuleCondition", "Assertions"); err != nil {
			return err
		}
	}
	return err
}

// assertRules returns an error that lists all assertions that do not hold.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
func (p *Plan) assertRules() error {
	d := &decider{plan: p, rules: true}
	var faults []error
	for _, rule := range p.template.rules {
		faults = append(faults, d.assert(rule)...)
	}
	return errors.Join(faults...)
}

func (d *decider) assert(rule member) []error {
	parts, err := rule.byName()
	if err != nil {
		return []error{err}
	}
	if condition, ok := parts["RuleCondition"]; ok {
		holds, err := d.holds(condition)
		if err != nil || !holds {
			return []error{err}
		}
	}
	assertions, err := parts["Assertions"].elements()
	if err != nil {
		return []error{rule.errorf("Assertions: want a list")}
	}
	var faults []error
	for _, a := range assertions {
		faults = append(faults, d.assertion(rule.name, a))
	}
	return faults
}

func (d *decider) assertion(rule string, at place) error {
	parts, err := at.only("Assert", "AssertDescription")
	if err != nil {
		return err
	}
	if parts["Assert"].Node == nil {
		return at.errorf("no Assert")
	}
	holds, err := d.holds(parts["Assert"])
	if err != nil || holds {
		return err
	}
	description, err := parts["AssertDescription"].word()
	if err != nil {
		return err
	}
	return fmt.Errorf("rule %s: assertion does not hold: %s", rule, description)
}
