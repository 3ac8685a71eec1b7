package ec2_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

func TestDescribeVpcEndpointsShowsWhatTheGuardCompares(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	out := localtest.Must(w.describe(t.Context(), w.private.ID))(t)
	if len(out.VpcEndpoints) != 1 {
		t.Fatalf("DescribeVpcEndpoints(%s) = %d endpoints, want 1", w.private.ID, len(out.VpcEndpoints))
	}
	e := out.VpcEndpoints[0]
	got := map[string]any{
		"state": string(e.State), "type": string(e.VpcEndpointType), "subnets": e.SubnetIds, "private DNS": *e.PrivateDnsEnabled,
		"only inbound": *e.DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint, "group": *e.Groups[0].GroupId,
		"interfaces": len(e.NetworkInterfaceIds), "policy": *e.PolicyDocument,
	}
	want := map[string]any{
		"state": "available", "type": "Interface", "subnets": []string{w.a.ID, w.b.ID}, "private DNS": true,
		"only inbound": false, "group": w.guarded.ID, "interfaces": 2,
		"policy": `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("endpoint (-want +got):\n%s", diff)
	}
}

func TestDescribeVpcEndpointsFilters(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	for name, v := range map[string]struct {
		filter string
		values []string
		want   int
	}{
		"by id":                  {"vpc-endpoint-id", []string{w.private.ID}, 1},
		"by an id that is gone":  {"vpc-endpoint-id", []string{"vpce-0123"}, 0},
		"by service":             {"service-name", []string{"com.amazonaws.*.s3"}, 2},
		"by network":             {"vpc-id", []string{w.vpc.ID, "vpc-0123"}, 2},
		"by state":               {"vpc-endpoint-state", []string{"pending"}, 0},
		"by type":                {"vpc-endpoint-type", []string{"Gateway"}, 1},
		"by a tag that is not":   {"tag:Name", []string{"x"}, 0},
		"by tag keys, none kept": {"tag-key", []string{"Name"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			out := localtest.Must(w.client.DescribeVpcEndpoints(t.Context(), &sdk.DescribeVpcEndpointsInput{
				Filters: []types.Filter{{Name: &v.filter, Values: v.values}},
			}))(t)
			if len(out.VpcEndpoints) != v.want {
				t.Errorf("DescribeVpcEndpoints(%s=%v) = %d endpoints, want %d", v.filter, v.values, len(out.VpcEndpoints), v.want)
			}
		})
	}
}

func TestDescribePagesWithMaxResults(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	pages := sdk.NewDescribeVpcEndpointsPaginator(w.client, &sdk.DescribeVpcEndpointsInput{MaxResults: aws.Int32(1)})
	var ids []string
	for pages.HasMorePages() {
		page := localtest.Must(pages.NextPage(t.Context()))(t)
		if len(page.VpcEndpoints) != 1 {
			t.Fatalf("a page has %d endpoints, want 1", len(page.VpcEndpoints))
		}
		ids = append(ids, *page.VpcEndpoints[0].VpcEndpointId)
	}
	if diff := cmp.Diff([]string{w.private.ID, w.public.ID}, ids); diff != "" {
		t.Errorf("ids of all pages (-want +got):\n%s", diff)
	}
}

func TestModifyVpcEndpointRefusesWhatAWSRefuses(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	for name, v := range map[string]struct {
		in   sdk.ModifyVpcEndpointInput
		want string
	}{
		"an endpoint that is gone":         {sdk.ModifyVpcEndpointInput{VpcEndpointId: aws.String("vpce-0123"), ResetPolicy: aws.Bool(true)}, "InvalidVpcEndpointId.NotFound"},
		"a subnet that is gone":            {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, AddSubnetIds: []string{"subnet-0123"}}, "InvalidSubnetId.NotFound"},
		"two subnets in one zone":          {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, AddSubnetIds: []string{w.a2.ID}}, "DuplicateSubnetsInSameZone"},
		"a group that is gone":             {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, AddSecurityGroupIds: []string{"sg-0123"}}, "InvalidGroup.NotFound"},
		"the last group":                   {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, RemoveSecurityGroupIds: []string{w.guarded.ID}}, "InvalidParameter"},
		"a route table that is gone":       {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.public.ID, AddRouteTableIds: []string{"rtb-0123"}}, "InvalidRouteTableId.NotFound"},
		"route tables of an interface":     {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, AddRouteTableIds: []string{w.table.ID}}, "InvalidParameter"},
		"subnets of a gateway":             {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.public.ID, AddSubnetIds: []string{w.a.ID}}, "InvalidParameter"},
		"private DNS of a gateway":         {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.public.ID, PrivateDnsEnabled: aws.Bool(true)}, "InvalidParameter"},
		"a policy that is no JSON":         {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, PolicyDocument: aws.String("{")}, "InvalidPolicyDocument"},
		"a gateway policy for one account": {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.public.ID, PolicyDocument: aws.String(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}]}`)}, "InvalidPolicyDocument"},
		"a policy and its reset":           {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, PolicyDocument: aws.String(everyone), ResetPolicy: aws.Bool(true)}, "InvalidParameterCombination"},
		"a trial":                          {sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, ResetPolicy: aws.Bool(true), DryRun: aws.Bool(true)}, "DryRunOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := w.Endpoint(*v.in.VpcEndpointId)
			_, err := w.client.ModifyVpcEndpoint(t.Context(), &v.in)
			if got := localtest.Code(err); got != v.want {
				t.Errorf("ModifyVpcEndpoint = %q, want %q", err, v.want)
			}
			if after, _ := w.Endpoint(*v.in.VpcEndpointId); after.Policy != before.Policy || !cmp.Equal(after.SubnetIDs, before.SubnetIDs) {
				t.Error("the refused call changed the endpoint")
			}
		})
	}
}

// everyone is a policy that both types of endpoints accept.
const everyone = `{"Version":"2012-10-17","Statement":[{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`

func TestModifyVpcEndpointChangesPolicyAndPutsItBack(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, PolicyDocument: aws.String(everyone)}))(t)
	if got := *localtest.Must(w.describe(t.Context(), w.private.ID))(t).VpcEndpoints[0].PolicyDocument; got != everyone {
		t.Errorf("policy = %s, want %s", got, everyone)
	}
	want := localtest.Must(iampolicy.Parse([]byte(everyone)))(t)
	if got := w.Policy(w.private.ID); !iampolicy.Equal(got, want) {
		t.Errorf("Policy = %s, want %s", got, want)
	}
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, ResetPolicy: aws.Bool(true)}))(t)
	if e, _ := w.Endpoint(w.private.ID); e.Policy != w.private.Policy {
		t.Errorf("policy after reset = %s, want %s", e.Policy, w.private.Policy)
	}
}

func TestPolicyOfAnEndpointThatIsGoneIsNil(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	localtest.Must(w.client.DeleteVpcEndpoints(t.Context(), &sdk.DeleteVpcEndpointsInput{VpcEndpointIds: []string{w.private.ID}}))(t)
	if got := w.Policy(w.private.ID); got != nil {
		t.Errorf("Policy = %s, want nil", got)
	}
}

func TestModifyVpcEndpointMovesInterfacesWithSubnetsAndGroups(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	before := w.NetworkInterfaces(w.private.ID)
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{
		VpcEndpointId: &w.private.ID, RemoveSubnetIds: []string{w.a.ID}, AddSecurityGroupIds: []string{w.app.ID},
	}))(t)
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, AddSubnetIds: []string{w.a2.ID}}))(t)
	out := localtest.Must(w.client.DescribeNetworkInterfaces(t.Context(), &sdk.DescribeNetworkInterfacesInput{
		NetworkInterfaceIds: localtest.Must(w.describe(t.Context(), w.private.ID))(t).VpcEndpoints[0].NetworkInterfaceIds,
	}))(t)
	var subnets []string
	for _, n := range out.NetworkInterfaces {
		subnets = append(subnets, *n.SubnetId)
		if len(n.Groups) != 2 || n.Status != types.NetworkInterfaceStatusInUse {
			t.Errorf("interface in %s has %d groups and status %s, want 2 and in-use", *n.SubnetId, len(n.Groups), n.Status)
		}
	}
	if diff := cmp.Diff([]string{w.b.ID, w.a2.ID}, subnets); diff != "" {
		t.Errorf("subnets with interfaces (-want +got):\n%s", diff)
	}
	if kept := *out.NetworkInterfaces[0].PrivateIpAddress; kept != before[1].IP {
		t.Errorf("the interface that stays has address %s, want %s", kept, before[1].IP)
	}
}

func TestPrivateDNSNeedsItsOptionSaidForS3(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	localtest.Must(w.client.DeleteVpcEndpoints(t.Context(), &sdk.DeleteVpcEndpointsInput{VpcEndpointIds: []string{w.public.ID}}))(t)
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, PrivateDnsEnabled: aws.Bool(false)}))(t)
	_, err := w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, PrivateDnsEnabled: aws.Bool(true)})
	if got := localtest.Code(err); got != "InvalidParameter" {
		t.Errorf("ModifyVpcEndpoint(private DNS without its option) = %v, want InvalidParameter", err)
	}
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{
		VpcEndpointId: &w.private.ID, PrivateDnsEnabled: aws.Bool(true),
		DnsOptions: &types.DnsOptionsSpecification{PrivateDnsOnlyForInboundResolverEndpoint: aws.Bool(false)},
	}))(t)
	if e, _ := w.Endpoint(w.private.ID); !e.PrivateDNS || e.OnlyInboundResolver {
		t.Errorf("private DNS = %t, only for inbound = %t, want true, false", e.PrivateDNS, e.OnlyInboundResolver)
	}
}

func TestPrivateDNSNeedsTheNetworksDNS(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	vpc := localtest.Must(w.CreateVPC(ec2.VPC{CIDR: "10.1.0.0/16", DNSSupport: true}))(t)
	request := ec2.EndpointRequest{
		Type: ec2.Interface, VPCID: vpc.ID, ServiceName: "com.amazonaws.eu-central-1.s3", PrivateDNS: true, OnlyInboundResolver: aws.Bool(false),
	}
	if _, err := w.CreateEndpoint(request); err == nil {
		t.Fatal("CreateEndpoint in a network without DNS host names = nil, want an error")
	}
	localtest.Must(w.client.ModifyVpcAttribute(t.Context(), &sdk.ModifyVpcAttributeInput{VpcId: &vpc.ID, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))(t)
	localtest.Must(w.CreateEndpoint(request))(t)
}

func TestGatewayEndpointRoutesItsTables(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	routes := func() int {
		out := localtest.Must(w.client.DescribeRouteTables(t.Context(), &sdk.DescribeRouteTablesInput{
			Filters: []types.Filter{{Name: aws.String("route.gateway-id"), Values: []string{w.public.ID}}},
		}))(t)
		return len(out.RouteTables)
	}
	if got := routes(); got != 1 {
		t.Errorf("route tables through the endpoint = %d, want 1", got)
	}
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.public.ID, RemoveRouteTableIds: []string{w.table.ID}}))(t)
	if got := routes(); got != 0 {
		t.Errorf("route tables through the endpoint after removal = %d, want 0", got)
	}
	other := localtest.Must(w.CreateEndpoint(ec2.EndpointRequest{VPCID: w.vpc.ID, ServiceName: w.public.ServiceName, RouteTableIDs: []string{w.table.ID}}))(t)
	_, err := w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.public.ID, AddRouteTableIds: []string{w.table.ID}})
	if got := localtest.Code(err); got != "RouteAlreadyExists" {
		t.Errorf("adding the table to %s although it has %s = %q, want RouteAlreadyExists", w.public.ID, other.ID, got)
	}
}

func TestPendingReadsAnswerPendingAndRefuseChanges(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	w.SetPendingReads(2)
	reset := &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, ResetPolicy: aws.Bool(true)}
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), reset))(t)
	_, err := w.client.ModifyVpcEndpoint(t.Context(), reset)
	if got := localtest.Code(err); got != "OperationInProgress" {
		t.Errorf("ModifyVpcEndpoint while pending = %v, want OperationInProgress", err)
	}
	var states []string
	for range 3 {
		states = append(states, string(localtest.Must(w.describe(t.Context(), w.private.ID))(t).VpcEndpoints[0].State))
	}
	if diff := cmp.Diff([]string{"pending", "pending", "available"}, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), reset))(t)
}

func TestStaleReadShowsTheStateBeforeTheLatestWrite(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, PolicyDocument: aws.String(everyone)}))(t)
	w.gate.Inject(api.Fault{Service: "ec2", Operation: "DescribeVpcEndpoints", Stale: true, Times: 1})
	for _, want := range []string{w.private.Policy, everyone} {
		if got := *localtest.Must(w.describe(t.Context(), w.private.ID))(t).VpcEndpoints[0].PolicyDocument; got != want {
			t.Errorf("policy = %s, want %s", got, want)
		}
	}
}

func TestDeleteVpcEndpointsSaysWhichWereNotThere(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	out := localtest.Must(w.client.DeleteVpcEndpoints(t.Context(), &sdk.DeleteVpcEndpointsInput{VpcEndpointIds: []string{w.private.ID, "vpce-0123"}}))(t)
	if len(out.Unsuccessful) != 1 || *out.Unsuccessful[0].ResourceId != "vpce-0123" {
		t.Errorf("unsuccessful = %v, want only vpce-0123", out.Unsuccessful)
	}
	if got := len(w.NetworkInterfaces(w.private.ID)); got != 0 {
		t.Errorf("the deleted endpoint has %d interfaces, want 0", got)
	}
	_, err := w.describe(t.Context(), w.private.ID)
	if got := localtest.Code(err); got != "InvalidVpcEndpointId.NotFound" {
		t.Errorf("DescribeVpcEndpoints = %v, want InvalidVpcEndpointId.NotFound", err)
	}
}

func TestCreateVpcEndpointThroughTheClient(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	out := localtest.Must(w.client.CreateVpcEndpoint(t.Context(), &sdk.CreateVpcEndpointInput{
		VpcId: &w.vpc.ID, ServiceName: aws.String("com.amazonaws.eu-central-1.dynamodb"), VpcEndpointType: types.VpcEndpointTypeGateway,
		PolicyDocument: aws.String(everyone), RouteTableIds: []string{w.table.ID},
		TagSpecifications: []types.TagSpecification{{ResourceType: "vpc-endpoint", Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("dynamo")}}}},
	}))(t)
	e, _ := w.Endpoint(*out.VpcEndpoint.VpcEndpointId)
	if diff := cmp.Diff([]ec2.Tag{{Key: "Name", Value: "dynamo"}}, e.Tags); diff != "" || e.Policy != everyone {
		t.Errorf("policy %s, tags (-want +got):\n%s", e.Policy, diff)
	}
}

func TestThrottlingIsRequestLimitExceeded(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	w.gate.Inject(api.Fault{Service: "ec2", Times: 1, Error: &api.Error{Status: 503, Code: "RequestLimitExceeded", Message: "Request limit exceeded."}})
	if _, err := w.describe(t.Context(), w.private.ID); localtest.Code(err) != "RequestLimitExceeded" {
		t.Errorf("DescribeVpcEndpoints when throttled = %v, want RequestLimitExceeded", err)
	}
}

func TestEndpointsAndTheirInterfacesFail(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	interfaces := w.NetworkInterfaces(w.private.ID)
	for name, err := range map[string]error{
		"SetEndpointState":       w.SetEndpointState(w.private.ID, "failed"),
		"SetInterfaceStatus":     w.SetInterfaceStatus(interfaces[0].ID, "available"),
		"RemoveNetworkInterface": w.RemoveNetworkInterface(interfaces[1].ID),
	} {
		if err != nil {
			t.Fatalf("%s = %v", name, err)
		}
	}
	e := localtest.Must(w.describe(t.Context(), w.private.ID))(t).VpcEndpoints[0]
	if e.State != "failed" || len(e.NetworkInterfaceIds) != 1 {
		t.Errorf("endpoint is %s with interfaces %v, want failed with one", e.State, e.NetworkInterfaceIds)
	}
	out := localtest.Must(w.client.DescribeNetworkInterfaces(t.Context(), &sdk.DescribeNetworkInterfacesInput{NetworkInterfaceIds: e.NetworkInterfaceIds}))(t)
	if got := out.NetworkInterfaces[0].Status; got != types.NetworkInterfaceStatusAvailable {
		t.Errorf("interface is %s, want available", got)
	}
}

func TestAnInterfaceEndpointWithoutGroupsGetsTheNetworksOwn(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	e := localtest.Must(w.CreateEndpoint(ec2.EndpointRequest{Type: ec2.Interface, VPCID: w.vpc.ID, ServiceName: "com.amazonaws.eu-central-1.sts", SubnetIDs: []string{w.a.ID}}))(t)
	if g, _ := w.SecurityGroup(e.GroupIDs[0]); len(e.GroupIDs) != 1 || g.Name != "default" {
		t.Errorf("groups = %v, want the default one", e.GroupIDs)
	}
}

func TestEndpointsThatCannotBeMade(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	for name, v := range map[string]struct {
		request ec2.EndpointRequest
		want    string
	}{
		"in a network that is gone":    {ec2.EndpointRequest{VPCID: "vpc-0123", ServiceName: w.public.ServiceName}, "InvalidVpcId.NotFound"},
		"to a service of elsewhere":    {ec2.EndpointRequest{VPCID: w.vpc.ID, ServiceName: "com.amazonaws.us-east-1.s3"}, "InvalidServiceName"},
		"with a policy too long":       {ec2.EndpointRequest{VPCID: w.vpc.ID, ServiceName: w.public.ServiceName, Policy: strings.Repeat(" ", 20481)}, "InvalidParameter"},
		"for a subnet of elsewhere":    {ec2.EndpointRequest{Type: ec2.Interface, VPCID: w.vpc.ID, ServiceName: w.public.ServiceName, SubnetIDs: []string{w.elsewhere(t)}}, "InvalidParameter"},
		"with DNS options, as gateway": {ec2.EndpointRequest{VPCID: w.vpc.ID, ServiceName: w.public.ServiceName, OnlyInboundResolver: aws.Bool(false)}, "InvalidParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.Endpoints())
			_, err := w.CreateEndpoint(v.request)
			var refusal *api.Error
			if !errors.As(err, &refusal) || refusal.Code != v.want {
				t.Errorf("CreateEndpoint = %v, want %s", err, v.want)
			}
			if after := len(w.Endpoints()); after != before {
				t.Errorf("there are %d endpoints, want %d", after, before)
			}
		})
	}
}

// elsewhere returns a subnet of another network.
func (w *world) elsewhere(t *testing.T) string {
	t.Helper()
	vpc := localtest.Must(w.CreateVPC(ec2.VPC{CIDR: "10.9.0.0/16"}))(t)
	return localtest.Must(w.CreateSubnet(ec2.Subnet{VPCID: vpc.ID, CIDR: "10.9.0.0/24"}))(t).ID
}

func TestWhatIsNotImitatedIsRefused(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	before, _ := w.Endpoint(w.private.ID)
	for name, call := range map[string]func() error{
		"IpAddressType": func() error {
			_, err := w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, IpAddressType: types.IpAddressTypeDualstack})
			return err
		},
		"DnsOptions.DnsRecordIpType": func() error {
			_, err := w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{
				VpcEndpointId: &w.private.ID, DnsOptions: &types.DnsOptionsSpecification{DnsRecordIpType: types.DnsRecordIpTypeIpv6}})
			return err
		},
		"AmazonProvidedIpv6CidrBlock": func() error {
			_, err := w.client.CreateVpc(t.Context(), &sdk.CreateVpcInput{CidrBlock: aws.String("10.7.0.0/16"), AmazonProvidedIpv6CidrBlock: aws.Bool(true)})
			return err
		},
	} {
		if err := call(); localtest.Code(err) != "UnknownParameter" || !strings.Contains(err.Error(), name) {
			t.Errorf("a call with %s = %v, want UnknownParameter with its name", name, err)
		}
	}
	if after, _ := w.Endpoint(w.private.ID); !reflect.DeepEqual(before, after) {
		t.Errorf("the endpoint is %+v, want %+v, unchanged", after, before)
	}
}

// AWS's reference has no ec2:Vpc for this action on route tables, so AWS's requests do not have the key.
func TestAConditionOnAKeyThatTheActionDoesNotKnowNeverMatches(t *testing.T) {
	allow := func(kind string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:ModifyVpcEndpoint","Resource":"*"},
			{"Effect":"Deny","Action":"ec2:ModifyVpcEndpoint","Resource":"arn:aws:ec2:*:*:` + kind + `/*","Condition":{"Null":{"ec2:Vpc":"true"}}}]}`
	}
	for kind, want := range map[string]string{"route-table": "UnauthorizedOperation", "subnet": ""} {
		w := newWorld(t, allow(kind))
		in := &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, RemoveSubnetIds: []string{w.a.ID}}
		if kind == "route-table" {
			in = &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.public.ID, RemoveRouteTableIds: []string{w.table.ID}}
		}
		if _, err := w.client.ModifyVpcEndpoint(t.Context(), in); localtest.Code(err) != want {
			t.Errorf("ModifyVpcEndpoint on a %s with a condition on ec2:Vpc = %v, want %q", kind, err, want)
		}
	}
}

func TestTheAttributesOfAVPCAreRead(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	vpc := localtest.Must(w.client.CreateVpc(t.Context(), &sdk.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")}))(t).Vpc
	off := &types.AttributeBooleanValue{Value: aws.Bool(false)}
	localtest.Must(w.client.ModifyVpcAttribute(t.Context(), &sdk.ModifyVpcAttributeInput{VpcId: vpc.VpcId, EnableDnsSupport: off}))(t)
	got := localtest.Must(w.client.DescribeVpcAttribute(t.Context(), &sdk.DescribeVpcAttributeInput{VpcId: vpc.VpcId, Attribute: types.VpcAttributeNameEnableDnsSupport}))(t)
	if *got.EnableDnsSupport.Value || got.EnableDnsHostnames != nil {
		t.Errorf("attributes %+v, %+v, want DNS support off, and no other", got.EnableDnsSupport, got.EnableDnsHostnames)
	}
	_, err := w.client.DescribeVpcAttribute(t.Context(), &sdk.DescribeVpcAttributeInput{VpcId: aws.String("vpc-0"), Attribute: types.VpcAttributeNameEnableDnsHostnames})
	if code := localtest.Code(err); code != "InvalidVpcID.NotFound" {
		t.Errorf("DescribeVpcAttribute of no VPC = %v, want InvalidVpcID.NotFound", err)
	}
}
