package eventpattern

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// membership maps each of the event's lists to the element that contains a value. Lists are numbered in the order in
// which they are found. A list of scalars is not included: its elements are several values of one field.
type membership map[int]int

// join merges both memberships, or returns false if they are different elements of the same list: the real matcher
// does not combine two elements in a match.
// https://github.com/aws/event-ruler#json-array-matching
func (m membership) join(other membership) (membership, bool) {
	for list, element := range other {
		if at, ok := m[list]; ok && at != element {
			return nil, false
		}
	}
	joined := make(membership, len(m)+len(other))
	maps.Copy(joined, m)
	maps.Copy(joined, other)
	return joined, true
}

// value is one value of a field, and its position.
type value struct {
	scalar any // string, number, bool or nil
	in     membership
}

// values are an event's fields by path. A field has several values if it, or an object around it, is in a list; an
// empty list or object has none.
type values map[string][]value

// flattener collects an event's values.
type flattener struct {
	wanted map[string]bool
	found  values
	lists  int // found so far
}

// flatten returns the event's values of the wanted fields.
func flatten(event map[string]any, wanted map[string]bool) values {
	f := &flattener{wanted: wanted, found: values{}}
	f.object(nil, event, membership{})
	return f.found
}

func (f *flattener) object(path []string, object map[string]any, in membership) {
	for _, name := range sortedKeys(object) {
		f.value(append(path, name), object[name], in)
	}
}

func (f *flattener) value(path []string, v any, in membership) {
	switch v := v.(type) {
	case map[string]any:
		f.object(path, v, in)
	case []any:
		f.list(path, v, in)
	default:
		name := join(path)
		if !f.wanted[name] {
			return
		}
		if n, ok := newNumber(v); ok {
			v = n
		}
		f.found[name] = append(f.found[name], value{scalar: v, in: in})
	}
}

func (f *flattener) list(path []string, list []any, in membership) {
	id := f.lists
	f.lists++
	for i, element := range list {
		switch element.(type) {
		case map[string]any, []any:
			inside := maps.Clone(in)
			inside[id] = i
			f.value(path, element, inside)
		default:
			f.value(path, element, in)
		}
	}
}

// match reports whether each field of a has a value that passes, all of them in the same elements of the event's
// lists as those in in.
//
// Fields are checked in the order of their paths, as in the real matcher: this decides which elements "exists: false"
// checks.
func (vs values) match(a alternative, in membership) bool {
	if len(a) == 0 {
		return true
	}
	var tried []membership
	for _, next := range vs.passing(a[0], in) {
		known := slices.ContainsFunc(tried, func(m membership) bool { return maps.Equal(m, next) })
		if known {
			continue
		}
		if vs.match(a[1:], next) {
			return true
		}
		tried = append(tried, next)
	}
	return false
}

// passing returns the memberships with which the field passes.
func (vs values) passing(f field, in membership) []membership {
	var passing []membership
	present := false
	for _, v := range vs[f.path] {
		joined, ok := in.join(v.in)
		if !ok {
			continue
		}
		present = true
		if holdsAny(f.tests, v.scalar) {
			passing = append(passing, joined)
		}
	}
	if !present && wantsAbsent(f.tests) {
		passing = append(passing, in)
	}
	return passing
}

func holdsAny(tests []test, scalar any) bool {
	return slices.ContainsFunc(tests, func(t test) bool { return t.holds(scalar) })
}

func wantsAbsent(tests []test) bool {
	return slices.ContainsFunc(tests, func(t test) bool { return t == exists(false) })
}

// explain returns why none of the alternatives matches: for the one with the fewest failing fields, and of those the
// one with the fewest fields that the event lacks, the outermost field.
func (vs values) explain(alternatives []alternative) Mismatch {
	closest, failed := alternatives[0], vs.failed(alternatives[0])
	for _, a := range alternatives[1:] {
		f := vs.failed(a)
		if cmp.Or(len(f)-len(failed), vs.absent(f)-vs.absent(failed)) < 0 {
			closest, failed = a, f
		}
	}
	if len(failed) == 0 {
		last := closest[len(closest)-1].path
		return Mismatch{
			Path:   last,
			Reason: "want it in the same list element as the other fields",
			Got:    vs.got(last),
		}
	}
	f := slices.MinFunc(failed, func(x, y field) int {
		return strings.Count(x.path, ".") - strings.Count(y.path, ".")
	})
	return Mismatch{
		Path:   f.path,
		Reason: "want " + describe(f.tests),
		Absent: len(vs[f.path]) == 0,
		Got:    vs.got(f.path),
	}
}

// failed returns the fields that do not pass, each checked separately.
func (vs values) failed(a alternative) []field {
	var failed []field
	for _, f := range a {
		if len(vs.passing(f, membership{})) == 0 {
			failed = append(failed, f)
		}
	}
	return failed
}

// absent returns how many of the fields the event lacks.
func (vs values) absent(fields []field) int {
	n := 0
	for _, f := range fields {
		if len(vs[f.path]) == 0 {
			n++
		}
	}
	return n
}

// got returns the event's value of a field, for a message.
func (vs values) got(path string) any {
	var all []any
	for _, v := range vs[path] {
		if n, ok := v.scalar.(number); ok {
			v.scalar = json.Number(n.text)
		}
		all = append(all, v.scalar)
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

func describe(tests []test) string {
	words := make([]string, len(tests))
	for i, t := range tests {
		words[i] = t.String()
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " or " + words[last]
	}
	return words[0]
}
