package ec2

import "strings"

// described are the parameters of all Describe calls, in addition to their ids.
const described = " Filter.Name Filter.Value MaxResults NextToken"

// permissionsOf are the parameters of calls that give rules by content.
const permissionsOf = " IpPermissions.IpProtocol IpPermissions.FromPort IpPermissions.ToPort" +
	" IpPermissions.Groups.GroupId IpPermissions.Groups.UserId IpPermissions.Groups.Description" +
	" IpPermissions.IpRanges.CidrIp IpPermissions.IpRanges.Description" +
	" IpPermissions.Ipv6Ranges.CidrIpv6 IpPermissions.Ipv6Ranges.Description" +
	" IpPermissions.PrefixListIds.PrefixListId IpPermissions.PrefixListIds.Description" +
	" CidrIp IpProtocol FromPort ToPort"

// aclEntry are the parameters of a network ACL's entry.
const aclEntry = " RuleNumber Protocol RuleAction Egress CidrBlock PortRange.From PortRange.To"

// imitated are the supported parameters of each call, in the notation of query.Params.Only. A call with any other
// parameter is refused, so that no parameter is silently ignored.
var imitated = map[string]string{
	"AssociateDhcpOptions":          "DhcpOptionsId VpcId",
	"AssociateRouteTable":           "RouteTableId SubnetId",
	"AuthorizeSecurityGroupEgress":  "GroupId" + permissionsOf,
	"AuthorizeSecurityGroupIngress": "GroupId" + permissionsOf,
	"CreateDhcpOptions":             "DhcpConfiguration.Key DhcpConfiguration.Value",
	"CreateNetworkAcl":              "VpcId",
	"CreateNetworkAclEntry":         "NetworkAclId" + aclEntry,
	"CreateRouteTable":              "VpcId",
	"CreateSecurityGroup":           "VpcId GroupName GroupDescription",
	"CreateSubnet":                  "VpcId CidrBlock AvailabilityZone",
	"CreateVpc":                     "CidrBlock",
	"CreateVpcEndpoint": "VpcEndpointType VpcId ServiceName PolicyDocument RouteTableId SubnetId SecurityGroupId PrivateDnsEnabled" +
		" DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint TagSpecification.ResourceType TagSpecification.Tag.Key TagSpecification.Tag.Value",
	"DeleteNetworkAclEntry":      "NetworkAclId RuleNumber Egress",
	"DeleteVpcEndpoints":         "VpcEndpointId",
	"DescribeDhcpOptions":        "DhcpOptionsId" + described,
	"DescribeNetworkAcls":        "NetworkAclId" + described,
	"DescribeNetworkInterfaces":  "NetworkInterfaceId" + described,
	"DescribeRouteTables":        "RouteTableId" + described,
	"DescribeSecurityGroupRules": "SecurityGroupRuleId" + described,
	"DescribeSecurityGroups":     "GroupId" + described,
	"DescribeSubnets":            "SubnetId" + described,
	"DescribeVpcAttribute":       "VpcId Attribute",
	"DescribeVpcEndpoints":       "VpcEndpointId" + described,
	"DescribeVpcs":               "VpcId" + described,
	"DisassociateRouteTable":     "AssociationId",
	"ModifySecurityGroupRules": "GroupId SecurityGroupRule.SecurityGroupRuleId SecurityGroupRule.SecurityGroupRule.IpProtocol" +
		" SecurityGroupRule.SecurityGroupRule.FromPort SecurityGroupRule.SecurityGroupRule.ToPort" +
		" SecurityGroupRule.SecurityGroupRule.CidrIpv4 SecurityGroupRule.SecurityGroupRule.CidrIpv6" +
		" SecurityGroupRule.SecurityGroupRule.PrefixListId SecurityGroupRule.SecurityGroupRule.ReferencedGroupId" +
		" SecurityGroupRule.SecurityGroupRule.Description",
	"ModifyVpcAttribute": "VpcId EnableDnsSupport.Value EnableDnsHostnames.Value",
	"ModifyVpcEndpoint": "VpcEndpointId AddRouteTableId RemoveRouteTableId AddSubnetId RemoveSubnetId AddSecurityGroupId" +
		" RemoveSecurityGroupId PolicyDocument ResetPolicy PrivateDnsEnabled DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint",
	"ReplaceNetworkAclAssociation": "AssociationId NetworkAclId",
	"ReplaceNetworkAclEntry":       "NetworkAclId" + aclEntry,
	"ReplaceRouteTableAssociation": "AssociationId RouteTableId",
	"RevokeSecurityGroupEgress":    "GroupId SecurityGroupRuleId" + permissionsOf,
	"RevokeSecurityGroupIngress":   "GroupId SecurityGroupRuleId" + permissionsOf,
}

// imitatedBy returns the supported parameters of a call. The SDK adds a client token to each creating call. It is
// ignored here: a call that is sent twice is executed twice.
func imitatedBy(action string) []string {
	return append(strings.Fields(imitated[action]), "DryRun", "ClientToken")
}
