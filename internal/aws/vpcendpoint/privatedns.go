package vpcendpoint

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// dns is an interface endpoint's private DNS. The desired state is on, for queries from all of the VPC, not only for
// those through inbound resolver endpoints. Source: docs/facts.md, VPC endpoints
type dns struct {
	PrivateDnsEnabled                        bool
	PrivateDnsOnlyForInboundResolverEndpoint bool
}

func (e *Endpoint) inspectPrivateDNS(endpoint types.VpcEndpoint) guard.Finding {
	desired := dns{PrivateDnsEnabled: true}
	live := liveDNS(endpoint)
	finding := guard.Finding{
		Property: privateDNSProperty, Target: e.ID, Verdict: iampolicy.Same,
		Live: guard.Compact(live), Desired: guard.Compact(desired),
	}
	if !live.PrivateDnsEnabled {
		finding.Diff = append(finding.Diff, guard.Difference{Removed: true, Name: "PrivateDnsEnabled", Value: "true"})
	}
	if live.PrivateDnsOnlyForInboundResolverEndpoint {
		finding.Diff = append(finding.Diff, guard.Difference{Name: "PrivateDnsOnlyForInboundResolverEndpoint", Value: "true"})
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

// restorePrivateDNS sets all options of the desired private DNS: when EC2 enables private DNS, it otherwise restricts
// it to inbound resolver endpoints.
func restorePrivateDNS(in *ec2.ModifyVpcEndpointInput) {
	in.PrivateDnsEnabled = aws.Bool(true)
	in.DnsOptions = &types.DnsOptionsSpecification{PrivateDnsOnlyForInboundResolverEndpoint: aws.Bool(false)}
}
