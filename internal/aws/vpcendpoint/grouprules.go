package vpcendpoint

import (
	"context"
	"errors"
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
	AuthorizeSecurityGroupEgress(context.Context, *ec2.AuthorizeSecurityGroupEgressInput, ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupEgressOutput, error)
	RevokeSecurityGroupEgress(context.Context, *ec2.RevokeSecurityGroupEgressInput, ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupEgressOutput, error)
}

// GroupRules keeps the rules of security groups as desired, with one read for all groups.
type GroupRules struct {
	API RulesAPI
	// GroupIDs are an interface endpoint's security groups, AllowedGroupIDs the groups whose members may reach it. The desired ingress
	// is TCP 443 from each of these, and nothing else. Egress is ignored: the endpoint makes no connections of its own, and its
	// responses need no rule.
	GroupIDs, AllowedGroupIDs []string
	// Adopted are the desired ingress rules of groups that were adopted. AllowedGroupIDs is empty then.
	Adopted []adoption.Rule
	// Workload are the groups of template.yaml's app and probe, of which all rules are kept.
	Workload []WorkloadGroup
}

// WorkloadGroup is a security group of template.yaml's workload: HTTPS to S3 is its only egress.
type WorkloadGroup struct {
	// ID is the group's id, Name who is in it: "app" or "probe".
	ID, Name string
	// ToS3 is the IPv4 range in which the workload reaches S3.
	ToS3 string
	// Clients is the IPv4 range that may connect to the app's port; "" for none.
	Clients string
}

const (
	// appPort is the port of template.yaml's app.
	appPort = 3000
	// noEgress is the destination of the rule that keeps CloudFormation from allowing all egress.
	noEgress = "127.0.0.1/32"
)

// rules returns the group's desired rules.
func (w WorkloadGroup) rules() []groupRule {
	rules := []groupRule{
		{groupID: w.ID, egress: true, protocol: "tcp", from: 443, to: 443, peer: w.ToS3, description: "HTTPS to S3"},
		{groupID: w.ID, egress: true, protocol: "-1", from: -1, to: -1, peer: noEgress, description: "None"},
	}
	if w.Clients != "" {
		rules = append(rules, groupRule{groupID: w.ID, protocol: "tcp", from: appPort, to: appPort, peer: w.Clients, description: "The app"})
	}
	return rules
}

var _ guard.Resource = (*GroupRules)(nil)

// The properties' names.
const (
	groupRulesProperty    = "security-group-rules"
	workloadRulesProperty = "workload-group-rules"
)

// Name implements [guard.Resource].
func (g *GroupRules) Name() string { return groupRulesProperty }

// groupRule is one rule for comparison. Descriptions and tags are ignored. A restored rule has the template's description, so that it is
// the one that CloudFormation knows, when it compares the group with the template or takes the rule out of it.
type groupRule struct {
	// id is the rule's id; "" for a desired one.
	id string
	// groupID is the group that has the rule.
	groupID, protocol string
	egress            bool
	from, to          int32
	// peer is the source or the destination: a group's id, a CIDR block or a prefix list's id.
	peer string
	// account is the account of a peer group of another account, in a desired rule.
	account string
	// description is the template's description of a desired rule; "" for none.
	description string
}

// sameAs reports whether two rules allow the same traffic.
func (r groupRule) sameAs(other groupRule) bool {
	for _, rule := range []*groupRule{&r, &other} {
		rule.id, rule.account, rule.description = "", "", ""
	}
	return r == other
}

// String returns the rule as in records, e.g. "sg-1: tcp 443-443 from sg-2".
func (r groupRule) String() string {
	way := "from"
	if r.egress {
		way = "to"
	}
	return fmt.Sprintf("%s: %s %d-%d %s %s", r.groupID, r.protocol, r.from, r.to, way, r.peer)
}

// rulesDrift is what Inspect passes to Restore: the rules of groups that are missing, and the extra ones.
type rulesDrift struct {
	groups         []string
	missing, extra []groupRule
}

// side is the ingress or the egress of a group. EC2 changes each by calls of its own.
type side struct {
	group  string
	egress bool
}

// of returns the side's rules.
func (s side) of(rules []groupRule) []groupRule {
	return slices.DeleteFunc(slices.Clone(rules), func(r groupRule) bool { return r.groupID != s.group || r.egress != s.egress })
}

// Inspect implements [guard.Resource]. It has one finding for the endpoint's groups and one for the workload's, as far as there
// are such.
func (g *GroupRules) Inspect(ctx context.Context) ([]guard.Finding, error) {
	workload := make([]string, len(g.Workload))
	var desired []groupRule
	for i, w := range g.Workload {
		workload[i] = w.ID
		desired = append(desired, w.rules()...)
	}
	all := slices.Concat(g.GroupIDs, workload)
	answer, err := g.read(ctx, all)
	if err != nil {
		return nil, explain(strings.Join(all, ", "), err)
	}
	live := liveRules(answer)
	var findings []guard.Finding
	if len(g.GroupIDs) > 0 {
		ingress := slices.DeleteFunc(slices.Clone(live), func(r groupRule) bool { return r.egress || !slices.Contains(g.GroupIDs, r.groupID) })
		findings = append(findings, judgeRules(groupRulesProperty, "others reach the endpoint: ", g.GroupIDs, g.desired(), ingress))
	}
	if len(workload) > 0 {
		of := slices.DeleteFunc(live, func(r groupRule) bool { return !slices.Contains(workload, r.groupID) })
		findings = append(findings, judgeRules(workloadRulesProperty, "the template does not declare these rules: ", workload, desired, of))
	}
	return findings, nil
}

// read reads the rules of groups. EC2 does not document whether a group that is gone makes it reject the read of all. If so, each
// group is read by itself, and the one that is gone has no rules: Restore says that it is gone, and the others are kept.
func (g *GroupRules) read(ctx context.Context, groups []string) ([]types.SecurityGroupRule, error) {
	rules, err := readRules(ctx, g.API, groups)
	if !isGroupGone(err) || len(groups) == 1 {
		return rules, err
	}
	rules = nil
	for _, group := range groups {
		of, err := readRules(ctx, g.API, []string{group})
		if err != nil && !isGroupGone(err) {
			return nil, err
		}
		rules = append(rules, of...)
	}
	return rules, nil
}

// isGroupGone reports whether EC2 refused a call because a security group does not exist.
func isGroupGone(err error) bool {
	code := errorcode.Of(err)
	return code == "InvalidGroup.NotFound" || code == "InvalidGroupId.NotFound"
}

// judgeRules compares the rules of groups. Extra rules are open drift, of which opens is the beginning of the reason.
func judgeRules(property, opens string, groups []string, desired, live []groupRule) guard.Finding {
	drift := rulesDrift{groups: groups, missing: without(desired, live), extra: without(live, desired)}
	finding := guard.Finding{
		Property: property, Target: strings.Join(groups, ", "), Verdict: iampolicy.Same,
		Live: render(live), Desired: render(desired), State: drift,
	}
	for _, r := range drift.missing {
		finding.Verdict = iampolicy.Closed
		finding.Diff = append(finding.Diff, guard.Difference{Removed: true, Value: r.String()})
	}
	for _, r := range drift.extra {
		finding.Verdict, finding.Allowed = iampolicy.Open, opens+render(drift.extra)
		finding.Diff = append(finding.Diff, guard.Difference{Name: r.id, Value: r.String()})
	}
	return finding
}

// desired returns the desired rules of the endpoint's groups.
func (g *GroupRules) desired() []groupRule {
	var rules []groupRule
	for _, r := range g.Adopted {
		rules = append(rules, groupRule{
			groupID: r.GroupID, protocol: r.Protocol, from: r.FromPort, to: r.ToPort, peer: r.Source, account: r.SourceAccount,
		})
	}
	descriptions := map[string]string{}
	for _, w := range g.Workload {
		descriptions[w.ID] = "HTTPS from the " + w.Name
	}
	for _, group := range g.GroupIDs {
		for _, source := range g.AllowedGroupIDs {
			rules = append(rules, groupRule{
				groupID: group, protocol: "tcp", from: 443, to: 443, peer: source, description: descriptions[source],
			})
		}
	}
	return rules
}

// liveRules returns live rules as they are compared.
func liveRules(live []types.SecurityGroupRule) []groupRule {
	var rules []groupRule
	for _, r := range live {
		rules = append(rules, groupRule{
			id: aws.ToString(r.SecurityGroupRuleId), groupID: aws.ToString(r.GroupId), egress: aws.ToBool(r.IsEgress),
			protocol: aws.ToString(r.IpProtocol), from: aws.ToInt32(r.FromPort), to: aws.ToInt32(r.ToPort),
			peer: peer(r),
		})
	}
	return rules
}

// peer returns a rule's source or destination.
func peer(r types.SecurityGroupRule) string {
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

// Restore implements [guard.Resource]. It revokes rules first, of all groups, then authorizes the missing ones. What fails for one side
// of a group keeps it from no other one: a group may be gone, or a right lost that only one needs.
func (g *GroupRules) Restore(ctx context.Context, f guard.Finding) error {
	drift, _ := f.State.(rulesDrift)
	var failures []error
	each := func(rules []groupRule, change func(context.Context, side, []groupRule) error) {
		for _, group := range drift.groups {
			for _, s := range []side{{group, false}, {group, true}} {
				if err := change(ctx, s, s.of(rules)); err != nil {
					failures = append(failures, explain(group, err))
				}
			}
		}
	}
	each(drift.extra, g.revoke)
	each(drift.missing, g.authorize)
	return errors.Join(failures...)
}

// revoke removes rules. A rule that no longer exists is no error: the read-back decides. It makes EC2 reject the whole list. revoke then
// removes those that are still there, because each event of many starts a run and another run may have been faster; and if this is
// rejected too, one by one, so that an attacker who replaces one rule all the time cannot keep another one.
func (g *GroupRules) revoke(ctx context.Context, s side, rules []groupRule) error {
	if len(rules) == 0 {
		return nil
	}
	gone, err := g.revokeRules(ctx, s, ids(rules)...)
	if !gone || len(rules) == 1 {
		return err
	}
	if answer, err := g.read(ctx, []string{s.group}); err == nil {
		there := ids(liveRules(answer))
		rules = slices.DeleteFunc(slices.Clone(rules), func(r groupRule) bool { return !slices.Contains(there, r.id) })
		if len(rules) == 0 {
			return nil
		}
		if gone, err := g.revokeRules(ctx, s, ids(rules)...); !gone {
			return err
		}
	}
	for _, r := range rules {
		if _, err := g.revokeRules(ctx, s, r.id); err != nil {
			return err
		}
	}
	return nil
}

// ids returns the rules' ids.
func ids(rules []groupRule) []string {
	list := make([]string, len(rules))
	for i, r := range rules {
		list[i] = r.id
	}
	return list
}

// revokeRules removes rules with one call, and reports whether one of them no longer existed.
func (g *GroupRules) revokeRules(ctx context.Context, s side, ids ...string) (gone bool, err error) {
	if s.egress {
		_, err = g.API.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &s.group, SecurityGroupRuleIds: ids})
	} else {
		_, err = g.API.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &s.group, SecurityGroupRuleIds: ids})
	}
	switch errorcode.Of(err) {
	case "InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound":
		return true, nil
	}
	return false, err
}

// authorize adds rules. A rule that already exists is no error. It makes EC2 reject the whole list; authorize then adds the rules one by
// one, as revoke removes them.
func (g *GroupRules) authorize(ctx context.Context, s side, rules []groupRule) error {
	if len(rules) == 0 {
		return nil
	}
	exists, err := g.authorizeRules(ctx, s, rules...)
	if !exists || len(rules) == 1 {
		return err
	}
	for _, r := range rules {
		if _, err := g.authorizeRules(ctx, s, r); err != nil {
			return err
		}
	}
	return nil
}

// authorizeRules adds rules with one call, and reports whether one of them already existed.
func (g *GroupRules) authorizeRules(ctx context.Context, s side, rules ...groupRule) (exists bool, err error) {
	permissions := make([]types.IpPermission, len(rules))
	for i, r := range rules {
		permissions[i] = r.permission()
	}
	if s.egress {
		_, err = g.API.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: &s.group, IpPermissions: permissions})
	} else {
		_, err = g.API.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &s.group, IpPermissions: permissions})
	}
	if errorcode.Of(err) == "InvalidPermission.Duplicate" {
		return true, nil
	}
	return false, err
}

// permission returns a rule as EC2's calls take it.
func (r groupRule) permission() types.IpPermission {
	p := types.IpPermission{IpProtocol: &r.protocol, FromPort: &r.from, ToPort: &r.to}
	var account, description *string
	if r.account != "" {
		account = &r.account
	}
	if r.description != "" {
		description = &r.description
	}
	switch _, isBlock := netip.ParsePrefix(r.peer); {
	case strings.HasPrefix(r.peer, "pl-"):
		p.PrefixListIds = []types.PrefixListId{{PrefixListId: &r.peer, Description: description}}
	case isBlock != nil:
		p.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: &r.peer, UserId: account, Description: description}}
	case strings.Contains(r.peer, ":"):
		p.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: &r.peer, Description: description}}
	default:
		p.IpRanges = []types.IpRange{{CidrIp: &r.peer, Description: description}}
	}
	return p
}
