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
	base      string // the operator without set operator and IfExists; the same for operators that behave identically
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
	c.base = strings.Replace(base, "ArnLike", "ArnEquals", 1)
	c.base = strings.Replace(c.base, "ArnNotLike", "ArnNotEquals", 1)
	if c.operator, found = operators[base]; !found {
		return condition{}, fmt.Errorf("unknown condition operator %q", name)
	}
	if c.kind == kindNull && (c.ifExists || c.qualifier != single) {
		return condition{}, fmt.Errorf("unknown condition operator %q", name)
	}
	return c, nil
}

// String is the condition for people, e.g. `StringNotEquals aws:SourceVpce "vpce-1"`.
func (c *condition) String() string {
	return c.name + " " + spellKey(c.key) + " " + canonicalList(c.values)
}

// holds evaluates a condition.
//
//	key missing           true for IfExists, ForAllValues and negated operators, else false
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
	switch c.kind {
	case kindLike:
		return known(glob(pattern, value))
	case kindARN:
		return matchesARN(pattern, value)
	case kindFold:
		return known(strings.EqualFold(pattern, value))
	}
	return known(pattern == value)
}
