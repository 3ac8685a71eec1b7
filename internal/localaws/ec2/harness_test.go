package ec2_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/internal/localaws/api"
	"s3-endpoint-guard/internal/localaws/ec2"
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

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// newWorld makes a world whose client may do what a policy allows.
func newWorld(t *testing.T, policy string) *world {
	t.Helper()
	gate := api.NewGate(api.Options{})
	t.Cleanup(func() { gate.Close() })
	w := &world{Service: ec2.New(gate.Options()), gate: gate}
	gate.Add(w.Service)
	gate.OnTrail(func(c api.TrailCall) { w.trail = append(w.trail, c) })
	w.build(t)
	identity, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	url, err := gate.Open(api.Door{SourceIP: "198.51.100.7"})
	if err != nil {
		t.Fatal(err)
	}
	options := gate.Options()
	id, secret := gate.Credentials(api.Caller{
		Principal: "arn:aws:iam::" + options.Account + ":user/tester", Account: options.Account,
		Identity: func() []*iampolicy.Policy { return []*iampolicy.Policy{identity} },
	})
	w.client = sdk.New(sdk.Options{
		Region: options.Region, BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
	return w
}

// build makes the network.
func (w *world) build(t *testing.T) {
	t.Helper()
	w.vpc = must(w.CreateVPC(ec2.VPC{CIDR: "10.0.0.0/16", DNSSupport: true, DNSHostnames: true}))(t)
	w.a = must(w.CreateSubnet(ec2.Subnet{VPCID: w.vpc.ID, CIDR: "10.0.0.0/24", Zone: "eu-central-1a"}))(t)
	w.b = must(w.CreateSubnet(ec2.Subnet{VPCID: w.vpc.ID, CIDR: "10.0.1.0/24", Zone: "eu-central-1b"}))(t)
	w.a2 = must(w.CreateSubnet(ec2.Subnet{VPCID: w.vpc.ID, CIDR: "10.0.2.0/24", Zone: "eu-central-1a"}))(t)
	w.table = must(w.CreateRouteTable(w.vpc.ID))(t)
	w.app = must(w.CreateSecurityGroup(ec2.SecurityGroup{VPCID: w.vpc.ID, Name: "app", Description: "the application"}))(t)
	w.guarded = must(w.CreateSecurityGroup(ec2.SecurityGroup{VPCID: w.vpc.ID, Name: "endpoint", Description: "the endpoint"},
		ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, ReferencedGroup: w.app.ID}))(t)
	w.private = must(w.CreateEndpoint(ec2.EndpointRequest{
		Type: ec2.Interface, VPCID: w.vpc.ID, ServiceName: "com.amazonaws.eu-central-1.s3", SubnetIDs: []string{w.a.ID, w.b.ID},
		GroupIDs: []string{w.guarded.ID}, PrivateDNS: true, OnlyInboundResolver: aws.Bool(false),
	}))(t)
	w.public = must(w.CreateEndpoint(ec2.EndpointRequest{
		VPCID: w.vpc.ID, ServiceName: "com.amazonaws.eu-central-1.s3", RouteTableIDs: []string{w.table.ID},
	}))(t)
}

// must ends the test when the call before it failed.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// code is AWS's code of an error; "" for none.
func code(err error) string {
	var refusal smithy.APIError
	if errors.As(err, &refusal) {
		return refusal.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// describe reads one endpoint through the client.
func (w *world) describe(ctx context.Context, id string) (*sdk.DescribeVpcEndpointsOutput, error) {
	return w.client.DescribeVpcEndpoints(ctx, &sdk.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
}
