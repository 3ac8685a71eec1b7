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

// runGuard runs the command line and returns its standard output and the error that main would turn into an exit code.
func runGuard(stdin string, args ...string) (string, error) {
	var out strings.Builder
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	err := root.Execute()
	return out.String(), err
}

// exitCode is what main would exit with.
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
		"an argument":  {"[]", []string{"access", "--batch", "-", "more"}},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := runGuard(c.stdin, c.args...); exitCode(err) == 0 || out != "" {
				t.Errorf("guard %v = %q, %v, want an error and no output", c.args, out, err)
			}
		})
	}
}
