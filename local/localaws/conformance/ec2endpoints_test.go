package conformance_test

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// service is the service name of the endpoints.
const service = "com.amazonaws." + region + ".s3"

// networkCases are the cases on networks and their endpoints.
func networkCases() []testCase {
	return slices.Concat(endpointCases(), endpointDNSCases(), groupCases(), routeCases())
}

func endpointCases() []testCase {
	const onePolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`
	return []testCase{
		{name: "an interface endpoint is described as it was made", ops: []op{
			network(), interfaceEndpoint(), endpointIs("available"), endpointHas("a", "b"), interfacesIn("a", "b"), found("vpc-id", "vpc", 1),
		}},
		{name: "an endpoint is found by its id", moto: "does not know the filter", ops: []op{
			network(), interfaceEndpoint(), found("vpc-endpoint-id", "endpoint", 1), found("vpc-endpoint-id", "vpc", 0),
		}},
		{name: "subnets are removed and added", ops: []op{
			network(), interfaceEndpoint(), changeSubnets(nil, []string{"a"}), endpointHas("b"), changeSubnets([]string{"a"}, nil), endpointHas("a", "b"),
		}},
		{name: "a zone takes one subnet", moto: "takes several", ops: []op{
			network(), interfaceEndpoint(), refused("DuplicateSubnetsInSameZone", changeSubnets([]string{"a2"}, nil)),
		}},
		{name: "a subnet that there is not cannot be added", moto: "takes any", ops: []op{
			network(), interfaceEndpoint(), note("gone", "subnet-00000000000000000"), refused("InvalidSubnetId.NotFound", changeSubnets([]string{"gone"}, nil)),
		}},
		{name: "security groups are added and removed", ops: []op{
			network(), interfaceEndpoint(), changeGroups([]string{"other"}, []string{"group"}), endpointInGroups("other"),
			changeGroups([]string{"group"}, []string{"other"}), endpointInGroups("group"),
		}},
		{name: "a policy is put and read back", ops: []op{
			network(), interfaceEndpoint(), putEndpointPolicy(onePolicy), endpointPolicyIs(onePolicy),
		}},
		{name: "a policy that is no JSON is refused by an endpoint", moto: "accepts bad policy JSON", ops: []op{
			network(), interfaceEndpoint(), refused("InvalidPolicyDocument", putEndpointPolicy("{")),
		}},
		{name: "a policy is reset to full access", moto: "does not know ResetPolicy", ops: []op{
			network(), interfaceEndpoint(), putEndpointPolicy(onePolicy), resetEndpointPolicy(),
			endpointPolicyIs(`{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`),
		}},
		{name: "an endpoint that is deleted is gone", moto: "goes on showing it as deleted", ops: []op{
			network(), interfaceEndpoint(), deleteEndpoint(), refused("InvalidVpcEndpointId.NotFound", endpointIs("available")),
		}},
		{name: "an endpoint that there is not cannot be changed", ops: []op{
			note("endpoint", "vpce-00000000000000000"), refused("InvalidVpcEndpointId.NotFound", putEndpointPolicy(onePolicy)),
		}},
	}
}

func endpointDNSCases() []testCase {
	return []testCase{
		{name: "private DNS for S3 needs a gateway endpoint or its option", moto: "has no DNS options", ops: []op{
			network(), interfaceEndpoint(), refused("InvalidParameter", privateDNS(true, nil)),
			privateDNS(true, aws.Bool(false)), privateDNSIs(true),
		}},
		{name: "private DNS is turned off", moto: "does not turn it off", ops: []op{
			network(), interfaceEndpoint(), privateDNS(true, aws.Bool(false)), privateDNSIs(true), privateDNS(false, nil), privateDNSIs(false),
		}},
	}
}

// ec2 returns a client.
func (s *scene) ec2() *ec2.Client { return ec2.NewFromConfig(s.config) }

// ids returns the ids noted under these names.
func (s *scene) ids(names []string) []string {
	var ids []string
	for _, name := range names {
		ids = append(ids, s.notes[name])
	}
	return ids
}

// note stores a given id.
func note(name, id string) op {
	return func(_ context.Context, s *scene) error {
		s.notes[name] = id
		return nil
	}
}

// network makes a network "vpc" with DNS, subnets "a", "a2" and "b" in two zones, and groups "group" and "other".
func network() op {
	return func(ctx context.Context, s *scene) error {
		vpc, err := s.ec2().CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
		if err != nil {
			return err
		}
		s.notes["vpc"] = *vpc.Vpc.VpcId
		if _, err := s.ec2().ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{VpcId: vpc.Vpc.VpcId, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}}); err != nil {
			return err
		}
		for name, at := range map[string][2]string{"a": {"10.0.0.0/24", "a"}, "a2": {"10.0.1.0/24", "a"}, "b": {"10.0.2.0/24", "b"}} {
			subnet, err := s.ec2().CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: &at[0], AvailabilityZone: aws.String(region + at[1])})
			if err != nil {
				return err
			}
			s.notes[name] = *subnet.Subnet.SubnetId
		}
		for _, name := range []string{"group", "other"} {
			group, err := s.ec2().CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{VpcId: vpc.Vpc.VpcId, GroupName: &name, Description: &name})
			if err != nil {
				return err
			}
			s.notes[name] = *group.GroupId
		}
		return nil
	}
}

// interfaceEndpoint makes an endpoint "endpoint" in both zones.
func interfaceEndpoint() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{
			VpcId: aws.String(s.notes["vpc"]), ServiceName: aws.String(service), VpcEndpointType: types.VpcEndpointTypeInterface,
			SubnetIds: s.ids([]string{"a", "b"}), SecurityGroupIds: s.ids([]string{"group"}), PrivateDnsEnabled: aws.Bool(false),
		})
		if err == nil {
			s.notes["endpoint"] = *out.VpcEndpoint.VpcEndpointId
		}
		return err
	}
}

// deleteEndpoint deletes the endpoint.
func deleteEndpoint() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: s.ids([]string{"endpoint"})})
		return err
	}
}

// modify changes the endpoint.
func modify(change func(*scene, *ec2.ModifyVpcEndpointInput)) op {
	return func(ctx context.Context, s *scene) error {
		in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: aws.String(s.notes["endpoint"])}
		change(s, in)
		_, err := s.ec2().ModifyVpcEndpoint(ctx, in)
		return err
	}
}

func changeSubnets(add, remove []string) op {
	return modify(func(s *scene, in *ec2.ModifyVpcEndpointInput) {
		in.AddSubnetIds, in.RemoveSubnetIds = s.ids(add), s.ids(remove)
	})
}

func changeGroups(add, remove []string) op {
	return modify(func(s *scene, in *ec2.ModifyVpcEndpointInput) {
		in.AddSecurityGroupIds, in.RemoveSecurityGroupIds = s.ids(add), s.ids(remove)
	})
}

func putEndpointPolicy(document string) op {
	return modify(func(_ *scene, in *ec2.ModifyVpcEndpointInput) { in.PolicyDocument = &document })
}

func resetEndpointPolicy() op {
	return modify(func(_ *scene, in *ec2.ModifyVpcEndpointInput) { in.ResetPolicy = aws.Bool(true) })
}

// privateDNS turns private DNS on or off, and sets the option for inbound resolvers unless it is nil.
func privateDNS(on bool, onlyInbound *bool) op {
	return modify(func(_ *scene, in *ec2.ModifyVpcEndpointInput) {
		in.PrivateDnsEnabled = &on
		if onlyInbound != nil {
			in.DnsOptions = &types.DnsOptionsSpecification{PrivateDnsOnlyForInboundResolverEndpoint: onlyInbound}
		}
	})
}

// seeEndpoint reads the endpoint.
func seeEndpoint(see func(context.Context, *scene, types.VpcEndpoint) error) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: s.ids([]string{"endpoint"})})
		if err != nil {
			return err
		}
		return see(ctx, s, out.VpcEndpoints[0])
	}
}

// endpointIs expects the endpoint in a state, as it is in the answer: the SDK's constants begin with capitals.
func endpointIs(want types.State) op {
	return seeEndpoint(func(_ context.Context, _ *scene, e types.VpcEndpoint) error {
		if e.State != want {
			return differs("state", e.State, want)
		}
		return nil
	})
}

// endpointHas expects the endpoint in these subnets.
func endpointHas(names ...string) op {
	return seeEndpoint(func(_ context.Context, s *scene, e types.VpcEndpoint) error {
		return sameSet("subnets", e.SubnetIds, s.ids(names))
	})
}

// endpointInGroups expects the endpoint in these groups.
func endpointInGroups(names ...string) op {
	return seeEndpoint(func(_ context.Context, s *scene, e types.VpcEndpoint) error {
		var groups []string
		for _, g := range e.Groups {
			groups = append(groups, *g.GroupId)
		}
		return sameSet("groups", groups, s.ids(names))
	})
}

// interfacesIn expects one network interface of the endpoint in each of these subnets.
func interfacesIn(names ...string) op {
	return seeEndpoint(func(ctx context.Context, s *scene, e types.VpcEndpoint) error {
		out, err := s.ec2().DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: e.NetworkInterfaceIds})
		if err != nil {
			return err
		}
		var subnets []string
		for _, n := range out.NetworkInterfaces {
			subnets = append(subnets, *n.SubnetId)
		}
		return sameSet("subnets with interfaces", subnets, s.ids(names))
	})
}

// endpointPolicyIs expects the endpoint's policy to be this JSON, independent of the order of members.
func endpointPolicyIs(want string) op {
	canonical := func(text string) string {
		var document any
		if json.Unmarshal([]byte(text), &document) != nil {
			return text
		}
		// Decoded JSON can be encoded again.
		sorted, _ := json.Marshal(document)
		return string(sorted)
	}
	return seeEndpoint(func(_ context.Context, _ *scene, e types.VpcEndpoint) error {
		if got := aws.ToString(e.PolicyDocument); canonical(got) != canonical(want) {
			return differs("policy", got, want)
		}
		return nil
	})
}

func privateDNSIs(want bool) op {
	return seeEndpoint(func(_ context.Context, _ *scene, e types.VpcEndpoint) error {
		if got := aws.ToBool(e.PrivateDnsEnabled); got != want {
			return differs("private DNS", got, want)
		}
		return nil
	})
}

// found expects a filter with a noted id to find want endpoints.
func found(filter, name string, want int) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{Filters: []types.Filter{{Name: &filter, Values: []string{s.notes[name]}}}})
		if err == nil && len(out.VpcEndpoints) != want {
			return differs("endpoints by "+filter, len(out.VpcEndpoints), want)
		}
		return err
	}
}
