package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// The supported types of VPC endpoints.
const (
	Interface = "Interface"
	Gateway   = "Gateway"
)

// The states of endpoints that this service sets. [Service.SetEndpointState] sets the others (docs/facts.md, VPC
// endpoints).
const (
	Available = "available"
	Pending   = "pending"
)

// Endpoint is a VPC endpoint.
type Endpoint struct {
	ID    string
	Type  string
	VPCID string
	// ServiceName is e.g. "com.amazonaws.eu-central-1.s3".
	ServiceName string
	State       string
	// Policy is the policy's text as it was sent.
	Policy string
	// RouteTableIDs are those of a gateway endpoint; the other fields are for an interface endpoint.
	RouteTableIDs []string
	SubnetIDs     []string
	GroupIDs      []string
	// PrivateDNS makes the service's public names resolve to the endpoint inside the network; OnlyInboundResolver
	// limits that to requests from outside the network.
	PrivateDNS          bool
	OnlyInboundResolver bool
	Created             time.Time
	Tags                []Tag

	parsed *iampolicy.Policy
}

// The default policies of endpoints: full access.
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html#default-endpoint-policy
const (
	defaultInterfacePolicy = `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`
	defaultGatewayPolicy   = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
)

// maxPolicy is the maximum number of characters of an endpoint policy, including white space (docs/facts.md, VPC
// endpoints).
const maxPolicy = 20480

// EndpointRequest is the request for a new endpoint.
type EndpointRequest struct {
	// Type is Gateway when empty, as in the API.
	Type, VPCID, ServiceName string
	// Policy is full access when empty.
	Policy                             string
	RouteTableIDs, SubnetIDs, GroupIDs []string
	PrivateDNS                         bool
	// OnlyInboundResolver counts as true for S3 when it is nil and PrivateDNS is set, as in the API
	// (hashicorp/terraform-provider-aws#32021).
	OnlyInboundResolver *bool
	Tags                []Tag
}

// servicePrefix returns the prefix of names of AWS's endpoint services. China's interface services have one more
// label.
// https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-Beijing.html
func (s *Service) servicePrefix(endpointType string) string {
	prefix := "com.amazonaws." + s.options.Region + "."
	if s.options.Partition == "aws-cn" && endpointType == Interface {
		return "cn." + prefix
	}
	return prefix
}

// CreateEndpoint adds a VPC endpoint, and for an interface endpoint its network interfaces. Without a security group,
// an interface endpoint gets its network's default one.
func (s *Service) CreateEndpoint(r EndpointRequest) (Endpoint, error) {
	var e Endpoint
	err := s.update(func(st *state) error {
		if _, ok := st.vpcs.get(r.VPCID); !ok {
			return refuse("InvalidVpcId.NotFound", "The Vpc Id %s does not exist", r.VPCID)
		}
		if !strings.HasPrefix(r.ServiceName, s.servicePrefix(r.Type)) {
			return refuse("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", r.ServiceName)
		}
		if r.Type == "" {
			r.Type = Gateway
		}
		e = Endpoint{
			ID: s.newID(st, "vpce"), Type: r.Type, VPCID: r.VPCID, ServiceName: r.ServiceName, State: Available,
			Created: s.options.Now().UTC(), Tags: r.Tags,
		}
		if r.Type == Interface && len(r.GroupIDs) == 0 {
			r.GroupIDs = []string{st.defaultGroup(r.VPCID)}
		}
		return s.apply(st, &e, r.change())
	})
	return e, err
}

// defaultGroup returns the id of a network's default security group.
func (st *state) defaultGroup(vpcID string) string {
	groups := st.groups.all(func(g SecurityGroup) bool { return g.VPCID == vpcID && g.Name == "default" })
	return groups[0].ID
}

// change returns the change from an empty endpoint to the requested one.
func (r EndpointRequest) change() EndpointChange {
	c := EndpointChange{
		AddRouteTableIDs: r.RouteTableIDs, AddSubnetIDs: r.SubnetIDs, AddGroupIDs: r.GroupIDs,
		OnlyInboundResolver: r.OnlyInboundResolver, Policy: r.Policy, ResetPolicy: r.Policy == "",
	}
	if r.PrivateDNS {
		c.PrivateDNS = &r.PrivateDNS
	}
	return c
}

// DeleteEndpoint removes a VPC endpoint, its interfaces and its routes. Its id is never used again.
func (s *Service) DeleteEndpoint(id string) error {
	return s.update(func(st *state) error {
		if _, ok := st.endpoints.get(id); !ok {
			return noEndpoint(id)
		}
		st.endpoints.remove(id)
		for _, n := range st.interfacesOf(id) {
			st.interfaces.remove(n.ID)
		}
		return nil
	})
}

// Endpoint finds a VPC endpoint.
func (s *Service) Endpoint(id string) (Endpoint, bool) { return s.now().endpoints.get(id) }

// Endpoints returns all VPC endpoints, in order of creation.
func (s *Service) Endpoints() []Endpoint { return s.now().endpoints.all(nil) }

// Policy returns a VPC endpoint's policy; nil if there is no such endpoint.
func (s *Service) Policy(id string) *iampolicy.Policy {
	e, _ := s.Endpoint(id)
	return e.parsed
}

// SetEndpointState sets the state that reads of an endpoint return, e.g. "failed".
func (s *Service) SetEndpointState(id, stateName string) error {
	return s.update(func(st *state) error {
		return st.endpoints.change(id, noEndpoint, func(e *Endpoint) { e.State = stateName })
	})
}

// SetEndpointCreated sets the creation time of an endpoint.
func (s *Service) SetEndpointCreated(id string, created time.Time) error {
	return s.update(func(st *state) error {
		e, ok := st.endpoints.get(id)
		if !ok {
			return noEndpoint(id)
		}
		e.Created = created.UTC()
		st.endpoints.put(id, e)
		return nil
	})
}

// SetPendingReads makes the next n reads of an endpoint return the state "pending" after each change, and refuses
// further changes until then. Reads by the methods of this package do not count (docs/facts.md, VPC endpoints).
func (s *Service) SetPendingReads(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pendingReads = n
}

// PrefixListID returns the id of the prefix list of a service that has gateway endpoints. It depends only on the
// service's name, as it does in a Region.
func PrefixListID(serviceName string) string {
	sum := sha256.Sum256([]byte(serviceName))
	return "pl-" + hex.EncodeToString(sum[:4])
}

// noEndpoint returns the error for an endpoint that does not exist.
func noEndpoint(id string) *api.Error {
	return refuse("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist", id)
}

// changed returns a list with elements added and then removed, each element once.
func changed(list, add, remove []string) []string {
	var result []string
	for _, id := range slices.Concat(list, add) {
		if !slices.Contains(result, id) && !slices.Contains(remove, id) {
			result = append(result, id)
		}
	}
	return result
}
