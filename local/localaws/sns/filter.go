package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Limits of a filter policy: its keys, and the product of the numbers of values of all keys.
// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
const (
	maxKeys         = 5
	maxCombinations = 150
)

// filter is a filter policy: for each attribute the conditions of which at least one must match. A message passes if this
// is so for all attributes of the policy.
// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
type filter map[string][]condition

// condition reports whether an attribute's value matches; there is false if the message does not have the attribute.
type condition func(value string, there bool) bool

// matches reports whether a message passes. A message without attributes passes no policy that names one, not even by
// "exists": false.
// https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html
func (f filter) matches(attributes map[string]string) bool {
	if len(f) > 0 && len(attributes) == 0 {
		return false
	}
	for name, conditions := range f {
		value, there := attributes[name]
		if !slices.ContainsFunc(conditions, func(c condition) bool { return c(value, there) }) {
			return false
		}
	}
	return true
}

// parseFilter parses a filter policy; "" has no conditions.
func parseFilter(policy string) (filter, error) {
	if policy == "" {
		return nil, nil
	}
	var lists map[string][]json.RawMessage
	if err := json.Unmarshal([]byte(policy), &lists); err != nil {
		return nil, fmt.Errorf("it must be a JSON object of lists: %w", err)
	}
	if len(lists) > maxKeys {
		return nil, fmt.Errorf("it has %d keys, at most %d are allowed", len(lists), maxKeys)
	}
	f, combinations := filter{}, 1
	for name, list := range lists {
		if strings.HasPrefix(name, "$") || len(list) == 0 {
			return nil, fmt.Errorf("%s is not supported, or has no values", name)
		}
		combinations *= len(list)
		for _, value := range list {
			c, err := parseCondition(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			f[name] = append(f[name], c)
		}
	}
	if combinations > maxCombinations {
		return nil, fmt.Errorf("it has %d combinations of values, at most %d are allowed", combinations, maxCombinations)
	}
	return f, nil
}

var errUnsupported = errors.New("the local AWS has strings, anything-but, prefix and exists only")

// parseCondition parses one value of a key's list.
// https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
// https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html
func parseCondition(raw json.RawMessage) (condition, error) {
	if text, ok := asText(raw); ok {
		return func(value string, there bool) bool { return there && value == text }, nil
	}
	operator, operand, ok := single(raw)
	if !ok {
		return nil, errUnsupported
	}
	switch operator {
	case "exists":
		var wanted bool
		if json.Unmarshal(operand, &wanted) != nil || string(operand) == "null" {
			return nil, errors.New("exists must be true or false")
		}
		return func(_ string, there bool) bool { return there == wanted }, nil
	case "prefix":
		if prefix, ok := asText(operand); ok {
			return func(value string, there bool) bool { return there && strings.HasPrefix(value, prefix) }, nil
		}
	case "anything-but":
		if excluded, ok := parseExcluded(operand); ok {
			return func(value string, there bool) bool { return there && !excluded(value) }, nil
		}
	}
	return nil, errUnsupported
}

// parseExcluded parses the operand of anything-but.
func parseExcluded(raw json.RawMessage) (func(value string) bool, bool) {
	if text, ok := asText(raw); ok {
		return func(value string) bool { return value == text }, true
	}
	var raws []json.RawMessage
	if json.Unmarshal(raw, &raws) == nil && len(raws) > 0 {
		var texts []string
		for _, raw := range raws {
			text, ok := asText(raw)
			if !ok {
				return nil, false
			}
			texts = append(texts, text)
		}
		return func(value string) bool { return slices.Contains(texts, value) }, true
	}
	operator, operand, ok := single(raw)
	prefix, isText := asText(operand)
	return func(value string) bool { return strings.HasPrefix(value, prefix) }, ok && operator == "prefix" && isText
}

// asText decodes a JSON string.
func asText(raw json.RawMessage) (string, bool) {
	var text *string
	if json.Unmarshal(raw, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// single decodes a JSON object with one member.
func single(raw json.RawMessage) (name string, value json.RawMessage, ok bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || len(members) != 1 {
		return "", nil, false
	}
	for name, value = range members {
	}
	return name, value, true
}
