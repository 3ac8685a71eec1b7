// Package eventpattern is EventBridge's event pattern language: it compiles a
// pattern and says whether an event matches it, and if not, which field failed.
//
// It imports only the standard library.
package eventpattern

import "errors"

// Pattern is a compiled event pattern. It may be used at the same time by many.
type Pattern struct{}

// Mismatch says which field of the pattern an event did not match, and why.
// It is the zero value where the event matched.
type Mismatch struct {
	Path   string // the field, by names joined with dots, e.g. "detail.eventName"
	Reason string // what the pattern asks for and was not met
	Got    any    // the event's value of that field, nil where it has none
}

// Compile compiles a decoded JSON pattern (map[string]any at the top).
func Compile(pattern any) (*Pattern, error) { return nil, errors.New("not written yet") }

// Match says whether the decoded JSON event matches, and if not, why.
func (p *Pattern) Match(event any) (bool, Mismatch) { return false, Mismatch{} }
