package vpcendpoint_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

const (
	desiredPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"AllowWorkload","Effect":"Allow","Principal":"*",` +
		`"Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"],` +
		`"Condition":{"StringEquals":{"aws:SourceVpc":"vpc-0a1b2c3d4e5f60718","aws:ResourceAccount":"111122223333","aws:PrincipalAccount":"111122223333"},` +
		`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}}]}`
	fullAccess = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
	denyAll    = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`
)

var setting = iampolicy.Setting{
	Partition: "aws", Region: "eu-central-1", Account: "111122223333", Bucket: "docs-example",
	EndpointID: endpointID, VPCID: vpcID,
	Workload: "arn:aws:iam::111122223333:role/app", Guard: "arn:aws:iam::111122223333:role/guard",
}

// newInterface returns an interface endpoint in the desired state, and the guard's resource for it.
func newInterface() (*fakeEC2, *vpcendpoint.Endpoint) {
	fake := &fakeEC2{endpoint: &types.VpcEndpoint{
		VpcEndpointId: aws.String(endpointID), State: "available", PolicyDocument: aws.String(desiredPolicy),
		PrivateDnsEnabled: aws.Bool(true), DnsOptions: &types.DnsOptions{PrivateDnsOnlyForInboundResolverEndpoint: aws.Bool(false)},
		SubnetIds: []string{"subnet-b", "subnet-a"}, Groups: groups("sg-endpoint"),
	}}
	return fake, &vpcendpoint.Endpoint{
		API: fake, ID: endpointID, Policy: desiredPolicy,
		Forbidden: func() []iampolicy.ForbiddenRequest { return iampolicy.ForbiddenThroughEndpoint(setting) },
		SubnetIDs: []string{"subnet-a", "subnet-b"}, SecurityGroupIDs: []string{"sg-endpoint"},
	}
}

// newGateway returns a gateway endpoint in the desired state, and the guard's resource for it.
func newGateway() (*fakeEC2, *vpcendpoint.Endpoint) {
	fake, endpoint := newInterface()
	fake.endpoint = &types.VpcEndpoint{
		VpcEndpointId: aws.String(endpointID), State: "available", PolicyDocument: aws.String(desiredPolicy),
		RouteTableIds: []string{"rtb-1", "rtb-2"},
	}
	endpoint.Gateway, endpoint.SubnetIDs, endpoint.SecurityGroupIDs = true, nil, nil
	endpoint.RouteTableIDs = []string{"rtb-2", "rtb-1"}
	return fake, endpoint
}

func missing(value string) guard.Difference { return guard.Difference{Removed: true, Value: value} }
func extra(value string) guard.Difference   { return guard.Difference{Value: value} }

func TestEndpointIsJudgedAndRestoredPropertyByProperty(t *testing.T) {
	for name, test := range map[string]struct {
		gateway  bool
		change   func(*types.VpcEndpoint)
		property string
		verdict  iampolicy.Verdict
		diff     []guard.Difference // nil: not checked
		writes   []string
	}{
		"policy set to full access": {false, func(e *types.VpcEndpoint) { e.PolicyDocument = aws.String(fullAccess) },
			"endpoint-policy", iampolicy.Open, nil, []string{"policy"}},
		"policy reset, and not reported": {false, func(e *types.VpcEndpoint) { e.PolicyDocument = nil },
			"endpoint-policy", iampolicy.Open, nil, []string{"policy"}},
		"policy that denies all": {false, func(e *types.VpcEndpoint) { e.PolicyDocument = aws.String(denyAll) },
			"endpoint-policy", iampolicy.Closed, nil, []string{"policy"}},
		"gateway's policy set to full access": {true, func(e *types.VpcEndpoint) { e.PolicyDocument = aws.String(fullAccess) },
			"endpoint-policy", iampolicy.Open, nil, []string{"policy"}},
		"private DNS off": {false, func(e *types.VpcEndpoint) { e.PrivateDnsEnabled = aws.Bool(false) },
			"private-dns", iampolicy.Closed, []guard.Difference{{Removed: true, Name: "PrivateDnsEnabled", Value: "true"}}, []string{"private DNS"}},
		"private DNS for resolver queries only": {false, func(e *types.VpcEndpoint) {
			e.DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint = aws.Bool(true)
		}, "private-dns", iampolicy.Closed, []guard.Difference{{Name: "PrivateDnsOnlyForInboundResolverEndpoint", Value: "true"}}, []string{"private DNS"}},
		"a subnet removed": {false, func(e *types.VpcEndpoint) { e.SubnetIds = []string{"subnet-a"} },
			"subnets", iampolicy.Closed, []guard.Difference{missing("subnet-b")}, []string{"+[subnet-b] [] [] -[] [] []"}},
		"subnets exchanged": {false, func(e *types.VpcEndpoint) { e.SubnetIds = []string{"subnet-c", "subnet-d"} },
			"subnets", iampolicy.Closed, []guard.Difference{missing("subnet-a"), missing("subnet-b"), extra("subnet-c"), extra("subnet-d")},
			[]string{"+[subnet-a subnet-b] [] [] -[subnet-c subnet-d] [] []"}},
		"a security group added": {false, func(e *types.VpcEndpoint) { e.Groups = groups("sg-endpoint", "sg-open") },
			"security-groups", iampolicy.Open, []guard.Difference{extra("sg-open")}, []string{"+[] [sg-endpoint] [] -[] [sg-open] []"}},
		"the security group removed": {false, func(e *types.VpcEndpoint) { e.Groups = nil },
			"security-groups", iampolicy.Closed, []guard.Difference{missing("sg-endpoint")}, []string{"+[] [sg-endpoint] [] -[] [] []"}},
		"a route table removed, one added": {true, func(e *types.VpcEndpoint) { e.RouteTableIds = []string{"rtb-1", "rtb-9"} },
			"route-tables", iampolicy.Closed, []guard.Difference{missing("rtb-2"), extra("rtb-9")}, []string{"+[] [] [rtb-2] -[] [] [rtb-9]"}},
	} {
		t.Run(name, func(t *testing.T) {
			fake, endpoint := newInterface()
			if test.gateway {
				fake, endpoint = newGateway()
			}
			test.change(fake.endpoint)
			for property, f := range inspect(t, endpoint) {
				want := iampolicy.Same
				if property == test.property {
					want = test.verdict
				}
				if f.Verdict != want || (f.Allowed != "") != (want == iampolicy.Open) || f.Target != endpointID {
					t.Errorf("%s of %s is %s (%q), want %s", property, f.Target, f.Verdict, f.Allowed, want)
				}
			}
			found := inspect(t, endpoint)[test.property]
			if test.diff != nil {
				if diff := cmp.Diff(test.diff, found.Diff); diff != "" {
					t.Errorf("diff (-want +got):\n%s", diff)
				}
			}
			if err := endpoint.Restore(t.Context(), found); err != nil {
				t.Fatal(err)
			}
			if got := inspect(t, endpoint)[test.property]; got.Verdict != iampolicy.Same {
				t.Errorf("after Restore: %s, live %s, want same", got.Verdict, got.Live)
			}
			if diff := cmp.Diff(test.writes, fake.writes); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPolicyComesFirst(t *testing.T) {
	_, endpoint := newInterface()
	_, gateway := newGateway()
	for _, test := range []struct {
		endpoint *vpcendpoint.Endpoint
		want     []string
	}{
		{endpoint, []string{"endpoint-policy", "security-groups", "private-dns", "subnets"}},
		{gateway, []string{"endpoint-policy", "route-tables"}},
	} {
		findings, err := test.endpoint.Inspect(t.Context())
		var got []string
		for _, f := range findings {
			got = append(got, f.Property)
		}
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("err %v, properties (-want +got):\n%s", err, diff)
		}
	}
}

func TestAForeignSubnetInTheSameZoneIsRemovedFirst(t *testing.T) {
	fake, endpoint := newInterface()
	fake.endpoint.SubnetIds = []string{"subnet-a", "subnet-c"}
	fake.zones = map[string]string{"subnet-a": "a", "subnet-b": "b", "subnet-c": "b"}
	if err := endpoint.Restore(t.Context(), inspect(t, endpoint)["subnets"]); err != nil {
		t.Fatal(err)
	}
	want := []string{"+[subnet-b] [] [] -[subnet-c] [] []", "+[] [] [] -[subnet-c] [] []", "+[subnet-b] [] [] -[] [] []"}
	if diff := cmp.Diff(want, fake.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if got := inspect(t, endpoint)["subnets"].Verdict; got != iampolicy.Same {
		t.Errorf("after Restore: %s, want same", got)
	}
}

func TestAnEndpointPolicyThatIsItselfOpenIsNeverWritten(t *testing.T) {
	fake, endpoint := newInterface()
	endpoint.Policy = fullAccess
	err := endpoint.Restore(t.Context(), inspect(t, endpoint)["endpoint-policy"])
	if err == nil || len(fake.writes) > 0 {
		t.Errorf("Restore = %v with writes %q, want an error and no writes", err, fake.writes)
	}
}

func TestAnUnknownPropertyIsNotWritten(t *testing.T) {
	fake, endpoint := newInterface()
	if err := endpoint.Restore(t.Context(), guard.Finding{Property: "colour"}); err == nil || len(fake.writes) > 0 {
		t.Errorf("Restore(colour) = %v with writes %q, want an error and no writes", err, fake.writes)
	}
}

func TestAnEndpointThatIsGoneIsSaidToBe(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fakeEC2)
		gone   bool
	}{
		"available":                   {func(*fakeEC2) {}, false},
		"pending after a change":      {func(f *fakeEC2) { f.endpoint.State = "pending" }, false},
		"partial":                     {func(f *fakeEC2) { f.endpoint.State = "partial" }, false},
		"deleting":                    {func(f *fakeEC2) { f.endpoint.State = "deleting" }, true},
		"deleted, by the SDK's name":  {func(f *fakeEC2) { f.endpoint.State = types.StateDeleted }, true},
		"failed":                      {func(f *fakeEC2) { f.endpoint.State = "failed" }, true},
		"rejected":                    {func(f *fakeEC2) { f.endpoint.State = "rejected" }, true},
		"expired":                     {func(f *fakeEC2) { f.endpoint.State = "expired" }, true},
		"not in the answer":           {func(f *fakeEC2) { f.endpoint = nil }, true},
		"not found, by code":          {func(f *fakeEC2) { f.fail = map[string]string{"DescribeVpcEndpoints": "InvalidVpcEndpointId.NotFound"} }, true},
		"not readable":                {func(f *fakeEC2) { f.fail = map[string]string{"DescribeVpcEndpoints": "UnauthorizedOperation"} }, false},
		"throttled longer than tried": {func(f *fakeEC2) { f.fail = map[string]string{"DescribeVpcEndpoints": "RequestLimitExceeded"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			fake, endpoint := newInterface()
			test.change(fake)
			findings, err := endpoint.Inspect(t.Context())
			if errors.Is(err, guard.ErrMissing) != test.gone || (err == nil) != (findings != nil) {
				t.Fatalf("Inspect = %v, %v, want gone %t", findings, err, test.gone)
			}
			if test.gone && !strings.Contains(err.Error(), "docs/runbook.md#the-endpoint-is-gone") {
				t.Errorf("error %q does not say how to recover", err)
			}
		})
	}
}

func TestAFailedWriteSaysWhatToDo(t *testing.T) {
	for code, says := range map[string]string{
		"UnauthorizedOperation":         "docs/runbook.md#access-is-denied",
		"InvalidVpcEndpointId.NotFound": "docs/runbook.md#the-endpoint-is-gone",
		"InvalidGroup.NotFound":         "docs/runbook.md#something-that-the-endpoint-needs-is-gone",
		"InvalidParameter":              "endpoint " + endpointID,
	} {
		fake, endpoint := newInterface()
		fake.fail = map[string]string{"ModifyVpcEndpoint": code}
		for property, f := range inspect(t, endpoint) {
			err := endpoint.Restore(t.Context(), f)
			if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), code) {
				t.Errorf("Restore(%s) = %v, want %q and %s in it", property, err, says, code)
			}
		}
	}
}

// Only the policy can be written without reading the live state.
func TestAnEndpointThatMayNotBeDescribedHasItsPolicyWritten(t *testing.T) {
	fake, endpoint := newInterface()
	fake.fail = map[string]string{"DescribeVpcEndpoints": "UnauthorizedOperation"}
	findings, err := endpoint.Inspect(t.Context())
	if err != nil || len(findings) != 1 || findings[0].Property != "endpoint-policy" || findings[0].Verdict != iampolicy.Open || findings[0].Unread == nil {
		t.Fatalf("Inspect = %+v, %v, want the policy, open and unread", findings, err)
	}
	if err := endpoint.Restore(t.Context(), findings[0]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"policy"}, fake.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// AWS does not document that EC2 accepts groups that the endpoint already has.
func TestGroupsAreRestoredWhereEC2RefusesThoseThatAreThere(t *testing.T) {
	fake, endpoint := newInterface()
	fake.endpoint.Groups = groups("sg-endpoint", "sg-open")
	fake.strict = true
	if err := endpoint.Restore(t.Context(), inspect(t, endpoint)["security-groups"]); err != nil {
		t.Fatal(err)
	}
	if got := inspect(t, endpoint)["security-groups"]; got.Verdict != iampolicy.Same {
		t.Errorf("after Restore: %s, live %s, want same", got.Verdict, got.Live)
	}
}
