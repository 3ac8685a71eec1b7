package main

import (
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/local/policyfiles"
	"example.com/s3-endpoint-guard/test/golden"
)

func TestDocsListTheRulesAndTheTestedVersions(t *testing.T) {
	var rules, tested strings.Builder
	fmt.Fprintf(&rules, "| id | severity | finding | what to do |\n|---|---|---|---|\n")
	for _, r := range audit.Rules {
		fmt.Fprintf(&rules, "| `%s` | %s | %s | %s |\n", r.ID, r.Severity, r.Title, r.Help)
	}
	for line := range strings.Lines(policyfiles.Tested + "\n") {
		fmt.Fprintf(&tested, "- %s", line)
	}
	golden.Table(t, "../../docs/check.md", "rules", rules.String())
	golden.Table(t, "../../docs/check.md", "tested", tested.String())
}
