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

// glob matches a compiled pattern against a whole text. A wildcard spans every character, slashes and colons included.
// It is quick also where a policy is made to keep it busy: a * takes as little as it can and never gives it back, for
// what stands between two of them may as well match early as late.
func glob(pattern, s string) bool {
	for pattern != "" && pattern[0] < anyChar {
		if s == "" || s[0] != pattern[0] {
			return false // the usual case
		}
		pattern, s = pattern[1:], s[1:]
	}
	piece, rest, more := strings.Cut(pattern, string([]byte{anyText}))
	if !more {
		return matchesAll(piece, s)
	}
	s, ok := cutPiece(piece, s)
	for ok {
		if piece, rest, more = strings.Cut(rest, string([]byte{anyText})); !more {
			return endsWith(s, piece)
		}
		s, ok = cutThroughPiece(piece, s)
	}
	return false
}

// A piece is a pattern without *.

func matchesAll(piece, s string) bool {
	rest, ok := cutPiece(piece, s)
	return ok && rest == ""
}

// cutPiece removes from the beginning of a text what matches a piece.
func cutPiece(piece, s string) (rest string, ok bool) {
	for {
		literal, after, more := strings.Cut(piece, string([]byte{anyChar}))
		if s, ok = strings.CutPrefix(s, literal); !ok || !more {
			return s, ok
		}
		if s == "" {
			return "", false
		}
		piece, s = after, s[runeLen(s):]
	}
}

// cutThroughPiece removes a text up to and including the first match of a piece.
func cutThroughPiece(piece, s string) (rest string, ok bool) {
	if strings.IndexByte(piece, anyChar) < 0 {
		_, rest, ok = strings.Cut(s, piece)
		return rest, ok
	}
	for len(piece) <= len(s) { // a character is a byte at least
		if rest, ok = cutPiece(piece, s); ok {
			return rest, true
		}
		s = s[runeLen(s):]
	}
	return "", false
}

func endsWith(s, piece string) bool {
	if strings.IndexByte(piece, anyChar) < 0 {
		return strings.HasSuffix(s, piece)
	}
	start := len(s)
	for range utf8.RuneCountInString(piece) {
		_, n := utf8.DecodeLastRuneInString(s[:start])
		start -= n
	}
	return matchesAll(piece, s[start:])
}

func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// isWild tells whether a compiled pattern has a wildcard.
func isWild(pattern string) bool {
	return strings.IndexByte(pattern, anyText) >= 0 || strings.IndexByte(pattern, anyChar) >= 0
}

// matchesARN compares ARNs as the ARN condition operators do: each of the six components separately, the last one
// with all its colons. A pattern of fewer components is not documented, hence unknown.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
func matchesARN(pattern, arn string) truth {
	if strings.Count(pattern, ":") < 5 {
		return unknown
	}
	if !isWild(pattern) {
		return known(pattern == arn)
	}
	for range 5 {
		want, restPattern, _ := strings.Cut(pattern, ":")
		got, restARN, ok := strings.Cut(arn, ":")
		if !ok || !glob(want, got) {
			return no
		}
		pattern, arn = restPattern, restARN
	}
	return known(glob(pattern, arn))
}
