package samtemplate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reader reads resolved properties and keeps the first error, so that a caller checks it once at the end.
type reader struct {
	where string
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(r.where+": "+format, args...)
	}
}

// object returns the mapping at the path, or an empty one.
func (r *reader) object(properties map[string]any, path ...string) map[string]any {
	for _, name := range path {
		v, ok := properties[name]
		if !ok {
			return nil
		}
		if properties, ok = v.(map[string]any); !ok {
			r.fail("%s: want a mapping", strings.Join(path, "."))
			return nil
		}
	}
	return properties
}

// text returns the text of a scalar, or otherwise if there is none.
func (r *reader) text(properties map[string]any, name, otherwise string) string {
	v, ok := properties[name]
	if !ok {
		return otherwise
	}
	text, err := scalarText(place{}, v)
	if err != nil {
		r.fail("%s: want text", name)
	}
	return text
}

// number returns an integer. A parameter's value is a string.
func (r *reader) number(properties map[string]any, name string, otherwise int) int {
	text := r.text(properties, name, strconv.Itoa(otherwise))
	n, err := strconv.Atoi(text)
	if err != nil {
		r.fail("%s: %q, want a whole number", name, text)
	}
	return n
}

// seconds returns a number of seconds.
func (r *reader) seconds(properties map[string]any, name string, otherwise time.Duration) time.Duration {
	return time.Duration(r.number(properties, name, int(otherwise/time.Second))) * time.Second
}

// only records an error if a mapping has unknown names.
func (r *reader) only(properties map[string]any, known ...string) {
	for name := range properties {
		if !slices.Contains(known, name) {
			r.fail("%s: not understood here", name)
		}
	}
}
