package iampolicy_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// matches reports whether Evaluate matches a text with a wildcard pattern.
func matches(t testing.TB, pattern, text string) bool {
	t.Helper()
	p := mustParse(t, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:k":`+quoted(pattern)+`}}}}`)
	r := iampolicy.Request{Action: "s3:GetObject", Resource: object, ResourceAccount: owner, Context: map[string][]string{"aws:k": {text}}}
	return iampolicy.Evaluate(r, iampolicy.Policies{Resource: p}).Effect == allow
}

// plainly matches by the definition of wildcards, one character at a time.
func plainly(pattern, text []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '*':
		return plainly(pattern[1:], text) || len(text) > 0 && plainly(pattern, text[1:])
	case len(text) == 0:
		return false
	}
	return (pattern[0] == '?' || pattern[0] == text[0]) && plainly(pattern[1:], text[1:])
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards
func TestWildcards(t *testing.T) {
	for name, c := range map[string]struct {
		pattern, text string
		want          bool
	}{
		"? is one character":              {"home?", "homes", true},
		"? at the end is not none":        {"home?", "home", false},
		"?? at the end is not one":        {"hom??", "home", false},
		"?* at the end is not none":       {"home?*", "home", false},
		"*? at the end is not none":       {"home*?", "home", false},
		"? alone is not none":             {"?", "", false},
		"? is a character of many bytes":  {"?", "😀", true},
		"? is not two characters":         {"?", "ää", false},
		"* may be none":                   {"home*", "home", true},
		"* alone may be none":             {"*", "", true},
		"** is *":                         {"**", "x", true},
		"* goes back":                     {"*ab?d", "abxabcd", true},
		"an empty pattern is only itself": {"", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := matches(t, c.pattern, c.text); got != c.want {
				t.Errorf("%s matches %s: %t, want %t", c.pattern, c.text, got, c.want)
			}
		})
	}
}

func TestWildcardsMatchAsDefined(t *testing.T) {
	pattern := rapid.StringOfN(rapid.SampledFrom([]rune("ab😀??**")), 0, 8, -1)
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab😀?")), 0, 8, -1)
	rapid.Check(t, func(r *rapid.T) {
		p, s := pattern.Draw(r, "pattern"), text.Draw(r, "text")
		if got, want := matches(t, p, s), plainly([]rune(p), []rune(s)); got != want {
			r.Fatalf("%q matches %q: %t, want %t", p, s, got, want)
		}
	})
}

// hangs is a time limit that polynomial algorithms keep even on a busy machine. An algorithm that tries all possible
// matches takes years.
const hangs = 30 * time.Second

// A document must not be able to make Judge slow.
func TestHostileWildcardsAreQuick(t *testing.T) {
	for _, pattern := range []string{strings.Repeat("*a", 5_000) + "b", strings.Repeat("*?", 5_000) + "b", "*" + strings.Repeat("a", 10_000) + "b"} {
		began := time.Now()
		if matches(t, pattern, strings.Repeat("a", 20_000)) {
			t.Errorf("%.10s… matches, want not", pattern)
		}
		if took := time.Since(began); took > hangs {
			t.Errorf("%.10s… takes %v", pattern, took)
		}
	}
}
