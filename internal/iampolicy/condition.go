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
	key       string // as returned by foldKey
	qualifier qualifier
	ifExists  bool
	operands  []operand
	values    []string // as in the canonical form
}

// parseOperatorName splits the name of a condition operator. Null allows neither IfExists nor set operators.
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

// identical maps operators that behave identically to one name; literal those that behave identically for some values.
var (
	identical = map[string]string{"ArnLike": "ArnEquals", "ArnNotLike": "ArnNotEquals"}
	literal   = map[string]string{"ArnEquals": "StringEquals", "ArnNotEquals": "StringNotEquals",
		"StringLike": "StringEquals", "StringNotLike": "StringNotEquals"}
)

// simplify sets base to the exact operator where it is equivalent: StringLike without wildcards is StringEquals; so is
// ArnEquals if all values are also ARNs, because ARNs are equal if their six parts are equal.
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

// String returns the condition for messages, e.g. `StringNotEquals aws:SourceVpce "vpce-1"`.
func (c *condition) String() string {
	return c.name + " " + spellKey(c.key) + " " + canonicalList(c.values)
}

// holds evaluates a condition.
//
//	key missing           true for IfExists, ForAllValues and negated operators, otherwise false. AWS documents false for
//	                      ForAnyValue and true for IfExists, but nothing for both together
//	several values        a set operator requires one or all of them; without a set operator, not documented
//	several operands      one of them must match; for a negated operator, none of them
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func (c *condition) holds(r *requestContext) truth {
	values := r.values(c.key)
	if c.kind == kindNull {
		return c.isNull(len(values) == 0)
	}
	if c.qualifier != single && len(values) == 1 && values[0] == "" {
		values = nil // AWS treats an empty string as an empty set
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

// holdsWithout reports whether a condition is true when its key is missing.
func (c *condition) holdsWithout() bool {
	return c.ifExists || c.qualifier == allValue || c.negated && c.qualifier == single
}

// isNull evaluates the Null operator: "true" requires that the key is missing, "false" that it is present.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null
func (c *condition) isNull(missing bool) truth {
	for i := range c.operands {
		if c.operands[i].truth == missing {
			return yes
		}
	}
	return no
}

// takes reports whether one value of the request satisfies the condition.
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

// compare matches one value of the request with one of the policy. If the operator cannot parse the request's value, the
// result is not documented and therefore unknown.
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
		// The request's bytes, or their base64 if a caller of this package cannot pass raw bytes.
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

// matchGuess corrects the match result for a session, because its role may have a path.
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

// mayMatch reports whether a text that matches the pattern values may satisfy the condition.
func (c *condition) mayMatch(pattern, values string) bool {
	switch c.kind {
	case kindARN:
		return matchesARN(pattern, values, overlaps) != no
	case kindFold:
		return true
	}
	return overlaps(pattern, values)
}

// equalFold compares texts without regard to case. AWS does not document case folding beyond ASCII.
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
