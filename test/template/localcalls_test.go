package template_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/test/golden"
)

// localServices are the folders of the local AWS's services, by the name that the documentation uses.
var localServices = map[string]string{
	"S3": "s3", "EC2": "ec2", "IAM": "iam", "STS": "sts", "Lambda": "lambda", "EventBridge and CloudTrail": "events",
	"CloudFormation": "cloudformation", "CloudWatch": "cloudwatch", "SNS": "sns", "SQS": "sqs", "CloudWatch Logs": "logs", "Systems Manager": "ssm", "KMS": "kms",
	"Security Hub": "securityhub",
}

func TestDocsListWhatTheLocalAWSAnswers(t *testing.T) {
	var table strings.Builder
	table.WriteString("| service | calls |\n|---|---|\n")
	for _, service := range slices.Sorted(maps.Keys(localServices)) {
		calls := localCalls(t, filepath.Join("local/localaws", localServices[service]))
		fmt.Fprintf(&table, "| %s | %s |\n", service, "`"+strings.Join(calls, "`, `")+"`")
	}
	golden.Table(t, "docs/local.md", "calls", table.String())
}

func TestEachCallOfTheLocalAWSIsTested(t *testing.T) {
	var tests strings.Builder
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range localServices {
		for _, call := range localCalls(t, filepath.Join("local/localaws", folder)) {
			command := strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(call, "$1-$2")) // as in the AWS CLI
			if !strings.Contains(tests.String(), call) && !strings.Contains(tests.String(), command) {
				t.Errorf("no test calls %s of %s: add one, or remove the call", call, folder)
			}
		}
	}
}

// localCalls returns the calls that a service of the local AWS decodes, read from its source: the string keys and
// comparisons in the methods that decode requests, the names of its operations, and the names in S3's routes.
func localCalls(t *testing.T, folder string) []string {
	t.Helper()
	calls := map[string]bool{}
	add := func(e ast.Expr) {
		if literal, ok := e.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if name, err := strconv.Unquote(literal.Value); err == nil && callName.MatchString(name) {
				calls[name] = true
			}
		}
	}
	inspectSources(t, folder, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if slices.Contains([]string{"Decode", "decoders", "calls"}, n.Name.Name) {
				ast.Inspect(n.Body, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.KeyValueExpr:
						add(n.Key)
					case *ast.BinaryExpr:
						add(n.Y)
					case *ast.CaseClause:
						for _, e := range n.List {
							add(e)
						}
					}
					return true
				})
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Name" {
				add(n.Value)
			}
		case *ast.CallExpr:
			switch f := n.Fun.(type) {
			case *ast.Ident: // S3's routes
				if slices.Contains([]string{"reads", "writes", "data"}, f.Name) && len(n.Args) > 1 {
					add(n.Args[1])
				}
			case *ast.SelectorExpr: // Lambda's operations
				if slices.Contains([]string{"operation", "change"}, f.Sel.Name) && len(n.Args) > 0 {
					add(n.Args[0])
				}
			}
		}
		return true
	})
	if len(calls) == 0 {
		t.Errorf("%s decodes no calls", folder)
	}
	return slices.Sorted(maps.Keys(calls))
}

// callName is the form of a call's name.
var callName = regexp.MustCompile(`^(Abort|Add|Associate|Authorize|Batch|Complete|Copy|Create|Delete|Describe|Detach|Disable|Disassociate|Enable|Filter|Get|Head|Invoke|List|LookupEvents|Modify|Publish|Purge|Put|Receive|Remove|Replace|Revoke|Schedule|Send|Set|Start|Stop|Subscribe|Unsubscribe|Update|Upload)[A-Za-z]*$`)
