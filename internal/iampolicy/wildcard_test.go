package iampolicy_test

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"s3-endpoint-guard/internal/iampolicy"
)

// like is what * and ? mean, spelt out.
func like(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		for i := range len(s) + 1 {
			if like(pattern[1:], s[i:]) {
				return true
			}
		}
		return false
	}
	p, n := utf8.DecodeRuneInString(pattern)
	c, m := utf8.DecodeRuneInString(s)
	return m > 0 && (p == '?' || p == c) && like(pattern[n:], s[m:])
}

func TestWildcardsMeanAnyTextAndAnyCharacter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune("**?abä")), 1, 9, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.SampledFrom([]rune("abä")), 1, 9, -1).Draw(t, "text")
		p := parse(t, statements(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringLike":{"aws:k":`+quoted(pattern)+`}}}`))
		got := iampolicy.Evaluate(
			iampolicy.Request{Principal: alice, Action: "s3:GetObject", Resource: object, ResourceAccount: owner, Context: map[string][]string{"aws:k": {s}}},
			iampolicy.Policies{Identity: []*iampolicy.Policy{p}})
		if want := like(pattern, s); (got.Effect == allow) != want {
			t.Fatalf("%q like %q = %s, want %t", s, pattern, got.Effect, want)
		}
	})
}
