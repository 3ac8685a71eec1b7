package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// compile returns the function that decides whether a line matches a filter pattern. It supports
//
//   - the empty pattern, which matches all lines
//   - terms and "quoted phrases" that a line must all contain, -terms that it must not contain, ?terms of which it must contain one
//   - { … } for lines that are JSON: comparisons of $.name.name (=, !=, <, <=, >, >=) with "texts", in which * stands for any
//     text, with unquoted texts and with numbers; IS NULL, IS TRUE, IS FALSE, NOT EXISTS; &&, || and parentheses.
//
// It refuses what it does not support: arrays, regular expressions, and patterns for lines with columns.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func compile(pattern string) (func(line string) bool, error) {
	pattern = strings.TrimSpace(pattern)
	if inner, ok := strings.CutPrefix(pattern, "{"); ok {
		inner, ok := strings.CutSuffix(inner, "}")
		if !ok {
			return nil, errors.New("{ without }")
		}
		return compileJSON(inner)
	}
	return compileTerms(pattern)
}

// term is one term of a pattern for text: an optional sign, and a word or a quoted phrase.
var term = regexp.MustCompile(`^([-?]?)(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_]+))(?:\s+|$)`)

func compileTerms(pattern string) (func(string) bool, error) {
	var all, any, none []string
	for pattern != "" {
		m := term.FindStringSubmatch(pattern)
		if m == nil {
			return nil, fmt.Errorf("the local AWS does not support %q", pattern)
		}
		text := m[3]
		if text == "" {
			text = unescape(m[2])
		}
		switch m[1] {
		case "-":
			none = append(none, text)
		case "?":
			any = append(any, text)
		default:
			all = append(all, text)
		}
		pattern = pattern[len(m[0]):]
	}
	return func(line string) bool {
		found := len(any) == 0
		for _, text := range any {
			found = found || strings.Contains(line, text)
		}
		for _, text := range all {
			found = found && strings.Contains(line, text)
		}
		for _, text := range none {
			found = found && !strings.Contains(line, text)
		}
		return found
	}, nil
}

var escaped = regexp.MustCompile(`\\(.)`)

// unescape removes the backslashes of a quoted text.
func unescape(text string) string { return escaped.ReplaceAllString(text, "$1") }

// test decides whether a decoded line matches.
type test func(line any) bool

func compileJSON(expression string) (func(string) bool, error) {
	tokens, err := scan(expression)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	matches, err := p.any()
	if err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, fmt.Errorf("unexpected %s", p.tokens[0])
	}
	return func(line string) bool {
		var object map[string]any
		return json.Unmarshal([]byte(line), &object) == nil && matches(object)
	}, nil
}

// token is a token of a pattern for JSON.
var token = regexp.MustCompile(`^\s*(&&|\|\||[()]|!=|<=|>=|[=<>]|\$(?:\.[A-Za-z0-9_@-]+)+|"(?:[^"\\]|\\.)*"|[A-Za-z0-9_.*:/+-]+)\s*`)

func scan(text string) ([]string, error) {
	var tokens []string
	for text != "" {
		m := token.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("the local AWS does not support %q", text)
		}
		tokens, text = append(tokens, m[1]), text[len(m[0]):]
	}
	return tokens, nil
}

// parser parses a pattern for JSON. || binds less than &&.
type parser struct{ tokens []string }

// next removes the next token and returns it; "" at the end.
func (p *parser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	first := p.tokens[0]
	p.tokens = p.tokens[1:]
	return first
}

// take removes the next token if it is the one wanted.
func (p *parser) take(want string) bool {
	if len(p.tokens) == 0 || p.tokens[0] != want {
		return false
	}
	p.next()
	return true
}

func (p *parser) any() (test, error) {
	left, err := p.all()
	for err == nil && p.take("||") {
		var right test
		one := left
		right, err = p.all()
		left = func(line any) bool { return one(line) || right(line) }
	}
	return left, err
}

func (p *parser) all() (test, error) {
	left, err := p.one()
	for err == nil && p.take("&&") {
		var right test
		one := left
		right, err = p.one()
		left = func(line any) bool { return one(line) && right(line) }
	}
	return left, err
}

func (p *parser) one() (test, error) {
	if p.take("(") {
		inner, err := p.any()
		if err == nil && !p.take(")") {
			err = errors.New("( without )")
		}
		return inner, err
	}
	selector := p.next()
	path, ok := strings.CutPrefix(selector, "$.")
	if !ok {
		return nil, fmt.Errorf("%q: want a selector such as $.name", selector)
	}
	operator, value := p.next(), p.next()
	matches, err := compare(operator, value)
	if err != nil {
		return nil, err
	}
	names := strings.Split(path, ".")
	return func(line any) bool {
		value, ok := find(line, names)
		return matches(value, ok)
	}, nil
}

// find returns the value at a path.
func find(value any, names []string) (any, bool) {
	for _, name := range names {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[name]; !ok {
			return nil, false
		}
	}
	return value, true
}

// compare returns the test of a selected value, which may not exist.
func compare(operator, value string) (func(any, bool) bool, error) {
	switch words := strings.ToUpper(operator + " " + value); words {
	case "IS NULL":
		return func(v any, ok bool) bool { return ok && v == nil }, nil
	case "IS TRUE", "IS FALSE":
		return func(v any, ok bool) bool { return v == (words == "IS TRUE") }, nil
	case "NOT EXISTS":
		return func(_ any, ok bool) bool { return !ok }, nil
	}
	if value == "" {
		return nil, fmt.Errorf("a value is missing after %q", operator)
	}
	number, err := strconv.ParseFloat(value, 64)
	isNumber := err == nil
	quoted, isQuoted := strings.CutPrefix(value, `"`)
	if isQuoted {
		value = unescape(strings.TrimSuffix(quoted, `"`))
	}
	text := wild(value)
	equal := func(v any) bool {
		switch v := v.(type) {
		case float64:
			return isNumber && v == number
		case string:
			return text.MatchString(v)
		}
		return false
	}
	switch operator {
	case "=":
		return func(v any, _ bool) bool { return equal(v) }, nil
	case "!=":
		return func(v any, ok bool) bool { return ok && !equal(v) }, nil
	}
	if !isNumber {
		return nil, fmt.Errorf("%s %s: want a number", operator, value)
	}
	order := map[string]func(float64) bool{
		"<": func(v float64) bool { return v < number }, "<=": func(v float64) bool { return v <= number },
		">": func(v float64) bool { return v > number }, ">=": func(v float64) bool { return v >= number },
	}[operator]
	if order == nil {
		return nil, fmt.Errorf("unknown operator %q", operator)
	}
	return func(v any, _ bool) bool {
		n, ok := v.(float64)
		return ok && order(n)
	}, nil
}

// wild returns the expression for a text in which * stands for any text.
func wild(text string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)^` + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, `.*`) + `$`)
}
