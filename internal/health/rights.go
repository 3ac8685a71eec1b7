package health

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// right is a group of guarded resources or parts of the guard, and the actions that change them.
type right struct {
	resources []string
	actions   []string
}

// roleActions are the actions to use a role or to remove its permissions.
var roleActions = []string{
	"iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRole",
	"iam:UpdateAssumeRolePolicy", "iam:PassRole", "sts:AssumeRole",
}

// stacks matches all stacks: no workload needs to change one, and the guard's stack can have any name.
var stacks = []string{anything}

// anything means that a grant counts for all resources.
const anything = "*"

// rights returns the resources with which a caller could open access, or stop the guard from closing it.
func (t Criteria) rights(s Snapshot) []right {
	set := t.Setting
	here := func(service, resource string) string {
		return fmt.Sprintf("arn:%s:%s:%s:%s:%s", set.Partition, service, set.Region, set.Account, resource)
	}
	var rules, trails []string
	for _, r := range s.Rules.Value {
		rules = append(rules, here("events", "rule/"+r.Name))
	}
	for _, c := range s.Trails.Value {
		trails = append(trails, here("cloudtrail", "trail/"+c.Name))
	}
	return []right{
		{[]string{set.BucketARN()}, []string{
			"s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketOwnershipControls",
			"s3:PutBucketAcl", "s3:DeleteBucket",
		}},
		{[]string{set.EndpointARN()}, []string{"ec2:ModifyVpcEndpoint", "ec2:DeleteVpcEndpoints"}},
		{[]string{t.Function}, []string{
			"lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:DeleteFunction",
			"lambda:PutFunctionConcurrency", "lambda:RemovePermission",
		}},
		{rules, []string{"events:DisableRule", "events:DeleteRule", "events:PutRule", "events:RemoveTargets", "events:PutTargets"}},
		{trails, []string{"cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors"}},
		{stacks, []string{"cloudformation:UpdateStack", "cloudformation:DeleteStack", "cloudformation:CreateChangeSet"}},
		{[]string{set.Guard, set.Workload}, roleActions},
	}
}

// rightsOver returns which parts of the guard a role's policy allows its bearer to change, one grant per part.
func (t Criteria) rightsOver(d Document, rights []right) []Grant {
	policy, err := unconditional(d.Text, false)
	if err != nil {
		return nil // reported by wide
	}
	anywhere, err := unconditional(d.Text, true)
	if err != nil {
		return nil
	}
	var found []Grant
	for _, part := range rights {
		asked := policy
		if slices.Contains(part.resources, anything) {
			asked = anywhere
		}
		if actions, resource, by := t.granted(asked, part); len(actions) > 0 {
			found = append(found, Grant{d.Name, by, fmt.Sprintf("to change the guard: %s on %s", strings.Join(actions, ", "), resource)})
		}
	}
	return found
}

// granted returns the actions of a part that a policy allows, the first resource for which it allows them, and the
// statement.
func (t Criteria) granted(policy *iampolicy.Policy, part right) (actions []string, resource, by string) {
	for _, on := range part.resources {
		for _, action := range part.actions {
			d := iampolicy.Evaluate(
				iampolicy.Request{Principal: t.Setting.Workload, Action: action, Resource: on, ResourceAccount: t.Setting.Account},
				iampolicy.Policies{Identity: []*iampolicy.Policy{policy}})
			if d.Effect != iampolicy.Deny {
				actions = append(actions, action)
				_, by, _ = strings.Cut(d.By, ": ")
			}
		}
		if len(actions) > 0 {
			return actions, on, by
		}
	}
	return nil, "", ""
}

// unconditional returns a policy with its widest meaning: it drops the conditions of Allow statements, and drops Deny
// statements that have conditions. If everywhere is set, each Allow applies to all resources.
func unconditional(document string, everywhere bool) (*iampolicy.Policy, error) {
	list, err := statements(document)
	if err != nil {
		return nil, err
	}
	var kept []map[string]any
	for i, s := range list {
		if s.Effect == "Deny" && len(s.Condition) > 0 {
			continue
		}
		bare := s.bare(i)
		if everywhere && s.Effect == "Allow" {
			delete(bare, "NotResource")
			bare["Resource"] = anything
		}
		kept = append(kept, bare)
	}
	if len(kept) == 0 {
		kept = []map[string]any{{"Effect": "Deny", "Action": "*", "Resource": "*"}}
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": kept})
	if err != nil {
		return nil, err
	}
	return iampolicy.Parse(text)
}

// bare returns a statement without its condition.
func (s statement) bare(i int) map[string]any {
	bare := map[string]any{"Sid": s.title(i), "Effect": s.Effect}
	for name, value := range map[string]texts{
		"Action": s.Action, "NotAction": s.NotAction, "Resource": s.Resource, "NotResource": s.NotResource,
	} {
		if len(value) > 0 {
			bare[name] = value
		}
	}
	return bare
}
