package prevent_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/prevent"
)

const (
	here     = "eu-central-1:111122223333:"
	guard    = "arn:aws:iam::111122223333:role/guard-RemediateRole-X"
	nested   = "arn:aws:iam::111122223333:role/guard-Guard-ABC-RemediateRole-X" // template.yaml's
	teardown = "arn:aws:iam::111122223333:role/guard-TeardownRole-X"
	pipeline = "arn:aws:iam::111122223333:role/pipelines/deploy"
	admin    = "arn:aws:iam::111122223333:role/admin"
)

// deployed is a deployment with both kinds of network resources.
func deployed() prevent.Deployment {
	return prevent.Deployment{
		Partition: "aws", Region: "eu-central-1", Account: "111122223333", Stack: "guard", Buckets: []string{"docs-example", "docs-trail"},
		EndpointIDs: []string{"vpce-1"}, VPCIDs: []string{"vpc-1"}, GroupIDs: []string{"sg-1", "sg-2", "sg-3"}, RouteTableIDs: []string{"rtb-1"},
		KeyIDs: []string{"0f0f0f0f-0000-4000-8000-000000000001"}, Own: []string{guard, teardown}, Exempt: []string{pipeline},
	}
}

// call is an action on a resource.
type call struct{ action, resource string }

// dangerous are calls of docs/threat-model.md. Those that the resource control policy covers too are marked.
var dangerous = map[call]bool{
	{"s3:PutBucketPolicy", "arn:aws:s3:::docs-example"}:                                                       true,
	{"s3:DeleteBucketPolicy", "arn:aws:s3:::docs-trail"}:                                                      true,
	{"s3:PutBucketPublicAccessBlock", "arn:aws:s3:::docs-example"}:                                            true,
	{"s3:PutBucketOwnershipControls", "arn:aws:s3:::docs-example"}:                                            true,
	{"s3:PutLifecycleConfiguration", "arn:aws:s3:::docs-example"}:                                             true,
	{"s3:PutBucketVersioning", "arn:aws:s3:::docs-example"}:                                                   true,
	{"s3:PutEncryptionConfiguration", "arn:aws:s3:::docs-example"}:                                            true,
	{"s3:PutBucketObjectLockConfiguration", "arn:aws:s3:::docs-example"}:                                      true,
	{"s3:PutReplicationConfiguration", "arn:aws:s3:::docs-example"}:                                           true,
	{"s3:PutInventoryConfiguration", "arn:aws:s3:::docs-example"}:                                             true,
	{"s3:PutAnalyticsConfiguration", "arn:aws:s3:::docs-example"}:                                             true,
	{"s3:CreateBucketMetadataTableConfiguration", "arn:aws:s3:::docs-example"}:                                true,
	{"s3:PutBucketLogging", "arn:aws:s3:::docs-example"}:                                                      true,
	{"s3:PutBucketNotification", "arn:aws:s3:::docs-example"}:                                                 true,
	{"s3:PutBucketWebsite", "arn:aws:s3:::docs-example"}:                                                      true,
	{"s3:DeleteBucket", "arn:aws:s3:::docs-example"}:                                                          true,
	{"kms:DisableKey", "arn:aws:kms:" + here + "key/0f0f0f0f-0000-4000-8000-000000000001"}:                    true,
	{"kms:PutKeyPolicy", "arn:aws:kms:" + here + "key/0f0f0f0f-0000-4000-8000-000000000001"}:                  true,
	{"sqs:PurgeQueue", "arn:aws:sqs:" + here + "guard-DeadLetterQueue-X"}:                                     true,
	{"sqs:DeleteQueue", "arn:aws:sqs:" + here + "s3-endpoint-guard-0f0f0f0f"}:                                 true,
	{"ec2:ModifyVpcEndpoint", "arn:aws:ec2:" + here + "vpc-endpoint/vpce-1"}:                                  false,
	{"ec2:DeleteVpcEndpoints", "arn:aws:ec2:" + here + "vpc-endpoint/vpce-1"}:                                 false,
	{"ec2:CreateVpcEndpoint", "arn:aws:ec2:" + here + "vpc/vpc-1"}:                                            false,
	{"ec2:ModifyVpcAttribute", "arn:aws:ec2:" + here + "vpc/vpc-1"}:                                           false,
	{"ec2:AuthorizeSecurityGroupIngress", "arn:aws:ec2:" + here + "security-group/sg-3"}:                      false,
	{"ec2:RevokeSecurityGroupEgress", "arn:aws:ec2:" + here + "security-group/sg-2"}:                          false,
	{"ec2:DeleteRoute", "arn:aws:ec2:" + here + "route-table/rtb-1"}:                                          false,
	{"lambda:UpdateFunctionCode", "arn:aws:lambda:" + here + "function:guard-RemediateFunction-X"}:            false,
	{"lambda:UpdateFunctionConfiguration", "arn:aws:lambda:" + here + "function:guard-HealthcheckFunction-X"}: false,
	{"lambda:PutFunctionConcurrency", "arn:aws:lambda:" + here + "function:guard-RemediateFunction-X"}:        false,
	{"lambda:PutFunctionEventInvokeConfig", "arn:aws:lambda:" + here + "function:guard-RemediateFunction-X"}:  false,
	{"lambda:RemovePermission", "arn:aws:lambda:" + here + "function:guard-RemediateFunction-X"}:              false,
	{"events:PutRule", "arn:aws:events:" + here + "rule/guard-BucketRule-X"}:                                  false,
	{"events:RemoveTargets", "arn:aws:events:" + here + "rule/guard-BucketRule-X"}:                            false,
	{"cloudwatch:DisableAlarmActions", "arn:aws:cloudwatch:" + here + "alarm:guard-OpenDrift"}:                false,
	{"cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:" + here + "alarm:guard-OpenDrift"}:                     false,
	{"sns:SetTopicAttributes", "arn:aws:sns:" + here + "guard-NotificationTopic-X"}:                           false,
	{"sns:DeleteTopic", "arn:aws:sns:" + here + "guard-NotificationTopic-X"}:                                  false,
	{"cloudtrail:StopLogging", "arn:aws:cloudtrail:" + here + "trail/s3-endpoint-guard-0f0f0f0f"}:             false,
	{"cloudtrail:PutEventSelectors", "arn:aws:cloudtrail:" + here + "trail/s3-endpoint-guard-0f0f0f0f"}:       false,
	{"ssm:PutParameter", "arn:aws:ssm:" + here + "parameter/s3-endpoint-guard/pause/guard/docs-example"}:      false,
	{"iam:DeleteRolePolicy", "arn:aws:iam::111122223333:role/guard-RemediateRole-X"}:                          false,
	{"iam:UpdateAssumeRolePolicy", "arn:aws:iam::111122223333:role/path/guard-RemediateRole-X"}:               false,
	{"iam:PassRole", "arn:aws:iam::111122223333:role/guard-TeardownRole-X"}:                                   false,
	{"cloudformation:DeleteStack", "arn:aws:cloudformation:" + here + "stack/guard/0f0f0f0f-0000"}:            false,
	{"cloudformation:ExecuteChangeSet", "arn:aws:cloudformation:" + here + "stack/guard/0f0f0f0f-0000"}:       false,
	{"cloudformation:UpdateStack", "arn:aws:cloudformation:" + here + "stack/guard-Guard-ABC/0f0f0f0f-0000"}:  false,
}

// harmless are calls that nobody must be kept from.
var harmless = []call{
	{"s3:GetObject", "arn:aws:s3:::docs-example/a"}, {"s3:PutObject", "arn:aws:s3:::docs-example/a"}, {"s3:ListBucket", "arn:aws:s3:::docs-example"},
	{"s3:GetBucketPolicy", "arn:aws:s3:::docs-example"}, {"s3:PutBucketPolicy", "arn:aws:s3:::another"},
	{"ec2:DescribeVpcEndpoints", "*"}, {"ec2:ModifyVpcEndpoint", "arn:aws:ec2:" + here + "vpc-endpoint/vpce-2"},
	{"lambda:InvokeFunction", "arn:aws:lambda:" + here + "function:guard-RemediateFunction-X"},
	{"lambda:UpdateFunctionCode", "arn:aws:lambda:" + here + "function:other"},
	{"sns:Publish", "arn:aws:sns:" + here + "guard-NotificationTopic-X"}, {"sns:Subscribe", "arn:aws:sns:" + here + "guard-NotificationTopic-X"},
	{"kms:GenerateDataKey", "arn:aws:kms:" + here + "key/0f0f0f0f-0000-4000-8000-000000000001"},
	{"sqs:ReceiveMessage", "arn:aws:sqs:" + here + "guard-DeadLetterQueue-X"},
	{"ssm:DeleteParameter", "arn:aws:ssm:" + here + "parameter/s3-endpoint-guard/pause/guard/docs-example"},
	{"ssm:PutParameter", "arn:aws:ssm:" + here + "parameter/s3-endpoint-guard/pause/other/docs-example"},
	{"iam:GetRole", "arn:aws:iam::111122223333:role/guard-RemediateRole-X"},
	{"cloudformation:DescribeStacks", "arn:aws:cloudformation:" + here + "stack/guard/0f0f0f0f-0000"},
	{"cloudformation:DescribeChangeSet", "arn:aws:cloudformation:" + here + "stack/guard/0f0f0f0f-0000"},
	{"cloudformation:UpdateStack", "arn:aws:cloudformation:" + here + "stack/guard-other/0f0f0f0f-0000"},
}

// parsed returns a policy as our evaluator reads it.
func parsed(t *testing.T, parse func([]byte) (*iampolicy.Policy, error), document string) *iampolicy.Policy {
	t.Helper()
	p, err := parse([]byte(document))
	if err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	return p
}

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// judged returns whether a caller with all permissions may make a call, under both policies in turn.
func judged(t *testing.T, principal string, c call) (underSCP, underRCP iampolicy.Effect) {
	t.Helper()
	scp, err := deployed().SCP()
	if err != nil {
		t.Fatal(err)
	}
	rcp, err := deployed().RCP()
	if err != nil {
		t.Fatal(err)
	}
	r := iampolicy.Request{
		Principal: principal, Action: c.action, Resource: c.resource, ResourceAccount: "111122223333",
	}
	all := parsed(t, iampolicy.ParseIdentity, everything)
	bound := iampolicy.Policies{Identity: []*iampolicy.Policy{all, parsed(t, iampolicy.ParseIdentity, scp)}}
	guarded := iampolicy.Policies{Identity: []*iampolicy.Policy{all}, Resource: parsed(t, iampolicy.Parse, rcp)}
	return iampolicy.Evaluate(r, bound).Effect, iampolicy.Evaluate(r, guarded).Effect
}

func TestOnlyNamedRolesMayMakeTheDangerousCalls(t *testing.T) {
	for c, inRCP := range dangerous {
		for principal, want := range map[string]iampolicy.Effect{
			admin: iampolicy.Deny, "arn:aws:iam::111122223333:user/admin": iampolicy.Deny, "arn:aws:iam::111122223333:role/guard-RemediateRole-X2": iampolicy.Deny,
			pipeline: iampolicy.Allow, guard: iampolicy.Allow, teardown: iampolicy.Allow,
		} {
			wantRCP := want
			if !inRCP {
				wantRCP = iampolicy.Allow
			}
			if scp, rcp := judged(t, principal, c); scp != want || rcp != wantRCP {
				t.Errorf("%s on %s by %s: %s under the SCP and %s under the RCP, want %s and %s", c.action, c.resource, principal, scp, rcp, want, wantRCP)
			}
		}
	}
}

func TestNobodyIsKeptFromOtherCalls(t *testing.T) {
	for _, c := range harmless {
		if scp, rcp := judged(t, admin, c); scp != iampolicy.Allow || rcp != iampolicy.Allow {
			t.Errorf("%s on %s: %s under the SCP and %s under the RCP, want allow", c.action, c.resource, scp, rcp)
		}
	}
}

// The account's root user has no identity policies, and another account's roles have those of their account: only the RCP
// binds both.
func TestTheRCPBindsTheRootUserAndOtherAccounts(t *testing.T) {
	rcp, err := deployed().RCP()
	if err != nil {
		t.Fatal(err)
	}
	for _, principal := range []string{"arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:role/admin"} {
		for c, inRCP := range dangerous {
			d := iampolicy.Evaluate(iampolicy.Request{Principal: principal, Action: c.action, Resource: c.resource, ResourceAccount: "111122223333"},
				iampolicy.Policies{Identity: []*iampolicy.Policy{parsed(t, iampolicy.ParseIdentity, everything)}, Resource: parsed(t, iampolicy.Parse, rcp)})
			// AWS lets the root user change a bucket's policy against that policy; an RCP is no bucket policy.
			if inRCP && d.Effect == iampolicy.Allow && !strings.Contains(c.action, "BucketPolicy") {
				t.Errorf("%s by %s: %s (%s), want it denied", c.action, principal, d.Effect, d.By)
			}
		}
	}
}

// S3 delivers, and CloudTrail writes, as a service.
func TestServicesAreNotBound(t *testing.T) {
	rcp, err := deployed().RCP()
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Statement []struct{ Condition map[string]map[string]any }
	}
	if err := json.Unmarshal([]byte(rcp), &p); err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Statement {
		if got := fmt.Sprint(s.Condition["BoolIfExists"]["aws:PrincipalIsAWSService"]); got != "[false]" {
			t.Errorf("the RCP binds services: %v", s.Condition)
		}
	}
}

func TestThePoliciesFitWithTheLongestNames(t *testing.T) {
	d := deployed()
	d.Partition, d.Region, d.Stack = "aws-us-gov", "us-gov-west-1", strings.Repeat("s", 128)
	d.Buckets = []string{strings.Repeat("b", 63), strings.Repeat("c", 63)}
	long := func(name string) string {
		return "arn:aws-us-gov:iam::111122223333:role/" + name + strings.Repeat("r", 64-len(name))
	}
	d.Own, d.Exempt = []string{long("guard"), long("teardown")}, nil
	for name, make := range map[string]func() (string, error){"SCP": d.SCP, "RCP": d.RCP} {
		policy, err := make()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %d of %d characters", name, len(policy), prevent.MaxSize)
	}
	for range 20 {
		d.Exempt = append(d.Exempt, long("exempt"))
	}
	if policy, err := d.SCP(); err == nil || !strings.Contains(err.Error(), "name fewer roles") {
		t.Errorf("an SCP with 22 long roles: %d characters, %v, want an error", len(policy), err)
	}
}

// Without ids of networks and keys, nothing else of the account is protected by mistake; the stack's roles are known by name.
func TestWhatIsNotNamedIsNotProtected(t *testing.T) {
	d := prevent.Deployment{Partition: "aws", Region: "eu-central-1", Account: "111122223333", Stack: "guard", Buckets: []string{"docs-example"}}
	scp, err := d.SCP()
	if err != nil {
		t.Fatal(err)
	}
	bound := iampolicy.Policies{Identity: []*iampolicy.Policy{parsed(t, iampolicy.ParseIdentity, everything), parsed(t, iampolicy.ParseIdentity, scp)}}
	for c, want := range map[call]iampolicy.Effect{
		{"kms:DisableKey", "arn:aws:kms:" + here + "key/other"}:                  iampolicy.Allow,
		{"ec2:ModifyVpcEndpoint", "arn:aws:ec2:" + here + "vpc-endpoint/vpce-1"}: iampolicy.Allow,
		{"s3:PutBucketPolicy", "arn:aws:s3:::docs-example"}:                      iampolicy.Deny,
	} {
		for principal, effect := range map[string]iampolicy.Effect{
			admin: want, guard: iampolicy.Allow, teardown: iampolicy.Allow, nested: iampolicy.Allow,
			"arn:aws:iam::111122223333:role/service/guard-Guard-ABC-RemediateRole-X": iampolicy.Allow,
			"arn:aws:iam::111122223333:role/other-Guard-ABC-RemediateRole-X":         want,
		} {
			if d := iampolicy.Evaluate(iampolicy.Request{Principal: principal, Action: c.action, Resource: c.resource, ResourceAccount: "111122223333"}, bound); d.Effect != effect {
				t.Errorf("%s by %s: %s (%s), want %s", c.action, principal, d.Effect, d.By, effect)
			}
		}
	}
}
