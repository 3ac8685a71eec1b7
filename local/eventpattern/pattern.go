// Package eventpattern is EventBridge's event pattern language: it compiles a
// pattern and says whether an event matches it, and if not, which field failed.
//
// It follows AWS's own open-source matcher, whose rules its tests name:
//
//   - a pattern names fields; an event matches when every named field does
//   - a field is a list of tests, of which one must hold
//   - where the event's field is a list, one of its elements must pass
//   - fields inside objects of one list must come from the same element
//   - "$or" joins alternatives, at any level
//
// Where that matcher accepts a pattern but does something else than it says (a
// field tested twice, a network with host bits set), Compile refuses it.
//
// It imports only the standard library. To add an operator, give it a case in
// compileOperator and a test type beside its like.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
// https://github.com/aws/event-ruler
package eventpattern

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// Pattern is a compiled event pattern, made by [Compile]. Any number of
// goroutines may match with it at the same time.
type Pattern struct {
	alternatives []alternative
	fields       map[string]bool // every field that some alternative tests
}

// alternative is one way to match: all of its fields must. A pattern without
// "$or" has exactly one.
type alternative []field

// field is the tests for one field. One of them must hold.
type field struct {
	path  string // names joined with dots, as the real matcher joins them
	tests []test
}

// test is one thing that a field's value may be asked.
type test interface {
	holds(value any) bool // value is a string, number, bool or nil
	String() string       // as in "want " + String()
}

// exists is the one test that asks for the field and not for its value.
type exists bool

func (e exists) holds(any) bool { return bool(e) }

func (e exists) String() string {
	if e {
		return "a value"
	}
	return "no value"
}

// Mismatch says which field of the pattern an event did not match, and why.
// It is the zero value where the event matched.
type Mismatch struct {
	// Path is the field, by its names joined with dots: "detail.eventName".
	// It is "" where the event is no JSON object.
	Path string
	// Reason is what the pattern wants there: `want "A" or "B"`.
	Reason string
	// Absent says that the event has no such field. An empty list is none, and
	// neither is an object: only the names inside it are fields.
	Absent bool
	// Got is the event's value of that field: a string, bool or nil, a number
	// as its text in a json.Number, a []any where there are several.
	Got any
}

// String is the mismatch as one line: `detail.eventName: want "A", got "B"`.
func (m Mismatch) String() string {
	if m.Absent {
		return fmt.Sprintf("%s: %s, got none", m.Path, m.Reason)
	}
	got, err := json.Marshal(m.Got)
	if err != nil {
		got = fmt.Append(nil, m.Got)
	}
	return fmt.Sprintf("%s: %s, got %s", cmp.Or(m.Path, "event"), m.Reason, got)
}

// Match says whether the event, as decoded by encoding/json with or without
// UseNumber, matches the pattern. Where it does not, the Mismatch is of the
// alternative that came closest, and in it of the outermost field.
func (p *Pattern) Match(event any) (ok bool, why Mismatch) {
	object, isObject := event.(map[string]any)
	if !isObject {
		return false, Mismatch{Reason: "want a JSON object", Got: event}
	}
	values := flatten(object, p.fields)
	for _, a := range p.alternatives {
		if values.match(a, membership{}) {
			return true, Mismatch{}
		}
	}
	return false, values.explain(p.alternatives)
}
