package inspect

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// NetworkAPI has the calls that [Network] makes.
type NetworkAPI interface {
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
	DescribeNetworkAcls(context.Context, *ec2.DescribeNetworkAclsInput, ...func(*ec2.Options)) (*ec2.DescribeNetworkAclsOutput, error)
	DescribeVpcs(context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error)
	DescribeDhcpOptions(context.Context, *ec2.DescribeDhcpOptionsInput, ...func(*ec2.Options)) (*ec2.DescribeDhcpOptionsOutput, error)
	DescribeVpcAttribute(context.Context, *ec2.DescribeVpcAttributeInput, ...func(*ec2.Options)) (*ec2.DescribeVpcAttributeOutput, error)
}

// Network reads the workload's network.
type Network struct {
	API NetworkAPI
	// VPCID is the VPC, EndpointID our endpoint in it.
	VPCID, EndpointID string
	// Services are the names of S3's endpoint services in the Region.
	Services []string
	// SubnetIDs are the workload's subnets.
	SubnetIDs []string

	// options are the VPC's DHCP options as last read.
	options health.DHCPOptions
}

// Read reads it in one round trip, or two if the VPC has other DHCP options than the last time. It must not be called by two
// goroutines at once. The error joins those of the parts, which the result has too.
func (n *Network) Read(ctx context.Context) (health.Network, error) {
	var found health.Network
	err := parallel.All(
		into(&found.OtherEndpoints, func() ([]string, error) { return n.otherEndpoints(ctx) }),
		into(&found.DNS, func() (map[string]bool, error) { return n.dns(ctx) }),
		into(&found.ACLs, func() ([]health.ACLEntry, error) { return n.acls(ctx) }),
		into(&found.DHCP, func() (health.DHCPOptions, error) { return n.dhcp(ctx) }),
	)
	return found, err
}

// otherEndpoints lists the other endpoints of S3 in the VPC.
func (n *Network) otherEndpoints(ctx context.Context) ([]string, error) {
	answer, err := n.API.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{Filters: []types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{n.VPCID}},
		{Name: aws.String("service-name"), Values: n.Services},
	}})
	if err != nil {
		return nil, fmt.Errorf("endpoints of %s: %w", n.VPCID, err)
	}
	var ids []string
	for _, e := range answer.VpcEndpoints {
		if id := aws.ToString(e.VpcEndpointId); id != n.EndpointID {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// dns reads the attributes of the VPC that private DNS needs.
func (n *Network) dns(ctx context.Context) (map[string]bool, error) {
	names := []types.VpcAttributeName{types.VpcAttributeNameEnableDnsSupport, types.VpcAttributeNameEnableDnsHostnames}
	values, err := parallel.Map(names, func(name types.VpcAttributeName) (*types.AttributeBooleanValue, error) {
		answer, err := n.API.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: &n.VPCID, Attribute: name})
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", name, n.VPCID, err)
		}
		if name == types.VpcAttributeNameEnableDnsSupport {
			return answer.EnableDnsSupport, nil
		}
		return answer.EnableDnsHostnames, nil
	})
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for i, name := range names {
		if values[i] != nil {
			found[string(name)] = aws.ToBool(values[i].Value)
		}
	}
	return found, nil
}

// acls reads the entries of the subnets' network ACLs. An account has at most 200 ACLs in a VPC, which are fewer than a page.
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
func (n *Network) acls(ctx context.Context) ([]health.ACLEntry, error) {
	answer, err := n.API.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{
		Filters: []types.Filter{{Name: aws.String("association.subnet-id"), Values: n.SubnetIDs}},
	})
	if err != nil {
		return nil, fmt.Errorf("network ACLs of %v: %w", n.SubnetIDs, err)
	}
	var entries []health.ACLEntry
	for _, a := range answer.NetworkAcls {
		for _, e := range a.Entries {
			entries = append(entries, health.ACLEntry{
				ACL: aws.ToString(a.NetworkAclId), Number: aws.ToInt32(e.RuleNumber), Egress: aws.ToBool(e.Egress), Allow: e.RuleAction == types.RuleActionAllow,
				Protocol: aws.ToString(e.Protocol), Range: aws.ToString(e.CidrBlock) + aws.ToString(e.Ipv6CidrBlock),
			})
		}
	}
	return entries, nil
}

// dhcp reads the VPC's DHCP options. A set never changes, so only another one costs a second round trip.
// https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
func (n *Network) dhcp(ctx context.Context) (health.DHCPOptions, error) {
	vpcs, err := n.API.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{n.VPCID}})
	switch {
	case err != nil:
		return health.DHCPOptions{}, fmt.Errorf("vpc %s: %w", n.VPCID, err)
	case len(vpcs.Vpcs) != 1:
		return health.DHCPOptions{}, fmt.Errorf("vpc %s: the answer has %d networks", n.VPCID, len(vpcs.Vpcs))
	}
	id := aws.ToString(vpcs.Vpcs[0].DhcpOptionsId)
	switch id {
	case "default": // which stands for none
		return health.DHCPOptions{ID: id}, nil
	case n.options.ID:
		return n.options, nil
	}
	sets, err := n.API.DescribeDhcpOptions(ctx, &ec2.DescribeDhcpOptionsInput{DhcpOptionsIds: []string{id}})
	if err != nil {
		return health.DHCPOptions{}, fmt.Errorf("DHCP options %s: %w", id, err)
	}
	found := health.DHCPOptions{ID: id, Values: map[string][]string{}}
	for _, set := range sets.DhcpOptions {
		for _, option := range set.DhcpConfigurations {
			for _, value := range option.Values {
				key := aws.ToString(option.Key)
				found.Values[key] = append(found.Values[key], aws.ToString(value.Value))
			}
		}
	}
	n.options = found
	return found, nil
}
