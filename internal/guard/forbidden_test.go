package guard_test

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

func TestHoldsRefusesPoliciesThatAreThemselvesOpen(t *testing.T) {
	setting := iampolicy.Setting{
		Partition: "aws", Region: "eu-central-1", Account: "111122223333", Bucket: "docs-example",
		EndpointID: "vpce-0a1b2c3d4e5f60718", VPCID: "vpc-0a1b2c3d4e5f60718",
		Workload: "arn:aws:iam::111122223333:role/app", Guard: "arn:aws:iam::111122223333:role/guard",
	}
	probes := iampolicy.ForbiddenOnBucket(setting)
	outside := deny(`"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0a1b2c3d4e5f60718"}}`)
	strangers := deny(`"Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}`)
	plain := deny(`"Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}`)
	for name, test := range map[string]struct {
		policy string
		want   string // part of the error; "" for none
	}{
		"closed":                  {policy(outside, strangers, plain), ""},
		"closed, one statement":   {`{"Version":"2012-10-17","Statement":` + deny(`"Sid":"All"`) + `}`, ""},
		"open to the internet":    {policy(strangers, plain), "itself open"},
		"open to strangers":       {policy(outside, plain), "itself open"},
		"open over plain HTTP":    {policy(outside, strangers), "itself open"},
		"not a policy":            {`{"Statement":7}`, "not written"},
		"not JSON":                {`{`, "not written"},
		"without any statement":   {`{"Version":"2012-10-17"}`, "not written"},
		"an unknown operator":     {policy(deny(`"Condition":{"Unlike":{"a":"b"}}`)), "not written"},
		"nothing, nothing at all": {"", "not written"},
	} {
		t.Run(name, func(t *testing.T) {
			err := guard.Holds(test.policy, probes)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("Holds(%s) = %v, want an error with %q", test.policy, err, test.want)
			}
		})
	}
}

// deny is a statement that denies everything on the bucket, with one more element.
func deny(element string) string {
	return `{"Effect":"Deny","Principal":"*","Action":"s3:*",` +
		`"Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"],` + element + `}`
}

func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}
