package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// need is what the guard's role must be allowed: actions on one resource.
type need struct {
	resource string
	actions  []string
	context  map[string][]string
}

// guardNeeds returns what the role of the guard must be allowed, for each resource. The tests of the template compare it with the
// role's policies.
func (t Criteria) guardNeeds(d Deployment) []need {
	s := t.Setting
	inVPC := map[string][]string{"ec2:Vpc": {t.arn("ec2", "vpc/"+s.VPCID)}}
	needs := []need{
		{s.BucketARN(), []string{
			"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
			"s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls", "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration",
			"s3:GetBucketVersioning", "s3:PutBucketVersioning", "s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration", "s3:PutBucketAcl",
		}, nil},
		{anything, []string{"ec2:DescribeVpcEndpoints"}, nil},
		{s.EndpointARN(), []string{"ec2:ModifyVpcEndpoint"}, nil},
		{t.StackID, []string{"cloudformation:DescribeStacks"}, nil},
		{d.id("NotificationTopic"), []string{"sns:Publish"}, nil},
		{t.arn("kms", "key/"+d.id("NotificationKey")), []string{"kms:GenerateDataKey", "kms:Decrypt"}, nil},
		{t.arn("events", "event-bus/default"), []string{"events:PutEvents"}, map[string][]string{"events:source": {"s3-endpoint-guard"}}},
		{t.arn("logs", "log-group:"+d.id("RemediateLogGroup")+":log-stream:a"), []string{"logs:CreateLogStream", "logs:PutLogEvents"}, nil},
		{t.queueARN(d), []string{"sqs:SendMessage"}, nil},
	}
	if queue := d.id("SweepQueue"); t.SweepEvery < time.Minute && queue != "" {
		needs = append(needs, need{t.arn("sqs", queue[strings.LastIndex(queue, "/")+1:]), []string{
			"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
		}, nil})
	}
	needs = append(needs, need{anything, []string{"ec2:DescribeSecurityGroupRules"}, nil})
	for _, name := range []string{"InstanceSecurityGroup", "ProbeSecurityGroup"} {
		if id := d.id(name); id != "" {
			needs = append(needs, need{t.arn("ec2", "security-group/"+id), []string{
				"ec2:RevokeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress", "ec2:RevokeSecurityGroupEgress",
			}, inVPC})
		}
	}
	if t.Gateway {
		return append(needs, need{anything, []string{"ec2:DescribeRouteTables"}, nil},
			need{t.arn("ec2", "route-table/"+d.id("RouteTable")), []string{"ec2:ModifyVpcEndpoint", "ec2:AssociateRouteTable", "ec2:ReplaceRouteTableAssociation"}, inVPC})
	}
	for _, id := range t.EndpointGroups {
		needs = append(needs, need{
			t.arn("ec2", "security-group/"+id), []string{"ec2:ModifyVpcEndpoint", "ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"}, inVPC,
		})
	}
	return needs
}

// lostRights evaluates the policies of the guard's role, and returns the rights that it needs and has no more, whatever was
// changed. Rights beyond those are none of its results: who can add them can use them without the guard.
func (t Criteria) lostRights(d Deployment, documents []Document, now time.Time) []string {
	var policies []*iampolicy.Policy
	var lost []string
	for _, document := range documents {
		p, err := iampolicy.Parse([]byte(document.Text))
		if err != nil {
			lost = append(lost, fmt.Sprintf("what policy %s says (%v)", document.Name, err))
			continue
		}
		policies = append(policies, p)
	}
	for _, n := range t.guardNeeds(d) {
		if actions := t.missing(n, policies, now); len(actions) > 0 {
			lost = append(lost, strings.Join(actions, ", ")+" on "+n.resource)
		}
	}
	return lost
}

// judgeGuardRole judges the rights that the guard's role lost.
func (t Criteria) judgeGuardRole(d Deployment) []threat {
	if len(d.LostRights.Value) == 0 {
		return nil
	}
	return []threat{{"role-stripped", fmt.Sprintf("role %s is not allowed any more: %s", t.Setting.Guard, strings.Join(d.LostRights.Value, "; "))}}
}

// missing returns the actions that the policies do not surely allow at that time.
func (t Criteria) missing(n need, policies []*iampolicy.Policy, now time.Time) []string {
	keys := map[string][]string{
		"aws:CurrentTime": {now.UTC().Format(time.RFC3339)}, "aws:SecureTransport": {"true"}, "aws:RequestedRegion": {t.Setting.Region},
	}
	maps.Copy(keys, n.context)
	return slices.DeleteFunc(slices.Clone(n.actions), func(action string) bool {
		return len(policies) > 0 && iampolicy.Evaluate(
			iampolicy.Request{Principal: t.Setting.Guard, Action: action, Resource: n.resource, ResourceAccount: t.Setting.Account, Context: keys},
			iampolicy.Policies{Identity: policies}).Effect == iampolicy.Allow
	})
}
