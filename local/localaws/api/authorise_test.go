package api_test

import (
	"fmt"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// onlyIf returns an identity policy that allows all actions under one condition.
func onlyIf(operator, key, value string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{%q:{%q:%q}}}}`,
		operator, key, value)
}

func TestConditionKeysTellWhereARequestComesFrom(t *testing.T) {
	endpoint := api.Listener{SourceIP: "10.0.0.10", VPCEndpointID: "vpce-1", VPCID: "vpc-1"}
	plain := api.Listener{SourceIP: "198.51.100.7", PlainHTTP: true}
	for _, c := range []struct {
		name                 string
		service              string
		listener             api.Listener
		invokedBy            string
		operator, key, value string
	}{
		{"the internet has an address", "s3", internet, "", "IpAddress", "aws:SourceIp", "198.51.100.7/32"},
		{"the internet has no endpoint", "s3", internet, "", "Null", "aws:SourceVpce", "true"},
		{"the internet has no network", "s3", internet, "", "Null", "aws:VpcSourceIp", "true"},
		{"an endpoint has its id", "s3", endpoint, "", "StringEquals", "aws:SourceVpce", "vpce-1"},
		{"an endpoint has its network", "s3", endpoint, "", "StringEquals", "aws:SourceVpc", "vpc-1"},
		{"an endpoint has a private address", "s3", endpoint, "", "IpAddress", "aws:VpcSourceIp", "10.0.0.0/16"},
		{"an endpoint has no public address", "s3", endpoint, "", "Null", "aws:SourceIp", "true"},
		{"other services are reached beside the endpoint", "board", endpoint, "", "Null", "aws:SourceVpce", "true"},
		{"listeners count as encrypted", "s3", internet, "", "Bool", "aws:SecureTransport", "true"},
		{"unless they are plain", "s3", plain, "", "Bool", "aws:SecureTransport", "false"},
		{"the Region is asked for", "s3", internet, "", "StringEquals", "aws:RequestedRegion", "eu-central-1"},
		{"the time is the gate's", "s3", internet, "", "DateEquals", "aws:CurrentTime", "2026-03-02T09:00:00Z"},
		{"also in seconds", "s3", internet, "", "NumericEquals", "aws:EpochTime", "1772442000"},
		{"the client names itself", "s3", internet, "", "StringLike", "aws:UserAgent", "Go-http-client/*"},
		{"people call themselves", "s3", internet, "", "Bool", "aws:ViaAWSService", "false"},
		{"a service calls for somebody", "s3", endpoint, "cloudformation.amazonaws.com", "Bool", "aws:ViaAWSService", "true"},
		{"a service says which", "s3", endpoint, "cloudformation.amazonaws.com", "StringEquals", "aws:CalledViaFirst", "cloudformation.amazonaws.com"},
		{"a service does not come through the endpoint", "s3", endpoint, "cloudformation.amazonaws.com", "Null", "aws:SourceVpce", "true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, c.service)
			s.url = s.open(c.listener)
			caller := user(t, onlyIf(c.operator, c.key, c.value))
			caller.InvokedBy = c.invokedBy
			key, _ := s.gate.Credentials(caller)
			s.expect(key, "/Read", "", 200, "")
		})
	}
}

func TestEndpointPolicyCountsForWhatComesThroughIt(t *testing.T) {
	const nothing = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}`
	for name, c := range map[string]struct {
		service  string
		listener api.Listener
		want     int
	}{
		"through it":            {"s3", api.Listener{SourceIP: "10.0.0.10", VPCEndpointID: "vpce-1"}, 403},
		"through another":       {"s3", api.Listener{SourceIP: "10.0.0.10", VPCEndpointID: "vpce-2"}, 200},
		"from the internet":     {"s3", internet, 200},
		"not S3, and so not it": {"board", api.Listener{SourceIP: "10.0.0.10", VPCEndpointID: "vpce-1"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, c.service)
			closed := policy(t, nothing)
			s.gate.EndpointPolicy(func(id string) *iampolicy.Policy {
				if id == "vpce-1" {
					return closed
				}
				return nil
			})
			s.url = s.open(c.listener)
			if status, body, err := s.call(s.admin(), s.url+"/Read", ""); err != nil || status != c.want {
				t.Errorf("answer = %d %q %v, want %d", status, body, err, c.want)
			}
		})
	}
}

func TestIdentityPoliciesAreAskedForAtEachRequest(t *testing.T) {
	s := newScene(t, "board")
	caller := user(t)
	var granted []*iampolicy.Policy
	caller.Identity = func() []*iampolicy.Policy { return granted }
	key, _ := s.gate.Credentials(caller)
	if status, _, _ := s.call(key, s.url+"/Read", ""); status != 403 {
		t.Errorf("status without a policy = %d, want 403", status)
	}
	granted = []*iampolicy.Policy{policy(t, everything)}
	s.expect(key, "/Read", "", 200, "")
}

func TestRefusalSaysWhichKindOfPolicyDecided(t *testing.T) {
	need := api.Need{Action: "s3:GetObject", Resource: "arn:aws:s3:::docs/a"}
	for by, want := range map[string]string{
		"bucket policy: DenyOutsideEndpoint":                          "with an explicit deny in a resource-based policy",
		"resource policy: statement 1":                                "with an explicit deny in a resource-based policy",
		"endpoint policy: statement 2":                                "with an explicit deny in a VPC endpoint policy",
		"identity policy 1: NoDeletes":                                "with an explicit deny in an identity-based policy",
		"no bucket policy allows s3:GetObject":                        "because no resource-based policy allows the s3:GetObject action",
		"no identity policy allows s3:GetObject":                      "because no identity-based policy allows the s3:GetObject action",
		"no identity policy and no bucket policy allows s3:GetObject": "because no identity-based policy allows the s3:GetObject action",
		"no statement of the endpoint policy allows s3:GetObject":     "because no VPC endpoint policy allows the s3:GetObject action",
	} {
		if got := api.Because(need, iampolicy.Decision{Effect: iampolicy.Deny, By: by}); got != want {
			t.Errorf("Because(%q) = %q, want %q", by, got, want)
		}
	}
	undecided := iampolicy.Decision{Effect: iampolicy.Undecided, By: "why"}
	if got, want := api.Because(need, undecided), "because a policy cannot be judged: why"; got != want {
		t.Errorf("Because(undecided) = %q, want %q", got, want)
	}
}

func TestDeniedMessageNamesCallerActionAndResource(t *testing.T) {
	s := newScene(t, "board")
	key, _ := s.gate.Credentials(user(t))
	s.expect(key, "/Read", "", 403, "AccessDenied: User: arn:aws:iam::111122223333:user/admin is not authorized to perform: "+
		"board:Read on resource: arn:aws:board:::1 because no identity-based policy allows the board:Read action")
}
