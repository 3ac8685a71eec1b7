package iampolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	value, err := decodeValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the document")
	}
	return value, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	switch token {
	case json.Delim('{'):
		return decodeObject(d, depth)
	case json.Delim('['):
		return decodeList(d, depth)
	}
	if s, ok := token.(string); ok {
		return s, checkText(s)
	}
	return token, nil
}

func decodeObject(d *json.Decoder, depth int) (object, error) {
	members := object{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		name, _ := token.(string)
		if err := checkText(name); err != nil {
			return nil, err
		}
		if members.has(name) {
			return nil, fmt.Errorf("%q given twice", name)
		}
		value, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
	}
	return members, closing(d)
}

func decodeList(d *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for d.More() {
		value, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, closing(d)
}

func closing(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return nil
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
