package ec2_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// step removes a resource; code is the expected error code, or "".
type step struct {
	what string
	do   func() error
	code string
}

// refusalOf returns an error's code, or "".
func refusalOf(err error) string {
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		return refusal.Code
	}
	return ""
}

// removes runs steps in order.
func removes(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		if got := refusalOf(s.do()); got != s.code {
			t.Errorf("%s: refused with %q, want %q", s.what, got, s.code)
		}
	}
}

func TestWhatIsNeededIsNotRemoved(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	gateway := localtest.Must(w.CreateInternetGateway(w.vpc.ID))(t)
	if err := w.CreateRoute(w.table.ID, "0.0.0.0/0", gateway.ID); err != nil {
		t.Fatal(err)
	}
	association := localtest.Must(w.AssociateRouteTable(w.table.ID, w.a2.ID))(t)
	instance := localtest.Must(w.CreateInstance(ec2.Instance{SubnetID: w.a2.ID, GroupIDs: []string{w.app.ID}, AssociatePublicIP: true}))(t)
	const needed = "DependencyViolation"
	removes(t, []step{
		{"a network with something in it", func() error { return w.DeleteVPC(w.vpc.ID) }, needed},
		{"a gateway that is attached", func() error { return w.DeleteInternetGateway(gateway.ID) }, needed},
		{"an attachment while an instance has a public address", func() error { return w.DetachInternetGateway(gateway.ID, w.vpc.ID) }, needed},
		{"a subnet with an instance", func() error { return w.DeleteSubnet(w.a2.ID) }, needed},
		{"a group that an instance has", func() error { return w.DeleteSecurityGroup(w.app.ID) }, needed},
		{"a route table with a subnet", func() error { return w.DeleteRouteTable(w.table.ID) }, needed},
		{"the instance", func() error { return w.TerminateInstance(instance.ID) }, ""},
		{"a group that another's rule names", func() error { return w.DeleteSecurityGroup(w.app.ID) }, needed},
		{"a group that an endpoint has", func() error { return w.DeleteSecurityGroup(w.guarded.ID) }, needed},
		{"the endpoint", func() error { return w.DeleteEndpoint(w.private.ID) }, ""},
		{"the other endpoint", func() error { return w.DeleteEndpoint(w.public.ID) }, ""},
		{"the endpoint's group", func() error { return w.DeleteSecurityGroup(w.guarded.ID) }, ""},
		{"the instance's group", func() error { return w.DeleteSecurityGroup(w.app.ID) }, ""},
		{"the route", func() error { return w.DeleteRoute(w.table.ID, "0.0.0.0/0") }, ""},
		{"the attachment", func() error { return w.DetachInternetGateway(gateway.ID, w.vpc.ID) }, ""},
		{"the gateway", func() error { return w.DeleteInternetGateway(gateway.ID) }, ""},
		{"a subnet, and with it its association", func() error { return w.DeleteSubnet(w.a2.ID) }, ""},
		{"the association, which is gone", func() error { return w.DisassociateRouteTable(association.ID) }, "InvalidAssociationID.NotFound"},
		{"the route table", func() error { return w.DeleteRouteTable(w.table.ID) }, ""},
		{"a subnet", func() error { return w.DeleteSubnet(w.a.ID) }, ""},
		{"the last subnet", func() error { return w.DeleteSubnet(w.b.ID) }, ""},
		{"the network", func() error { return w.DeleteVPC(w.vpc.ID) }, ""},
	})
	if left := w.IDs(); len(left) > 0 {
		t.Errorf("%q are left, want no resources", left)
	}
}

func TestTheMainRouteTableGoesWithItsNetworkOnly(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	tables := localtest.Must(w.client.DescribeRouteTables(t.Context(), &sdk.DescribeRouteTablesInput{}))(t)
	for _, table := range tables.RouteTables {
		if len(table.Associations) > 0 && aws.ToBool(table.Associations[0].Main) {
			if got := refusalOf(w.DeleteRouteTable(*table.RouteTableId)); got != "DependencyViolation" {
				t.Errorf("the main route table is refused with %q, want DependencyViolation", got)
			}
			return
		}
	}
	t.Error("there is no main route table")
}

func TestWhatIsNotThereCannotBeRemoved(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	removes(t, []step{
		{"a network", func() error { return w.DeleteVPC("vpc-0") }, "InvalidVpcID.NotFound"},
		{"a subnet", func() error { return w.DeleteSubnet("subnet-0") }, "InvalidSubnetID.NotFound"},
		{"a route table", func() error { return w.DeleteRouteTable("rtb-0") }, "InvalidRouteTableID.NotFound"},
		{"a route", func() error { return w.DeleteRoute(w.table.ID, "1.2.3.0/24") }, "InvalidRoute.NotFound"},
		{"a route of no table", func() error { return w.DeleteRoute("rtb-0", "1.2.3.0/24") }, "InvalidRouteTableID.NotFound"},
		{"a gateway", func() error { return w.DeleteInternetGateway("igw-0") }, "InvalidInternetGatewayID.NotFound"},
		{"an attachment of no gateway", func() error { return w.DetachInternetGateway("igw-0", w.vpc.ID) }, "InvalidInternetGatewayID.NotFound"},
		{"a group", func() error { return w.DeleteSecurityGroup("sg-0") }, "InvalidGroup.NotFound"},
		{"an instance", func() error { return w.TerminateInstance("i-0") }, "InvalidInstanceID.NotFound"},
	})
	gateway := localtest.Must(w.CreateInternetGateway(""))(t)
	if got := refusalOf(w.DetachInternetGateway(gateway.ID, w.vpc.ID)); got != "Gateway.NotAttached" {
		t.Errorf("detaching an unattached gateway is refused with %q, want Gateway.NotAttached", got)
	}
}

func TestFunctionsHoldTheirSubnetsAndGroups(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	group := localtest.Must(w.CreateSecurityGroup(ec2.SecurityGroup{VPCID: w.vpc.ID, Name: "functions", Description: "functions"}))(t)
	for _, function := range []string{"one", "two"} {
		if err := w.ConnectFunction(function, []string{w.b.ID}, []string{group.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if unused := w.DisconnectFunction("one"); len(unused) > 0 {
		t.Errorf("%v are unused while another function uses them, want none", unused)
	}
	unused := w.DisconnectFunction("two")
	if err := w.DeleteSecurityGroup(group.ID); len(unused) != 1 || refusalOf(err) != "DependencyViolation" {
		t.Errorf("DeleteSecurityGroup = %v with the interfaces %v left, want DependencyViolation and one", err, unused)
	}
	if err := errors.Join(w.RemoveNetworkInterface(unused[0]), w.DeleteSecurityGroup(group.ID)); err != nil {
		t.Errorf("the group's deletion after its interface's = %v", err)
	}
}
