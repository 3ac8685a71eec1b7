package s3bucket_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

var setting = iampolicy.Setting{
	Partition: "aws", Region: "eu-central-1", Account: docs.Account, Bucket: docs.Name,
	EndpointID: "vpce-0a1b2c3d4e5f60718", VPCID: "vpc-0a1b2c3d4e5f60718",
	Workload: "arn:aws:iam::111122223333:role/app", Guard: "arn:aws:iam::111122223333:role/guard",
}

// Statements of a bucket policy.
const (
	plainHTTP = `{"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"s3:*",` +
		`"Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"],` +
		`"Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}}`
	outside = `{"Sid":"DenyListingOutside","Effect":"Deny","Principal":"*","Action":"s3:ListBucket*","Resource":"arn:aws:s3:::docs-example",` +
		`"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0a1b2c3d4e5f60718"}}}`
	strangers = `{"Sid":"DenyStrangers","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*",` +
		`"Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}}`
	listing = `{"Sid":"DenyListingToStrangers","Effect":"Deny","Principal":"*","Action":"s3:ListBucket*","Resource":"arn:aws:s3:::docs-example",` +
		`"Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}}`
	objects = `{"Sid":"DenyObjectsOutside","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*",` +
		`"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0a1b2c3d4e5f60718"}}}`
	everything = `{"Sid":"DenyEverything","Effect":"Deny","Principal":"*","Action":"s3:*",` +
		`"Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"]}`
	everyone = `{"Sid":"Everyone","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs-example/*"}`
)

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

var desired = document(plainHTTP, outside, objects, strangers, listing)

func newPolicy(fake *fakeS3) *s3bucket.Policy {
	return &s3bucket.Policy{
		API: fake, Bucket: docs, Desired: desired, Setting: setting,
		Forbidden: func() []iampolicy.ForbiddenRequest { return iampolicy.ForbiddenOnBucket(setting) },
	}
}

func TestPolicyIsJudgedByWhatItAllows(t *testing.T) {
	for name, test := range map[string]struct {
		live *string
		want iampolicy.Verdict
	}{
		"as desired":                 {&desired, iampolicy.Same},
		"as S3 rewrites it":          {aws.String(strings.Replace(document(strangers, listing, objects, plainHTTP, outside), `"Sid":"DenyStrangers"`, `"Sid" : "DenyStrangers"`, 1)), iampolicy.Same},
		"one statement more, denied": {aws.String(document(plainHTTP, outside, objects, strangers, listing, everyone)), iampolicy.Closed},
		"the article's allow alone":  {aws.String(document(everyone)), iampolicy.Open},
		"deleted":                    {nil, iampolicy.Open},
		"not a policy":               {aws.String("{}"), iampolicy.Open},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeS3{t: t, policy: test.live}
			f := inspect(t, newPolicy(fake))
			if f.Verdict != test.want || (f.Allowed != "") != (test.want == iampolicy.Open) {
				t.Errorf("verdict %s, allowed %q, want %s", f.Verdict, f.Allowed, test.want)
			}
			if f.Property != "bucket-policy" || f.Target != docs.Name || f.Live != aws.ToString(test.live) || f.Desired != desired {
				t.Errorf("finding %+v does not name property, target, live and desired document", f)
			}
		})
	}
}

func TestPolicyIsRestoredToTheLetter(t *testing.T) {
	fake := &fakeS3{t: t, policy: aws.String(document(everyone))}
	policy := newPolicy(fake)
	for range 2 {
		if err := policy.Restore(t.Context(), inspect(t, policy)); err != nil {
			t.Fatal(err)
		}
	}
	if *fake.policy != desired || inspect(t, policy).Verdict != iampolicy.Same {
		t.Errorf("live policy is %s, want the desired one", *fake.policy)
	}
}

func TestPolicyThatLocksOutIsNeverWritten(t *testing.T) {
	fake := &fakeS3{t: t}
	policy := newPolicy(fake)
	policy.Desired = document(everything)
	err := policy.Restore(t.Context(), inspect(t, policy))
	if !errors.Is(err, guard.ErrLockout) || len(fake.writes) != 0 {
		t.Errorf("Restore = %v with writes %q, want ErrLockout and no writes", err, fake.writes)
	}
}

func TestPolicyThatIsItselfOpenIsNeverWritten(t *testing.T) {
	fake := &fakeS3{t: t}
	policy := newPolicy(fake)
	policy.Desired = document(everyone)
	err := policy.Restore(t.Context(), inspect(t, policy))
	if err == nil || errors.Is(err, guard.ErrLockout) || len(fake.writes) != 0 {
		t.Errorf("Restore = %v with writes %q, want an error and no writes", err, fake.writes)
	}
}
