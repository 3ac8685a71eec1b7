package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// runGuard runs the command line and returns its standard output and its error, from which main makes the exit code.
func runGuard(stdin string, args ...string) (string, error) {
	var out strings.Builder
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	err := root.Execute()
	return out.String(), err
}

// exitCode returns the exit code of main for an error.
func exitCode(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	}
	return 1
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const batch = `[
 {"name": "a stranger", "principal": "", "action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "resourceAccount": "111122223333",
  "context": {"aws:SecureTransport": ["true"]}, "bucket": null, "endpoint": null, "identity": [], "expected": "remarks are ignored"},
 {"name": "the public", "principal": "", "action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "resourceAccount": "111122223333",
  "bucket": {"Statement": {"Sid": "Public", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::docs/*"}}},
 {"name": "a policy as text", "principal": "arn:aws:iam::111122223333:user/alice", "action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "resourceAccount": "111122223333",
  "identity": ["{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"]},
 {"name": "a closed endpoint", "principal": "arn:aws:iam::111122223333:user/alice", "action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "resourceAccount": "111122223333",
  "endpoint": {"Statement": {"Sid": "<Nothing>", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}},
  "identity": [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]},
 {"name": "an unknown operator", "principal": "", "action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "resourceAccount": "111122223333",
  "bucket": {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"Maybe": {"aws:x": "y"}}}}},
 {"name": "an identity policy that is none", "principal": "arn:aws:iam::111122223333:user/alice", "action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "resourceAccount": "111122223333",
  "identity": [{}]},
 {"name": "a key twice", "principal": "", "action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "resourceAccount": "111122223333",
  "bucket": {"Statement": {"Effect": "Deny", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}}},
 {"name": "a context of the wrong type", "principal": "", "action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "context": {"aws:x": 1}}
]`

func TestAccessDecidesEveryRequestOfABatch(t *testing.T) {
	want := []accessAnswer{
		{"a stranger", "deny", "no bucket policy allows s3:GetObject"},
		{"the public", "allow", "bucket policy: Public"},
		{"a policy as text", "allow", "identity policy 1: statement 1"},
		{"a closed endpoint", "deny", "endpoint policy: <Nothing>"},
		{"an unknown operator", "error", `bucket policy: statement 1: Condition: Maybe: unknown condition operator "Maybe"`},
		{"an identity policy that is none", "error", "identity policy 1: no Statement"},
		{"a key twice", "error", `bucket policy: "Effect" given twice`},
	}
	file := writeFile(t, "batch.json", batch)
	for _, args := range [][]string{{"access", "--batch", file}, {"access", "--batch", "-"}} {
		out, err := runGuard(batch, args...)
		if err != nil {
			t.Fatalf("guard %v: %v", args, err)
		}
		var got []accessAnswer
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("guard %v wrote %s: %v", args, out, err)
		}
		if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
			t.Errorf("guard %v (-want +got):\n%s", args, diff)
		}
		last := got[len(got)-1]
		if last.Name != "a context of the wrong type" || last.Decision != "error" || !strings.Contains(last.By, "reading the request") {
			t.Errorf("guard %v answers %+v, want an error", args, last)
		}
	}
}

// The cases come from public reports, and from reading AWS's documents.
func TestAccessOfReportedRequests(t *testing.T) {
	const file = "testdata/access/reported.json"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := runGuard("", "access", "--batch", file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Name, Expect string }
	var got []accessAnswer
	if err := errors.Join(json.Unmarshal(text, &cases), json.Unmarshal([]byte(out), &got)); err != nil || len(got) != len(cases) {
		t.Fatalf("guard access answers %d of %d requests, %v", len(got), len(cases), err)
	}
	for i, c := range cases {
		if string(got[i].Decision) != c.Expect {
			t.Errorf("%s: %s (%s), want %s", c.Name, got[i].Decision, got[i].By, c.Expect)
		}
	}
}

func TestAccessRefusesUnknownMembers(t *testing.T) {
	const request = `"action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "resourceAccount": "111122223333"`
	for member, want := range map[string]string{
		`"prinicpal": "arn:aws:iam::111122223333:user/alice"`: `reading the request: unknown member \"prinicpal\"`,
		`"Principal": "arn:aws:iam::111122223333:user/alice"`: `reading the request: unknown member \"Principal\"`,
		`"buckets": null`:       `reading the request: unknown member \"buckets\"`,
		`"comment": "a remark"`: "no bucket policy allows s3:GetObject",
	} {
		out, err := runGuard(`[{`+request+`, `+member+`}]`, "access", "--batch", "-")
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("guard access of a request with %s = %s, %v, want %s", member, out, err, want)
		}
	}
}

func TestAccessAnswersNothingWithNothing(t *testing.T) {
	if out, err := runGuard("[]", "access", "--batch", "-"); err != nil || out != "[]\n" {
		t.Errorf("guard access = %q, %v, want []", out, err)
	}
}

func TestAccessRefusesWhatIsNoBatch(t *testing.T) {
	for name, c := range map[string]struct {
		stdin string
		args  []string
	}{
		"no JSON":      {"[", []string{"access", "--batch", "-"}},
		"an object":    {"{}", []string{"access", "--batch", "-"}},
		"no such file": {"", []string{"access", "--batch", filepath.Join(t.TempDir(), "none.json")}},
		"no file":      {"", []string{"access"}},
		"a wrong flag": {"[]", []string{"access", "--file", "-"}},
		"a flag alone": {"[]", []string{"access", "--batch"}},
		"an argument":  {"[]", []string{"access", "--batch", "-", "more"}},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := runGuard(c.stdin, c.args...); exitCode(err) != 2 || out != "" {
				t.Errorf("guard %v = %q, code %d (%v), want code 2 and no output", c.args, out, exitCode(err), err)
			} else if strings.Contains(err.Error(), "json.") {
				t.Errorf("guard %v = %v, which names Go's types", c.args, err)
			}
		})
	}
}

// An endpoint's policy counts only for a request that came through the endpoint.
func TestAccessAsksTheEndpointsPolicyOnlyOfWhatCameThroughOne(t *testing.T) {
	for name, c := range map[string]struct {
		context string
		want    string
	}{
		"from the internet":                  {`{"aws:SourceIp": "198.51.100.7"}`, "allow"},
		"from the internet, key in capitals": {`{"AWS:SOURCEIP": ["198.51.100.7"]}`, "allow"},
		"through an endpoint":                {`{"aws:SourceVpce": ["vpce-1"]}`, "deny"},
		"from a VPC":                         {`{"aws:sourcevpc": "vpc-1", "aws:SourceIp": "198.51.100.7"}`, "deny"},
		"from an address of a VPC":           {`{"aws:VpcSourceIp": "10.0.0.1", "aws:SourceIp": "198.51.100.7"}`, "deny"},
		"an empty list is no endpoint":       {`{"aws:SourceVpce": [], "aws:SourceIp": "198.51.100.7"}`, "allow"},
		"nobody can tell":                    {`{}`, "deny"},
		"nobody can tell, null":              {`null`, "deny"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := runGuard(`[{"principal": "", "action": "s3:GetObject", "resource": "arn:aws:s3:::docs/x", "resourceAccount": "111122223333", "context": `+c.context+`,
				"bucket": {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}},
				"endpoint": {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}}}]`, "access", "--batch", "-")
			if err != nil || !strings.Contains(out, `"decision": "`+c.want+`"`) {
				t.Errorf("guard access with context %s = %s, %v, want %s", c.context, out, err, c.want)
			}
		})
	}
}
