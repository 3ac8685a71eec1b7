package ec2

import (
	"errors"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// describedEndpoint is a VPC endpoint in the answer of DescribeVpcEndpoints.
type describedEndpoint struct {
	ID            string           `xml:"vpcEndpointId"`
	Type          string           `xml:"vpcEndpointType"`
	VPCID         string           `xml:"vpcId"`
	ServiceName   string           `xml:"serviceName"`
	State         string           `xml:"state"`
	Policy        string           `xml:"policyDocument"`
	RouteTableIDs []string         `xml:"routeTableIdSet>item"`
	SubnetIDs     []string         `xml:"subnetIdSet>item"`
	Groups        []interfaceGroup `xml:"groupSet>item"`
	AddressType   string           `xml:"ipAddressType,omitempty"`
	DNSOptions    *dnsOptions      `xml:"dnsOptions"`
	PrivateDNS    bool             `xml:"privateDnsEnabled"`
	Managed       bool             `xml:"requesterManaged"`
	InterfaceIDs  []string         `xml:"networkInterfaceIdSet>item"`
	DNSEntries    []dnsEntry       `xml:"dnsEntrySet>item"`
	Created       string           `xml:"creationTimestamp"`
	Tags          []Tag            `xml:"tagSet>item"`
	Owner         string           `xml:"ownerId"`
}

type dnsOptions struct {
	RecordIPType        string `xml:"dnsRecordIpType"`
	OnlyInboundResolver bool   `xml:"privateDnsOnlyForInboundResolverEndpoint"`
}

type dnsEntry struct {
	Name string `xml:"dnsName"`
	Zone string `xml:"hostedZoneId"`
}

// describedEndpoint returns an endpoint for an answer.
func (s *Service) describedEndpoint(st *state, e Endpoint) describedEndpoint {
	d := describedEndpoint{
		ID: e.ID, Type: e.Type, VPCID: e.VPCID, ServiceName: e.ServiceName, State: e.State, Policy: e.Policy,
		RouteTableIDs: e.RouteTableIDs, SubnetIDs: e.SubnetIDs, Groups: st.interfaceGroups(e.GroupIDs), PrivateDNS: e.PrivateDNS,
		Created: e.Created.Format(time.RFC3339), Tags: e.Tags, Owner: s.options.Account,
	}
	if e.Type != Interface {
		return d
	}
	d.AddressType = "ipv4"
	d.DNSOptions = &dnsOptions{RecordIPType: "ipv4", OnlyInboundResolver: e.OnlyInboundResolver}
	for _, n := range st.interfacesOf(e.ID) {
		d.InterfaceIDs = append(d.InterfaceIDs, n.ID)
	}
	d.DNSEntries = s.dnsEntries(st, e)
	return d
}

// dnsEntries returns the DNS names of an interface endpoint: its own in the Region and in each zone, and with private
// DNS the service's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/privatelink-interface-endpoints.html#accessing-s3-interface-endpoints
func (s *Service) dnsEntries(st *state, e Endpoint) []dnsEntry {
	service := e.ServiceName[strings.LastIndex(e.ServiceName, ".")+1:]
	host := "." + service + "." + s.options.Region + ".vpce.amazonaws.com"
	own := e.ID + "-" + e.ID[len(e.ID)-8:]
	entries := []dnsEntry{{"*." + own + host, "Z0EXAMPLE0VPCE"}}
	for _, n := range st.interfacesOf(e.ID) {
		entries = append(entries, dnsEntry{"*." + own + "-" + n.Zone + host, "Z0EXAMPLE0VPCE"})
	}
	if e.PrivateDNS {
		entries = append(entries, dnsEntry{service + "." + s.options.Region + ".amazonaws.com", "ZONEIDPENDING"})
	}
	return entries
}

// describedEndpoints returns all endpoints for one read.
func (s *Service) describedEndpoints(st *state) table[describedEndpoint] {
	var described table[describedEndpoint]
	for _, e := range st.endpoints.all(nil) {
		described.put(e.ID, s.describedEndpoint(st, e))
	}
	return described
}

func (s *Service) decodeDescribeEndpoints(c call) *api.Operation {
	list := listing[describedEndpoint]{ids: "VpcEndpointId", missing: noEndpoint, filters: func(e describedEndpoint) (attributes, []Tag) {
		return attributes{
			"vpc-endpoint-id": {e.ID}, "service-name": {e.ServiceName}, "vpc-id": {e.VPCID},
			"vpc-endpoint-state": {e.State}, "vpc-endpoint-type": {e.Type},
		}, e.Tags
	}}
	return &api.Operation{Needs: s.readNeed("DescribeVpcEndpoints"), Do: func() (*api.Response, error) {
		st := s.seen(c.request)
		found, err := list.describe(s.describedEndpoints(st), c.params)
		if err != nil {
			return nil, err
		}
		for i := range found.Items {
			e, _ := st.endpoints.get(found.Items[i].ID)
			found.Items[i].State = s.readState(e)
		}
		return c.answer(struct {
			Items []describedEndpoint `xml:"vpcEndpointSet>item"`
			Token string              `xml:"nextToken,omitempty"`
		}(found))
	}}
}

// flag returns a bool parameter; nil if it was not sent.
func (c call) flag(name string) *bool {
	if !c.params.Has(name) {
		return nil
	}
	value := c.params.Bool(name)
	return &value
}

func (s *Service) decodeCreateEndpoint(c call) *api.Operation {
	r := EndpointRequest{
		Type: c.params["VpcEndpointType"], VPCID: c.params["VpcId"], ServiceName: c.params["ServiceName"], Policy: c.params["PolicyDocument"],
		RouteTableIDs: c.params.List("RouteTableId"), SubnetIDs: c.params.List("SubnetId"), GroupIDs: c.params.List("SecurityGroupId"),
		PrivateDNS: c.params.Bool("PrivateDnsEnabled"), OnlyInboundResolver: c.flag("DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint"),
		Tags: c.sentTags("vpc-endpoint"),
	}
	needs := []api.Need{s.need("CreateVpcEndpoint", "vpc-endpoint", "*"), s.need("CreateVpcEndpoint", "vpc", r.VPCID)}
	needs = append(needs, s.needs("CreateVpcEndpoint", "route-table", r.RouteTableIDs)...)
	needs = append(needs, s.needs("CreateVpcEndpoint", "subnet", r.SubnetIDs)...)
	needs = append(needs, s.needs("CreateVpcEndpoint", "security-group", r.GroupIDs)...)
	trail := c.wrappedTrail()
	return &api.Operation{Needs: needs, Trail: trail, Do: func() (*api.Response, error) {
		e, err := s.CreateEndpoint(r)
		if err != nil {
			return nil, err
		}
		trail.ResponseElements = c.wrappedResponse(map[string]any{"vpcEndpoint": map[string]any{"vpcEndpointId": e.ID}})
		return c.answer(struct {
			Endpoint describedEndpoint `xml:"vpcEndpoint"`
		}{s.describedEndpoint(s.now(), e)})
	}}
}

// sentTags returns the tags in a call for a new resource of a kind.
func (c call) sentTags(kind string) []Tag {
	var tags []Tag
	for _, specification := range c.params.Structs("TagSpecification") {
		if specification["ResourceType"] != kind {
			continue
		}
		for _, tag := range specification.Structs("Tag") {
			tags = append(tags, Tag{tag["Key"], tag["Value"]})
		}
	}
	return tags
}

func (s *Service) decodeModifyEndpoint(c call) *api.Operation {
	id := c.params["VpcEndpointId"]
	change := EndpointChange{
		AddRouteTableIDs: c.params.List("AddRouteTableId"), RemoveRouteTableIDs: c.params.List("RemoveRouteTableId"),
		AddSubnetIDs: c.params.List("AddSubnetId"), RemoveSubnetIDs: c.params.List("RemoveSubnetId"),
		AddGroupIDs: c.params.List("AddSecurityGroupId"), RemoveGroupIDs: c.params.List("RemoveSecurityGroupId"),
		Policy: c.params["PolicyDocument"], ResetPolicy: c.params.Bool("ResetPolicy"),
		PrivateDNS: c.flag("PrivateDnsEnabled"), OnlyInboundResolver: c.flag("DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint"),
	}
	trail := c.wrappedTrail()
	return &api.Operation{Needs: s.modifyNeeds(id, change), Trail: trail, Do: func() (*api.Response, error) {
		if err := s.ModifyEndpoint(id, change); err != nil {
			return nil, err
		}
		trail.ResponseElements = c.wrappedResponse(map[string]any{"return": true})
		return c.succeeded()
	}}
}

// modifyNeeds returns the permissions for a change: on the endpoint and on the resources that it attaches or
// detaches.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
func (s *Service) modifyNeeds(id string, c EndpointChange) []api.Need {
	const action = "ModifyVpcEndpoint"
	needs := []api.Need{s.need(action, "vpc-endpoint", id)}
	for _, list := range []struct {
		kind        string
		add, remove []string
	}{
		{"route-table", c.AddRouteTableIDs, c.RemoveRouteTableIDs},
		{"security-group", c.AddGroupIDs, c.RemoveGroupIDs},
		{"subnet", c.AddSubnetIDs, c.RemoveSubnetIDs},
	} {
		needs = append(needs, s.needs(action, list.kind, changed(list.add, list.remove, nil))...)
	}
	return needs
}

// unsuccessful is one resource for which a call failed.
type unsuccessful struct {
	ID      string `xml:"resourceId"`
	Code    string `xml:"error>code"`
	Message string `xml:"error>message"`
}

func (s *Service) decodeDeleteEndpoints(c call) *api.Operation {
	ids := c.params.List("VpcEndpointId")
	trail := c.wrappedTrail()
	return &api.Operation{Needs: s.needs("DeleteVpcEndpoints", "vpc-endpoint", ids), Trail: trail, Do: func() (*api.Response, error) {
		var failed []unsuccessful
		for _, id := range ids {
			var refusal *api.Error
			if err := s.DeleteEndpoint(id); errors.As(err, &refusal) {
				failed = append(failed, unsuccessful{id, refusal.Code, refusal.Message})
			}
		}
		trail.ResponseElements = c.wrappedResponse(map[string]any{"unsuccessful": recordedFailures(failed)})
		return c.answer(struct {
			Unsuccessful []unsuccessful `xml:"unsuccessful>item"`
		}{failed})
	}}
}

// recordedFailures returns a call's failures as CloudTrail records them, or "".
func recordedFailures(failed []unsuccessful) any {
	if len(failed) == 0 {
		return ""
	}
	var list []any
	for _, f := range failed {
		list = append(list, map[string]any{"resourceId": f.ID, "error": map[string]any{"code": f.Code, "message": f.Message}})
	}
	if len(list) == 1 {
		return map[string]any{"item": list[0]}
	}
	return map[string]any{"item": list}
}
