package template_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// remedies returns the runbook headings in the code: the constants of guard.Remedy.
func remedies(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "internal/guard/remedy.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if ok && len(v.Values) == 1 && strings.HasPrefix(v.Names[0].Name, "Remedy") {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
		return true
	})
	if len(all) == 0 {
		t.Fatal("the code names no remedy")
	}
	return all
}

// section returns the text under a heading of the runbook; "" if there is no such heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	runbook, err := os.ReadFile("docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(runbook), "\n## "+heading+"\n")
	text, _, _ := strings.Cut(rest, "\n## ")
	return strings.TrimSpace(text)
}

// advice matches advice in code or alarms that belongs in the runbook.
var advice = regexp.MustCompile(`(?i)deploy (it|the stack) anew|delete the stack|root user can|create it again|deploy a new one`)

func TestTheRunbookHasOneRemedyForEachFailure(t *testing.T) {
	text, err := os.ReadFile("docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, heading := range remedies(t) {
		if section(t, heading) == "" {
			t.Errorf("the runbook has no text under %q", heading)
		}
		if n := strings.Count(string(text), "\n## "+heading+"\n"); n != 1 {
			t.Errorf("the runbook has the heading %q %d times, want once", heading, n)
		}
	}
	for _, file := range []string{
		"template.yaml", "internal/guard/forbidden.go", "internal/guard/correct.go", "internal/aws/s3bucket/bucket.go",
		"internal/aws/s3bucket/policy.go", "internal/aws/vpcendpoint/endpoint.go", "internal/aws/notify/message.go",
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := advice.Find(source); found != nil {
			t.Errorf("%s contains the advice %q, want a heading of the runbook instead", file, found)
		}
	}
}

func TestTheRunbooksLinksLeadSomewhere(t *testing.T) {
	text, err := os.ReadFile("docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := links(t, regexp.MustCompile(`(?m)^##+ (.+)$`))
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if !slices.Contains(anchors, m[1]) {
			t.Errorf("a link leads to #%s, and there is no such heading", m[1])
		}
	}
}

// A lockout is undone by the root user, or by the organisation if member accounts have no root user.
func TestTheRunbookKnowsBothWaysOutOfALockout(t *testing.T) {
	text := section(t, "Access is denied")
	for _, want := range []string{"root user", "sts assume-root", "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy", "delete-bucket-policy"} {
		if !strings.Contains(text, want) {
			t.Errorf("the runbook does not mention %q", want)
		}
	}
}

func TestTheRunbooksAddressOpensOrIsNone(t *testing.T) {
	text, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^  RunbookUrl:\n    Type: String\n    Default: ""\n(?:    #.*\n)*    AllowedPattern: (.+)$`).FindSubmatch(text)
	if declared == nil {
		t.Fatal("the template does not declare RunbookUrl with a pattern and no default")
	}
	pattern := regexp.MustCompile(string(declared[1]))
	for address, want := range map[string]bool{
		"": true, "https://git.example.com/guard/blob/main/docs/runbook.md": true,
		"docs/runbook.md": true, // the former default, which stacks still have
		"docs/other.md":   false, "http://example.com/runbook.md": false, "https://": false,
	} {
		if got := pattern.MatchString(address); got != want {
			t.Errorf("RunbookUrl %q is accepted: %t, want %t", address, got, want)
		}
	}
}
