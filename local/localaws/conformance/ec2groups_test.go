package conformance_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func groupCases() []testCase {
	return []testCase{
		{name: "a new group lets everything out and nothing in", ops: []op{
			network(), groupAllows(0, 1),
		}},
		{name: "a rule is added once, and revoked once", ops: []op{
			network(), authorize("10.0.0.0/8"), groupAllows(1, 1), refused("InvalidPermission.Duplicate", authorize("10.0.0.0/8")),
			revoke("10.0.0.0/8"), groupAllows(0, 1), refused("InvalidPermission.NotFound", revoke("10.0.0.0/8")),
		}},
		{name: "a rule is revoked by its id", ops: []op{
			network(), authorize("10.0.0.0/8"), revokeByID(), groupAllows(0, 1),
		}},
		{name: "a rule that there is not cannot be revoked by its id", moto: "speaks of what the rule says", ops: []op{
			network(), note("rule", "sgr-00000000000000000"), refused("InvalidSecurityGroupRuleId.NotFound", revokeByID()),
		}},
		{name: "a rule is changed and keeps its id", ops: []op{
			network(), authorize("10.0.0.0/8"), changeRule("192.168.0.0/16"), ruleIs("192.168.0.0/16"),
		}},
		{name: "all rules out are revoked", ops: []op{
			network(), revokeAllOut(), groupAllows(0, 0),
		}},
		{name: "a rule out is added once", ops: []op{
			network(), revokeAllOut(), authorizeOut("10.0.0.0/8"), groupAllows(0, 1), refused("InvalidPermission.Duplicate", authorizeOut("10.0.0.0/8")),
		}},
		{name: "a group that there is not takes no rule", ops: []op{
			note("group", "sg-00000000000000000"), refused("InvalidGroup.NotFound", authorize("10.0.0.0/8")),
		}},
		{name: "ranges that are none are refused", ops: []op{
			network(), refused("InvalidParameterValue", authorize("10.0.0/8")),
		}},
	}
}

// https returns a permission for HTTPS from an address range.
func https(cidr string) []types.IpPermission {
	return []types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), IpRanges: []types.IpRange{{CidrIp: &cidr}},
	}}
}

// authorize allows inbound HTTPS, and notes the rule.
func authorize(cidr string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String(s.notes["group"]), IpPermissions: https(cidr)})
		if err == nil {
			s.notes["rule"] = *out.SecurityGroupRules[0].SecurityGroupRuleId
		}
		return err
	}
}

// authorizeOut allows outbound HTTPS.
func authorizeOut(cidr string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: aws.String(s.notes["group"]), IpPermissions: https(cidr)})
		return err
	}
}

func revoke(cidr string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: aws.String(s.notes["group"]), IpPermissions: https(cidr)})
		return err
	}
}

func revokeByID() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: aws.String(s.notes["group"]), SecurityGroupRuleIds: s.ids([]string{"rule"})})
		return err
	}
}

func revokeAllOut() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: aws.String(s.notes["group"]), IpPermissions: []types.IpPermission{
			{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}},
		}})
		return err
	}
}

func changeRule(cidr string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{
			GroupId: aws.String(s.notes["group"]), SecurityGroupRules: []types.SecurityGroupRuleUpdate{{
				SecurityGroupRuleId: aws.String(s.notes["rule"]),
				SecurityGroupRule:   &types.SecurityGroupRuleRequest{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), CidrIpv4: &cidr},
			}},
		})
		return err
	}
}

// rules returns the group's rules.
func rules(ctx context.Context, s *scene) ([]types.SecurityGroupRule, error) {
	out, err := s.ec2().DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{{Name: aws.String("group-id"), Values: s.ids([]string{"group"})}},
	})
	if err != nil {
		return nil, err
	}
	return out.SecurityGroupRules, nil
}

// ruleIs expects the noted rule to have an address range.
func ruleIs(want string) op {
	return func(ctx context.Context, s *scene) error {
		all, err := rules(ctx, s)
		for _, r := range all {
			if *r.SecurityGroupRuleId == s.notes["rule"] && aws.ToString(r.CidrIpv4) == want {
				return nil
			}
		}
		if err == nil {
			return differs("rules", len(all), s.notes["rule"]+" about "+want)
		}
		return err
	}
}

// groupAllows expects these numbers of inbound and outbound rules, in both calls that return them.
func groupAllows(in, out int) op {
	return func(ctx context.Context, s *scene) error {
		all, err := rules(ctx, s)
		if err != nil {
			return err
		}
		count := map[bool]int{}
		for _, r := range all {
			count[*r.IsEgress]++
		}
		groups, err := s.ec2().DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: s.ids([]string{"group"})})
		if err != nil {
			return err
		}
		g := groups.SecurityGroups[0]
		got := [4]int{count[false], count[true], len(g.IpPermissions), len(g.IpPermissionsEgress)}
		if want := [4]int{in, out, in, out}; got != want {
			return differs("rules in and out, permissions in and out", got, want)
		}
		return nil
	}
}
