package ec2

import (
	"net/netip"
	"slices"
)

// The methods in this file return where packets go. They are for the network of the local AWS.

// InterfaceAt returns the network interface with an address in a VPC.
func (s *Service) InterfaceAt(vpcID, address string) (NetworkInterface, bool) {
	found := s.now().interfaces.all(func(n NetworkInterface) bool { return n.VPCID == vpcID && n.IP == address })
	if len(found) == 0 {
		return NetworkInterface{}, false
	}
	return found[0], true
}

// RouteTableOf returns the route table of a subnet, its own or its VPC's main one, including its routes to gateway
// endpoints.
func (s *Service) RouteTableOf(subnetID string) RouteTable {
	st := s.now()
	subnet, _ := st.subnets.get(subnetID)
	used := RouteTable{}
	for _, a := range st.associations.all(nil) {
		t, _ := st.routeTables.get(a.RouteTableID)
		if a.SubnetID == subnetID {
			used = t
			break
		}
		if a.Main && t.VPCID == subnet.VPCID {
			used = t
		}
	}
	used.Routes = st.routes(used)
	return used
}

// Side is one end of a connection: its security groups and its address.
type Side struct {
	Groups  []string
	Address netip.Addr
}

// Passes reports whether security groups allow a TCP connection from one side to the other. Security groups do not
// apply to a side without groups. A range matches if it contains the other side's address.
func (s *Service) Passes(from, to Side, port int) bool {
	st := s.now()
	return (len(from.Groups) == 0 || st.lets(from.Groups, true, to, port)) &&
		(len(to.Groups) == 0 || st.lets(to.Groups, false, from, port))
}

// lets reports whether one of the groups has a rule for the other side.
func (st *state) lets(groups []string, egress bool, other Side, port int) bool {
	for _, id := range groups {
		for _, r := range st.rulesOf(id) {
			if r.Egress == egress && r.covers(port) && r.names(other) {
				return true
			}
		}
	}
	return false
}

// covers reports whether a rule covers a TCP port.
func (r Rule) covers(port int) bool {
	return r.Protocol == "-1" || r.Protocol == "tcp" && (r.FromPort < 0 || r.FromPort <= port && port <= r.ToPort)
}

// names reports whether a rule matches the other side.
func (r Rule) names(other Side) bool {
	if r.ReferencedGroup != "" {
		return slices.Contains(other.Groups, r.ReferencedGroup)
	}
	prefix, err := netip.ParsePrefix(r.CIDR)
	return err == nil && prefix.Contains(other.Address)
}
