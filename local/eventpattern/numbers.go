package eventpattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// number is a JSON number. A number that an IEEE 754 double (binary64) represents uniquely is compared as a number (1
// is 1.0); any other by its text, as in the real matcher since July 2026. EventBridge's guide still says five billion
// and six decimals.
// https://github.com/aws/event-ruler#numeric-matching
type number struct {
	text  string
	exact *big.Rat // nil if it is compared by its text
}

// The longest text and the largest absolute exponent of a number that is treated as a double: the smallest double has
// 324 decimals before its first digit. An exponent of thousands of digits is never computed.
const (
	maxNumberText = 800
	maxExponent   = 800
)

// newNumber returns a decoded value as a number, if it is one.
func newNumber(value any) (number, bool) {
	switch value := value.(type) {
	case number:
		return value, true
	case json.Number:
		return parseNumber(string(value)), true
	case float64:
		return parseNumber(strconv.FormatFloat(value, 'g', -1, 64)), true
	case int:
		return parseNumber(strconv.Itoa(value)), true
	}
	return number{}, false
}

func parseNumber(text string) number {
	if len(text) > maxNumberText || exponent(text) > maxExponent {
		return number{text: text}
	}
	double, err := strconv.ParseFloat(text, 64)
	exact, ok := new(big.Rat).SetString(text)
	if err != nil || !ok {
		return number{text: text}
	}
	shortest, ok := new(big.Rat).SetString(strconv.FormatFloat(double, 'g', -1, 64))
	if !ok || shortest.Cmp(exact) != 0 {
		return number{text: text}
	}
	return number{text: text, exact: exact}
}

// exponent returns the absolute value of the exponent in the text.
func exponent(text string) int {
	_, digits, ok := strings.Cut(strings.ToLower(text), "e")
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return maxExponent + 1
	}
	return max(n, -n)
}

// newComparable returns a number for a numeric comparison.
func newComparable(value any) (number, error) {
	n, ok := newNumber(value)
	if !ok {
		return number{}, fmt.Errorf("%s, want a number", kind(value))
	}
	if n.exact == nil {
		return number{}, fmt.Errorf("%s, want a number that a double holds", n.text)
	}
	return n, nil
}

func (n number) holds(value any) bool {
	got, ok := value.(number)
	if !ok {
		return false
	}
	if n.exact == nil || got.exact == nil {
		return n.text == got.text
	}
	return n.exact.Cmp(got.exact) == 0
}

func (n number) String() string { return n.text }

// interval is a range of numbers: all bounds must hold.
type interval []bound

type bound struct {
	operator string
	limit    number
}

func (b bound) holds(n number) bool {
	c := n.exact.Cmp(b.limit.exact)
	switch b.operator {
	case "=":
		return c == 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// compileNumeric compiles ["=", n], [">", n], [">=", n, "<", m] and so on: one
// comparison, or a lower bound followed by an upper one.
func compileNumeric(operand any) (test, error) {
	list, ok := operand.([]any)
	if !ok || (len(list) != 2 && len(list) != 4) {
		return nil, errors.New(`numeric: want a list such as [">", 0, "<=", 5]`)
	}
	var all interval
	for i := 0; i < len(list); i += 2 {
		b, err := compileBound(list[i], list[i+1])
		if err != nil {
			return nil, fmt.Errorf("numeric: %w", err)
		}
		all = append(all, b)
	}
	if len(all) == 2 {
		return all, all.check()
	}
	return all, nil
}

func compileBound(operator, limit any) (bound, error) {
	name, ok := operator.(string)
	if !ok || !slices.Contains([]string{"=", "<", "<=", ">", ">="}, name) {
		return bound{}, fmt.Errorf("%v is no comparison", operator)
	}
	n, err := newComparable(limit)
	return bound{operator: name, limit: n}, err
}

// check returns an error if the two bounds are not a lower and an upper one, in this order and with values between
// them.
func (i interval) check() error {
	if !strings.HasPrefix(i[0].operator, ">") || !strings.HasPrefix(i[1].operator, "<") {
		return errors.New(`numeric: two bounds are a lower one, then an upper one`)
	}
	if i[0].limit.exact.Cmp(i[1].limit.exact) >= 0 {
		return fmt.Errorf("numeric: nothing lies between %s and %s", i[0].limit, i[1].limit)
	}
	return nil
}

func (i interval) holds(value any) bool {
	n, ok := value.(number)
	if !ok || n.exact == nil {
		return false
	}
	return !slices.ContainsFunc(i, func(b bound) bool { return !b.holds(n) })
}

func (i interval) String() string {
	words := make([]string, len(i))
	for j, b := range i {
		words[j] = b.operator + " " + b.limit.text
	}
	return "a number " + strings.Join(words, " and ")
}
