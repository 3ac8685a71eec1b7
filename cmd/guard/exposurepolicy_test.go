package main

import (
	"strings"
	"testing"
)

// mine is a bucket policy as users have it.
const mine = `{"Version":"2012-10-17","Statement":[
 {"Sid":"Outside","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::mine-example","arn:aws:s3:::mine-example/*"],
  "Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"},"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::222233334444:role/breakglass"}}},
 {"Sid":"Strangers","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::mine-example/*",
  "Condition":{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::222233334444:role/app","arn:aws:iam::222233334444:role/breakglass"]}}}]}`

func TestExposureOfAPolicyOfYourOwn(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "mine.json", mine)
	out, err := runGuard("", "exposure", "--policy", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| who | from where | under this policy |\n|---|---|---|\n",
		"| anonymous caller, user of another account, AWS service | from the internet, through an endpoint of another VPC, " +
			"through another endpoint of the same VPC, through the endpoint, over plain HTTP through the endpoint | nothing |\n",
		"| workload | through the endpoint, over plain HTTP through the endpoint | data 47 of 47, configuration 59 of 59 |\n",
		"| role arn:aws:iam::222233334444:role/breakglass | from the internet, ",
		"\nGuessed: bucket mine-example (the policy's resources); account 222233334444 (its conditions name it); " +
			"endpoint vpce-0123456789abcdef0 (aws:SourceVpce in Outside); ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("guard exposure --policy printed %s, want %q in it", out, want)
		}
	}
	for flag, value := range map[string]string{
		"--bucket": "mine-example", "--account": "222233334444", "--vpce": "vpce-0123456789abcdef0", "--vpc": "vpc-0a", "--role": "arn:aws:iam::222233334444:role/app",
	} {
		with, err := runGuard(mine, "exposure", "--policy", "-", flag, value)
		if err != nil || flag != "--vpc" && len(with) >= len(out) || flag == "--vpc" && with != out {
			t.Errorf("guard exposure --policy - %s %s printed %s, %v, want fewer guesses than without", flag, value, with, err)
		}
	}
	all, err := runGuard(mine, "exposure", "--policy", "-", "--bucket", "other-example", "--account", "222233334444", "--region", "eu-west-1", "--vpce", "vpce-0a")
	if err != nil || !strings.Contains(all, "| anonymous caller, user of another account, AWS service | ") || strings.Contains(all, "(the policy's resources)") {
		t.Errorf("guard exposure of another bucket printed %s, %v", all, err)
	}
}

func TestExposureRefusesWhatIsNoBucketPolicy(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		args   []string
		says   string
	}{
		"not JSON":           {"{", nil, "not JSON"},
		"an identity policy": {`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, nil, "no bucket policy: its statements have no Principal"},
		"no bucket":          {`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`, nil, "it names no bucket: give --bucket"},
		"two buckets":        {`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]}}`, nil, "it names several buckets (a, b): choose one by --bucket"},
		"an account":         {mine, []string{"--account", "12"}, "--account 12: want an account's 12 digits"},
		"an endpoint":        {mine, []string{"--vpce", "vpc-1"}, "--vpce vpc-1: want an id that begins with vpce-"},
		"a VPC":              {mine, []string{"--vpc", "x"}, "--vpc x: want an id that begins with vpc-"},
		"a role":             {mine, []string{"--role", "app"}, "--role app: want the ARN of a role"},
		"a Region":           {mine, []string{"--region", "europe"}, "--region europe: want a Region such as eu-central-1"},
		"a template":         {mine, []string{"--template", "template.yaml"}, "--template has no meaning with --policy"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := runGuard(c.policy, append([]string{"exposure", "--policy", "-"}, c.args...)...)
			if exitCode(err) != 2 || out != "" || !strings.Contains(err.Error(), c.says) {
				t.Errorf("guard exposure = %q, code %d (%v), want code 2 and %q", out, exitCode(err), err, c.says)
			}
		})
	}
	if _, err := runGuard("", "exposure", "--vpce", "vpce-1"); exitCode(err) != 2 || !strings.Contains(err.Error(), "--vpce has a meaning only with --policy") {
		t.Errorf("guard exposure --vpce = %v, want code 2", err)
	}
}
