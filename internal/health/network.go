package health

import (
	"fmt"
	"slices"
)

// Network is what decides about the workload's way to the endpoint, and about other ways to S3.
type Network struct {
	// OtherEndpoints are the ids of other S3 endpoints in the VPC.
	OtherEndpoints Reading[[]string]
	// DNS are the attributes of the VPC that private DNS needs, and whether they are on.
	DNS Reading[map[string]bool]
	// ACLs are the entries of the network ACLs of the subnets, DHCP the options of the VPC.
	ACLs Reading[[]ACLEntry]
	DHCP Reading[DHCPOptions]
}

// ACLEntry is an entry of a network ACL.
type ACLEntry struct {
	// ACL is the network ACL's id, Number the entry's: the lowest that matches decides.
	ACL           string
	Number        int32
	Egress, Allow bool
	// Protocol is a number, "-1" for all; Range is the other side's addresses.
	Protocol, Range string
}

// String describes an entry, e.g. "acl-1: egress 100 allows -1 0.0.0.0/0".
func (e ACLEntry) String() string {
	way, does := "ingress", "denies"
	if e.Egress {
		way = "egress"
	}
	if e.Allow {
		does = "allows"
	}
	return fmt.Sprintf("%s: %s %d %s %s %s", e.ACL, way, e.Number, does, e.Protocol, e.Range)
}

// DHCPOptions is a set of DHCP options.
type DHCPOptions struct {
	// ID is the set's id, "default" if the VPC has none.
	ID string
	// Values are the options' values by key, e.g. "domain-name-servers".
	Values map[string][]string
}

// judgeNetwork returns what differs in the workload's network. Each part that could be read is judged.
func (t Criteria) judgeNetwork(r *Report, s Snapshot) []threat {
	n := s.Network.Value
	var threats []threat
	if r.made(OtherEndpoints, n.OtherEndpoints.Err) {
		for _, id := range n.OtherEndpoints.Value {
			threats = append(threats, threat{"second-endpoint", fmt.Sprintf("vpc %s has another S3 endpoint, %s", t.Setting.VPCID, id)})
		}
	}
	if r.made(VPCDNS, n.DNS.Err) {
		for _, name := range []string{"enableDnsHostnames", "enableDnsSupport"} {
			if on, known := n.DNS.Value[name]; known && !on {
				threats = append(threats, threat{"vpc-dns", fmt.Sprintf("vpc %s: %s is off, so that private DNS does not work", t.Setting.VPCID, name)})
			}
		}
	}
	if r.made(NetworkACLs, n.ACLs.Err) {
		threats = append(threats, judgeACLs(n.ACLs.Value)...)
	}
	if r.made(DHCPSet, n.DHCP.Err) {
		threats = append(threats, t.judgeDHCP(n.DHCP.Value)...)
	}
	return threats
}

// defaultACL are the numbers of the entries of a VPC's default network ACL, which allow everything; those that deny what no
// other entry allows have the numbers of finalEntries. In each, the second is for IPv6.
// https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html
var (
	defaultACL   = []int32{100, 101}
	finalEntries = []int32{32767, 32768}
)

// judgeACLs compares the entries with those of the default network ACL: the template declares none.
func judgeACLs(entries []ACLEntry) []threat {
	var threats []threat
	type way struct {
		acl    string
		egress bool
	}
	open := map[way]bool{}
	for _, e := range entries {
		w := way{e.ACL, e.Egress}
		open[w] = open[w] || e.Number == defaultACL[0]
		opens := e.Allow && slices.Contains(defaultACL, e.Number)
		final := !e.Allow && slices.Contains(finalEntries, e.Number)
		if everything := e.Protocol == "-1" && (e.Range == "0.0.0.0/0" || e.Range == "::/0"); !everything || !opens && !final {
			threats = append(threats, threat{"network-acl", "a subnet's network ACL has an entry that AWS's default has not: " + e.String()})
		}
	}
	for w, ok := range open {
		if !ok {
			threats = append(threats, threat{"network-acl", fmt.Sprintf("network ACL %s of a subnet lost its entry %d, egress %t", w.acl, defaultACL[0], w.egress)})
		}
	}
	return threats
}

// judgeDHCP compares the options with AWS's default: private DNS needs Amazon's name server, and signatures need the time.
// https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
func (t Criteria) judgeDHCP(o DHCPOptions) []threat {
	if o.ID == "" { // not read
		return nil
	}
	ok := slices.Equal(o.Values["domain-name-servers"], []string{"AmazonProvidedDNS"})
	for key := range o.Values {
		ok = ok && (key == "domain-name-servers" || key == "domain-name")
	}
	if ok {
		return nil
	}
	return []threat{{"dhcp-options", fmt.Sprintf("vpc %s has the DHCP options %s, which are not AWS's default: %v", t.Setting.VPCID, o.ID, o.Values)}}
}
