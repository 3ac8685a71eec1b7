package ec2

import (
	"net/netip"
	"slices"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// NetworkInterface is a network interface: of an interface endpoint in one subnet, of an instance, or of functions.
type NetworkInterface struct {
	ID          string `xml:"networkInterfaceId"`
	SubnetID    string `xml:"subnetId"`
	VPCID       string `xml:"vpcId"`
	Zone        string `xml:"availabilityZone"`
	Description string `xml:"description"`
	Owner       string `xml:"ownerId"`
	// RequesterManaged means that AWS made the interface on behalf of its owner, as for an endpoint.
	RequesterManaged bool `xml:"requesterManaged"`
	// Status is "in-use" or "available".
	Status string `xml:"status"`
	// Type is "vpc_endpoint", "lambda" or "interface".
	Type   string           `xml:"interfaceType"`
	IP     string           `xml:"privateIpAddress"`
	Groups []interfaceGroup `xml:"groupSet>item"`
	// EndpointID is the endpoint of the interface, InstanceID the instance; "" for others.
	EndpointID string `xml:"-"`
	InstanceID string `xml:"-"`
	// Functions are the names of the functions that use the interface.
	Functions []string `xml:"-"`
}

type interfaceGroup struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

// placeInterfaces gives an interface endpoint one network interface in each of its subnets, and removes others.
// Existing ones keep their addresses.
func (s *Service) placeInterfaces(st *state, e Endpoint) {
	if e.Type != Interface {
		return
	}
	for _, n := range st.interfacesOf(e.ID) {
		if !slices.Contains(e.SubnetIDs, n.SubnetID) {
			st.interfaces.remove(n.ID)
		}
	}
	existing := st.interfacesOf(e.ID)
	for _, subnetID := range e.SubnetIDs {
		i := slices.IndexFunc(existing, func(n NetworkInterface) bool { return n.SubnetID == subnetID })
		n := NetworkInterface{}
		if i >= 0 {
			n = existing[i]
		} else {
			n = s.newInterface(st, subnetID)
			n.Description, n.Type, n.EndpointID = "VPC Endpoint Interface "+e.ID, "vpc_endpoint", e.ID
			n.RequesterManaged = true
		}
		n.Groups = st.interfaceGroups(e.GroupIDs)
		st.interfaces.put(n.ID, n)
	}
}

// newInterface returns a network interface in a subnet, with a free address.
func (s *Service) newInterface(st *state, subnetID string) NetworkInterface {
	subnet, _ := st.subnets.get(subnetID)
	return NetworkInterface{
		ID: s.newID(st, "eni"), SubnetID: subnetID, VPCID: subnet.VPCID, Zone: subnet.Zone, Owner: s.options.Account,
		Status: "in-use", Type: "interface", IP: st.freeAddress(subnet),
	}
}

// freeAddress returns the first free address of a subnet. AWS reserves the first four of each.
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
func (st *state) freeAddress(subnet Subnet) string {
	taken := map[string]bool{}
	for _, n := range st.interfaces.all(func(n NetworkInterface) bool { return n.SubnetID == subnet.ID }) {
		taken[n.IP] = true
	}
	address := netip.MustParsePrefix(subnet.CIDR).Addr()
	for range 4 {
		address = address.Next()
	}
	for taken[address.String()] {
		address = address.Next()
	}
	return address.String()
}

// interfaceGroups returns security groups as interfaces show them.
func (st *state) interfaceGroups(ids []string) []interfaceGroup {
	var groups []interfaceGroup
	for _, id := range ids {
		g, _ := st.groups.get(id)
		groups = append(groups, interfaceGroup{id, g.Name})
	}
	return groups
}

// interfacesOf returns an endpoint's network interfaces.
func (st *state) interfacesOf(endpointID string) []NetworkInterface {
	return st.interfaces.all(func(n NetworkInterface) bool { return n.EndpointID == endpointID })
}

// NetworkInterfaces returns an endpoint's network interfaces.
func (s *Service) NetworkInterfaces(endpointID string) []NetworkInterface {
	return s.now().interfacesOf(endpointID)
}

// RemoveNetworkInterface removes an interface, as when an Availability Zone fails.
func (s *Service) RemoveNetworkInterface(id string) error {
	return s.update(func(st *state) error {
		if _, ok := st.interfaces.get(id); !ok {
			return noInterface(id)
		}
		st.interfaces.remove(id)
		return nil
	})
}

// SetInterfaceStatus sets the status of an interface, e.g. "available" for one that is no longer in use.
func (s *Service) SetInterfaceStatus(id, status string) error {
	return s.update(func(st *state) error {
		return st.interfaces.change(id, noInterface, func(n *NetworkInterface) { n.Status = status })
	})
}

// noInterface returns the error for a network interface that does not exist.
func noInterface(id string) *api.Error {
	return refuse("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", id)
}

func (s *Service) decodeDescribeNetworkInterfaces(c call) *api.Operation {
	list := listing[NetworkInterface]{ids: "NetworkInterfaceId", missing: noInterface, filters: func(n NetworkInterface) (attributes, []Tag) {
		values := attributes{
			"network-interface-id": {n.ID}, "subnet-id": {n.SubnetID}, "vpc-id": {n.VPCID}, "availability-zone": {n.Zone},
			"description": {n.Description}, "status": {n.Status}, "interface-type": {n.Type}, "private-ip-address": {n.IP}, "group-id": nil,
		}
		for _, g := range n.Groups {
			values["group-id"] = append(values["group-id"], g.ID)
		}
		return values, nil
	}}
	return &api.Operation{Needs: s.readNeed("DescribeNetworkInterfaces"), Do: func() (*api.Response, error) {
		found, err := list.describe(s.seen(c.request).interfaces, c.params)
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Items []NetworkInterface `xml:"networkInterfaceSet>item"`
			Token string             `xml:"nextToken,omitempty"`
		}(found))
	}}
}
