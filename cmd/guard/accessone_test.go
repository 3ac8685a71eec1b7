package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// runGuardOn runs the command line and returns its standard output, its standard error and its error.
func runGuardOn(args ...string) (string, string, error) {
	var out, errs strings.Builder
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(""))
	root.SetOut(&out)
	root.SetErr(&errs)
	err := root.Execute()
	return out.String(), errs.String(), err
}

func TestAccessAnswersOneQuestion(t *testing.T) {
	const through = `{"Statement":[{"Sid":"AllowApp","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::mine-example/*",
		"Condition":{"StringEquals":{"aws:SourceVpc":"vpc-0123456789abcdef0"}}}]}`
	bucket, endpoint := writeFile(t, "p.json", mine), writeFile(t, "e.json", through)
	identity := writeFile(t, "i.json", `{"Statement":{"Sid":"Lists","Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}}`)
	const app, vpce = "arn:aws:iam::222233334444:role/app", "vpce-0123456789abcdef0"
	for name, c := range map[string]struct {
		args string
		want string
		says string // on standard error
	}{
		"the app through the endpoint": {"--as " + app + " --action s3:GetObject --vpce " + vpce, "allow: identity policy 1: statement 1\n", "IAM allows it to the caller"},
		"a VPC that is guessed":        {"--as " + app + " --action s3:GetObject --vpce " + vpce, "allow: ", "the endpoint's VPC is vpc-0123456789abcdef0"},
		"another VPC":                  {"--as " + app + " --action s3:GetObject --vpc vpc-0b --vpce " + vpce, "deny: no statement of the endpoint policy allows s3:GetObject\n", ""},
		"another endpoint":             {"--as " + app + " --action s3:GetObject --vpce vpce-0b", "deny: bucket policy: Outside\n", ""},
		"from the internet":            {"--as " + app + " --action s3:GetObject", "deny: bucket policy: Outside\n", "the endpoint's policy does not count"},
		"a stranger":                   {"--as anonymous --action s3:GetObject --vpce " + vpce, "deny: bucket policy: Strangers\n", "the bucket is mine-example"},
		"without IAM":                  {"--as " + app + " --action s3:GetObject --vpce " + vpce + " --identity-policy " + identity, "deny: no identity policy and no bucket policy allows s3:GetObject\n", "the bucket belongs to account 222233334444"},
		"a bucket's action":            {"--as " + app + " --action s3:ListBucket --vpce " + vpce, "deny: no statement of the endpoint policy allows s3:ListBucket\n", ""},
		"another account's bucket":     {"--as " + app + " --action s3:GetObject --account 111122223333 --vpce " + vpce, "deny: no bucket policy allows s3:GetObject\n", ""},
		"over plain HTTP, with a key":  {"--as " + app + " --action s3:GetObject --plain-http --key a/b.txt --source-ip 10.1.2.3 --context aws:PrincipalOrgID=o-1 --vpce " + vpce, "allow: ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"access", "--bucket-policy", bucket, "--endpoint-policy", endpoint}, strings.Fields(c.args)...)
			out, errs, err := runGuardOn(args...)
			if err != nil || !strings.HasPrefix(out, c.want) || !strings.Contains(errs, c.says) {
				t.Errorf("guard %v = %q, %q, %v, want %q, and %q on standard error", args, out, errs, err, c.want, c.says)
			}
			asJSON, _, err := runGuardOn(append(args, "--json")...)
			var answers []accessAnswer
			if json.Unmarshal([]byte(asJSON), &answers) != nil || err != nil || len(answers) != 1 || out != string(answers[0].Decision)+": "+answers[0].By+"\n" {
				t.Errorf("guard %v --json = %s, %v, want %q as a batch's answer", args, asJSON, err, out)
			}
		})
	}
}

func TestAccessOfOneQuestionRefusesWhatIsNoQuestion(t *testing.T) {
	two := writeFile(t, "p.json", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]}}`)
	none := writeFile(t, "p.json", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`)
	for args, says := range map[string]string{
		"--action s3:GetObject --as anonymous --bucket-policy " + two:                         "the policy names several buckets (a, b): choose one by --bucket",
		"--action s3:GetObject --as anonymous --bucket-policy " + none:                        "no policy names a bucket: give --bucket",
		"--action s3:ListBucket --as anonymous --key x --bucket b --bucket-policy " + none:    "s3:ListBucket is not an action on objects",
		"--action s3:GetObject --as anonymous --account x --bucket b --bucket-policy " + none: "--account x: want an account's 12 digits",
	} {
		out, _, err := runGuardOn(append([]string{"access"}, strings.Fields(args)...)...)
		if exitCode(err) != 2 || out != "" || !strings.Contains(err.Error(), says) {
			t.Errorf("guard access %s = %q, %v, want code 2 and %q", args, out, err, says)
		}
	}
	out, _, err := runGuardOn("access", "--action", "s3:*", "--as", "nobody", "--bucket", "b", "--bucket-policy", none)
	if err != nil || !strings.HasPrefix(out, "error: request: ") {
		t.Errorf("guard access of what is no principal = %q, %v, want the answer error", out, err)
	}
}
