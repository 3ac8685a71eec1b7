package vpcendpoint_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/health"
)

func TestLookTellsEveryState(t *testing.T) {
	created := time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	for state, present := range map[types.State]bool{
		"available": true, "Available": true, "pending": true, "pendingAcceptance": true, "partial": true,
		"deleting": false, "deleted": false, "failed": false, "rejected": false, "expired": false,
	} {
		fake, endpoint := newInterface()
		fake.endpoint.State, fake.endpoint.CreationTimestamp = state, &created
		got, err := endpoint.Read(t.Context())
		if err != nil || got.State != strings.ToLower(string(state)) || got.Created != created || len(got.Findings) > 0 != present {
			t.Errorf("Read at an endpoint that is %s = %+v, %v, want findings: %t", state, got, err, present)
		}
	}
}

func TestLookTellsThatAnEndpointIsGone(t *testing.T) {
	for name, fail := range map[string]map[string]string{
		"no answer":     nil,
		"not found":     {"DescribeVpcEndpoints": "InvalidVpcEndpointId.NotFound"},
		"not found too": {"DescribeVpcEndpoints": "InvalidVpcEndpoint.NotFound"},
	} {
		fake, endpoint := newInterface()
		fake.endpoint, fake.fail = nil, fail
		if got, err := endpoint.Read(t.Context()); err != nil || got.State != "not found" || len(got.Findings) > 0 {
			t.Errorf("%s: Read = %+v, %v, want not found", name, got, err)
		}
	}
	fake, endpoint := newInterface()
	fake.fail = map[string]string{"DescribeVpcEndpoints": "UnauthorizedOperation"}
	if _, err := endpoint.Read(t.Context()); err == nil || !strings.Contains(err.Error(), endpointID) {
		t.Errorf("Read = %v, want an error that names the endpoint", err)
	}
}

// interfaces is a fake EC2 with two pages of network interfaces.
type interfaces struct {
	asked [][]types.Filter
	err   error
}

func (f *interfaces) DescribeNetworkInterfaces(_ context.Context, in *ec2.DescribeNetworkInterfacesInput, _ ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error) {
	f.asked = append(f.asked, in.Filters)
	n := types.NetworkInterface{
		NetworkInterfaceId: aws.String("eni-1"), SubnetId: aws.String("subnet-1"), AvailabilityZone: aws.String("a"), Status: types.NetworkInterfaceStatusInUse,
	}
	if in.NextToken == nil {
		return &ec2.DescribeNetworkInterfacesOutput{NetworkInterfaces: []types.NetworkInterface{n}, NextToken: aws.String("2")}, f.err
	}
	n.NetworkInterfaceId, n.Status = aws.String("eni-2"), types.NetworkInterfaceStatusAvailable
	return &ec2.DescribeNetworkInterfacesOutput{NetworkInterfaces: []types.NetworkInterface{n}}, f.err
}

func TestInterfacesAreThoseOfTheEndpoint(t *testing.T) {
	fake := &interfaces{}
	got, err := (&vpcendpoint.Interfaces{API: fake, ID: endpointID, VPCID: vpcID}).Read(t.Context())
	want := []health.Interface{
		{ID: "eni-1", SubnetID: "subnet-1", Zone: "a", Status: "in-use"}, {ID: "eni-2", SubnetID: "subnet-1", Zone: "a", Status: "available"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("err %v, interfaces (-want +got):\n%s", err, diff)
	}
	for _, filters := range fake.asked {
		if len(filters) != 2 || filters[0].Values[0] != vpcID || filters[1].Values[0] != "VPC Endpoint Interface "+endpointID {
			t.Errorf("filters %v, want those for the endpoint and its VPC", filters)
		}
	}
	fake.err = refuse("UnauthorizedOperation")
	if _, err := (&vpcendpoint.Interfaces{API: fake, ID: endpointID}).Read(t.Context()); err == nil || !strings.Contains(err.Error(), "network interfaces of "+endpointID) {
		t.Errorf("Read = %v, want an error that names the endpoint", err)
	}
}

func TestSurveyFindsTablesWithoutARoute(t *testing.T) {
	route := func(gateway, list string, state types.RouteState) types.Route {
		return types.Route{GatewayId: &gateway, DestinationPrefixListId: &list, State: state}
	}
	for name, c := range map[string]struct {
		routes []types.Route
		want   []string
	}{
		"there":             {[]types.Route{route("local", "", "active"), route(endpointID, "pl-1", types.RouteStateActive)}, nil},
		"none":              {nil, []string{"rtb-1"}},
		"a black hole":      {[]types.Route{route(endpointID, "pl-1", types.RouteStateBlackhole)}, []string{"rtb-1"}},
		"another's":         {[]types.Route{route("vpce-2", "pl-1", types.RouteStateActive)}, []string{"rtb-1"}},
		"no prefix list":    {[]types.Route{route(endpointID, "", types.RouteStateActive)}, []string{"rtb-1"}},
		"an internet route": {[]types.Route{route("igw-1", "", types.RouteStateActive)}, []string{"rtb-1"}},
	} {
		fake := &fakeEC2{tables: []types.RouteTable{{RouteTableId: aws.String("rtb-1"), Routes: c.routes, Associations: []types.RouteTableAssociation{association("a", "subnet-a")}}}}
		tables := &vpcendpoint.Associations{API: fake, VPCID: vpcID, SubnetIDs: []string{"subnet-a"}, RouteTableIDs: []string{"rtb-1"}}
		got, err := tables.ReadRouting(t.Context(), endpointID)
		if err != nil || !slices.Equal(got.Without, c.want) || got.Subnets.Verdict != "same" {
			t.Errorf("%s: ReadRouting = %+v, %v, want %q without a route", name, got, err, c.want)
		}
	}
	fake := &fakeEC2{fail: map[string]string{"DescribeRouteTables": "UnauthorizedOperation"}}
	if _, err := (&vpcendpoint.Associations{API: fake, VPCID: vpcID}).ReadRouting(t.Context(), endpointID); err == nil {
		t.Error("ReadRouting succeeded without the tables")
	}
}
