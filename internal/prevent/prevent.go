// Package prevent makes organisation policies for a deployment of template.yaml: they keep everybody but named roles from
// the calls that open the bucket, destroy its data, or silence the guard. What the guard would have to correct or to report
// then does not happen.
//
// A service control policy ([Deployment.SCP]) binds the users and roles of the account, a resource control policy
// ([Deployment.RCP]) the resources, against callers of all accounts. Neither binds the organisation's management account,
// and neither allows anything.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_authorization_policies.html
package prevent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// MaxSize is the maximum size in characters of an SCP and of an RCP.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
const MaxSize = 5120

// Deployment names the resources that the policies protect.
type Deployment struct {
	// Partition, Region and Account are those of the stack, e.g. "aws", "eu-central-1", "111122223333".
	Partition, Region, Account string
	// Stack is the stack's name. The names of most resources begin with it.
	Stack string
	// Buckets are the guarded bucket's name and, if there is a trail, its bucket's.
	Buckets []string
	// EndpointIDs are the endpoints, VPCIDs their VPCs, GroupIDs the security groups of endpoint, workload and probe,
	// RouteTableIDs the workload's route tables.
	EndpointIDs, VPCIDs, GroupIDs, RouteTableIDs []string
	// KeyIDs is the id of the key that encrypts the notifications.
	KeyIDs []string
	// Own are the ARNs of the stack's roles that correct and delete: RemediateRole and TeardownRole. Without them they are
	// known by their names, which the service control policy keeps others from using.
	Own []string
	// Exempt are the ARNs of the roles that still may make these calls, e.g. the one that deploys the stack; "*" and "?" are
	// wildcards. CloudFormation calls in the name of who deploys, or of its service role: name that role.
	Exempt []string
}

// document and statement are a policy in AWS's grammar. The order of the members is that of the output.
type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Principal string `json:",omitempty"`
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string
}

// protected are actions and the resources on which they are denied.
type protected struct{ actions, resources []string }

// SCP returns the service control policy. The error says that it would exceed [MaxSize].
func (d Deployment) SCP() (string, error) {
	return d.policy("service control policy", "",
		d.buckets(),
		protected{
			[]string{"ec2:ModifyVpcEndpoint", "ec2:DeleteVpcEndpoints", "ec2:CreateVpcEndpoint", "ec2:ModifyVpcAttribute", "ec2:AssociateDhcpOptions"},
			slices.Concat(d.each("ec2", "vpc-endpoint/", d.EndpointIDs), d.each("ec2", "vpc/", d.VPCIDs)),
		},
		protected{
			[]string{"ec2:AuthorizeSecurityGroup*", "ec2:RevokeSecurityGroup*", "ec2:ModifySecurityGroupRules", "ec2:DeleteSecurityGroup"},
			d.each("ec2", "security-group/", d.GroupIDs),
		},
		protected{
			[]string{"ec2:CreateRoute", "ec2:ReplaceRoute*", "ec2:DeleteRoute*", "ec2:AssociateRouteTable", "ec2:DisassociateRouteTable"},
			d.each("ec2", "route-table/", d.RouteTableIDs),
		},
		protected{
			[]string{"lambda:Update*", "lambda:Put*", "lambda:Delete*", "lambda:AddPermission", "lambda:RemovePermission"},
			[]string{d.arn("lambda", "function:"+d.Stack+"-*")},
		},
		protected{
			[]string{"events:PutRule", "events:DeleteRule", "events:DisableRule", "events:PutTargets", "events:RemoveTargets"},
			[]string{d.arn("events", "rule/"+d.Stack+"-*")},
		},
		protected{
			[]string{"cloudwatch:PutMetricAlarm", "cloudwatch:PutCompositeAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DisableAlarmActions", "cloudwatch:SetAlarmState"},
			[]string{d.arn("cloudwatch", "alarm:"+d.Stack+"-*")},
		},
		protected{
			[]string{"sns:SetTopicAttributes", "sns:AddPermission", "sns:RemovePermission", "sns:DeleteTopic"},
			[]string{d.arn("sns", d.Stack+"-*")},
		},
		d.key(), d.queue(),
		protected{
			[]string{"ssm:PutParameter"}, // a maintenance window: see package pause
			[]string{d.arn("ssm", "parameter/s3-endpoint-guard/pause/"+d.Stack+"/*")},
		},
		protected{
			[]string{"cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors"},
			[]string{d.arn("cloudtrail", "trail/s3-endpoint-guard-*")},
		},
		protected{
			[]string{"iam:CreateRole", "iam:UpdateRole", "iam:PassRole", "iam:DeleteRole*", "iam:PutRole*", "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:UpdateAssumeRolePolicy"},
			[]string{iampolicy.IAMARN(d.Partition, d.Account, "role/*"+d.Stack+"-*")},
		},
		protected{
			[]string{"cloudformation:UpdateStack", "cloudformation:CancelUpdateStack", "cloudformation:DeleteStack", "cloudformation:CreateChangeSet",
				"cloudformation:ExecuteChangeSet", "cloudformation:SetStackPolicy", "cloudformation:UpdateTerminationProtection", "cloudformation:ContinueUpdateRollback"},
			[]string{d.arn("cloudformation", "stack/"+d.Stack+"/*"), d.arn("cloudformation", "stack/"+d.Stack+"-Guard-*")},
		},
	)
}

// RCP returns the resource control policy, for the services of the deployment that support one: S3, KMS and SQS. It also
// binds callers of other accounts, e.g. one that a bucket policy allows to change the bucket. The error says that it would
// exceed [MaxSize].
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
func (d Deployment) RCP() (string, error) {
	return d.policy("resource control policy", "*", d.buckets(), d.key(), d.queue())
}

// buckets are all changes of the buckets' configuration. Reads begin with Get and List; objects are not concerned.
func (d Deployment) buckets() protected {
	p := protected{actions: []string{
		"s3:PutBucket*", "s3:DeleteBucket*", "s3:Put*Configuration", "s3:CreateBucketMetadataTableConfiguration", "s3:UpdateBucketMetadata*",
	}}
	for _, name := range d.Buckets {
		p.resources = append(p.resources, iampolicy.BucketARN(d.Partition, name))
	}
	return p
}

func (d Deployment) key() protected {
	return protected{[]string{"kms:DisableKey", "kms:ScheduleKeyDeletion", "kms:PutKeyPolicy"}, d.each("kms", "key/", d.KeyIDs)}
}

// queue protects the stack's queues. The name of that for the sweeps begins with the project's name, not with the stack's.
func (d Deployment) queue() protected {
	arns := slices.Compact([]string{d.arn("sqs", d.Stack+"-*"), d.arn("sqs", "s3-endpoint-guard-*")})
	return protected{[]string{"sqs:SetQueueAttributes", "sqs:DeleteQueue", "sqs:PurgeQueue"}, arns}
}

// arn returns the ARN of a resource of the stack's Region and account.
func (d Deployment) arn(service, resource string) string {
	return strings.Join([]string{"arn", d.Partition, service, d.Region, d.Account, resource}, ":")
}

// each returns the ARN of each id.
func (d Deployment) each(service, prefix string, ids []string) []string {
	var arns []string
	for _, id := range ids {
		arns = append(arns, d.arn(service, prefix+id))
	}
	return arns
}

// own returns the stack's roles that correct and delete. The guard of template.yaml is a nested stack, whose name is the stack's,
// "-Guard-" and a suffix.
func (d Deployment) own() []string {
	if len(d.Own) > 0 {
		return d.Own
	}
	var arns []string
	for _, role := range []string{"RemediateRole", "TeardownRole"} {
		arns = append(arns, iampolicy.IAMARN(d.Partition, d.Account, "role/*"+d.Stack+"-*"+role+"-*"))
	}
	return arns
}

// policy returns a document without white space, which counts. It has one statement: an action concerns no resource of
// another service, and the names of the roles are long.
func (d Deployment) policy(kind, principal string, all ...protected) (string, error) {
	s := statement{
		Sid: "OnlyNamedRoles", Effect: "Deny", Principal: principal,
		Condition: map[string]map[string][]string{"ArnNotLike": {"aws:PrincipalArn": slices.Concat(d.own(), d.Exempt)}},
	}
	if principal != "" {
		// An RCP binds calls of services too, which have no principal's ARN; an SCP does not.
		s.Condition["BoolIfExists"] = map[string][]string{"aws:PrincipalIsAWSService": {"false"}}
	}
	for _, p := range all {
		if len(p.resources) > 0 {
			s.Action, s.Resource = append(s.Action, p.actions...), append(s.Resource, p.resources...)
		}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document{Version: "2012-10-17", Statement: []statement{s}}); err != nil {
		return "", err
	}
	policy := strings.TrimSpace(text.String())
	if len(policy) > MaxSize {
		return "", fmt.Errorf("the %s has %d characters, and AWS allows %d: name fewer roles", kind, len(policy), MaxSize)
	}
	return policy, nil
}
