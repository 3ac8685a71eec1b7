package iampolicy

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// qualifier is the set operator before a condition operator.
type qualifier int

const (
	single   qualifier = iota // none: for keys that have one value
	anyValue                  // ForAnyValue
	allValue                  // ForAllValues
)

// condition is one key of one operator of a Condition element.
type condition struct {
	operator
	name      string // the operator as written
	base      string // the operator without set operator and IfExists; the same where operators behave identically
	key       string // as foldKey makes it
	qualifier qualifier
	ifExists  bool
	operands  []operand
	values    []string // as in the canonical form
}

// parseOperatorName takes a condition operator apart. Null knows neither IfExists nor set operators.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists
func parseOperatorName(name string) (condition, error) {
	c := condition{name: name}
	base := name
	if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
		c.qualifier, base = allValue, rest
	} else if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
		c.qualifier, base = anyValue, rest
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	var found bool
	if c.base, found = identical[base]; !found {
		c.base = base
	}
	if c.operator, found = operators[base]; !found {
		return condition{}, fmt.Errorf("unknown condition operator %q", name)
	}
	if c.kind == kindNull && (c.ifExists || c.qualifier != single) {
		return condition{}, fmt.Errorf("unknown condition operator %q", name)
	}
	return c, nil
}

// identical gives operators that behave identically one name. Those that do so only for some values, literal does.
var (
	identical = map[string]string{"ArnLike": "ArnEquals", "ArnNotLike": "ArnNotEquals"}
	literal   = map[string]string{"ArnEquals": "StringEquals", "ArnNotEquals": "StringNotEquals",
		"StringLike": "StringEquals", "StringNotLike": "StringNotEquals"}
)

// simplify notes that a condition's values are compared as they stand: where none has a wildcard, StringLike is
// StringEquals; where all are ARNs as well, so is ArnEquals, for six equal parts are an equal whole.
func (c *condition) simplify() {
	if c.kind != kindLike && c.kind != kindARN {
		return
	}
	for _, v := range c.values {
		if strings.ContainsAny(v, "*?") || c.kind == kindARN && (!strings.HasPrefix(v, "arn:") || strings.Count(v, ":") < arnParts-1) {
			return
		}
	}
	c.base = literal[c.base]
}

// String is the condition for people, e.g. `StringNotEquals aws:SourceVpce "vpce-1"`.
func (c *condition) String() string {
	return c.name + " " + spellKey(c.key) + " " + canonicalList(c.values)
}

// holds evaluates a condition.
//
//	key missing           true for IfExists, ForAllValues and negated operators, else false; ForAnyValue is
//	                      documented as false there and IfExists as true, both together are not
//	several values        true for one or all of them by a set operator; without one, not documented
//	several operands      any of them matches; for a negated operator, none of them
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func (c *condition) holds(r *requestContext) truth {
	values := r.values(c.key)
	if c.kind == kindNull {
		return c.isNull(len(values) == 0)
	}
	if c.qualifier != single && len(values) == 1 && values[0] == "" {
		values = nil // an empty text is an empty set
	}
	if len(values) == 0 {
		if c.qualifier == anyValue && c.ifExists {
			return unknown
		}
		return known(c.holdsWithout())
	}
	if c.qualifier == single && len(values) > 1 {
		return unknown
	}
	result := known(c.qualifier == allValue)
	for _, value := range values {
		if t := c.takes(value, r); c.qualifier == allValue {
			result = min(result, t)
		} else {
			result = max(result, t)
		}
	}
	return result
}

// holdsWithout tells whether a condition holds where its key is missing.
func (c *condition) holdsWithout() bool {
	return c.ifExists || c.qualifier == allValue || c.negated && c.qualifier == single
}

// isNull is the Null operator: "true" asks for a missing key, "false" for one that is there.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null
func (c *condition) isNull(missing bool) truth {
	for i := range c.operands {
		if c.operands[i].truth == missing {
			return yes
		}
	}
	return no
}

// takes tells whether one value of the request satisfies the condition.
func (c *condition) takes(value string, r *requestContext) truth {
	result := no
	for i := range c.operands {
		result = max(result, c.compare(value, &c.operands[i], r))
	}
	if c.negated {
		return result.not()
	}
	return result
}

// compare matches one value of the request with one of the policy. A value of the request that the operator cannot
// read is not documented, hence unknown.
func (c *condition) compare(value string, o *operand, r *requestContext) truth {
	switch c.kind {
	case kindNumber:
		n, err := parseNumber(value)
		return unless(err, func() bool { return c.accept(n.Cmp(o.number)) })
	case kindDate:
		t, err := parseDate(value)
		return unless(err, func() bool { return c.accept(t.Compare(o.instant)) })
	case kindBool:
		b, err := parseBool(value)
		return unless(err, func() bool { return b == o.truth })
	case kindAddress:
		a, err := parseAddress(value)
		return unless(err, func() bool { return o.network.Contains(a) })
	case kindBinary:
		// The request's bytes, or their base64 where a caller of this package could not carry the bytes themselves.
		return known(value == string(o.bytes) || value == base64.StdEncoding.EncodeToString(o.bytes))
	}
	return c.compareText(value, o, r)
}

func unless(err error, holds func() bool) truth {
	if err != nil {
		return unknown
	}
	return known(holds())
}

func (c *condition) compareText(value string, o *operand, r *requestContext) truth {
	pattern, resolved := o.text.resolve(r)
	if resolved != yes {
		return resolved
	}
	match := c.matchText(pattern, value)
	if r.guessed && c.key == principalARN {
		return c.matchGuess(match, pattern, r.caller)
	}
	return match
}

// matchGuess corrects the match of a session's role for the path that the role may have.
func (c *condition) matchGuess(match truth, pattern string, session *caller) truth {
	switch {
	case match == no && c.mayMatch(pattern, session.mayBe):
		return unknown
	case match == yes && session.reserved && c.matchText(pattern, session.mayBe) != yes:
		return unknown
	}
	return match
}

func (c *condition) matchText(pattern, value string) truth {
	switch c.kind {
	case kindLike:
		return known(glob(pattern, value))
	case kindARN:
		return matchesARN(pattern, value, glob)
	case kindFold:
		return equalFold(pattern, value)
	}
	return known(pattern == value)
}

// mayMatch tells whether a text that another pattern matches may satisfy the condition.
func (c *condition) mayMatch(pattern, values string) bool {
	switch c.kind {
	case kindARN:
		return matchesARN(pattern, values, overlaps) != no
	case kindFold:
		return true
	}
	return overlaps(pattern, values)
}

// equalFold compares texts without regard to case. Which characters beyond ASCII AWS takes for the same is not documented.
func equalFold(a, b string) truth {
	if lowerASCII(a) == lowerASCII(b) {
		return yes
	}
	for _, folded := range []func(string) string{strings.ToLower, strings.ToUpper} {
		if folded(a) == folded(b) {
			return unknown
		}
	}
	if strings.EqualFold(a, b) {
		return unknown
	}
	return no
}
