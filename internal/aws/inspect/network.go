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
	DescribeSecurityGroupRules(context.Context, *ec2.DescribeSecurityGroupRulesInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error)
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
	DescribeVpcAttribute(context.Context, *ec2.DescribeVpcAttributeInput, ...func(*ec2.Options)) (*ec2.DescribeVpcAttributeOutput, error)
}

// Network reads the workload's network.
type Network struct {
	API NetworkAPI
	// VPCID is the VPC, EndpointID our endpoint in it.
	VPCID, EndpointID string
	// Services are the names of S3's endpoint services in the Region.
	Services []string
	// GroupIDs are the workload's security groups.
	GroupIDs []string
}

// Read reads it in one round trip. The error joins those of the parts, which the result has too.
func (n *Network) Read(ctx context.Context) (health.Network, error) {
	var found health.Network
	err := parallel.All(
		into(&found.Rules, func() ([]health.GroupRule, error) { return n.rules(ctx) }),
		into(&found.OtherEndpoints, func() ([]string, error) { return n.otherEndpoints(ctx) }),
		into(&found.DNS, func() (map[string]bool, error) { return n.dns(ctx) }),
	)
	return found, err
}

func (n *Network) rules(ctx context.Context) ([]health.GroupRule, error) {
	var rules []health.GroupRule
	pages := ec2.NewDescribeSecurityGroupRulesPaginator(n.API, &ec2.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{{Name: aws.String("group-id"), Values: n.GroupIDs}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("security groups %v: %w", n.GroupIDs, err)
		}
		for _, r := range page.SecurityGroupRules {
			rules = append(rules, health.GroupRule{
				GroupID: aws.ToString(r.GroupId), Egress: aws.ToBool(r.IsEgress), Protocol: aws.ToString(r.IpProtocol),
				From: aws.ToInt32(r.FromPort), To: aws.ToInt32(r.ToPort), Peer: peer(r),
			})
		}
	}
	return rules, nil
}

// peer returns a rule's source or destination.
func peer(r types.SecurityGroupRule) string {
	if r.ReferencedGroupInfo != nil {
		return aws.ToString(r.ReferencedGroupInfo.GroupId)
	}
	return aws.ToString(r.CidrIpv4) + aws.ToString(r.CidrIpv6) + aws.ToString(r.PrefixListId)
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
