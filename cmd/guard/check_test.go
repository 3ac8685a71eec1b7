package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/audit"
)

// The policies of the tests, with one statement a line.
const (
	lockedPolicy = `{
 "Version": "2012-10-17",
 "Statement": [
  {"Sid": "TLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::docs-example", "arn:aws:s3:::docs-example/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
  {"Sid": "Objects", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::docs-example/*", "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-0a1b2c3d4e5f60718"}}},
  {"Sid": "Names", "Effect": "Deny", "Principal": "*", "Action": "s3:ListBucket*", "Resource": "arn:aws:s3:::docs-example", "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-0a1b2c3d4e5f60718"}}}
 ]
}
`
	sharedWith = `  {"Sid": "Shared", "Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::docs-example/*"},
`
)

// openPolicy also has a grant to another account, on line 5.
var openPolicy = strings.Replace(lockedPolicy, `  {"Sid": "Objects"`, sharedWith+`  {"Sid": "Objects"`, 1)

// runCheck runs guard check on a file with a policy and returns standard output, standard error and the exit code.
func runCheck(t *testing.T, policy string, args ...string) (string, string, int) {
	t.Helper()
	file := writeFile(t, "policy.json", policy)
	out, errs, err := runGuardOn(append([]string{"check", file}, args...)...)
	return strings.ReplaceAll(out, file, "policy.json"), strings.ReplaceAll(errs, file, "policy.json"), exitCode(err)
}

func TestCheckHasAnExitCodeForEachVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		args   []string
		code   int
		says   string
	}{
		"locked": {lockedPolicy, nil, 0, "bucket docs-example: locked (policy.json)\n  guessed  account 111122223333 (invented, because no condition names one)\n" +
			"           endpoint vpce-0a1b2c3d4e5f60718 (aws:SourceVpce in Objects)\n1 locked\n"},
		"open":                        {openPolicy, nil, 1, "bucket docs-example: open (policy.json)\n  error    The bucket policy grants access to callers outside the account (policy.json:5)\n"},
		"drifted":                     {lockedPolicy, []string{"--exact"}, 1, "bucket docs-example: drifted (policy.json)\n"},
		"not the given endpoint":      {lockedPolicy, []string{"--vpce", "vpce-0b"}, 1, "the guard would write\n"},
		"not the given role":          {lockedPolicy, []string{"--role", "arn:aws:iam::111122223333:role/app"}, 1, "Callers other than the workload"},
		"selected":                    {openPolicy, []string{"--bucket", "docs-*"}, 1, "open"},
		"another kind":                {openPolicy, []string{"--kind", "endpoint"}, 1, "endpoint the endpoint of policy.json: open"},
		"a role that may do anything": {strings.ReplaceAll(lockedPolicy, `"StringNotEquals"`, `"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/admin"}, "StringNotEquals"`), []string{"--except-role", "arn:aws:iam::111122223333:role/admin"}, 0, "locked"},
		"a role that must not":        {strings.ReplaceAll(lockedPolicy, `"StringNotEquals"`, `"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/admin"}, "StringNotEquals"`), []string{"--except-role", "arn:aws:iam::111122223333:role/other"}, 1, "depends on ArnNotEquals"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs, code := runCheck(t, c.policy, c.args...)
			if code != c.code || errs != "" || !strings.Contains(out, c.says) {
				t.Errorf("guard check %v = %s, %q, code %d, want code %d with %q", c.args, out, errs, code, c.code, c.says)
			}
		})
	}
	out, errs, code := runCheck(t, openPolicy, "--bucket", "other")
	if code != 2 || out != "" || errs != "guard: no bucket in the files has a name that --bucket gives\n" {
		t.Errorf("guard check of no bucket = %q, %q, %d, want code 2", out, errs, code)
	}
	out, errs, code = runCheck(t, `{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}`)
	if code != 2 || errs != "guard: the files have no bucket policy and no policy of an endpoint for S3\n" {
		t.Errorf("guard check of a template without policies = %q, %q, %d, want code 2", out, errs, code)
	}
	out, _, code = runCheck(t, `{"Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "a-example"}}}}`, "--bucket", "a-example")
	if code != 2 || !strings.Contains(out, "bucket a-example: cannot tell\n") || !strings.Contains(out, "no file has its policy") {
		t.Errorf("guard check of a bucket without policy = %q, %d, want code 2", out, code)
	}
}

// A file that cannot be read costs nothing of the others.
func TestCheckPrintsWhatItCouldJudge(t *testing.T) {
	open, bad := writeFile(t, "open.json", openPolicy), writeFile(t, "bad.json", "{")
	locked := writeFile(t, "locked.json", lockedPolicy)
	for _, format := range []string{"", "--json", "--sarif", "--github"} {
		args := []string{"check", bad, locked, "nosuch.json"}
		if format != "" {
			args = append(args, format)
		}
		out, errs, err := runGuardOn(args...)
		if exitCode(err) != 2 || !strings.Contains(out+errs, "nosuch.json: no such file or directory") || !strings.Contains(out+errs, bad+": ") {
			t.Errorf("guard %v = %s, %s, code %d, want code 2 and both errors", args, out, errs, exitCode(err))
		}
		if format != "--sarif" && format != "--github" && !strings.Contains(out, "docs-example") {
			t.Errorf("guard %v = %s, want the result of %s", args, out, locked)
		}
	}
	if _, _, err := runGuardOn("check", bad, open); exitCode(err) != 1 {
		t.Errorf("guard check of a bad and an open file: code %d, want 1: it is open for certain", exitCode(err))
	}
}

func TestCheckAsJSON(t *testing.T) {
	out, _, code := runCheck(t, openPolicy, "--json")
	var r report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 {
		t.Fatalf("guard check --json = %s, code %d, %v", out, code, err)
	}
	if r.Verdict != audit.Open || len(r.Results) != 1 || r.Results[0].Judgement != "open" || r.Results[0].Write == nil {
		t.Fatalf("report %+v", r)
	}
	f := r.Results[0].Findings[0]
	if f.Rule != audit.GrantedToOthers || f.Statement != "Shared" || f.Origin.Line != 5 || len(f.Access) == 0 || f.Access[0].Actions[0] != "s3:GetObject" {
		t.Errorf("finding %+v, want the grant on line 5", f)
	}
	if !strings.Contains(out, `"guesses": [`) || !strings.Contains(out, `"errors": []`) {
		t.Errorf("%s lacks a list", out)
	}
}

func TestCheckAsAnnotations(t *testing.T) {
	out, _, code := runCheck(t, openPolicy, "--github")
	const first = "::error file=policy.json,line=5,title=bucket docs-example%3A The bucket policy grants access to callers outside the account::"
	if code != 1 || !strings.HasPrefix(out, first) || !strings.HasSuffix(out, "\nguard check: open\n") {
		t.Errorf("guard check --github = %s, code %d, want %s", out, code, first)
	}
	command := regexp.MustCompile(`^::(error|warning|notice) (file=[^,:]+,line=[0-9]+,)?title=[^,:]+::[^\r\n]+$`)
	for _, line := range strings.Split(strings.TrimSuffix(out, "\nguard check: open\n"), "\n") {
		if !command.MatchString(line) {
			t.Errorf("%q is not a workflow command", line)
		}
	}
}

// TestCheckAsSARIF checks what the schema of SARIF 2.1.0 requires. The schema itself is not here, because OASIS's licence does not say
// that it may be: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json accepted what guard check
// and guard audit print for testdata/policies, Terraform's and CDK's files (with ajv 8 and ajv-draft-04, whenever sarif.go changes).
func TestCheckAsSARIF(t *testing.T) {
	for _, args := range [][]string{
		{writeFile(t, "open.json", openPolicy)}, {"../../local/policyfiles/testdata/terraform/existing/plan.json"},
		{"../../local/policyfiles/testdata/cdk"}, {"nosuch.json"},
	} {
		out, _, _ := runGuardOn(append([]string{"check", "--sarif"}, args...)...)
		var log map[string]any
		if err := json.Unmarshal([]byte(out), &log); err != nil {
			t.Fatalf("guard check --sarif %v = %s: %v", args, out, err)
		}
		checkSARIF(t, log)
	}
}

func checkSARIF(t *testing.T, log map[string]any) {
	t.Helper()
	if log["version"] != "2.1.0" || log["$schema"] == "" {
		t.Errorf("version %v, schema %v", log["version"], log["$schema"])
	}
	member := func(v any, path ...string) any {
		for _, name := range path {
			object, ok := v.(map[string]any)
			if !ok || object[name] == nil {
				t.Fatalf("%v has no %s", v, name)
			}
			v = object[name]
		}
		return v
	}
	levels := map[any]bool{"none": true, "note": true, "warning": true, "error": true}
	for _, run := range member(log, "runs").([]any) {
		if name := member(run, "tool", "driver", "name"); name != "guard" {
			t.Errorf("driver %v", name)
		}
		rules := member(run, "tool", "driver", "rules").([]any)
		ids := map[any]bool{}
		for _, rule := range rules {
			if id := member(rule, "id"); ids[id] || !levels[member(rule, "defaultConfiguration", "level")] || member(rule, "shortDescription", "text") == "" || member(rule, "help", "text") == "" {
				t.Errorf("rule %v", rule)
			}
			ids[member(rule, "id")] = true
		}
		for _, invocation := range member(run, "invocations").([]any) {
			if _, ok := member(invocation, "executionSuccessful").(bool); !ok {
				t.Errorf("invocation %v", invocation)
			}
		}
		for _, result := range member(run, "results").([]any) {
			index := int(member(result, "ruleIndex").(float64))
			if member(rules[index], "id") != member(result, "ruleId") || !levels[member(result, "level")] || member(result, "message", "text") == "" {
				t.Errorf("result %v", result)
			}
			for _, location := range member(result, "locations").([]any) {
				if logical, ok := location.(map[string]any)["logicalLocations"]; ok && member(logical.([]any)[0], "fullyQualifiedName") != "" {
					continue // a resource of an account is in no file
				}
				uri, line := member(location, "physicalLocation", "artifactLocation", "uri"), member(location, "physicalLocation", "region", "startLine")
				if strings.ContainsAny(uri.(string), ` \`) || line.(float64) < 1 {
					t.Errorf("location %v", location)
				}
			}
		}
	}
}

// The template's own folder holds no policy file, so the example of the help is tested here: our template is locked.
func TestCheckOfOurTemplateAndStandardInput(t *testing.T) {
	out, _, err := runGuardOn("check", "../../template.yaml")
	if err == nil || !strings.Contains(out, "bucket Bucket: locked (../../template.yaml:") || !strings.Contains(out, "endpoint InterfaceEndpoint: locked") {
		t.Errorf("guard check of our template = %s, %v", out, err)
	}
	if out, _, err := runGuardOn("check", filepath.Join("testdata", "access", "reported.json")); exitCode(err) != 2 || out != "" {
		t.Errorf("guard check of a batch = %q, %v, want code 2", out, err)
	}
	if out, err := runGuard(lockedPolicy, "check", "-"); err != nil || !strings.Contains(out, "bucket docs-example: locked (-)") {
		t.Errorf("guard check - = %q, %v, want locked", out, err)
	}
}
