package ec2_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

func TestModifyVpcEndpointTakesPermissionOnAllThatItTies(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	localtest.Must(w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{
		VpcEndpointId: &w.private.ID, RemoveSubnetIds: []string{w.a.ID}, AddSecurityGroupIds: []string{w.app.ID}, PolicyDocument: aws.String(everyone),
	}))(t)
	var got []string
	for _, need := range w.gate.Calls()[0].Needs {
		got = append(got, need.Action+" "+need.Resource)
	}
	arn := "ec2:ModifyVpcEndpoint arn:aws:ec2:eu-central-1:111122223333:"
	want := []string{arn + "vpc-endpoint/" + w.private.ID, arn + "security-group/" + w.app.ID, arn + "subnet/" + w.a.ID}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
}

func TestWithoutPermissionEC2AnswersUnauthorizedOperation(t *testing.T) {
	w := newWorld(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}`)
	localtest.Must(w.describe(t.Context(), w.private.ID))(t)
	_, err := w.client.ModifyVpcEndpoint(t.Context(), &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, ResetPolicy: aws.Bool(true)})
	if got := localtest.Code(err); got != "UnauthorizedOperation" {
		t.Errorf("ModifyVpcEndpoint without permission = %v, want UnauthorizedOperation", err)
	}
}

// recorded returns the last management write's record as JSON.
func (w *world) recorded(t *testing.T) string {
	t.Helper()
	trail := w.trail[len(w.trail)-1].Operation.Trail
	text, err := json.MarshalIndent(map[string]any{"request": trail.RequestParameters, "response": trail.ResponseElements}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTrailHasTheShapesOfRealRecords(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	ctx := t.Context()
	newer := `{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":%q,%s}`
	for _, v := range []struct {
		name              string
		call              func() error
		request, response string
	}{
		{"one subnet is an object", func() error {
			_, err := w.client.ModifyVpcEndpoint(ctx, &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, RemoveSubnetIds: []string{w.a.ID}})
			return err
		}, fmt.Sprintf(`{"ModifyVpcEndpointRequest":{"VpcEndpointId":%q,"RemoveSubnetId":{"tag":1,"content":%q}}}`, w.private.ID, w.a.ID),
			`{"ModifyVpcEndpointResponse":` + newer + `}`},
		{"two subnets are an array", func() error {
			_, err := w.client.ModifyVpcEndpoint(ctx, &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, RemoveSubnetIds: []string{w.a.ID, w.b.ID}})
			return err
		}, fmt.Sprintf(`{"ModifyVpcEndpointRequest":{"VpcEndpointId":%q,"RemoveSubnetId":[{"tag":1,"content":%q},{"tag":2,"content":%q}]}}`, w.private.ID, w.a.ID, w.b.ID),
			`{"ModifyVpcEndpointResponse":` + newer + `}`},
		{"a policy is a string", func() error {
			_, err := w.client.ModifyVpcEndpoint(ctx, &sdk.ModifyVpcEndpointInput{VpcEndpointId: &w.private.ID, PolicyDocument: aws.String(everyone)})
			return err
		}, fmt.Sprintf(`{"ModifyVpcEndpointRequest":{"VpcEndpointId":%q,"PolicyDocument":%q}}`, w.private.ID, everyone),
			`{"ModifyVpcEndpointResponse":` + newer + `}`},
	} {
		t.Run(v.name, func(t *testing.T) {
			if err := v.call(); err != nil {
				t.Fatal(err)
			}
			id := w.trail[len(w.trail)-1].Request.ID
			w.compareRecord(t, v.request, fmt.Sprintf(v.response, id, `"return":true`))
		})
	}
}

// compareRecord compares the last record's request and response with JSON.
func (w *world) compareRecord(t *testing.T, request, response string) {
	t.Helper()
	var want, got any
	for text, into := range map[string]*any{`{"request":` + request + `,"response":` + response + `}`: &want, w.recorded(t): &got} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestTrailOfDeletedEndpoints(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	localtest.Must(w.client.DeleteVpcEndpoints(t.Context(), &sdk.DeleteVpcEndpointsInput{VpcEndpointIds: []string{w.private.ID}}))(t)
	w.compareRecord(t, fmt.Sprintf(`{"DeleteVpcEndpointsRequest":{"VpcEndpointId":{"tag":1,"content":%q}}}`, w.private.ID),
		fmt.Sprintf(`{"DeleteVpcEndpointsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":%q,"unsuccessful":""}}`, w.trail[0].Request.ID))
}

func TestTrailOfOlderCallsIsCamelCase(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	out := localtest.Must(w.client.AuthorizeSecurityGroupIngress(t.Context(), &sdk.AuthorizeSecurityGroupIngressInput{
		GroupId: &w.guarded.ID, IpPermissions: []types.IpPermission{tcp(443, "0.0.0.0/0")},
	}))(t)
	w.compareRecord(t, fmt.Sprintf(`{"groupId":%q,"ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,
		"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}`, w.guarded.ID),
		fmt.Sprintf(`{"requestId":%q,"_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"111122223333","groupId":%q,
		"securityGroupRuleId":%q,"isEgress":false,"ipProtocol":"tcp","fromPort":443,"toPort":443,"cidrIpv4":"0.0.0.0/0"}]}}`,
			w.trail[0].Request.ID, w.guarded.ID, *out.SecurityGroupRules[0].SecurityGroupRuleId))
	id := *out.SecurityGroupRules[0].SecurityGroupRuleId
	localtest.Must(w.client.ModifySecurityGroupRules(t.Context(), &sdk.ModifySecurityGroupRulesInput{
		GroupId: &w.guarded.ID, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{SecurityGroupRuleId: &id, SecurityGroupRule: &types.SecurityGroupRuleRequest{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80), CidrIpv4: aws.String("0.0.0.0/0"),
		}}},
	}))(t)
	w.compareRecord(t, fmt.Sprintf(`{"ModifySecurityGroupRulesRequest":{"GroupId":%q,"SecurityGroupRule":{"tag":1,"SecurityGroupRuleId":%q,
		"SecurityGroupRule":{"IpProtocol":"tcp","FromPort":80,"ToPort":80,"CidrIpv4":"0.0.0.0/0"}}}}`, w.guarded.ID, id),
		fmt.Sprintf(`{"ModifySecurityGroupRulesResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":%q,"return":true}}`, w.trail[1].Request.ID))
}
