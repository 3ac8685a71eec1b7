package conformance_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// watchedCases are the cases on what the health check reads of the network.
func watchedCases() []testCase {
	everything := []string{"100 allow -1", "32767 deny -1"}
	return []testCase{
		{name: "a subnet has the default network ACL, which allows everything", ops: []op{network(), entries("a", everything...)}},
		{name: "an entry of a network ACL is added, replaced and deleted", ops: []op{
			network(), noteACL(), addEntry(90, "6"), entries("a", "90 deny 6", "100 allow -1", "32767 deny -1"),
			replaceEntry(90, "17"), entries("a", "90 deny 17", "100 allow -1", "32767 deny -1"), deleteEntry(90), entries("a", everything...),
		}},
		{name: "the number of an entry is not taken twice", ops: []op{
			network(), noteACL(), refused("NetworkAclEntryAlreadyExists", addEntry(100, "6")),
		}},
		{name: "an entry that there is not is not replaced", moto: "adds it", ops: []op{
			network(), noteACL(), refused("InvalidNetworkAclEntry.NotFound", replaceEntry(91, "6")),
		}},
		{name: "a subnet that gets another ACL is denied everything", moto: "makes an ACL without entries", ops: []op{
			network(), noteACL(), newACL(), replaceACLOf("a"), entries("a", "32767 deny -1"), entries("b", everything...),
		}},
		{name: "a network has Amazon's name server until it gets other options", moto: "has no default options", ops: []op{
			network(), nameServers("AmazonProvidedDNS"), otherOptions("192.0.2.53"), nameServers("192.0.2.53"),
		}},
		{name: "a network's DNS is switched off and on", ops: []op{
			network(), dns(types.VpcAttributeNameEnableDnsSupport, true), dns(types.VpcAttributeNameEnableDnsHostnames, true), switchDNS(false),
			dns(types.VpcAttributeNameEnableDnsSupport, false), dns(types.VpcAttributeNameEnableDnsHostnames, true), switchDNS(true), dns(types.VpcAttributeNameEnableDnsSupport, true),
		}},
		{name: "a network that there is not has no DNS", ops: []op{
			note("vpc", "vpc-00000000000000000"), refused("InvalidVpcID.NotFound", switchDNS(false)), refused("InvalidVpcID.NotFound", dns(types.VpcAttributeNameEnableDnsSupport, false)),
		}},
		{name: "other DHCP options of a network are described", ops: []op{
			network(), otherOptions("192.0.2.53"), nameServers("192.0.2.53"),
		}},
	}
}

// aclOf describes the network ACL of a subnet.
func (s *scene) aclOf(ctx context.Context, subnet string) (types.NetworkAcl, error) {
	out, err := s.ec2().DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{
		Filters: []types.Filter{{Name: aws.String("association.subnet-id"), Values: s.ids([]string{subnet})}},
	})
	if err == nil && len(out.NetworkAcls) != 1 {
		err = differs("number of ACLs", len(out.NetworkAcls), 1)
	}
	if err != nil {
		return types.NetworkAcl{}, err
	}
	return out.NetworkAcls[0], nil
}

// entries expects these entries for traffic out of a subnet.
func entries(subnet string, want ...string) op {
	return func(ctx context.Context, s *scene) error {
		acl, err := s.aclOf(ctx, subnet)
		if err != nil {
			return err
		}
		var got []string
		slices.SortFunc(acl.Entries, func(a, b types.NetworkAclEntry) int { return int(*a.RuleNumber) - int(*b.RuleNumber) })
		for _, e := range acl.Entries {
			if *e.Egress {
				got = append(got, fmt.Sprint(*e.RuleNumber, " ", e.RuleAction, " ", *e.Protocol))
			}
		}
		return sameList("entries", got, want)
	}
}

// noteACL notes the network ACL of subnet "a".
func noteACL() op {
	return func(ctx context.Context, s *scene) error {
		acl, err := s.aclOf(ctx, "a")
		if err == nil {
			s.notes["acl"] = *acl.NetworkAclId
		}
		return err
	}
}

func addEntry(number int32, protocol string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().CreateNetworkAclEntry(ctx, &ec2.CreateNetworkAclEntryInput{
			NetworkAclId: aws.String(s.notes["acl"]), RuleNumber: &number, Egress: aws.Bool(true), Protocol: &protocol, RuleAction: types.RuleActionDeny,
			CidrBlock: aws.String("0.0.0.0/0"), PortRange: &types.PortRange{From: aws.Int32(22), To: aws.Int32(22)},
		})
		return err
	}
}

func replaceEntry(number int32, protocol string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().ReplaceNetworkAclEntry(ctx, &ec2.ReplaceNetworkAclEntryInput{
			NetworkAclId: aws.String(s.notes["acl"]), RuleNumber: &number, Egress: aws.Bool(true), Protocol: &protocol, RuleAction: types.RuleActionDeny,
			CidrBlock: aws.String("0.0.0.0/0"), PortRange: &types.PortRange{From: aws.Int32(22), To: aws.Int32(22)},
		})
		return err
	}
}

func deleteEntry(number int32) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().DeleteNetworkAclEntry(ctx, &ec2.DeleteNetworkAclEntryInput{NetworkAclId: aws.String(s.notes["acl"]), RuleNumber: &number, Egress: aws.Bool(true)})
		return err
	}
}

// newACL makes a network ACL and notes it.
func newACL() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{VpcId: aws.String(s.notes["vpc"])})
		if err == nil {
			s.notes["acl"] = *out.NetworkAcl.NetworkAclId
		}
		return err
	}
}

// replaceACLOf gives a subnet the noted ACL.
func replaceACLOf(subnet string) op {
	return func(ctx context.Context, s *scene) error {
		acl, err := s.aclOf(ctx, subnet)
		if err != nil {
			return err
		}
		for _, a := range acl.Associations {
			if *a.SubnetId == s.notes[subnet] {
				_, err = s.ec2().ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{
					AssociationId: a.NetworkAclAssociationId, NetworkAclId: aws.String(s.notes["acl"]),
				})
			}
		}
		return err
	}
}

// otherOptions gives the network DHCP options with a name server.
func otherOptions(server string) op {
	return func(ctx context.Context, s *scene) error {
		made, err := s.ec2().CreateDhcpOptions(ctx, &ec2.CreateDhcpOptionsInput{DhcpConfigurations: []types.NewDhcpConfiguration{
			{Key: aws.String("domain-name-servers"), Values: []string{server}},
		}})
		if err != nil {
			return err
		}
		_, err = s.ec2().AssociateDhcpOptions(ctx, &ec2.AssociateDhcpOptionsInput{DhcpOptionsId: made.DhcpOptions.DhcpOptionsId, VpcId: aws.String(s.notes["vpc"])})
		return err
	}
}

// nameServers expects the network's name server.
func nameServers(want string) op {
	return func(ctx context.Context, s *scene) error {
		vpcs, err := s.ec2().DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{s.notes["vpc"]}})
		if err != nil {
			return err
		}
		sets, err := s.ec2().DescribeDhcpOptions(ctx, &ec2.DescribeDhcpOptionsInput{DhcpOptionsIds: []string{*vpcs.Vpcs[0].DhcpOptionsId}})
		if err != nil {
			return err
		}
		var got []string
		for _, option := range sets.DhcpOptions[0].DhcpConfigurations {
			for _, value := range option.Values {
				if *option.Key == "domain-name-servers" {
					got = append(got, *value.Value)
				}
			}
		}
		if !slices.Equal(got, []string{want}) {
			return differs("name servers", got, want)
		}
		return nil
	}
}

func switchDNS(on bool) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{
			VpcId: aws.String(s.notes["vpc"]), EnableDnsSupport: &types.AttributeBooleanValue{Value: &on},
		})
		return err
	}
}

// dns expects the value of one of the network's two attributes of DNS.
func dns(attribute types.VpcAttributeName, want bool) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: aws.String(s.notes["vpc"]), Attribute: attribute})
		if err != nil {
			return err
		}
		got := out.EnableDnsSupport
		if attribute == types.VpcAttributeNameEnableDnsHostnames {
			got = out.EnableDnsHostnames
		}
		if got == nil || *got.Value != want {
			return differs(string(attribute), got, want)
		}
		return nil
	}
}
