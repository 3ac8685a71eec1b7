package environment_test

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/environment"
)

// reader returns a reader with one variable X.
func reader(value string) *environment.Reader {
	return environment.New(func(name string) string {
		if name == "X" {
			return value
		}
		return ""
	})
}

func TestMatchTakesWhatHasTheShape(t *testing.T) {
	for name, c := range map[string]struct {
		shape      environment.Shape
		good, poor []string
	}{
		"name":    {environment.Name, []string{"docs-example", "a.b_c"}, []string{"a b", "a/b", "a:b"}},
		"key":     {environment.Key, []string{"a/b c"}, []string{strings.Repeat("k", 1025)}},
		"address": {environment.Address, []string{"https://example.com/r?a=b", "docs/runbook.md"}, []string{"https://example.com/#a", "a b"}},
		"stack":   {environment.Stack, []string{"stack/guard/0f0f-01"}, []string{"guard", "stack/guard", "stack//0f0f", "arn:x/guard/0f0f", "stack/a/b/c"}},
		"CIDR":    {environment.CIDR, []string{"10.0.0.0/24"}, []string{"10.0.0.0", "::/0", "x"}},
		"id":      {environment.ID("sg"), []string{"sg-0a1b"}, []string{"sg-", "SG-0a", "vpc-0a", "sg-0a,sg-0b"}},
		"ARN": {environment.ARN("iam", "role/"), []string{"arn:aws:iam::111122223333:role/x", "arn:aws-cn:iam::111122223333:role/x"},
			[]string{"arn:aws:iam::1111:role/x", "arn:aws:iam::111122223333:user/x", "arn:aws:iam::111122223333:role/", "arn:gcp:iam::111122223333:role/x", "x"}},
	} {
		for _, value := range c.good {
			r := reader(value)
			if got := r.Match("X", c.shape); got != value || r.Err() != nil {
				t.Errorf("%s: Match(%q) = %q, %v, want it accepted", name, value, got, r.Err())
			}
		}
		for _, value := range append(c.poor, "") {
			r := reader(value)
			if r.Match("X", c.shape); r.Err() == nil || !strings.HasPrefix(r.Err().Error(), "X is ") {
				t.Errorf("%s: Match(%q) = %v, want an error that names X", name, value, r.Err())
			}
		}
	}
}

func TestNumbersAreWholeAndPositive(t *testing.T) {
	for value, want := range map[string]int{"1": 1, "60": 60, "0": 0, "-1": 0, "1.5": 0, "": 0, "x": 0} {
		r := reader(value)
		got := r.Number("X")
		if failed := r.Err() != nil; failed != (want == 0) || !failed && got != want {
			t.Errorf("Number(%q) = %d, %v, want %d", value, got, r.Err(), want)
		}
	}
}

func TestPoliciesMayBeAbbreviated(t *testing.T) {
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`
	const own = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:s3:::it's"}]}`
	const long = `{"Version":"2012-10-17","Statement":[` +
		`{"Sid":"A","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"},"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/a"]}}},` +
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/a"]}}}]}`
	const short = `{'Version':'2012-10-17','Statement':[` +
		`{'Sid':'A~*;aws:s3:::b',^SourceVpce':'vpce-1'},'ArnNot|aws:iam::111122223333:role/a']}}},` +
		`{#'s3:GetObject','Resource':'*','Condition':{'Arn|aws:iam::111122223333:role/a']}}}]}`
	for value, want := range map[string]string{policy: policy, strings.ReplaceAll(policy, `"`, "'"): policy, own: own, long: long, short: long} {
		r := reader(value)
		if got := r.Policy("X"); got != want || r.Err() != nil {
			t.Errorf("Policy(%s) = %s, %v, want %s", value, got, r.Err(), want)
		}
	}
	for _, value := range []string{"", "{}", "not a policy"} {
		r := reader(value)
		if r.Policy("X"); r.Err() == nil {
			t.Errorf("Policy(%q) was accepted, want an error", value)
		}
	}
}
