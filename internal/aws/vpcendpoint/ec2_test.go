package vpcendpoint_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/guard"
)

const (
	endpointID = "vpce-0a1b2c3d4e5f60718"
	vpcID      = "vpc-0a1b2c3d4e5f60718"
)

// fakeEC2 is a fake EC2 with an endpoint, its security groups' rules and the VPC's route tables.
type fakeEC2 struct {
	endpoint *types.VpcEndpoint
	rules    []types.SecurityGroupRule
	tables   []types.RouteTable
	// fail is the error code of an operation; only the first calls fail if times is set.
	fail  map[string]string
	times map[string]int
	// zones is the Availability Zone of each subnet; EC2 allows an endpoint one subnet per zone.
	zones map[string]string
	// strict makes EC2 reject the addition of a security group that the endpoint already has.
	strict bool
	// gone are security groups that do not exist. EC2 refuses the calls that write to one and, if its reads are strict, those that name one.
	gone        []string
	strictReads bool
	writes      []string
	// calls counts the calls by operation.
	calls map[string]int
}

func (f *fakeEC2) isGone(group string) bool { return slices.Contains(f.gone, group) }

// isSameRule tells rules that are the same but for their ids.
func isSameRule(a types.SecurityGroupRule) func(types.SecurityGroupRule) bool {
	return func(b types.SecurityGroupRule) bool {
		b.SecurityGroupRuleId = a.SecurityGroupRuleId
		return reflect.DeepEqual(a, b)
	}
}

func refuse(code string) error { return &smithy.GenericAPIError{Code: code, Message: code} }

func (f *fakeEC2) call(operation string) error {
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[operation]++
	code, ok := f.fail[operation]
	if n, limited := f.times[operation]; limited {
		ok = ok && n > 0
		f.times[operation]--
	}
	if ok {
		return refuse(code)
	}
	return nil
}

func (f *fakeEC2) DescribeVpcEndpoints(_ context.Context, in *ec2.DescribeVpcEndpointsInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error) {
	if err := f.call("DescribeVpcEndpoints"); err != nil {
		return nil, err
	}
	if f.endpoint == nil || !slices.Equal(in.VpcEndpointIds, []string{endpointID}) {
		return &ec2.DescribeVpcEndpointsOutput{}, nil
	}
	return &ec2.DescribeVpcEndpointsOutput{VpcEndpoints: []types.VpcEndpoint{*f.endpoint}}, nil
}

func (f *fakeEC2) ModifyVpcEndpoint(_ context.Context, in *ec2.ModifyVpcEndpointInput, _ ...func(*ec2.Options)) (*ec2.ModifyVpcEndpointOutput, error) {
	f.writes = append(f.writes, describe(in))
	if err := f.call("ModifyVpcEndpoint"); err != nil {
		return nil, err
	}
	e := f.endpoint
	for _, id := range in.AddSecurityGroupIds {
		if f.strict && slices.Contains(groupIDs(e.Groups), id) {
			return nil, refuse("InvalidParameter")
		}
	}
	if subnets := append(slices.Clone(e.SubnetIds), in.AddSubnetIds...); len(in.AddSubnetIds) > 0 && f.crowded(subnets) {
		return nil, refuse("DuplicateSubnetsInSameZone")
	}
	e.SubnetIds = change(e.SubnetIds, in.AddSubnetIds, in.RemoveSubnetIds)
	e.RouteTableIds = change(e.RouteTableIds, in.AddRouteTableIds, in.RemoveRouteTableIds)
	e.Groups = groups(change(groupIDs(e.Groups), in.AddSecurityGroupIds, in.RemoveSecurityGroupIds)...)
	if in.PolicyDocument != nil {
		e.PolicyDocument = in.PolicyDocument
	}
	if in.PrivateDnsEnabled != nil {
		e.PrivateDnsEnabled = in.PrivateDnsEnabled
	}
	if in.DnsOptions != nil {
		e.DnsOptions = &types.DnsOptions{PrivateDnsOnlyForInboundResolverEndpoint: in.DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint}
	}
	return &ec2.ModifyVpcEndpointOutput{Return: aws.Bool(true)}, nil
}

// crowded reports whether two subnets are in the same Availability Zone.
func (f *fakeEC2) crowded(subnets []string) bool {
	seen := map[string]bool{}
	for _, s := range subnets {
		zone := f.zones[s]
		if zone != "" && seen[zone] {
			return true
		}
		seen[zone] = true
	}
	return false
}

// describe formats a modification as a short text.
func describe(in *ec2.ModifyVpcEndpointInput) string {
	switch {
	case in.PolicyDocument != nil:
		return "policy"
	case in.PrivateDnsEnabled != nil:
		return "private DNS"
	}
	return fmt.Sprint("+", in.AddSubnetIds, in.AddSecurityGroupIds, in.AddRouteTableIds,
		" -", in.RemoveSubnetIds, in.RemoveSecurityGroupIds, in.RemoveRouteTableIds)
}

func change(list, add, remove []string) []string {
	kept := slices.DeleteFunc(slices.Clone(list), func(id string) bool { return slices.Contains(remove, id) })
	return append(kept, add...)
}

func groups(ids ...string) []types.SecurityGroupIdentifier {
	var list []types.SecurityGroupIdentifier
	for _, id := range ids {
		list = append(list, types.SecurityGroupIdentifier{GroupId: aws.String(id)})
	}
	return list
}

func groupIDs(list []types.SecurityGroupIdentifier) []string {
	var ids []string
	for _, g := range list {
		ids = append(ids, *g.GroupId)
	}
	return ids
}

func (f *fakeEC2) DescribeSecurityGroupRules(_ context.Context, in *ec2.DescribeSecurityGroupRulesInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error) {
	if err := f.call("DescribeSecurityGroupRules"); err != nil {
		return nil, err
	}
	if f.strictReads && slices.ContainsFunc(in.Filters[0].Values, f.isGone) {
		return nil, refuse("InvalidGroup.NotFound")
	}
	var found []types.SecurityGroupRule
	for _, r := range f.rules {
		if *in.Filters[0].Name == "group-id" && slices.Contains(in.Filters[0].Values, *r.GroupId) {
			found = append(found, r)
		}
	}
	// Two rules per page, to test that all pages are read.
	start := 0
	if in.NextToken != nil {
		fmt.Sscan(*in.NextToken, &start)
	}
	end := min(start+2, len(found))
	out := &ec2.DescribeSecurityGroupRulesOutput{SecurityGroupRules: found[start:end]}
	if end < len(found) {
		out.NextToken = aws.String(fmt.Sprint(end))
	}
	return out, nil
}

func (f *fakeEC2) AuthorizeSecurityGroupIngress(_ context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
	return &ec2.AuthorizeSecurityGroupIngressOutput{}, f.authorize("AuthorizeSecurityGroupIngress", "authorize", *in.GroupId, false, in.IpPermissions)
}

func (f *fakeEC2) AuthorizeSecurityGroupEgress(_ context.Context, in *ec2.AuthorizeSecurityGroupEgressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupEgressOutput, error) {
	return &ec2.AuthorizeSecurityGroupEgressOutput{}, f.authorize("AuthorizeSecurityGroupEgress", "authorize egress", *in.GroupId, true, in.IpPermissions)
}

func (f *fakeEC2) authorize(call, write, group string, egress bool, permissions []types.IpPermission) error {
	f.writes = append(f.writes, fmt.Sprintf("%s %d on %s", write, len(permissions), group))
	if err := f.call(call); err != nil {
		return err
	}
	if f.isGone(group) {
		return refuse("InvalidGroup.NotFound")
	}
	var added []types.SecurityGroupRule
	for _, p := range permissions {
		r := rule(fmt.Sprintf("sgr-new%d", len(f.rules)+len(added)), group, *p.IpProtocol, *p.FromPort, *p.ToPort, "")
		r.IsEgress, r.ReferencedGroupInfo = &egress, nil
		if len(p.IpRanges) > 0 {
			r.CidrIpv4 = p.IpRanges[0].CidrIp
		} else {
			r.ReferencedGroupInfo = &types.ReferencedSecurityGroup{GroupId: p.UserIdGroupPairs[0].GroupId}
		}
		if slices.ContainsFunc(f.rules, isSameRule(r)) {
			return refuse("InvalidPermission.Duplicate")
		}
		added = append(added, r)
	}
	f.rules = append(f.rules, added...)
	return nil
}

func (f *fakeEC2) RevokeSecurityGroupIngress(_ context.Context, in *ec2.RevokeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error) {
	return &ec2.RevokeSecurityGroupIngressOutput{}, f.revoke("RevokeSecurityGroupIngress", "revoke", *in.GroupId, false, in.SecurityGroupRuleIds)
}

func (f *fakeEC2) RevokeSecurityGroupEgress(_ context.Context, in *ec2.RevokeSecurityGroupEgressInput, _ ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupEgressOutput, error) {
	return &ec2.RevokeSecurityGroupEgressOutput{}, f.revoke("RevokeSecurityGroupEgress", "revoke egress", *in.GroupId, true, in.SecurityGroupRuleIds)
}

// revoke removes rules. EC2 finds a rule only by a call for its direction.
func (f *fakeEC2) revoke(call, write, group string, egress bool, ids []string) error {
	f.writes = append(f.writes, fmt.Sprintf("%s %v on %s", write, ids, group))
	if err := f.call(call); err != nil {
		return err
	}
	if f.isGone(group) {
		return refuse("InvalidGroup.NotFound")
	}
	is := func(id string) func(types.SecurityGroupRule) bool {
		return func(r types.SecurityGroupRule) bool { return *r.SecurityGroupRuleId == id && *r.IsEgress == egress }
	}
	for _, id := range ids {
		if !slices.ContainsFunc(f.rules, is(id)) {
			return &smithy.GenericAPIError{Code: "InvalidSecurityGroupRuleId.NotFound"}
		}
	}
	for _, id := range ids {
		f.rules = slices.DeleteFunc(f.rules, is(id))
	}
	return nil
}

// rule returns an ingress rule whose source is a security group.
func rule(id, group, protocol string, from, to int32, source string) types.SecurityGroupRule {
	return types.SecurityGroupRule{
		SecurityGroupRuleId: &id, GroupId: &group, IsEgress: aws.Bool(false), IpProtocol: &protocol,
		FromPort: &from, ToPort: &to, ReferencedGroupInfo: &types.ReferencedSecurityGroup{GroupId: &source},
	}
}

func (f *fakeEC2) DescribeRouteTables(_ context.Context, in *ec2.DescribeRouteTablesInput, _ ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error) {
	if err := f.call("DescribeRouteTables"); err != nil {
		return nil, err
	}
	if *in.Filters[0].Name != "vpc-id" || in.Filters[0].Values[0] != vpcID {
		return &ec2.DescribeRouteTablesOutput{}, nil
	}
	return &ec2.DescribeRouteTablesOutput{RouteTables: f.tables}, nil
}

func (f *fakeEC2) AssociateRouteTable(_ context.Context, in *ec2.AssociateRouteTableInput, _ ...func(*ec2.Options)) (*ec2.AssociateRouteTableOutput, error) {
	f.writes = append(f.writes, "associate "+*in.SubnetId)
	if err := f.call("AssociateRouteTable"); err != nil {
		return nil, err
	}
	f.associate(*in.RouteTableId, association("rtbassoc-new"+*in.SubnetId, *in.SubnetId))
	return &ec2.AssociateRouteTableOutput{}, nil
}

func (f *fakeEC2) ReplaceRouteTableAssociation(_ context.Context, in *ec2.ReplaceRouteTableAssociationInput, _ ...func(*ec2.Options)) (*ec2.ReplaceRouteTableAssociationOutput, error) {
	f.writes = append(f.writes, "replace "+*in.AssociationId)
	if err := f.call("ReplaceRouteTableAssociation"); err != nil {
		return nil, err
	}
	for i := range f.tables {
		for j, a := range f.tables[i].Associations {
			if *a.RouteTableAssociationId == *in.AssociationId {
				f.tables[i].Associations = slices.Delete(f.tables[i].Associations, j, j+1)
				f.associate(*in.RouteTableId, association(*in.AssociationId+"x", *a.SubnetId))
				return &ec2.ReplaceRouteTableAssociationOutput{}, nil
			}
		}
	}
	return nil, refuse("InvalidAssociationID.NotFound")
}

func (f *fakeEC2) associate(table string, a types.RouteTableAssociation) {
	for i := range f.tables {
		if *f.tables[i].RouteTableId == table {
			f.tables[i].Associations = append(f.tables[i].Associations, a)
		}
	}
}

func association(id, subnet string) types.RouteTableAssociation {
	return types.RouteTableAssociation{RouteTableAssociationId: &id, SubnetId: &subnet}
}

// inspect returns a resource's findings by property.
func inspect(t *testing.T, r guard.Resource) map[string]guard.Finding {
	t.Helper()
	findings, err := r.Inspect(t.Context())
	if err != nil {
		t.Fatalf("Inspect: %v", err)
	}
	byProperty := map[string]guard.Finding{}
	for _, f := range findings {
		byProperty[f.Property] = f
	}
	return byProperty
}
