package samtemplate

import (
	"fmt"
	"slices"
	"strings"
)

// pseudo are the pseudo parameters, which all templates may use.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html
var pseudo = []string{"AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition",
	"AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix"}

// checkNames returns an error for a name that is used but not declared.
func (t *Template) checkNames() error {
	for _, r := range t.resources {
		if _, ok := t.conditions[r.condition]; r.condition != "" && !ok {
			return r.at.errorf("unknown condition %s", r.condition)
		}
		for _, id := range r.DependsOn {
			if t.byID[id] == nil {
				return r.at.errorf("DependsOn names unknown resource %s", id)
			}
		}
		if err := t.checkUses(r.properties); err != nil {
			return err
		}
	}
	for _, o := range t.outputs {
		if _, ok := t.conditions[o.condition]; o.condition != "" && !ok {
			return o.at.errorf("unknown condition %s", o.condition)
		}
		if err := t.checkUses(o.value); err != nil {
			return err
		}
	}
	return nil
}

// checkUses checks all names that functions at and below p use.
func (t *Template) checkUses(p place) error {
	every := func(arg place) ([]place, error) { return arg.branches(t.conditions) }
	return visit(p, every, func(function string, arg place) error {
		all, err := targets(function, arg)
		if err != nil {
			return err
		}
		for _, target := range all {
			if !t.knows(target) {
				return target.errorf("%s: unknown name %s", function, target.name)
			}
		}
		return nil
	})
}

// knows reports whether the target is declared. Only resources have attributes.
func (t *Template) knows(to target) bool {
	if t.byID[to.name] != nil {
		return true
	}
	return to.attribute == "" && (slices.Contains(pseudo, to.name) || t.parameter(to.name) != nil)
}

// branches returns both branches of Fn::If, whose condition must be known.
func (p place) branches(conditions map[string]place) ([]place, error) {
	name, branches, err := p.ifArguments()
	if err != nil {
		return nil, err
	}
	if _, ok := conditions[name]; !ok {
		return nil, p.errorf("Fn::If: unknown condition %s", name)
	}
	return branches, nil
}

// ifArguments reads the argument of Fn::If.
func (p place) ifArguments() (condition string, branches []place, err error) {
	three, err := p.list(3, 3)
	if err != nil {
		return "", nil, err
	}
	condition, err = three[0].word()
	return condition, three[1:], err
}

// taken returns the branch of Fn::If that the plan's conditions take.
func (p *Plan) taken(arg place) (place, error) {
	name, branches, err := arg.ifArguments()
	if err != nil {
		return place{}, err
	}
	holds, known := p.conditions[name]
	switch {
	case !known:
		return place{}, arg.errorf("Fn::If: unknown condition %s", name)
	case holds:
		return branches[0], nil
	}
	return branches[1], nil
}

// references returns the logical ids of the resources that functions at and below the place name, without branches
// that are not taken. A resource whose condition does not hold is an error.
func (p *Plan) references(at place) ([]string, error) {
	var ids []string
	one := func(arg place) ([]place, error) {
		branch, err := p.taken(arg)
		return []place{branch}, err
	}
	err := visit(at, one, func(function string, arg place) error {
		all, err := targets(function, arg)
		for _, to := range all {
			if p.template.byID[to.name] == nil {
				continue
			}
			if !p.active[to.name] {
				return to.errorf("%s: %s is not in the stack: condition %s does not hold",
					function, to.name, p.template.byID[to.name].condition)
			}
			ids = append(ids, to.name)
		}
		return err
	})
	return ids, err
}

// dependencies returns the resources on which a resource depends, sorted. A DependsOn on a resource that the
// conditions leave out is dropped, as CloudFormation does.
func (p *Plan) dependencies(r *resource) ([]string, error) {
	ids, err := p.references(r.properties)
	if err != nil {
		return nil, err
	}
	for _, id := range r.DependsOn {
		if p.active[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// ordered returns the plan's resources, each after its dependencies. What resources and outputs refer to, and whether that is in the
// stack, depends on nothing but the conditions, so all plans of a template with the same ones share the result.
func (p *Plan) ordered() ([]Resource, error) {
	key := fmt.Sprint(p.conditions) // fmt sorts maps
	if known, ok := p.template.orders.Load(key); ok {
		return known.([]Resource), nil
	}
	if err := p.checkOutputs(); err != nil {
		return nil, err
	}
	order, err := p.sort()
	if err == nil {
		p.template.orders.Store(key, order)
	}
	return order, err
}

// sort returns the plan's resources, each after its dependencies.
func (p *Plan) sort() ([]Resource, error) {
	s := sorter{plan: p, done: map[string]bool{}}
	for _, r := range p.template.resources {
		if !p.active[r.LogicalID] {
			continue
		}
		if err := s.add(r); err != nil {
			return nil, err
		}
	}
	return s.order, nil
}

// sorter walks the dependencies depth first.
type sorter struct {
	plan  *Plan
	done  map[string]bool
	trail []string // path from a resource of the template down to the current one
	order []Resource
}

func (s *sorter) add(r *resource) error {
	if s.done[r.LogicalID] {
		return nil
	}
	if i := slices.Index(s.trail, r.LogicalID); i >= 0 {
		circle := append(slices.Clone(s.trail[i:]), r.LogicalID)
		return r.at.errorf("a circle of dependencies: %s", strings.Join(circle, " → "))
	}
	ids, err := s.plan.dependencies(r)
	if err != nil {
		return err
	}
	s.trail = append(s.trail, r.LogicalID)
	for _, id := range ids {
		if err := s.add(s.plan.template.byID[id]); err != nil {
			return err
		}
	}
	s.trail = s.trail[:len(s.trail)-1]
	planned := r.Resource
	planned.DependsOn = ids
	s.order = append(s.order, planned)
	s.done[r.LogicalID] = true
	return nil
}
