package iampolicy

import (
	"strings"
	"unicode/utf8"
)

// A compiled pattern holds its wildcards as bytes that never occur in UTF-8, so that a variable's value can be put
// into it without its own * and ? becoming wildcards.
const (
	anyText = '\xff' // * in the document
	anyChar = '\xfe' // ? in the document
)

var wildcards = strings.NewReplacer("*", string([]byte{anyText}), "?", string([]byte{anyChar}))

// compileWildcards turns * (any text, also none) and ? (exactly one character) of a policy into a pattern for [glob].
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards
func compileWildcards(s string) string { return wildcards.Replace(s) }

// glob matches a compiled pattern against a whole text. A wildcard spans every character, slashes and colons
// included. The text may itself be a pattern: then glob tells whether the first matches all that the second matches
// (it may say no where that is not plain to see). Time is at most proportional to the product of both lengths.
func glob(pattern, s string) bool {
	p, i := 0, 0
	retryP, retryI := -1, 0 // where to go on when the latest * has to take one character more
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == anyText:
			p++
			retryP, retryI = p, i
		case p < len(pattern) && pattern[p] == anyChar && s[i] != anyText:
			p++
			i += runeLen(s[i:])
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case retryP >= 0:
			retryI += runeLen(s[retryI:])
			p, i = retryP, retryI
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyText {
		p++
	}
	return p == len(pattern)
}

func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// matchesARN compares ARNs as the ARN condition operators do: each of the six components separately, the last one
// with all its colons. A pattern of fewer components matches no ARN, for a wildcard spans no colon between components;
// what a lone * matches is not documented, hence unknown.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
func matchesARN(pattern, arn string) truth {
	if pattern == string([]byte{anyText}) {
		return unknown
	}
	for range 5 {
		want, restPattern, whole := strings.Cut(pattern, ":")
		got, restARN, ok := strings.Cut(arn, ":")
		if !ok || !whole || !glob(want, got) {
			return no
		}
		pattern, arn = restPattern, restARN
	}
	return known(glob(pattern, arn))
}
