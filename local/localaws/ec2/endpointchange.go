package ec2

import (
	"encoding/json"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// EndpointChange is a change of a VPC endpoint. The zero value changes nothing.
type EndpointChange struct {
	AddRouteTableIDs, RemoveRouteTableIDs []string
	AddSubnetIDs, RemoveSubnetIDs         []string
	AddGroupIDs, RemoveGroupIDs           []string
	// Policy replaces the policy unless it is empty; ResetPolicy restores the default one.
	Policy                          string
	ResetPolicy                     bool
	PrivateDNS, OnlyInboundResolver *bool
}

// ModifyEndpoint changes a VPC endpoint: the whole change, or nothing.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html
func (s *Service) ModifyEndpoint(id string, c EndpointChange) error {
	return s.update(func(st *state) error {
		e, ok := st.endpoints.get(id)
		if !ok {
			return noEndpoint(id)
		}
		if s.pending[id] > 0 {
			// hashicorp/terraform-provider-aws#42875
			return refuse("OperationInProgress", "VpcEndpoint modify operation in progress")
		}
		if err := s.apply(st, &e, c); err != nil {
			return err
		}
		s.pending[id] = s.pendingReads
		return nil
	})
}

// readState returns an endpoint's state for one read.
func (s *Service) readState(e Endpoint) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[e.ID] == 0 {
		return e.State
	}
	s.pending[e.ID]--
	return Pending
}

// apply applies a change within a write.
func (s *Service) apply(st *state, e *Endpoint, c EndpointChange) error {
	steps := []func(*state, *Endpoint, EndpointChange) error{applicable, changePolicy, changeRouteTables, changeSubnets, changeGroups, changeDNS}
	for _, step := range steps {
		if err := step(st, e, c); err != nil {
			return err
		}
	}
	st.endpoints.put(e.ID, *e)
	s.placeInterfaces(st, *e)
	return nil
}

// applicable refuses changes that the endpoint's type does not support.
func applicable(_ *state, e *Endpoint, c EndpointChange) error {
	subnets := len(c.AddSubnetIDs)+len(c.RemoveSubnetIDs) > 0
	groups := len(c.AddGroupIDs)+len(c.RemoveGroupIDs) > 0
	tables := len(c.AddRouteTableIDs)+len(c.RemoveRouteTableIDs) > 0
	switch {
	case c.Policy != "" && c.ResetPolicy:
		return refuse("InvalidParameterCombination", "PolicyDocument and ResetPolicy cannot be used together.")
	case e.Type == Interface && tables:
		return refuse("InvalidParameter", "Route table IDs are only supported for Gateway type VPC Endpoint.")
	case e.Type == Gateway && subnets:
		return refuse("InvalidParameter", "Subnet IDs are only supported for Interface and GatewayLoadBalancer type VPC Endpoints.")
	case e.Type == Gateway && groups:
		return refuse("InvalidParameter", "Security group IDs are only supported for Interface type VPC Endpoints.")
	case e.Type == Gateway && c.PrivateDNS != nil && *c.PrivateDNS:
		return refuse("InvalidParameter", "Private DNS is only supported for Interface type VPC Endpoints.")
	case e.Type == Gateway && c.OnlyInboundResolver != nil:
		// hashicorp/terraform-provider-aws#45846
		return refuse("InvalidParameter", "DnsOptions PrivateDnsOnlyForInboundResolverEndpoint is applicable only to Interface VPC Endpoints.")
	}
	return nil
}

// changePolicy replaces the policy.
func changePolicy(_ *state, e *Endpoint, c EndpointChange) error {
	text := c.Policy
	switch {
	case c.ResetPolicy && e.Type == Gateway:
		text = defaultGatewayPolicy
	case c.ResetPolicy:
		text = defaultInterfacePolicy
	case text == "":
		return nil
	}
	if len(text) > maxPolicy {
		return refuse("InvalidParameter", "The policy document exceeds the maximum of %d characters.", maxPolicy)
	}
	parsed, err := iampolicy.Parse([]byte(text))
	if err != nil {
		// The code is AWS's (hashicorp/terraform-provider-aws#42291), the description is ours.
		return refuse("InvalidPolicyDocument", "The Policy Document is not valid. %s", err)
	}
	if e.Type == Gateway && !everyPrincipal(text) {
		// docs/facts.md, VPC endpoints. The code is assumed.
		return refuse("InvalidPolicyDocument", "The Policy Document is not valid. A gateway endpoint's policy takes no Principal but \"*\".")
	}
	e.Policy, e.parsed = text, parsed
	return nil
}

// everyPrincipal reports whether each statement of a policy applies to all principals.
func everyPrincipal(policy string) bool {
	type statement struct{ Principal any }
	var one struct{ Statement statement }
	var several struct{ Statement []statement }
	if json.Unmarshal([]byte(policy), &one) == nil {
		several.Statement = []statement{one.Statement}
	} else if json.Unmarshal([]byte(policy), &several) != nil {
		return false
	}
	return !slices.ContainsFunc(several.Statement, func(s statement) bool {
		byType, ok := s.Principal.(map[string]any)
		return s.Principal != "*" && !(ok && len(byType) == 1 && byType["AWS"] == "*")
	})
}

// changeRouteTables changes the route tables of a gateway endpoint. A table can have one endpoint per service.
func changeRouteTables(st *state, e *Endpoint, c EndpointChange) error {
	for _, id := range c.AddRouteTableIDs {
		t, ok := st.routeTables.get(id)
		if !ok {
			return refuse("InvalidRouteTableId.NotFound", "The Route Table Id '%s' does not exist", id)
		}
		if t.VPCID != e.VPCID {
			return refuse("InvalidParameter", "Route table %s and VPC endpoint %s belong to different networks.", id, e.ID)
		}
		taken := func(o Endpoint) bool {
			return o.ID != e.ID && o.ServiceName == e.ServiceName && slices.Contains(o.RouteTableIDs, id)
		}
		if len(st.endpoints.all(taken)) > 0 {
			return refuse("RouteAlreadyExists", "route table %s already has a route with destination-prefix-list-id %s", id, PrefixListID(e.ServiceName))
		}
	}
	e.RouteTableIDs = changed(e.RouteTableIDs, c.AddRouteTableIDs, c.RemoveRouteTableIDs)
	return nil
}

// changeSubnets changes the subnets of an interface endpoint. An added subnet must not be in the Availability Zone of
// one that the endpoint already has, even one that the same call removes. This is assumed from
// openshift/aws-vpce-operator, which removes first.
func changeSubnets(st *state, e *Endpoint, c EndpointChange) error {
	present := slices.Clone(e.SubnetIDs)
	for _, id := range c.AddSubnetIDs {
		n, ok := st.subnets.get(id)
		if !ok {
			return refuse("InvalidSubnetId.NotFound", "The subnet ID '%s' does not exist", id)
		}
		if n.VPCID != e.VPCID {
			return refuse("InvalidParameter", "Subnet %s and VPC endpoint %s belong to different networks.", id, e.ID)
		}
		for _, other := range present {
			if o, _ := st.subnets.get(other); other != id && o.Zone == n.Zone {
				return refuse("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of %s. "+
					"VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.", id)
			}
		}
		present = append(present, id)
	}
	e.SubnetIDs = changed(e.SubnetIDs, c.AddSubnetIDs, c.RemoveSubnetIDs)
	return nil
}

// changeGroups changes the security groups of an interface endpoint's interfaces; at least one must remain.
func changeGroups(st *state, e *Endpoint, c EndpointChange) error {
	for _, id := range c.AddGroupIDs {
		g, ok := st.groups.get(id)
		if !ok {
			return noGroup(id)
		}
		if g.VPCID != e.VPCID {
			return refuse("InvalidParameter", "Security group %s and VPC endpoint %s belong to different networks.", id, e.ID)
		}
	}
	e.GroupIDs = changed(e.GroupIDs, c.AddGroupIDs, c.RemoveGroupIDs)
	if e.Type == Interface && len(e.GroupIDs) == 0 {
		return refuse("InvalidParameter", "An interface VPC endpoint must have at least one security group.")
	}
	return nil
}

// changeDNS changes an interface endpoint's private DNS.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/privatelink-interface-endpoints.html#private-dns
func changeDNS(st *state, e *Endpoint, c EndpointChange) error {
	turnedOn := c.PrivateDNS != nil && *c.PrivateDNS && !e.PrivateDNS
	if c.PrivateDNS != nil {
		e.PrivateDNS = *c.PrivateDNS
	}
	switch {
	case c.OnlyInboundResolver != nil:
		e.OnlyInboundResolver = *c.OnlyInboundResolver
	case turnedOn && strings.HasSuffix(e.ServiceName, ".s3"):
		e.OnlyInboundResolver = true
	}
	if !e.PrivateDNS {
		return nil
	}
	vpc, _ := st.vpcs.get(e.VPCID)
	if !vpc.DNSSupport || !vpc.DNSHostnames {
		return refuse("InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for %s", vpc.ID)
	}
	if e.OnlyInboundResolver && !st.hasGatewayEndpoint(*e) {
		return refuse("InvalidParameter", "To set PrivateDnsOnlyForInboundResolverEndpoint to true, the VPC %s must have a Gateway endpoint for the service.", vpc.ID)
	}
	return nil
}

// hasGatewayEndpoint reports whether an endpoint's network has a gateway endpoint for the same service.
func (st *state) hasGatewayEndpoint(e Endpoint) bool {
	return len(st.endpoints.all(func(o Endpoint) bool {
		return o.Type == Gateway && o.VPCID == e.VPCID && o.ServiceName == e.ServiceName
	})) > 0
}
