package iampolicy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth is the maximum nesting depth of a document. A policy needs 6 levels (document, statements, statement,
// condition, keys, values).
const maxDepth = 8

// object is a JSON object. Its members are in the order of the document.
type object []member

type member struct {
	name  string
	value any // object, []any, string, json.Number, bool or nil
}

// decodeStrictly reads exactly one JSON value. Unlike [json.Unmarshal] it rejects input that JSON parsers interpret
// differently: duplicate members, invalid UTF-8, and escapes that UTF-8 cannot represent.
func decodeStrictly(document []byte) (any, error) {
	if len(bytes.TrimSpace(document)) == 0 {
		return nil, errors.New("empty document")
	}
	if !utf8.Valid(document) {
		return nil, errors.New("not UTF-8")
	}
	if !json.Valid(document) {
		var first json.RawMessage
		if err := json.NewDecoder(bytes.NewReader(document)).Decode(&first); err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		return nil, errors.New("text after the document")
	}
	return (&reader{rest: string(document)}).value(0)
}

// reader reads a text that is valid JSON. It is several times as fast as the tokens of a [json.Decoder]; an audit parses each policy
// several times.
type reader struct{ rest string }

// next skips white space and separators, and returns the first character of what follows. Their places are right in valid JSON.
func (r *reader) next() byte {
	r.rest = strings.TrimLeft(r.rest, " \t\r\n,:")
	return r.rest[0]
}

// take removes the first n bytes, and returns them.
func (r *reader) take(n int) (text string) {
	text, r.rest = r.rest[:n], r.rest[n:]
	return text
}

func (r *reader) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	switch r.next() {
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case '"':
		return r.text()
	}
	end := strings.IndexAny(r.rest, " \t\r\n,:]}")
	if end < 0 {
		end = len(r.rest)
	}
	switch text := r.take(end); text {
	case "null":
		return nil, nil
	case "true", "false":
		return text == "true", nil
	default:
		return json.Number(text), nil
	}
}

func (r *reader) object(depth int) (object, error) {
	members := object{}
	for r.take(1); r.next() != '}'; {
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		if members.has(name) {
			return nil, fmt.Errorf("%q given twice", name)
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
	}
	r.take(1)
	return members, nil
}

func (r *reader) list(depth int) ([]any, error) {
	list := []any{}
	for r.take(1); r.next() != ']'; {
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	r.take(1)
	return list, nil
}

// text reads a string.
func (r *reader) text() (text string, err error) {
	end := 1
	for ; r.rest[end] != '"'; end++ {
		if r.rest[end] == '\\' {
			end++
		}
	}
	quoted := r.take(end + 1)
	if text = quoted[1:end]; strings.IndexByte(text, '\\') >= 0 {
		err = json.Unmarshal([]byte(quoted), &text)
	}
	return text, cmp.Or(err, checkText(text))
}

// checkText rejects the replacement character: the decoder uses it for an unpaired surrogate escape, so that two different
// documents would decode to the same value.
func checkText(s string) error {
	if strings.ContainsRune(s, utf8.RuneError) {
		return fmt.Errorf("%q holds a character that does not exist", s)
	}
	return nil
}

func (o object) has(name string) bool {
	for _, m := range o {
		if m.name == name {
			return true
		}
	}
	return false
}

// quote writes a JSON string without HTML escapes.
func quote(s string) string {
	if strings.IndexFunc(s, needsEscape) < 0 {
		return `"` + s + `"`
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // neither the string nor the Builder can cause an error
	return strings.TrimSuffix(b.String(), "\n")
}

func needsEscape(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
