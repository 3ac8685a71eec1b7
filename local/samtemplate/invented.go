package samtemplate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Invented returns attributes in AWS's formats, for tests and tools without AWS. They are the same for the same stack
// name and logical id each time. A resource whose properties contain its name has that name.
//
// A resource type or attribute that is not in the table in species.go is unknown; Properties then returns an error.
func Invented(p *Plan) Attributes { return &inventor{plan: p} }

// InventedExcept is Invented with some given names: a key is a logical id for the value of Ref ("Bucket",
// "InterfaceEndpoint"), or a logical id and an attribute ("RemediateRole.Arn"). Values derived from a name use the
// given one: Bucket gives Bucket.Arn, RemediateRole.Arn gives the role's name.
//
// The error lists all keys that are neither a resource of the plan nor a known attribute.
func InventedExcept(p *Plan, given map[string]string) (Attributes, error) {
	in := &inventor{plan: p, given: given}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(given)) {
		id, attribute, _ := strings.Cut(key, ".")
		if inner, err := in.holder(id); err != nil {
			faults = append(faults, err)
		} else if _, err := inner.plan.resource(id); err != nil {
			faults = append(faults, err)
		} else if err := in.explain(id, attribute); err != nil {
			faults = append(faults, err)
		}
	}
	return in, errors.Join(faults...)
}

// inventor invents the names and ids of a plan's resources.
type inventor struct {
	plan  *Plan
	given map[string]string
	// busy are the resources whose names are being made, for templates whose references may be circular; nil for others.
	busy map[string]bool
	// nested are the inventors of the nested applications that were asked for, by logical id: making one plans a template.
	nested sync.Map
}

// Ref implements Attributes.
func (in *inventor) Ref(logicalID string) (string, bool) {
	v, err := in.ref(logicalID)
	return v, err == nil
}

// GetAtt implements Attributes.
func (in *inventor) GetAtt(logicalID, name string) (any, bool) {
	v, err := in.attribute(logicalID, name)
	return v, err == nil
}

// explain returns why there is no answer.
func (in *inventor) explain(logicalID, attribute string) error {
	if attribute == "" {
		_, err := in.ref(logicalID)
		return err
	}
	_, err := in.attribute(logicalID, attribute)
	return err
}

// holder returns the inventor for a resource: in, or that of the nested application whose template has it.
func (in *inventor) holder(logicalID string) (*inventor, error) {
	application, ok := in.plan.template.owner[logicalID]
	if !ok {
		return in, nil
	}
	if known, ok := in.nested.Load(application); ok {
		return known.(*inventor), nil
	}
	p, err := in.plan.Nested(application, in)
	if err != nil {
		return in, err
	}
	inner := &inventor{plan: p, given: in.given}
	in.nested.Store(application, inner)
	return inner, nil
}

func (in *inventor) ref(logicalID string) (string, error) {
	in, err := in.holder(logicalID)
	if err != nil {
		return "", err
	}
	if v, ok := in.given[logicalID]; ok {
		return v, nil
	}
	if in.plan.template.nested[logicalID] != nil {
		inner, err := in.plan.Nested(logicalID, in)
		if err != nil {
			return "", err
		}
		return inner.options.StackID, nil
	}
	s, r, err := in.species(logicalID)
	if err != nil {
		return "", err
	}
	return in.fill(s.ref, s, r)
}

func (in *inventor) attribute(logicalID, name string) (any, error) {
	in, err := in.holder(logicalID)
	if err != nil {
		return nil, err
	}
	if in.plan.template.nested[logicalID] != nil {
		return scope{in.plan, in}.output(target{name: logicalID, attribute: name})
	}
	s, r, err := in.species(logicalID)
	if err != nil {
		return nil, err
	}
	form, ok := s.attributes[name]
	if !ok {
		return nil, fmt.Errorf("%s: no attribute %s of %s is known", logicalID, name, r.Type)
	}
	if v, ok := in.given[logicalID+"."+name]; ok {
		return v, nil
	}
	if property, ok := strings.CutPrefix(form, "="); ok {
		return in.property(r, property)
	}
	element, isList := strings.CutPrefix(form, "[]")
	text, err := in.fill(element, s, r)
	if isList {
		return []any{text}, err
	}
	return text, err
}

// species returns how AWS names resources of this resource's type.
func (in *inventor) species(logicalID string) (species, *resource, error) {
	r, err := in.plan.resource(logicalID)
	if err != nil {
		return species{}, nil, err
	}
	s, ok := allSpecies[r.Type]
	if !ok && strings.HasPrefix(r.Type, "Custom::") {
		s, ok = custom, true
	}
	if !ok {
		return species{}, nil, fmt.Errorf("%s: resource type %s is not known", logicalID, r.Type)
	}
	return s, r, nil
}

// property returns one resolved property.
func (in *inventor) property(r *resource, name string) (any, error) {
	if in.busy != nil {
		key := r.LogicalID + "." + name
		if in.busy[key] {
			return nil, r.at.errorf("a circle of references")
		}
		in.busy[key] = true
		defer delete(in.busy, key)
	}
	properties, err := r.properties.byName()
	if err != nil {
		return nil, err
	}
	p, ok := properties[name]
	if !ok {
		return nil, fmt.Errorf("%s: has no property %s", r.LogicalID, name)
	}
	return scope{in.plan, in}.value(p)
}

// fill fills in the format of a Ref or an attribute.
func (in *inventor) fill(form string, s species, r *resource) (string, error) {
	name, err := in.name(s, r)
	if err != nil {
		return "", err
	}
	if form == "{name}" {
		return name, nil
	}
	o := in.plan.options
	return strings.NewReplacer(
		"{name}", name,
		"{path}", in.path(r),
		"{partition}", o.Partition,
		"{region}", o.Region,
		"{account}", o.AccountID,
		"{suffix}", o.urlSuffix(),
		"{id}", in.hash(r)[:16],
		"{ID}", strings.ToUpper(in.hash(r)[:16]),
	).Replace(form), nil
}

// path returns the path of an IAM resource.
func (in *inventor) path(r *resource) string {
	if path, err := in.property(r, "Path"); err == nil && path != (nothing{}) {
		return fmt.Sprint(path)
	}
	return "/"
}

func (in *inventor) hash(r *resource) string {
	return hash(in.plan.options.StackName + "/" + r.LogicalID)
}

// name returns the name or id on which the other values of a resource are based: the given one, the one in its
// properties, or an invented one.
func (in *inventor) name(s species, r *resource) (string, error) {
	if in.busy != nil {
		if in.busy[r.LogicalID] {
			return "", r.at.errorf("a circle of references")
		}
		in.busy[r.LogicalID] = true
		defer delete(in.busy, r.LogicalID)
	}
	if given := cmp.Or(in.given[r.LogicalID], in.given[r.LogicalID+".Arn"]); given != "" {
		return nameIn(given), nil
	}
	if v, err := in.property(r, s.property); s.property != "" && err == nil && v != (nothing{}) {
		return scalarText(r.properties, v)
	}
	seed := in.plan.options.StackName + "/" + r.LogicalID
	switch {
	case s.prefix == "uuid":
		h := hash(seed)
		return fmt.Sprintf("%s-%s-4%s-8%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:32]), nil
	case s.prefix != "":
		return inventID(s.prefix, seed), nil
	}
	return in.longName(s, r), nil
}

// nameIn returns the name in an ARN or a queue's URL; for other text, the text itself.
func nameIn(text string) string {
	parts := strings.SplitN(text, ":", 6)
	switch {
	case strings.HasPrefix(text, "https://"):
		return text[strings.LastIndex(text, "/")+1:]
	case parts[0] != "arn" || len(parts) < 6:
		return text
	}
	resource := strings.TrimSuffix(parts[5], ":*")
	if _, name, ok := strings.Cut(resource, ":"); ok {
		return name
	}
	return resource[strings.LastIndex(resource, "/")+1:]
}

// longName returns a name in CloudFormation's format: stack, logical id and some letters, at most 63 characters in
// total.
func (in *inventor) longName(s species, r *resource) string {
	cut := func(text string) string { return text[:min(len(text), 24)] }
	name := cut(in.plan.options.StackName) + "-" + cut(r.LogicalID) + "-" + strings.ToUpper(in.hash(r)[:12])
	if s.lower {
		return strings.ToLower(name)
	}
	return name
}

// inventID returns an id in EC2's format, for an image if prefix is "".
func inventID(prefix, seed string) string {
	return cmp.Or(prefix, "ami") + "-0" + hash(seed)[:16]
}

// hash returns 64 hexadecimal digits.
func hash(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return hex.EncodeToString(sum[:])
}
