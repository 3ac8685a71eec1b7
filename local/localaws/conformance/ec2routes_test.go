package conformance_test

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func routeCases() []testCase {
	return []testCase{
		{name: "a subnet is tied to a table, to another, and to none", ops: []op{
			network(), routeTable("table"), routeTable("second"),
			associate("table"), tiedTo("table"), reassociate("second"), tiedTo("second"), disassociate(), tiedTo(""),
		}},
		{name: "a subnet is not tied to two tables", moto: "ties it to both", ops: []op{
			network(), routeTable("table"), routeTable("second"), associate("table"), refused("Resource.AlreadyAssociated", associate("second")),
		}},
		{name: "an association that there is not cannot be replaced or removed", ops: []op{
			network(), routeTable("table"), note("association", "rtbassoc-00000000000000000"),
			refused("InvalidAssociationID.NotFound", reassociate("table")), refused("InvalidAssociationID.NotFound", disassociate()),
		}},
		{name: "a table that there is not cannot be associated", ops: []op{
			network(), note("table", "rtb-00000000000000000"), refused("InvalidRouteTableID.NotFound", associate("table")),
		}},
		{name: "a gateway endpoint is a route of its tables", ops: []op{
			network(), routeTable("table"), gatewayEndpoint(), routedTo("table", true),
		}},
		{name: "a table that is removed from a gateway endpoint has lost its route", moto: "keeps the route", ops: []op{
			network(), routeTable("table"), gatewayEndpoint(), changeTables(nil, []string{"table"}), routedTo("table", false),
			changeTables([]string{"table"}, nil), routedTo("table", true),
		}},
		{name: "a subnet that there is not is not described", ops: []op{
			note("a", "subnet-00000000000000000"), refused("InvalidSubnetID.NotFound", seeSubnet()),
		}},
		{name: "a network that there is not is not described", ops: []op{
			note("vpc", "vpc-00000000000000000"), refused("InvalidVpcID.NotFound", seeNetwork()),
		}},
		{name: "networks and subnets are described", ops: []op{
			network(), seeNetwork(), seeSubnet(),
		}},
	}
}

// routeTable makes a route table and notes it.
func routeTable(name string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: aws.String(s.notes["vpc"])})
		if err == nil {
			s.notes[name] = *out.RouteTable.RouteTableId
		}
		return err
	}
}

// associate associates subnet "a" with a table, and notes the association.
func associate(table string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: aws.String(s.notes[table]), SubnetId: aws.String(s.notes["a"])})
		if err == nil {
			s.notes["association"] = *out.AssociationId
		}
		return err
	}
}

// reassociate associates the subnet of the noted association with another table, and notes the new one.
func reassociate(table string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{
			AssociationId: aws.String(s.notes["association"]), RouteTableId: aws.String(s.notes[table]),
		})
		if err != nil {
			return err
		}
		if *out.NewAssociationId == s.notes["association"] {
			return errors.New("the new association has the old one's id")
		}
		s.notes["association"] = *out.NewAssociationId
		return nil
	}
}

func disassociate() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: aws.String(s.notes["association"])})
		return err
	}
}

// tiedTo expects subnet "a" to be associated with a table, or with none if it is "".
func tiedTo(table string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{
			Filters: []types.Filter{{Name: aws.String("association.subnet-id"), Values: s.ids([]string{"a"})}},
		})
		if err != nil {
			return err
		}
		got := ""
		for _, t := range out.RouteTables {
			got += *t.RouteTableId
		}
		if got != s.notes[table] {
			return differs("table", got, s.notes[table])
		}
		return nil
	}
}

// gatewayEndpoint makes a gateway endpoint "endpoint" in table "table".
func gatewayEndpoint() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{
			VpcId: aws.String(s.notes["vpc"]), ServiceName: aws.String(service), VpcEndpointType: types.VpcEndpointTypeGateway, RouteTableIds: s.ids([]string{"table"}),
		})
		if err == nil {
			s.notes["endpoint"] = *out.VpcEndpoint.VpcEndpointId
		}
		return err
	}
}

func changeTables(add, remove []string) op {
	return modify(func(s *scene, in *ec2.ModifyVpcEndpointInput) {
		in.AddRouteTableIds, in.RemoveRouteTableIds = s.ids(add), s.ids(remove)
	})
}

// routedTo expects a table to have a route to a prefix list through the endpoint, or not.
func routedTo(table string, want bool) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ec2().DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: s.ids([]string{table})})
		if err != nil {
			return err
		}
		got := false
		for _, r := range out.RouteTables[0].Routes {
			got = got || aws.ToString(r.GatewayId) == s.notes["endpoint"] && strings.HasPrefix(aws.ToString(r.DestinationPrefixListId), "pl-")
		}
		if got != want {
			return differs("route through the endpoint", got, want)
		}
		return nil
	}
}

func seeSubnet() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: s.ids([]string{"a"})})
		return err
	}
}

func seeNetwork() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ec2().DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: s.ids([]string{"vpc"})})
		return err
	}
}
