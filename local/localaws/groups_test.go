package localaws_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

// network returns a template with an endpoint's security group, its description and inline rules, and more resources.
func network(description, rules, more string) string {
	return fmt.Sprintf(`  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Endpoint:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Vpc
      GroupDescription: %s
      SecurityGroupEgress: [{IpProtocol: "-1", CidrIp: 127.0.0.1/32}]
%s
%s`, description, rules, more)
}

// The previous template: the ingress rule of the endpoint's group is a resource, the egress rule of the app's is inline.
const ruleApart = `
  App:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Vpc
      GroupDescription: app
      SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, DestinationSecurityGroupId: !Ref Endpoint}]
  FromApp:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !Ref Endpoint, IpProtocol: tcp, FromPort: 443, ToPort: 443, SourceSecurityGroupId: !Ref App}
`

// The current template: the ingress rule is inline, the egress rule is a resource.
const (
	ruleInline = `      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, SourceSecurityGroupId: !Ref App}]`
	wayApart   = `
  App:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Vpc
      GroupDescription: app
      SecurityGroupEgress: [{IpProtocol: "-1", CidrIp: 127.0.0.1/32}]
  AppToEndpoint:
    Type: AWS::EC2::SecurityGroupEgress
    Properties: {GroupId: !Ref App, IpProtocol: tcp, FromPort: 443, ToPort: 443, DestinationSecurityGroupId: !Ref Endpoint}
`
)

// restores revokes the rule for the app and authorises it again, as when the guard restores a revoked rule.
func restores(t *testing.T, c *localaws.Cloud, s *deployment.Stack) {
	t.Helper()
	group := s.Physical("Endpoint")
	rule := ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, ReferencedGroup: s.Physical("App")}
	if _, err := c.EC2.Revoke(group, rule); err != nil {
		t.Fatal(err)
	}
	if _, err := c.EC2.Authorize(group, rule); err != nil {
		t.Fatal(err)
	}
}

// CloudFormation deletes a rule by its id. A restored rule has another id.
func TestARestoredRuleStopsTheDeletionUnlessItIsInline(t *testing.T) {
	for name, v := range map[string]struct{ resources, want string }{
		"a resource": {network("old", "", ruleApart), "DependencyViolation"},
		"inline":     {network("new", ruleInline, wayApart), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := cloud(t)
			s := deploy(t, c, inline(t, v.resources))
			restores(t, c, s)
			err := s.Delete(t.Context())
			if got := fmt.Sprint(err); (err != nil) != (v.want != "") || !strings.Contains(got, v.want) {
				t.Errorf("Delete = %v, want %q", err, v.want)
			}
			if left := c.Leftovers(); err == nil && len(left) > 0 {
				t.Errorf("%q are left, want nothing", left)
			}
		})
	}
}

// A stack of the previous template can be updated, even after the guard has restored the rule, because the changed
// description creates a new group. In the old group the rule would be a duplicate.
func TestRulesMoveIntoTheirGroup(t *testing.T) {
	for name, v := range map[string]struct{ description, want string }{
		"with another text": {"new", ""},
		"in the same group": {"old", "InvalidPermission.Duplicate"},
	} {
		t.Run(name, func(t *testing.T) {
			c := cloud(t)
			s := deploy(t, c, inline(t, network("old", "", ruleApart)))
			restores(t, c, s)
			before := s.Physical("Endpoint")
			err := s.Update(t.Context(), inline(t, network(v.description, ruleInline, wayApart)))
			if (err != nil) != (v.want != "") || !strings.Contains(fmt.Sprint(err), v.want) {
				t.Fatalf("Update = %v, want %q", err, v.want)
			}
			if err != nil {
				return
			}
			if _, ok := c.EC2.SecurityGroup(before); ok {
				t.Errorf("the group %s is still there", before)
			}
			checkWay(t, c, s)
			if err := s.Delete(t.Context()); err != nil {
				t.Errorf("Delete = %v, want no error", err)
			}
		})
	}
}

// checkWay checks that the groups of app and endpoint each have one rule that refers to the other.
func checkWay(t *testing.T, c *localaws.Cloud, s *deployment.Stack) {
	t.Helper()
	for from, to := range map[string]string{"App": "Endpoint", "Endpoint": "App"} {
		var named []string
		for _, r := range c.EC2.Rules(s.Physical(from)) {
			if r.ReferencedGroup != "" {
				named = append(named, r.ReferencedGroup)
			}
		}
		if len(named) != 1 || named[0] != s.Physical(to) {
			t.Errorf("rules of %s refer to %v, want %s", from, named, s.Physical(to))
		}
	}
}

func TestAGroupsInlineRulesFollowTheTemplate(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, inline(t, network("new", ruleInline, wayApart)))
	restores(t, c, s)
	group := s.Physical("Endpoint")
	if err := s.Update(t.Context(), inline(t, network("new", "", wayApart))); err != nil {
		t.Fatal(err)
	}
	for _, r := range c.EC2.Rules(group) {
		if !r.Egress {
			t.Errorf("the group still has %s, want no ingress", r)
		}
	}
	if got := s.Physical("Endpoint"); got != group {
		t.Errorf("the group is %s, want %s as before", got, group)
	}
}
