// Package eventpattern implements EventBridge's event pattern language: it compiles a pattern and reports whether an
// event matches it, and if not, which field failed.
//
// It follows AWS's open-source matcher, whose rules are named in the tests:
//
//   - a pattern names fields; an event matches if all named fields do
//   - a field is a list of tests, of which one must hold
//   - if the event's field is a list, one of its elements must pass
//   - fields inside objects of one list must come from the same element
//   - "$or" joins alternatives, at any level
//
// If that matcher accepts a pattern but does not do what the pattern says (a field tested twice, a network with host
// bits set), Compile rejects it.
//
// It imports only the standard library. To add an operator, add a case in compileOperator and a test type next to the
// similar ones.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
// https://github.com/aws/event-ruler
package eventpattern

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// Pattern is a compiled event pattern, made by [Compile]. Any number of goroutines may use it at the same time.
type Pattern struct {
	alternatives []alternative
	fields       map[string]bool // all fields that an alternative tests
}

// alternative is one way to match: all of its fields must match. A pattern without "$or" has exactly one.
type alternative []field

// field is the tests for one field. One of them must hold.
type field struct {
	path  string // names joined with dots, as the real matcher joins them
	tests []test
}

// test is one test of a field's value.
type test interface {
	holds(value any) bool // value is a string, number, bool or nil
	String() string       // as in "want " + String()
}

// exists is the only test of the field and not of its value.
type exists bool

func (e exists) holds(any) bool { return bool(e) }

func (e exists) String() string {
	if e {
		return "a value"
	}
	return "no value"
}

// Mismatch is the field of the pattern that an event did not match, and the reason. It is the zero value if the event
// matched.
type Mismatch struct {
	// Path is the field, by its names joined with dots: "detail.eventName". It is "" if the event is not a JSON
	// object.
	Path string
	// Reason is what the pattern requires: `want "A" or "B"`.
	Reason string
	// Absent means that the event has no such field. An empty list is not a field, and neither is an object: only the
	// names inside it are fields.
	Absent bool
	// Got is the event's value of that field: a string, bool or nil, a number as its text in a json.Number, or a
	// []any if there are several.
	Got any
}

// String returns the mismatch as one line: `detail.eventName: want "A", got "B"`.
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

// Match reports whether the event, as decoded by encoding/json with or without UseNumber, matches the pattern. If
// not, the Mismatch is the outermost one of the alternative that came closest.
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
