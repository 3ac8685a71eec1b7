package vpcendpoint

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
)

// FinderAPI contains the calls that [Finder] makes.
type FinderAPI interface {
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
	DescribeSecurityGroupRules(context.Context, *ec2.DescribeSecurityGroupRulesInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error)
	DescribeRouteTables(context.Context, *ec2.DescribeRouteTablesInput, ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error)
	DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
}

// Finder reads the state of existing endpoints that are adopted.
type Finder struct {
	API FinderAPI
	// Region and Account are those that the endpoints must have.
	Region, Account string
}

// UnfitError is why an endpoint cannot be guarded.
type UnfitError string

// Error implements [error].
func (e UnfitError) Error() string { return string(e) }

// Find reads an endpoint with all that the guard keeps as it is. It returns an [UnfitError] for an endpoint that cannot be guarded,
// and an [errorcode.Failure] for a call that fails; neither names the endpoint.
func (f *Finder) Find(ctx context.Context, id string) (adoption.Endpoint, error) {
	live, ok, err := describe(ctx, f.API, id)
	switch {
	case err != nil:
		return adoption.Endpoint{}, errorcode.Needing("ec2:DescribeVpcEndpoints", err)
	case !ok:
		return adoption.Endpoint{}, UnfitError("there is no such VPC endpoint in this account and Region: take it out of VpcEndpointIds")
	}
	if why := f.unfit(live); why != "" {
		return adoption.Endpoint{}, UnfitError(why)
	}
	e := adoption.Endpoint{
		ID: id, VPCID: aws.ToString(live.VpcId), Gateway: live.VpcEndpointType == types.VpcEndpointTypeGateway,
		Policy: aws.ToString(live.PolicyDocument), RouteTableIDs: sorted(live.RouteTableIds),
	}
	if e.Gateway {
		e.Tables, err = f.routed(ctx, e)
		e.SubnetIDs = slices.Sorted(maps.Keys(e.Tables))
		return e, err
	}
	read := liveDNS(live)
	e.PrivateDNS = adoption.PrivateDNS{Enabled: read.PrivateDnsEnabled, OnlyForInboundResolver: read.PrivateDnsOnlyForInboundResolverEndpoint}
	e.SubnetIDs = sorted(live.SubnetIds)
	e.SecurityGroupIDs = sorted(groupIDs(live))
	e.Ingress, err = f.ingress(ctx, e.SecurityGroupIDs)
	return e, err
}

// unfit returns why an endpoint cannot be guarded; "" if it can be.
func (f *Finder) unfit(live types.VpcEndpoint) string {
	services, state := ServiceNames(f.Region), StateOf(live)
	switch name := aws.ToString(live.ServiceName); {
	case !slices.Contains(services, name):
		return fmt.Sprintf("it is an endpoint of %s, not of S3 in this Region (%s): take it out of VpcEndpointIds", name, services[0])
	case live.VpcEndpointType != types.VpcEndpointTypeGateway && live.VpcEndpointType != types.VpcEndpointTypeInterface:
		return fmt.Sprintf("it is a %s endpoint; the guard knows interface and gateway endpoints", live.VpcEndpointType)
	case live.OwnerId != nil && *live.OwnerId != f.Account:
		return fmt.Sprintf("it belongs to account %s: put a guard into that account", *live.OwnerId)
	case state != "available":
		return fmt.Sprintf("it is %s, not available: what is found now would become its desired state", state)
	}
	return ""
}

// ingress reads the ingress rules of an endpoint's security groups.
func (f *Finder) ingress(ctx context.Context, groups []string) ([]adoption.Rule, error) {
	rules, err := readRules(ctx, f.API, groups)
	if err != nil {
		return nil, errorcode.Needing("ec2:DescribeSecurityGroupRules", err)
	}
	found := []adoption.Rule{}
	for _, r := range rules {
		if aws.ToBool(r.IsEgress) {
			continue
		}
		rule := adoption.Rule{
			GroupID: aws.ToString(r.GroupId), Protocol: aws.ToString(r.IpProtocol),
			FromPort: aws.ToInt32(r.FromPort), ToPort: aws.ToInt32(r.ToPort), Source: peer(r),
		}
		if other := r.ReferencedGroupInfo; other != nil && aws.ToString(other.UserId) != f.Account {
			rule.SourceAccount = aws.ToString(other.UserId)
		}
		found = append(found, rule)
	}
	slices.SortFunc(found, func(a, b adoption.Rule) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return found, nil
}

// routed returns the subnets of a gateway endpoint's VPC that use one of its route tables, each with its table.
func (f *Finder) routed(ctx context.Context, e adoption.Endpoint) (map[string]string, error) {
	inVPC := []types.Filter{{Name: aws.String("vpc-id"), Values: []string{e.VPCID}}}
	tables, err := routeTables(ctx, f.API, e.VPCID)
	if err != nil {
		return nil, errorcode.Needing("ec2:DescribeRouteTables", err)
	}
	used := map[string]string{}
	for pages := ec2.NewDescribeSubnetsPaginator(f.API, &ec2.DescribeSubnetsInput{Filters: inVPC}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, errorcode.Needing("ec2:DescribeSubnets", err)
		}
		for _, s := range page.Subnets {
			id := aws.ToString(s.SubnetId)
			if table := routeOf(id, tables).tableID; slices.Contains(e.RouteTableIDs, table) {
				used[id] = table
			}
		}
	}
	return used, nil
}

// LivePolicy reads an endpoint's policy; ok is false if there is no such endpoint.
func LivePolicy(ctx context.Context, api ec2.DescribeVpcEndpointsAPIClient, id string) (policy string, ok bool, err error) {
	live, ok, err := describe(ctx, api, id)
	return aws.ToString(live.PolicyDocument), ok, errorcode.Needing("ec2:DescribeVpcEndpoints", err)
}

// PutBackPolicy sets an endpoint's policy, or resets it to full access if the text is "".
func PutBackPolicy(ctx context.Context, api API, id, policy string) error {
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: &id}
	if policy == "" {
		in.ResetPolicy = aws.Bool(true)
	} else {
		in.PolicyDocument = &policy
	}
	_, err := api.ModifyVpcEndpoint(ctx, in)
	return errorcode.Needing("ec2:ModifyVpcEndpoint", err)
}
