package main

import (
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/test/golden"
)

func TestDocsShowTheExposure(t *testing.T) {
	t.Parallel()
	want, _ := guardCommand(t, "exposure", "--template", "../../template.yaml")
	golden.Table(t, "../../docs/exposure.md", "exposure", want)
}

// The exemptions in the bucket policy open one data action, which lists object names; they open no object and no
// version.
func TestTheExposureShowsWhatTheExemptionsOpen(t *testing.T) {
	t.Parallel()
	const some = "data 1 of 47 (s3:ListBucket), configuration 59 of 59 |"
	for name, c := range map[string]struct {
		arguments []string
		rows      map[string]string
	}{
		"by default": {nil, map[string]string{
			"| administrator of the account | by CloudFormation, which they have called |": some,
			"| role of ManagementRoleArns | from the internet, ":                           some,
			"| role of ManagementRoleArns | through the endpoint |":                        some,
		}},
		"with a role": {[]string{"--parameter", "ManagementRoleArns=arn:aws:iam::111122223333:role/terraform"}, map[string]string{
			"| role of ManagementRoleArns | from the internet, ": some,
		}},
	} {
		table, code := guardCommand(t, append([]string{"exposure", "--template", "../../template.yaml"}, c.arguments...)...)
		if code != 0 {
			t.Fatalf("%s: exit code = %d, want 0", name, code)
		}
		for begins, ends := range c.rows {
			if !slices.ContainsFunc(strings.Split(table, "\n"), func(line string) bool {
				return strings.HasPrefix(line, begins) && strings.HasSuffix(line, ends)
			}) {
				t.Errorf("%s: no row begins %q and ends %q in\n%s", name, begins, ends, table)
			}
		}
	}
}

func TestTheArticlesPolicyLeavesTheBucketToStrangers(t *testing.T) {
	table, code := guardCommand(t, "exposure", "--template", "../../template.yaml")
	if code != 0 {
		t.Fatalf("guard exposure: exit code = %d, want 0", code)
	}
	for _, line := range strings.Split(table, "\n") {
		if !strings.HasPrefix(line, "| anonymous caller") || !strings.Contains(line, "| from the internet") {
			continue
		}
		if !strings.HasSuffix(line, "| data 45 of 47, configuration 59 of 59 | nothing |") {
			t.Errorf("an anonymous caller from the internet: %s, want 104 of 106 actions under the article's policy, none under ours", line)
		}
		return
	}
	t.Errorf("guard exposure has no row of anonymous callers from the internet:\n%s", table)
}
