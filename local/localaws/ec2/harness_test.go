package ec2_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// world is a network with two zones, an interface and a gateway endpoint, behind a gate, and a client to it.
type world struct {
	*ec2.Service
	gate            *api.Gate
	client          *sdk.Client
	vpc             ec2.VPC
	a, b, a2        ec2.Subnet
	table           ec2.RouteTable
	app, guarded    ec2.SecurityGroup
	private, public ec2.Endpoint
	trail           []api.TrailCall
}

// newWorld makes a world whose client has the permissions of a policy.
func newWorld(t *testing.T, policy string) *world {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	w := &world{Service: ec2.New(gate.Options()), gate: gate}
	gate.Add(w.Service)
	gate.OnTrail(func(c api.TrailCall) { w.trail = append(w.trail, c) })
	w.build(t)
	w.client = sdk.NewFromConfig(localtest.Config(t, gate, policy))
	return w
}

// build makes the network.
func (w *world) build(t *testing.T) {
	t.Helper()
	w.vpc = localtest.Must(w.CreateVPC(ec2.VPC{CIDR: "10.0.0.0/16", DNSSupport: true, DNSHostnames: true}))(t)
	w.a = localtest.Must(w.CreateSubnet(ec2.Subnet{VPCID: w.vpc.ID, CIDR: "10.0.0.0/24", Zone: "eu-central-1a"}))(t)
	w.b = localtest.Must(w.CreateSubnet(ec2.Subnet{VPCID: w.vpc.ID, CIDR: "10.0.1.0/24", Zone: "eu-central-1b"}))(t)
	w.a2 = localtest.Must(w.CreateSubnet(ec2.Subnet{VPCID: w.vpc.ID, CIDR: "10.0.2.0/24", Zone: "eu-central-1a"}))(t)
	w.table = localtest.Must(w.CreateRouteTable(w.vpc.ID))(t)
	w.app = localtest.Must(w.CreateSecurityGroup(ec2.SecurityGroup{VPCID: w.vpc.ID, Name: "app", Description: "the application"}))(t)
	w.guarded = localtest.Must(w.CreateSecurityGroup(ec2.SecurityGroup{VPCID: w.vpc.ID, Name: "endpoint", Description: "the endpoint"},
		ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, ReferencedGroup: w.app.ID}))(t)
	w.private = localtest.Must(w.CreateEndpoint(ec2.EndpointRequest{
		Type: ec2.Interface, VPCID: w.vpc.ID, ServiceName: "com.amazonaws.eu-central-1.s3", SubnetIDs: []string{w.a.ID, w.b.ID},
		GroupIDs: []string{w.guarded.ID}, PrivateDNS: true, OnlyInboundResolver: aws.Bool(false),
	}))(t)
	w.public = localtest.Must(w.CreateEndpoint(ec2.EndpointRequest{
		VPCID: w.vpc.ID, ServiceName: "com.amazonaws.eu-central-1.s3", RouteTableIDs: []string{w.table.ID},
	}))(t)
}

// describe reads one endpoint through the client.
func (w *world) describe(ctx context.Context, id string) (*sdk.DescribeVpcEndpointsOutput, error) {
	return w.client.DescribeVpcEndpoints(ctx, &sdk.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
}
