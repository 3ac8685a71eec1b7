package vpcendpoint

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// RulesAPI contains the calls that [GroupRules] makes.
type RulesAPI interface {
	DescribeSecurityGroupRules(context.Context, *ec2.DescribeSecurityGroupRulesInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error)
	AuthorizeSecurityGroupIngress(context.Context, *ec2.AuthorizeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error)
	RevokeSecurityGroupIngress(context.Context, *ec2.RevokeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error)
}

// GroupRules keeps the ingress of an interface endpoint's security groups as desired: TCP 443 from each allowed group,
// and nothing else, or the rules that were adopted. It ignores egress: the endpoint makes no connections of its own, and its responses need no rule.
type GroupRules struct {
	API RulesAPI
	// GroupIDs are the endpoint's security groups, AllowedGroupIDs the groups whose members may reach it.
	GroupIDs, AllowedGroupIDs []string
	// Adopted are the desired rules of groups that were adopted. AllowedGroupIDs is empty then.
	Adopted []adoption.Rule
}

var _ guard.Resource = (*GroupRules)(nil)

// Name implements [guard.Resource].
func (g *GroupRules) Name() string { return "security-group-rules" }

// groupRule is one ingress rule for comparison. Descriptions and tags are ignored.
type groupRule struct {
	// id is the rule's id; "" for a desired one.
	id string
	// groupID is the group that has the rule.
	groupID, protocol string
	from, to          int32
	// source is a group's id, a CIDR block or a prefix list's id.
	source string
	// account is the account of a source group of another account, in a desired rule.
	account string
}

// sameAs reports whether two rules allow the same traffic.
func (r groupRule) sameAs(other groupRule) bool {
	r.id, other.id, r.account, other.account = "", "", "", ""
	return r == other
}

// String returns the rule as in records, e.g. "sg-1: tcp 443-443 from sg-2".
func (r groupRule) String() string {
	return fmt.Sprintf("%s: %s %d-%d from %s", r.groupID, r.protocol, r.from, r.to, r.source)
}

// rulesDrift is what Inspect passes to Restore.
type rulesDrift struct{ missing, extra []groupRule }

// Inspect implements [guard.Resource].
func (g *GroupRules) Inspect(ctx context.Context) ([]guard.Finding, error) {
	live, err := readIngress(ctx, g.API, g.GroupIDs)
	if err != nil {
		return nil, explain(g.target(), err)
	}
	return []guard.Finding{g.judge(liveRules(live))}, nil
}

// target returns the groups' ids, for records and errors.
func (g *GroupRules) target() string { return strings.Join(g.GroupIDs, ", ") }

func (g *GroupRules) judge(live []groupRule) guard.Finding {
	desired := g.desired()
	drift := rulesDrift{missing: without(desired, live), extra: without(live, desired)}
	finding := guard.Finding{
		Property: g.Name(), Target: g.target(), Verdict: iampolicy.Same,
		Live: render(live), Desired: render(desired), State: drift,
	}
	for _, r := range drift.missing {
		finding.Verdict = iampolicy.Closed
		finding.Diff = append(finding.Diff, guard.Difference{Removed: true, Value: r.String()})
	}
	for _, r := range drift.extra {
		finding.Verdict, finding.Allowed = iampolicy.Open, "others reach the endpoint: "+render(drift.extra)
		finding.Diff = append(finding.Diff, guard.Difference{Name: r.id, Value: r.String()})
	}
	return finding
}

// desired returns the desired rules.
func (g *GroupRules) desired() []groupRule {
	var rules []groupRule
	for _, r := range g.Adopted {
		rules = append(rules, groupRule{
			groupID: r.GroupID, protocol: r.Protocol, from: r.FromPort, to: r.ToPort, source: r.Source, account: r.SourceAccount,
		})
	}
	for _, group := range g.GroupIDs {
		for _, source := range g.AllowedGroupIDs {
			rules = append(rules, groupRule{groupID: group, protocol: "tcp", from: 443, to: 443, source: source})
		}
	}
	return rules
}

// liveRules returns live rules as they are compared.
func liveRules(live []types.SecurityGroupRule) []groupRule {
	var rules []groupRule
	for _, r := range live {
		rules = append(rules, groupRule{
			id: aws.ToString(r.SecurityGroupRuleId), groupID: aws.ToString(r.GroupId),
			protocol: aws.ToString(r.IpProtocol), from: aws.ToInt32(r.FromPort), to: aws.ToInt32(r.ToPort),
			source: source(r),
		})
	}
	return rules
}

func source(r types.SecurityGroupRule) string {
	if r.ReferencedGroupInfo != nil {
		return aws.ToString(r.ReferencedGroupInfo.GroupId)
	}
	for _, s := range []*string{r.CidrIpv4, r.CidrIpv6, r.PrefixListId} {
		if s != nil {
			return *s
		}
	}
	return "an unknown source"
}

// without returns the rules that have no equal among the others.
func without(rules, others []groupRule) []groupRule {
	var rest []groupRule
	for _, r := range rules {
		if !slices.ContainsFunc(others, r.sameAs) {
			rest = append(rest, r)
		}
	}
	return rest
}

// render returns the rules as a JSON list in a stable order.
func render(rules []groupRule) string {
	texts := []string{}
	for _, r := range rules {
		texts = append(texts, r.String())
	}
	return guard.Compact(slices.Sorted(slices.Values(texts)))
}

// Restore implements [guard.Resource]. It revokes rules first, then authorizes the missing ones.
func (g *GroupRules) Restore(ctx context.Context, f guard.Finding) error {
	drift, _ := f.State.(rulesDrift)
	for _, group := range g.GroupIDs {
		if err := g.revoke(ctx, group, drift.extra); err != nil {
			return explain(group, err)
		}
		if err := g.authorize(ctx, group, drift.missing); err != nil {
			return explain(group, err)
		}
	}
	return nil
}

// revoke removes the listed rules of a group. A rule that no longer exists is no error: the read-back decides. It makes
// EC2 reject the whole list; revoke then removes the rules one by one, so that an attacker who replaces one rule all
// the time cannot keep another one.
func (g *GroupRules) revoke(ctx context.Context, group string, rules []groupRule) error {
	var ids []string
	for _, r := range rules {
		if r.groupID == group {
			ids = append(ids, r.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	gone, err := g.revokeRules(ctx, group, ids...)
	if !gone || len(ids) == 1 {
		return err
	}
	for _, id := range ids {
		if _, err := g.revokeRules(ctx, group, id); err != nil {
			return err
		}
	}
	return nil
}

// revokeRules removes rules with one call, and reports whether one of them no longer existed.
func (g *GroupRules) revokeRules(ctx context.Context, group string, ids ...string) (gone bool, err error) {
	_, err = g.API.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, SecurityGroupRuleIds: ids})
	switch errorcode.Of(err) {
	case "InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound":
		return true, nil
	}
	return false, err
}

// authorize adds the listed rules of a group. A rule that already exists is no error.
func (g *GroupRules) authorize(ctx context.Context, group string, rules []groupRule) error {
	in := &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group}
	for _, r := range rules {
		if r.groupID == group {
			in.IpPermissions = append(in.IpPermissions, r.permission())
		}
	}
	if len(in.IpPermissions) == 0 {
		return nil
	}
	_, err := g.API.AuthorizeSecurityGroupIngress(ctx, in)
	if errorcode.Of(err) == "InvalidPermission.Duplicate" {
		return nil
	}
	return err
}

// permission returns a rule as EC2's calls take it.
func (r groupRule) permission() types.IpPermission {
	p := types.IpPermission{IpProtocol: &r.protocol, FromPort: &r.from, ToPort: &r.to}
	switch _, isBlock := netip.ParsePrefix(r.source); {
	case strings.HasPrefix(r.source, "pl-"):
		p.PrefixListIds = []types.PrefixListId{{PrefixListId: &r.source}}
	case isBlock != nil:
		pair := types.UserIdGroupPair{GroupId: &r.source}
		if r.account != "" {
			pair.UserId = &r.account
		}
		p.UserIdGroupPairs = []types.UserIdGroupPair{pair}
	case strings.Contains(r.source, ":"):
		p.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: &r.source}}
	default:
		p.IpRanges = []types.IpRange{{CidrIp: &r.source}}
	}
	return p
}
