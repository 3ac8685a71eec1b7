package iampolicy

import (
	"strings"
	"unicode/utf8"
)

// A compiled pattern represents wildcards by bytes that never occur in UTF-8. A * or ? in the value of a variable
// therefore does not become a wildcard.
const (
	anyText = '\xff' // * in the document
	anyChar = '\xfe' // ? in the document
	anyWord = '\xfd' // letters of a Region's or service's name; not used in documents, see [overlaps]
)

var wildcards = strings.NewReplacer("*", string([]byte{anyText}), "?", string([]byte{anyChar}))

// compileWildcards converts * (any text, possibly empty) and ? (exactly one character) of a policy to a pattern for [glob].
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards
func compileWildcards(s string) string { return wildcards.Replace(s) }

// hasWildcard reports whether a compiled pattern matches more than one text.
func hasWildcard(pattern string) bool {
	return strings.IndexByte(pattern, anyText) >= 0 || strings.IndexByte(pattern, anyChar) >= 0
}

// glob reports whether a compiled pattern matches a whole text. A wildcard matches all characters, including slashes and
// colons (resource.go applies AWS's limits). The text may itself be a pattern: then glob reports whether the first matches
// all that the second matches, and may return false in complex cases. The time is at most proportional to the product
// of both lengths.
func glob(pattern, s string) bool {
	p, i := 0, 0
	retryP, retryI := -1, 0 // where to resume when the latest * must match one more character
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

// overlaps reports whether there is a text that matches both patterns; the second may contain anyWord. Here wildcards
// match ASCII characters only, because role names contain no others.
func overlaps(pattern, other string) bool {
	reached := make([]bool, len(other)+1) // which prefixes of other overlap the part of pattern read so far
	reached[0] = true
	for j := range len(other) {
		reached[j+1] = reached[j] && other[j] == anyText
	}
	for i := range len(pattern) {
		p := pattern[i]
		before := reached[0] // state one byte earlier in both
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

// matchesARN compares ARNs as the ARN condition operators do: each of the six components separately; the last one may
// contain colons. A pattern with fewer components matches no ARN, because a wildcard does not match the colon between
// components. What a lone * matches is not documented, so the result is unknown.
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
