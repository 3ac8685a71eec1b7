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
	anyWord = '\xfd' // some of the letters that Regions and services have; in no document, see [overlaps]
)

var wildcards = strings.NewReplacer("*", string([]byte{anyText}), "?", string([]byte{anyChar}))

// compileWildcards turns * (any text, also none) and ? (exactly one character) of a policy into a pattern for [glob].
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards
func compileWildcards(s string) string { return wildcards.Replace(s) }

// hasWildcard reports whether a compiled pattern matches more than one text.
func hasWildcard(pattern string) bool {
	return strings.IndexByte(pattern, anyText) >= 0 || strings.IndexByte(pattern, anyChar) >= 0
}

// glob matches a compiled pattern against a whole text. A wildcard spans every character, slashes and colons
// included (what AWS limits, resource.go does). The text may itself be a pattern: then glob tells whether the first matches all that the second matches
// (it may say no where that is not plain to see). Time is at most proportional to the product of both lengths.
func glob(pattern, s string) bool {
	p, i := 0, 0
	retryP, retryI := -1, 0 // where to go on when the latest * has to take one character more
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == anyText:
			p++
			retryP, retryI = p, i
		case p < len(pattern) && pattern[p] == anyChar && s[i] != anyText && s[i] != anyWord:
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

// overlaps reports whether some text matches a compiled pattern and another one, which may hold anyWord. Wildcards take
// ASCII characters only here, which is all that the names of roles have.
func overlaps(pattern, other string) bool {
	reached := make([]bool, len(other)+1) // by how much of the other, for the beginning of the pattern that has been read
	reached[0] = true
	for j := range len(other) {
		reached[j+1] = reached[j] && other[j] == anyText
	}
	for i := range len(pattern) {
		p := pattern[i]
		before := reached[0] // for one byte of both less
		reached[0] = reached[0] && p == anyText
		for j := range len(other) {
			o := other[j]
			next := p == anyText && (reached[j] || reached[j+1]) ||
				(o == anyText || o == anyWord && (isWord(p) || p == anyChar)) && (reached[j+1] || before) ||
				o == anyText && reached[j] || (p == o || p == anyChar && o != anyWord) && before
			before, reached[j+1] = reached[j+1], next
		}
	}
	return reached[len(other)]
}

func isWord(b byte) bool { return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-' || b == '.' }

// matchesARN compares ARNs as the ARN condition operators do: each of the six components separately, the last one
// with all its colons. A pattern of fewer components matches no ARN, for a wildcard spans no colon between components;
// what a lone * matches is not documented, hence unknown.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
func matchesARN(pattern, arn string, match func(pattern, text string) bool) truth {
	if pattern == string([]byte{anyText}) {
		return unknown
	}
	for range 5 {
		want, restPattern, whole := strings.Cut(pattern, ":")
		got, restARN, ok := strings.Cut(arn, ":")
		if !ok || !whole || !match(want, got) {
			return no
		}
		pattern, arn = restPattern, restARN
	}
	return known(match(pattern, arn))
}
