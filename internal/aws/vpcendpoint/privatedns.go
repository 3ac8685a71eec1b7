package vpcendpoint

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// dns is an interface endpoint's private DNS. Unless another state was adopted, the desired one is on, for queries from all of the
// VPC, not only for those through inbound resolver endpoints. Source: docs/facts.md, VPC endpoints
type dns struct {
	PrivateDnsEnabled                        bool
	PrivateDnsOnlyForInboundResolverEndpoint bool
}

func (e *Endpoint) inspectPrivateDNS(endpoint types.VpcEndpoint) guard.Finding {
	desired := e.desiredDNS()
	live := liveDNS(endpoint)
	finding := guard.Finding{
		Property: privateDNSProperty, Target: e.ID, Verdict: iampolicy.Same,
		Live: guard.Compact(live), Desired: guard.Compact(desired),
	}
	for _, option := range []struct {
		name          string
		live, desired bool
	}{
		{"PrivateDnsEnabled", live.PrivateDnsEnabled, desired.PrivateDnsEnabled},
		{"PrivateDnsOnlyForInboundResolverEndpoint", live.PrivateDnsOnlyForInboundResolverEndpoint, desired.PrivateDnsOnlyForInboundResolverEndpoint},
	} {
		if option.live != option.desired && (live.PrivateDnsEnabled || desired.PrivateDnsEnabled) {
			finding.Diff = append(finding.Diff, guard.Difference{Removed: option.desired, Name: option.name, Value: "true"})
		}
	}
	if len(finding.Diff) > 0 {
		finding.Verdict = iampolicy.Closed
	}
	return finding
}

// liveDNS returns the private DNS in a response.
func liveDNS(endpoint types.VpcEndpoint) dns {
	live := dns{PrivateDnsEnabled: aws.ToBool(endpoint.PrivateDnsEnabled)}
	if endpoint.DnsOptions != nil {
		live.PrivateDnsOnlyForInboundResolverEndpoint = aws.ToBool(endpoint.DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint)
	}
	return live
}

// desiredDNS returns the desired private DNS.
func (e *Endpoint) desiredDNS() dns {
	if e.PrivateDNS == nil {
		return dns{PrivateDnsEnabled: true}
	}
	return dns{e.PrivateDNS.Enabled, e.PrivateDNS.OnlyForInboundResolver}
}

// restorePrivateDNS sets all options of the desired private DNS: when EC2 enables private DNS, it otherwise restricts
// it to inbound resolver endpoints.
func (e *Endpoint) restorePrivateDNS(in *ec2.ModifyVpcEndpointInput) {
	desired := e.desiredDNS()
	in.PrivateDnsEnabled = &desired.PrivateDnsEnabled
	if !desired.PrivateDnsEnabled {
		return
	}
	in.DnsOptions = &types.DnsOptionsSpecification{
		PrivateDnsOnlyForInboundResolverEndpoint: &desired.PrivateDnsOnlyForInboundResolverEndpoint,
	}
}
