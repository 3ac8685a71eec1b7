package ec2

import (
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// permission groups rules as calls about groups do: those with the same protocol and port range.
type permission struct {
	Protocol string       `xml:"ipProtocol"`
	FromPort *int         `xml:"fromPort"`
	ToPort   *int         `xml:"toPort"`
	Groups   []groupPeer  `xml:"groups>item"`
	Ranges   []rangePeer  `xml:"ipRanges>item"`
	Ranges6  []range6Peer `xml:"ipv6Ranges>item"`
	Prefixes []prefixPeer `xml:"prefixListIds>item"`
}

type groupPeer struct {
	ID          string `xml:"groupId"`
	Owner       string `xml:"userId"`
	Description string `xml:"description,omitempty"`
}

type rangePeer struct {
	CIDR        string `xml:"cidrIp"`
	Description string `xml:"description,omitempty"`
}

type range6Peer struct {
	CIDR        string `xml:"cidrIpv6"`
	Description string `xml:"description,omitempty"`
}

type prefixPeer struct {
	ID          string `xml:"prefixListId"`
	Description string `xml:"description,omitempty"`
}

// permissions groups the rules of one direction, in the order of the first of each protocol and port range.
func permissions(rules []Rule, egress bool) []permission {
	type key struct {
		protocol string
		from, to int
	}
	var list []permission
	index := map[key]int{}
	for _, r := range rules {
		if r.Egress != egress {
			continue
		}
		k := key{r.Protocol, r.FromPort, r.ToPort}
		i, ok := index[k]
		if !ok {
			i = len(list)
			index[k] = i
			list = append(list, newPermission(r))
		}
		list[i].add(r)
	}
	return list
}

// newPermission returns a permission for a rule's protocol and its ports; for all protocols it has no ports.
func newPermission(r Rule) permission {
	p := permission{Protocol: r.Protocol}
	if r.Protocol != "-1" {
		p.FromPort, p.ToPort = &r.FromPort, &r.ToPort
	}
	return p
}

// add adds a rule's peer.
func (p *permission) add(r Rule) {
	switch {
	case r.ReferencedGroup != "":
		p.Groups = append(p.Groups, groupPeer{r.ReferencedGroup, r.Owner, r.Description})
	case r.CIDR != "":
		p.Ranges = append(p.Ranges, rangePeer{r.CIDR, r.Description})
	case r.CIDR6 != "":
		p.Ranges6 = append(p.Ranges6, range6Peer{r.CIDR6, r.Description})
	default:
		p.Prefixes = append(p.Prefixes, prefixPeer{r.PrefixListID, r.Description})
	}
}

// sentRules returns the rules in a call: in IpPermissions or, for a single range, in separate parameters.
func sentRules(params query.Params, egress bool) []Rule {
	var rules []Rule
	for _, p := range params.Structs("IpPermissions") {
		rules = append(rules, permissionRules(p, egress)...)
	}
	if params["CidrIp"] != "" {
		rule := portsOf(params, egress)
		rule.CIDR = params["CidrIp"]
		rules = append(rules, rule)
	}
	return rules
}

// permissionRules returns the rules of one permission of a call.
func permissionRules(p query.Params, egress bool) []Rule {
	var rules []Rule
	for _, list := range []struct {
		name, field string
		set         func(*Rule, string)
	}{
		{"Groups", "GroupId", func(r *Rule, v string) { r.ReferencedGroup = v }},
		{"IpRanges", "CidrIp", func(r *Rule, v string) { r.CIDR = v }},
		{"Ipv6Ranges", "CidrIpv6", func(r *Rule, v string) { r.CIDR6 = v }},
		{"PrefixListIds", "PrefixListId", func(r *Rule, v string) { r.PrefixListID = v }},
	} {
		for _, peer := range p.Structs(list.name) {
			rule := portsOf(p, egress)
			rule.Description = peer["Description"]
			list.set(&rule, peer[list.field])
			rules = append(rules, rule)
		}
	}
	return rules
}

// portsOf returns a rule without a peer.
func portsOf(p query.Params, egress bool) Rule {
	return Rule{Egress: egress, Protocol: p["IpProtocol"], FromPort: p.Int("FromPort", -1), ToPort: p.Int("ToPort", -1)}
}
