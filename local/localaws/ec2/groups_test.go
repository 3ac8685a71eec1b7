package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// tcp returns a permission for one port from one address range.
func tcp(port int32, cidr string) types.IpPermission {
	return types.IpPermission{
		IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, IpRanges: []types.IpRange{{CidrIp: &cidr}},
	}
}

// rules returns a group's rules in one direction, as text.
func (w *world) rules(groupID string, egress bool) []string {
	var list []string
	for _, r := range w.Rules(groupID) {
		if r.Egress == egress {
			list = append(list, r.String())
		}
	}
	return list
}

func TestNewGroupLetsEverythingOutAndNothingIn(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	if diff := cmp.Diff([]string{"peer: 0.0.0.0/0, ALL, ALLOW"}, w.rules(w.app.ID, true)); diff != "" {
		t.Errorf("egress rules (-want +got):\n%s", diff)
	}
	if got := w.rules(w.app.ID, false); len(got) != 0 {
		t.Errorf("ingress rules = %v, want none", got)
	}
}

func TestAuthorizeAndRevokeByWhatRulesSay(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	in := []types.IpPermission{tcp(443, "0.0.0.0/0")}
	localtest.Must(w.client.AuthorizeSecurityGroupIngress(t.Context(), &sdk.AuthorizeSecurityGroupIngressInput{GroupId: &w.guarded.ID, IpPermissions: in}))(t)
	_, err := w.client.AuthorizeSecurityGroupIngress(t.Context(), &sdk.AuthorizeSecurityGroupIngressInput{GroupId: &w.guarded.ID, IpPermissions: in})
	if got := localtest.Code(err); got != "InvalidPermission.Duplicate" {
		t.Errorf("authorising twice = %v, want InvalidPermission.Duplicate", err)
	}
	revoked := localtest.Must(w.client.RevokeSecurityGroupIngress(t.Context(), &sdk.RevokeSecurityGroupIngressInput{GroupId: &w.guarded.ID, IpPermissions: in}))(t)
	if len(revoked.RevokedSecurityGroupRules) != 1 {
		t.Errorf("revoked %d rules, want 1", len(revoked.RevokedSecurityGroupRules))
	}
	_, err = w.client.RevokeSecurityGroupIngress(t.Context(), &sdk.RevokeSecurityGroupIngressInput{GroupId: &w.guarded.ID, IpPermissions: in})
	if got := localtest.Code(err); got != "InvalidPermission.NotFound" {
		t.Errorf("revoking twice = %v, want InvalidPermission.NotFound", err)
	}
}

func TestRevokeByIDIsAllOrNothing(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	id := w.Rules(w.guarded.ID)[1].ID
	_, err := w.client.RevokeSecurityGroupIngress(t.Context(), &sdk.RevokeSecurityGroupIngressInput{GroupId: &w.guarded.ID, SecurityGroupRuleIds: []string{id, "sgr-0123"}})
	if got := localtest.Code(err); got != "InvalidSecurityGroupRuleId.NotFound" {
		t.Errorf("revoking a missing rule = %v, want InvalidSecurityGroupRuleId.NotFound", err)
	}
	if got := w.rules(w.guarded.ID, false); len(got) != 1 {
		t.Errorf("after a refused call the group has ingress rules %v, want one", got)
	}
	localtest.Must(w.client.RevokeSecurityGroupIngress(t.Context(), &sdk.RevokeSecurityGroupIngressInput{GroupId: &w.guarded.ID, SecurityGroupRuleIds: []string{id}}))(t)
	if got := w.rules(w.guarded.ID, false); len(got) != 0 {
		t.Errorf("ingress rules = %v, want none", got)
	}
}

func TestRulesThatEC2RefusesOrRewrites(t *testing.T) {
	for name, v := range map[string]struct {
		rule types.IpPermission
		want string
		kept string
	}{
		"a host of a range is the range":    {tcp(80, "10.1.2.3/16"), "", "peer: 10.1.0.0/16, TCP, from port: 80, to port: 80, ALLOW"},
		"a protocol by number has its name": {types.IpPermission{IpProtocol: aws.String("6"), FromPort: aws.Int32(1), ToPort: aws.Int32(2), IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}}}, "", "peer: 10.0.0.0/8, TCP, from port: 1, to port: 2, ALLOW"},
		"all protocols have no ports":       {types.IpPermission{IpProtocol: aws.String("-1"), Ipv6Ranges: []types.Ipv6Range{{CidrIpv6: aws.String("::/0")}}}, "", "peer: ::/0, ALL, ALLOW"},
		"a range that is none":              {tcp(80, "10.1.2/16"), "InvalidParameterValue", ""},
		"an IPv6 range as IPv4":             {tcp(80, "::/0"), "InvalidParameterValue", ""},
		"ports that are no range":           {types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(2), ToPort: aws.Int32(1), IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}}}, "InvalidParameterValue", ""},
		"members of a group that is gone":   {types.IpPermission{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-0123")}}}, "InvalidGroup.NotFound", ""},
		"no source":                         {types.IpPermission{IpProtocol: aws.String("-1")}, "MissingParameter", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, localtest.Everything)
			_, err := w.client.AuthorizeSecurityGroupIngress(t.Context(), &sdk.AuthorizeSecurityGroupIngressInput{GroupId: &w.app.ID, IpPermissions: []types.IpPermission{v.rule}})
			if got := localtest.Code(err); got != v.want {
				t.Errorf("AuthorizeSecurityGroupIngress = %v, want %q", err, v.want)
			}
			if got := w.rules(w.app.ID, false); v.want == "" && (len(got) != 1 || got[0] != v.kept) {
				t.Errorf("rules = %v, want %s", got, v.kept)
			}
		})
	}
}

func TestDescribeSecurityGroupsPutsRulesTogether(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	localtest.Must(w.Authorize(w.guarded.ID, ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.0.0.0/8"}))(t)
	out := localtest.Must(w.client.DescribeSecurityGroups(t.Context(), &sdk.DescribeSecurityGroupsInput{GroupIds: []string{w.guarded.ID}}))(t)
	ingress := out.SecurityGroups[0].IpPermissions
	if len(ingress) != 1 || *ingress[0].UserIdGroupPairs[0].GroupId != w.app.ID || *ingress[0].IpRanges[0].CidrIp != "10.0.0.0/8" {
		t.Errorf("ingress = %+v, want one permission with a group and a range", ingress)
	}
	if egress := out.SecurityGroups[0].IpPermissionsEgress; len(egress) != 1 || egress[0].FromPort != nil {
		t.Errorf("egress = %+v, want one permission without ports", egress)
	}
}

func TestDescribeSecurityGroupRulesShowsReferencedGroups(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	out := localtest.Must(w.client.DescribeSecurityGroupRules(t.Context(), &sdk.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{w.guarded.ID}}},
	}))(t)
	if len(out.SecurityGroupRules) != 2 {
		t.Fatalf("DescribeSecurityGroupRules = %d rules, want 2", len(out.SecurityGroupRules))
	}
	all, app := out.SecurityGroupRules[0], out.SecurityGroupRules[1]
	if !*all.IsEgress || *all.FromPort != -1 || all.ReferencedGroupInfo != nil {
		t.Errorf("first rule = %+v, want all outbound traffic, without a group", all)
	}
	if *app.IsEgress || *app.ReferencedGroupInfo.GroupId != w.app.ID || app.CidrIpv4 != nil {
		t.Errorf("second rule = %+v, want inbound from the application's group", app)
	}
}

func TestModifySecurityGroupRulesKeepsTheID(t *testing.T) {
	w := newWorld(t, localtest.Everything)
	id := w.Rules(w.guarded.ID)[1].ID
	localtest.Must(w.client.ModifySecurityGroupRules(t.Context(), &sdk.ModifySecurityGroupRulesInput{
		GroupId: &w.guarded.ID, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{SecurityGroupRuleId: &id, SecurityGroupRule: &types.SecurityGroupRuleRequest{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), CidrIpv4: aws.String("0.0.0.0/0"),
		}}},
	}))(t)
	if r := w.Rules(w.guarded.ID)[1]; r.ID != id || r.CIDR != "0.0.0.0/0" || r.ReferencedGroup != "" {
		t.Errorf("rule = %+v, want %s from all addresses", r, id)
	}
}
