package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The marks around the description of an unknown value: characters for private use, which no policy contains.
const (
	unknownBegin = '\ue0f0'
	unknownEnd   = '\ue0f1'
)

// Unknown returns a text that stands in a document for a value that is not known; what describes the value, e.g.
// "parameter VpceId".
func Unknown(what string) string {
	what = strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r == unknownBegin || r == unknownEnd {
			return -1
		}
		return r
	}, what)
	return string(unknownBegin) + what + string(unknownEnd)
}

// IsUnknown reports whether a text is, or contains, an unknown value.
func IsUnknown(text string) bool { return strings.ContainsRune(text, unknownBegin) }

// Unknowns lists the descriptions of the unknown values in a text, each once, in their order.
func Unknowns(text string) []string {
	var all []string
	for {
		_, rest, found := strings.Cut(text, string(unknownBegin))
		if !found {
			return all
		}
		what, after, _ := strings.Cut(rest, string(unknownEnd))
		if !slices.Contains(all, what) {
			all = append(all, what)
		}
		text = after
	}
}

// Readable replaces the unknown values in a text for messages: ${parameter VpceId}.
func Readable(text string) string {
	return strings.NewReplacer(string(unknownBegin), "${", string(unknownEnd), "}").Replace(text)
}

// most returns the document as if its unknown values allowed the most: an Allow with an unknown value in an element allows
// all that this element can, and a Deny with an unknown value denies nothing.
func (d Document) most() (string, error) { return d.extreme("Deny") }

// least returns the document as if its unknown values allowed the least.
func (d Document) least() (string, error) { return d.extreme("Allow") }

// known returns the document without the statements that have unknown values.
func (d Document) known() (string, error) { return d.extreme(bothEffects) }

const bothEffects = ""

// extreme drops the statements with unknown values and one effect, or both, and widens those with the other.
func (d Document) extreme(dropped string) (string, error) {
	if !IsUnknown(d.Text) {
		return d.Text, nil
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(d.Text), &document); err != nil {
		return "", fmt.Errorf("not a JSON object: %w", err)
	}
	if err := refuseDuplicates(json.NewDecoder(strings.NewReader(d.Text))); err != nil {
		return "", err
	}
	if text, _ := document["Id"].(string); IsUnknown(text) {
		delete(document, "Id") // it has no effect
	}
	list, isList := document["Statement"].([]any)
	if !isList {
		list = []any{document["Statement"]}
	}
	var kept []any
	for _, item := range list {
		s, isObject := item.(map[string]any)
		if !isObject {
			return "", errors.New("a whole statement is not known")
		}
		keep, err := settle(s, dropped)
		if err != nil {
			return "", err
		}
		if keep {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return "", nil // no policy
	}
	document["Statement"] = kept
	for name, value := range document {
		if hasUnknown(value) {
			return "", fmt.Errorf("%s is not known", name)
		}
	}
	text, err := json.Marshal(document) // Go's escapes are JSON, and mean the same
	return string(text), err
}

// settle reports whether a statement is kept, and widens one with unknown values.
func settle(s map[string]any, dropped string) (keep bool, err error) {
	if text, _ := s["Sid"].(string); IsUnknown(text) {
		delete(s, "Sid") // it has no effect
	}
	switch {
	case !hasUnknown(s):
		return true, nil
	case dropped == bothEffects:
		return false, nil
	case hasUnknown(s["Effect"]):
		return false, errors.New("the Effect of a statement is not known")
	case s["Effect"] == dropped:
		return false, nil
	}
	widen(s)
	return true, nil
}

// refuseDuplicates returns an error if an object of a JSON value has a member twice: which of them counts is not defined,
// and only one of them would be judged.
func refuseDuplicates(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, isDelim := token.(json.Delim)
	if !isDelim {
		return nil
	}
	seen := map[any]bool{}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			if seen[name] {
				return fmt.Errorf("%q given twice", name)
			}
			seen[name] = true
		}
		if err := refuseDuplicates(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// widen replaces the elements with unknown values by what they can cover at most.
func widen(s map[string]any) {
	for _, name := range []string{"Principal", "Action", "Resource"} {
		for _, element := range []string{name, "Not" + name} {
			if hasUnknown(s[element]) {
				delete(s, element)
				s[name] = "*"
			}
		}
	}
	conditions, isObject := s["Condition"].(map[string]any)
	if !isObject {
		if hasUnknown(s["Condition"]) {
			delete(s, "Condition")
		}
		return
	}
	for operator, keys := range conditions {
		byKey, _ := keys.(map[string]any)
		for key, values := range byKey {
			if IsUnknown(key) || hasUnknown(values) {
				delete(byKey, key)
			}
		}
		if IsUnknown(operator) || hasUnknown(keys) || len(byKey) == 0 {
			delete(conditions, operator)
		}
	}
	if len(conditions) == 0 {
		delete(s, "Condition")
	}
}

// hasUnknown reports whether a JSON value contains an unknown value.
func hasUnknown(value any) bool {
	switch v := value.(type) {
	case string:
		return IsUnknown(v)
	case []any:
		return slices.ContainsFunc(v, hasUnknown)
	case map[string]any:
		for name, member := range v {
			if IsUnknown(name) || hasUnknown(member) {
				return true
			}
		}
	}
	return false
}
