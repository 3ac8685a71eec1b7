package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// tableOf returns the route table associated with a subnet; "" if it uses the main one.
func (w *world) tableOf(t *testing.T, subnetID string) (tableID, associationID string) {
	t.Helper()
	out := localtest.Must(w.client.DescribeRouteTables(t.Context(), &sdk.DescribeRouteTablesInput{
		Filters: []types.Filter{{Name: aws.String("association.subnet-id"), Values: []string{subnetID}}},
	}))(t)
	for _, table := range out.RouteTables {
		for _, a := range table.Associations {
			if aws.ToString(a.SubnetId) == subnetID {
				return *table.RouteTableId, *a.RouteTableAssociationId
			}
		}
	}
	return "", ""
}

func TestSubnetsAreTiedToRouteTablesAndUntied(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	other := localtest.Must(w.CreateRouteTable(w.vpc.ID))(t)
	associated := localtest.Must(w.client.AssociateRouteTable(t.Context(), &sdk.AssociateRouteTableInput{RouteTableId: &w.table.ID, SubnetId: &w.a.ID}))(t)
	if table, id := w.tableOf(t, w.a.ID); table != w.table.ID || id != *associated.AssociationId {
		t.Errorf("the subnet has %s by %s, want %s by %s", table, id, w.table.ID, *associated.AssociationId)
	}
	_, err := w.client.AssociateRouteTable(t.Context(), &sdk.AssociateRouteTableInput{RouteTableId: &other.ID, SubnetId: &w.a.ID})
	if got := localtest.Code(err); got != "Resource.AlreadyAssociated" {
		t.Errorf("associating a subnet with a second table = %v, want Resource.AlreadyAssociated", err)
	}
	replaced := localtest.Must(w.client.ReplaceRouteTableAssociation(t.Context(), &sdk.ReplaceRouteTableAssociationInput{AssociationId: associated.AssociationId, RouteTableId: &other.ID}))(t)
	if table, id := w.tableOf(t, w.a.ID); table != other.ID || id != *replaced.NewAssociationId || id == *associated.AssociationId {
		t.Errorf("the subnet has %s by %s, want %s by the new %s", table, id, other.ID, *replaced.NewAssociationId)
	}
	localtest.Must(w.client.DisassociateRouteTable(t.Context(), &sdk.DisassociateRouteTableInput{AssociationId: replaced.NewAssociationId}))(t)
	if table, _ := w.tableOf(t, w.a.ID); table != "" {
		t.Errorf("the subnet has %s, want the main table", table)
	}
	_, err = w.client.DisassociateRouteTable(t.Context(), &sdk.DisassociateRouteTableInput{AssociationId: replaced.NewAssociationId})
	if got := localtest.Code(err); got != "InvalidAssociationID.NotFound" {
		t.Errorf("disassociating twice = %v, want InvalidAssociationID.NotFound", err)
	}
}

func TestRouteTablesShowTheirRoutes(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	gateway := localtest.Must(w.CreateInternetGateway(w.vpc.ID))(t)
	if err := w.CreateRoute(w.table.ID, "0.0.0.0/0", gateway.ID); err != nil {
		t.Fatal(err)
	}
	out := localtest.Must(w.client.DescribeRouteTables(t.Context(), &sdk.DescribeRouteTablesInput{RouteTableIds: []string{w.table.ID}}))(t)
	leads := map[string]string{}
	for _, r := range out.RouteTables[0].Routes {
		leads[aws.ToString(r.DestinationCidrBlock)+aws.ToString(r.DestinationPrefixListId)] = *r.GatewayId
	}
	for destination, want := range map[string]string{
		"10.0.0.0/16": "local", "0.0.0.0/0": gateway.ID, ec2.PrefixListID(w.public.ServiceName): w.public.ID,
	} {
		if leads[destination] != want {
			t.Errorf("%s leads to %q, want %s", destination, leads[destination], want)
		}
	}
}

func TestNetworksAndSubnetsAreDescribed(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	vpcs := localtest.Must(w.client.DescribeVpcs(t.Context(), &sdk.DescribeVpcsInput{VpcIds: []string{w.vpc.ID}}))(t)
	if got := *vpcs.Vpcs[0].CidrBlock; got != "10.0.0.0/16" {
		t.Errorf("network's range = %s, want 10.0.0.0/16", got)
	}
	subnets := localtest.Must(w.client.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{
		Filters: []types.Filter{{Name: aws.String("availability-zone"), Values: []string{"eu-central-1b"}}},
	}))(t)
	if len(subnets.Subnets) != 1 || *subnets.Subnets[0].SubnetId != w.b.ID {
		t.Errorf("subnets in eu-central-1b = %v, want %s", subnets.Subnets, w.b.ID)
	}
	_, err := w.client.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{SubnetIds: []string{"subnet-0123"}})
	if got := localtest.Code(err); got != "InvalidSubnetID.NotFound" {
		t.Errorf("DescribeSubnets of a deleted subnet = %v, want InvalidSubnetID.NotFound", err)
	}
	_, err = w.client.DescribeVpcs(t.Context(), &sdk.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("colour"), Values: []string{"red"}}}})
	if got := localtest.Code(err); got != "InvalidParameterValue" {
		t.Errorf("an unknown filter = %v, want InvalidParameterValue", err)
	}
}

func TestInstancesGetAddresses(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	public := localtest.Must(w.CreateSubnet(ec2.Subnet{VPCID: w.vpc.ID, CIDR: "10.0.9.0/24", MapPublicIPOnLaunch: true}))(t)
	i := localtest.Must(w.CreateInstance(ec2.Instance{SubnetID: public.ID, GroupIDs: []string{w.app.ID}}))(t)
	if i.PrivateIP != "10.0.9.4" || i.PublicIP == "" {
		t.Errorf("addresses = %s, %q, want the subnet's first free one and a public one", i.PrivateIP, i.PublicIP)
	}
}

func TestIDsHaveAWSsShapeAndDoNotRepeat(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	seen := map[string]bool{}
	for _, id := range []string{w.vpc.ID, w.a.ID, w.b.ID, w.app.ID, w.private.ID, w.public.ID} {
		if seen[id] {
			t.Errorf("id %s was used twice", id)
		}
		seen[id] = true
	}
	if got := len(w.private.ID); got != len("vpce-0a1b2c3d4e5f60718") {
		t.Errorf("len(%s) = %d, want that of vpce-0a1b2c3d4e5f60718", w.private.ID, got)
	}
	if again := newWorld(t, localtest.Everything); again.private.ID != w.private.ID {
		t.Errorf("the same network made again has endpoint %s, want %s", again.private.ID, w.private.ID)
	}
}
