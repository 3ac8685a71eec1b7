package eventpattern

import (
	"fmt"
	"slices"
	"strings"
)

// maxAlternatives is the maximum number of combinations of "$or" in one pattern.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
const maxAlternatives = 1000

// reserved are the names that fields inside "$or" must not have.
// https://github.com/aws/event-ruler (Constants.java)
var reserved = strings.Fields(`exactly equals-ignore-case prefix suffix anything-but exists
	wildcard numeric cidr html = < <= > >= regex not-wildcard not-equals-ignore-case date-after
	date-on-or-after date-before date-on-or-before in-date-range ip-address-in-range
	ip-address-not-in-range`)

// Compile compiles a decoded pattern: a map[string]any of objects and lists of strings, numbers (json.Number, float64
// or int), bools, nils and operators.
//
// Unknown elements, and elements that the real matcher reads in another way than written, are errors that name the
// field.
func Compile(pattern any) (*Pattern, error) {
	object, ok := pattern.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("event pattern: %s, want an object", kind(pattern))
	}
	alternatives, err := compileObject(nil, object, false)
	if err != nil {
		return nil, err
	}
	p := &Pattern{alternatives: alternatives, fields: map[string]bool{}}
	for _, a := range alternatives {
		slices.SortFunc(a, func(x, y field) int { return strings.Compare(x.path, y.path) })
		for _, f := range a {
			p.fields[f.path] = true
		}
	}
	return p, nil
}

// compileObject returns the alternatives of one object of the pattern. path is its position; inOr is true below a
// "$or".
func compileObject(path []string, object map[string]any, inOr bool) ([]alternative, error) {
	if len(object) == 0 {
		return nil, fmt.Errorf("%s: an empty object, want at least one field", join(path))
	}
	all := []alternative{nil}
	for _, name := range sortedKeys(object) {
		more, err := compileMember(path, name, object[name], inOr)
		if err != nil {
			return nil, err
		}
		if all, err = combine(all, more); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// compileMember returns the alternatives of one name of an object.
func compileMember(path []string, name string, value any, inOr bool) ([]alternative, error) {
	at := append(slices.Clone(path), name)
	if name == "$or" {
		return compileOr(path, value)
	}
	if inOr && slices.Contains(reserved, name) {
		return nil, fmt.Errorf("%s: an operator's name cannot be a field inside $or", join(at))
	}
	switch value := value.(type) {
	case map[string]any:
		return compileObject(at, value, inOr)
	case []any:
		tests, err := compileTests(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", join(at), err)
		}
		return []alternative{{{path: join(at), tests: tests}}}, nil
	}
	return nil, fmt.Errorf("%s: %s, want a list or an object", join(at), kind(value))
}

// compileOr returns the alternatives of "$or" in the object at path: those of all its members.
func compileOr(path []string, value any) ([]alternative, error) {
	at := join(append(slices.Clone(path), "$or"))
	members, ok := value.([]any)
	if !ok || len(members) < 2 {
		return nil, fmt.Errorf("%s: want a list of at least two objects", at)
	}
	var all []alternative
	for _, member := range members {
		object, ok := member.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: %s in the list, want objects only", at, kind(member))
		}
		alternatives, err := compileObject(path, object, true)
		if err != nil {
			return nil, err
		}
		all = append(all, alternatives...)
	}
	return all, nil
}

// combine returns each alternative of a joined with each one of b.
func combine(a, b []alternative) ([]alternative, error) {
	if len(a)*len(b) > maxAlternatives {
		return nil, fmt.Errorf("event pattern: $or makes more than %d combinations", maxAlternatives)
	}
	joined := make([]alternative, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			if err := disjoint(x, y); err != nil {
				return nil, err
			}
			joined = append(joined, slices.Concat(x, y))
		}
	}
	return joined, nil
}

// disjoint returns an error if both test the same field. The real matcher keeps only the test that it reads last, so
// that it drops an outer test if "$or" tests the field again (docs/facts.md, CloudTrail through EventBridge).
func disjoint(x, y alternative) error {
	for _, f := range x {
		for _, g := range y {
			if f.path == g.path {
				return fmt.Errorf("%s: tested twice, inside and outside $or or in two of them: "+
					"EventBridge would forget one of the tests", f.path)
			}
		}
	}
	return nil
}

// join joins the names of a path as the real matcher does. Neither the matcher nor this package distinguishes a name
// that contains dots from nested names.
func join(path []string) string {
	if len(path) == 0 {
		return "event pattern"
	}
	return strings.Join(path, ".")
}

func sortedKeys(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// kind returns the name of a decoded value's kind, for errors.
func kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a bool"
	}
	if _, ok := newNumber(value); ok {
		return "a number"
	}
	return fmt.Sprintf("a %T", value)
}
