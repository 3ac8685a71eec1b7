package selection_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/selection"
	"example.com/s3-endpoint-guard/local/eventpattern"
)

func TestSelections(t *testing.T) {
	for text, c := range map[string]struct {
		excluded                  string
		names, patterns, prefixes []string
		in, out                   []string
	}{
		"quay-docs": {names: []string{"quay-docs"}, in: []string{"quay-docs"}, out: []string{"quay-docs2", "quay-doc", ""}},
		"quay-docs, pier-*": {
			names: []string{"quay-docs"}, patterns: []string{"pier-*"}, prefixes: []string{"pier-"},
			in: []string{"quay-docs", "pier-", "pier-a"}, out: []string{"quay", "a-pier-a"},
		},
		"pier-*,pier-a*,*-logs": {patterns: []string{"pier-*", "pier-a*", "*-logs"}, prefixes: []string{""}, in: []string{"pier-b", "any-logs"}, out: []string{"logs"}},
		"quay-a*,quay-*,pier-*": {patterns: []string{"quay-a*", "quay-*", "pier-*"}, prefixes: []string{"pier-", "quay-"}},
		"a*b*a": {
			patterns: []string{"a*b*a"}, prefixes: []string{"a"}, in: []string{"aba", "abba", "a-b-a-b-a"}, out: []string{"abb", "aaa", "ababb", "aab"},
		},
		"quay-*": {
			excluded: "quay-logs,quay-tmp-*", patterns: []string{"quay-*"}, prefixes: []string{"quay-"},
			in: []string{"quay-docs", "quay-tmp"}, out: []string{"quay-logs", "quay-tmp-1", "quay-a/../../b"},
		},
		"*": {patterns: []string{"*"}, prefixes: []string{""}, in: []string{"any", "Any_Old"},
			out: []string{"", "an", "any/key", "any?policy", "../any", "an\u0000", "any\n", strings.Repeat("a", 256)}},
	} {
		t.Run(text, func(t *testing.T) {
			s, err := selection.Parse(text, c.excluded)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.Names(), c.names) || !slices.Equal(s.Patterns(), c.patterns) || !slices.Equal(s.Prefixes(), c.prefixes) {
				t.Errorf("names %q, patterns %q, prefixes %q, want %q, %q, %q", s.Names(), s.Patterns(), s.Prefixes(), c.names, c.patterns, c.prefixes)
			}
			for _, name := range slices.Concat(c.in, c.out) {
				if want := slices.Contains(c.in, name); s.Matches(name) != want {
					t.Errorf("Matches(%q) = %v, want %v", name, !want, want)
				}
			}
		})
	}
}

func TestTextsThatAreNoSelectionAreRefused(t *testing.T) {
	many := func(n int) string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("quay-production-documents-%04d", i)
		}
		return strings.Join(names, ",")
	}
	for name, c := range map[string]struct{ names, excluded, want string }{
		"nothing":                {" , ", "", "BucketNames: want at least one"},
		"a name in capitals":     {"Quay", "", `BucketNames: "Quay" has characters`},
		"a URL":                  {"quay,s3://pier", "", `BucketNames: "s3://pier" has characters`},
		"an excluded ARN":        {"quay", "arn:aws:s3:::pier", `ExcludedBucketNames: "arn:aws:s3:::pier" has characters`},
		"a question mark":        {"quay-?", "", `"quay-?" has characters`},
		"two stars":              {"quay-**", "", `"quay-**" has two * in a row`},
		"a short name":           {"qu", "", `"qu" has less than 3 characters`},
		"a long name":            {strings.Repeat("a", 64), "", "has more than 63 characters"},
		"a name twice":           {"quay,pier,quay", "", `"quay" is given twice`},
		"a name that is without": {"quay,pier-a", "pier-*", `BucketNames: "pier-a" is also excluded by ExcludedBucketNames`},
		"a pattern of no bucket": {"quay,pier-a-*,pier-*", "pier-*-*,*-a-*", `BucketNames: "pier-a-*" is also excluded by ExcludedBucketNames`},
		"all buckets, excluded":  {"*", "*", `"*" is also excluded`},
		"too many":               {many(60), "", "use patterns"},
		"too many with excluded": {many(40), many(100)[len(many(40))+1 : len(many(60))], "use patterns"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := selection.Parse(c.names, c.excluded)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Parse = %v, want an error with %q", err, c.want)
			}
			if s.Matches("quay") {
				t.Error("a selection that was refused selects a bucket")
			}
		})
	}
	if _, err := selection.Parse(many(50), ""); err != nil {
		t.Errorf("50 names: %v, want none", err)
	}
	if _, err := selection.Parse("Quay,pier-**", "??"); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three mistakes: %v, want each of them", err)
	}
}

// A selection means the same by name, as resources of an IAM policy, as an EventBridge pattern with wildcards, and as the prefixes
// of ListBuckets.
func TestAllFormsOfASelectionMatchTheSameNames(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(letters string, most int) string {
		b := make([]byte, random.IntN(most)+1)
		for i := range b {
			b[i] = letters[random.IntN(len(letters))]
		}
		return string(b)
	}
	matched, tried := 0, 0
	for range 400 {
		var list []string
		for range random.IntN(3) + 1 {
			list = append(list, text("ab-.***", 6))
		}
		s, err := selection.Parse(strings.Join(list, ","), "")
		if err != nil {
			continue
		}
		tried++
		policy := document(t, s.Resources("aws"))
		event := filter(t, list)
		for range 20 {
			name := text("ab-.", 8)
			if len(name) < 3 {
				continue // no bucket's name
			}
			want := s.Matches(name)
			if want {
				matched++
			}
			request := iampolicy.Request{
				Principal: "arn:aws:iam::111122223333:role/guard", Action: "s3:GetBucketPolicy", Resource: "arn:aws:s3:::" + name,
				ResourceAccount: "111122223333", Context: map[string][]string{"aws:SecureTransport": {"true"}},
			}
			if d := iampolicy.Evaluate(request, iampolicy.Policies{Identity: []*iampolicy.Policy{policy}}); (d.Effect == iampolicy.Allow) != want {
				t.Errorf("%q as resources: %s for %q, Matches says %v", list, d.Effect, name, want)
			}
			if got, _ := event.Match(map[string]any{"name": name}); got != want {
				t.Errorf("%q as an event pattern: %v for %q, Matches says %v", list, got, name, want)
			}
			found := slices.Contains(s.Names(), name) || slices.ContainsFunc(s.Prefixes(), func(p string) bool { return strings.HasPrefix(name, p) })
			if want && !found {
				t.Errorf("%q: no prefix of %q finds %q", list, s.Prefixes(), name)
			}
		}
	}
	if tried < 100 || matched < 100 {
		t.Errorf("%d selections with %d matches, want at least 100 each", tried, matched)
	}
}

// document is an identity policy for these resources.
func document(t *testing.T, resources []string) *iampolicy.Policy {
	t.Helper()
	list, err := json.Marshal(resources)
	if err != nil {
		t.Fatal(err)
	}
	p, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetBucketPolicy","Resource":` + string(list) + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// filter is an EventBridge pattern for these names and patterns.
func filter(t *testing.T, list []string) *eventpattern.Pattern {
	t.Helper()
	var wildcards []any
	for _, text := range list {
		wildcards = append(wildcards, map[string]any{"wildcard": text})
	}
	p, err := eventpattern.Compile(map[string]any{"name": wildcards})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWithoutIsExcludedToo(t *testing.T) {
	all, err := selection.Parse("acme-*", "acme-tmp")
	if err != nil {
		t.Fatal(err)
	}
	s := all.Without("acme-guard-state")
	for name, want := range map[string]bool{"acme-data": true, "acme-tmp": false, "acme-guard-state": false} {
		if got := s.Matches(name); got != want {
			t.Errorf("Matches(%s) = %t, want %t", name, got, want)
		}
	}
	if !all.Matches("acme-guard-state") {
		t.Error("Without changed the selection that it was called on")
	}
}
