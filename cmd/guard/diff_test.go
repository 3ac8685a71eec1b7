package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	compact  = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}}`
	asStored = `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Deny","Principal":{"AWS":["*"]},"Action":["s3:getobject"],"Resource":["arn:aws:s3:::docs/*"]}]}`
	another  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}}`
)

func TestDiffTellsSameDifferentAndUnjudged(t *testing.T) {
	for name, c := range map[string]struct {
		a, b   string
		code   int
		output string
		reason string
	}{
		"the same":        {compact, compact, 0, "", ""},
		"as S3 stores it": {compact, asStored, 0, "", ""},
		"with a mark":     {"\ufeff" + compact, asStored, 0, "", ""},
		"different":       {compact, another, 1, "- {\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::docs/*\"}\n+ {\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::docs/*\"}\n", ""},
		"another version": {compact, strings.Replace(compact, "2012", "2008", 1), 1, "- {\"Version\":\"2012-10-17\"}\n+ {\"Version\":\"2008-10-17\"}\n", ""},
		"an account of another partition": {
			strings.Replace(compact, `"*"`, `{"AWS":"arn:aws:iam::111122223333:root"}`, 1), strings.Replace(compact, `"*"`, `{"AWS":"arn:aws-cn:iam::111122223333:root"}`, 1), 1,
			"- {\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"111122223333\"},\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::docs/*\"}\n+ {\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"arn:aws-cn:iam::111122223333:root\"},\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::docs/*\"}\n", "",
		},
		"a wildcard in a principal": {compact, strings.Replace(compact, `"*"`, `{"AWS":"arn:aws:iam::111122223333:role/*"}`, 1), 2, "", "b.json: statement 1: Principal: no principal"},
		"the first no JSON":         {"{", compact, 2, "", "a.json: not JSON"},
		"the second no JSON":        {compact, "{", 2, "", "b.json: not JSON"},
		"text after the first":      {compact + "x", compact, 2, "", "a.json: text after the document"},
		"an unknown element":        {compact, strings.Replace(compact, "Effect", "effect", 1), 2, "", "b.json: statement 1: effect: unknown element"},
		"both unreadable":           {"", "", 2, "", "a.json: empty document"},
		"no endpoint was found":     {`{"VpcEndpoints":[]}`, compact, 2, "", "a.json: no endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := runGuard("", "diff", writeFile(t, "a.json", c.a), writeFile(t, "b.json", c.b))
			if exitCode(err) != c.code || out != c.output {
				t.Errorf("guard diff = %q, code %d (%v), want %q, code %d", out, exitCode(err), err, c.output, c.code)
			}
			if c.reason != "" && !strings.Contains(err.Error(), c.reason) {
				t.Errorf("guard diff says %v, want %s", err, c.reason)
			}
		})
	}
}

// The AWS CLI's output is the form that users have first.
func TestDiffReadsWhatTheCLIPrints(t *testing.T) {
	text, err := os.ReadFile("testdata/printed/get-bucket-policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var printed struct{ Policy string }
	if err := json.Unmarshal(text, &printed); err != nil {
		t.Fatal(err)
	}
	bare := writeFile(t, "bare.json", printed.Policy)
	escaped := strings.ReplaceAll(compact, `"`, `\"`)
	endpoint := writeFile(t, "endpoint.json", `{"VpcEndpoints":[{"VpcEndpointId":"vpce-0a1b2c3d4e5f60718","PolicyDocument":"`+escaped+`"}]}`)
	endpoints := writeFile(t, "endpoints.json", `{"VpcEndpoints":[{"PolicyDocument":"`+escaped+`"},{"PolicyDocument":"`+escaped+`"}]}`)
	for name, c := range map[string]struct {
		a, b string
		code int
	}{
		"a bucket's policy":     {"testdata/printed/get-bucket-policy.json", bare, 0},
		"an endpoint's":         {endpoint, writeFile(t, "compact.json", compact), 0},
		"the desired one":       {writeFile(t, "parameter.json", `{"Parameter":{"Name":"p","Value":"`+escaped+`"}}`), endpoint, 0},
		"of two endpoints":      {endpoints, bare, exitUnjudged},
		"of another bucket":     {"testdata/printed/get-bucket-policy.json", endpoint, exitDifferent},
		"a policy that is none": {writeFile(t, "none.json", `{"Policy":"{}"}`), bare, exitUnjudged},
		"no text":               {writeFile(t, "object.json", `{"Policy":{}}`), bare, exitUnjudged},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := runGuard("", "diff", c.a, c.b); exitCode(err) != c.code {
				t.Errorf("guard diff = %s, code %d (%v), want %d", out, exitCode(err), err, c.code)
			}
		})
	}
}

func TestDiffReadsStandardInput(t *testing.T) {
	a := writeFile(t, "a.json", compact)
	if out, err := runGuard(asStored, "diff", a, "-"); err != nil || out != "" {
		t.Errorf("guard diff a.json - = %q, %v, want the same", out, err)
	}
	if _, err := runGuard(another, "diff", "-", a); exitCode(err) != exitDifferent {
		t.Errorf("guard diff - a.json = %v, want a difference", err)
	}
}

// Exit code 1 means only that two policies differ.
func TestDiffNeverTakesAMistakeForADifference(t *testing.T) {
	a := writeFile(t, "a.json", compact)
	for name, args := range map[string][]string{
		"one file":        {"diff", a},
		"three files":     {"diff", a, a, a},
		"an unknown flag": {"diff", "--verbose", a, a},
		"no such file":    {"diff", a, filepath.Join(t.TempDir(), "none.json")},
		"a folder":        {"diff", a, t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := runGuard("", args...); exitCode(err) != exitUnjudged {
				t.Errorf("guard %v = %v with code %d, want code %d", args, err, exitCode(err), exitUnjudged)
			}
		})
	}
}
