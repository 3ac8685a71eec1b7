package ec2

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// SecurityGroup is a security group. Its rules are separate: see [Rule].
type SecurityGroup struct {
	ID          string `xml:"groupId"`
	ARN         string `xml:"securityGroupArn"`
	Name        string `xml:"groupName"`
	Description string `xml:"groupDescription"`
	VPCID       string `xml:"vpcId"`
	Owner       string `xml:"ownerId"`
	Tags        []Tag  `xml:"tagSet>item"`
}

// Rule is one rule of a security group, with exactly one source (or destination): a range of IPv4 or IPv6 addresses,
// a prefix list, or the members of a group.
type Rule struct {
	ID      string `xml:"securityGroupRuleId"`
	GroupID string `xml:"groupId"`
	Owner   string `xml:"groupOwnerId"`
	Egress  bool   `xml:"isEgress"`
	// Protocol is "tcp", "udp", "icmp", a number, or "-1" for all.
	Protocol string `xml:"ipProtocol"`
	// FromPort and ToPort are -1 for all.
	FromPort     int    `xml:"fromPort"`
	ToPort       int    `xml:"toPort"`
	CIDR         string `xml:"cidrIpv4,omitempty"`
	CIDR6        string `xml:"cidrIpv6,omitempty"`
	PrefixListID string `xml:"prefixListId,omitempty"`
	// ReferencedGroup is the id of a group of the same account.
	ReferencedGroup string `xml:"-"`
	Description     string `xml:"description,omitempty"`
}

// everywhere is the default rule of a new group: it allows all outbound traffic.
// https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
var everywhere = Rule{Egress: true, Protocol: "-1", FromPort: -1, ToPort: -1, CIDR: "0.0.0.0/0"}

// addDefaultGroup adds a network's default security group, whose members can reach each other.
func (s *Service) addDefaultGroup(st *state, vpcID string) {
	id := s.newID(st, "sg")
	st.groups.put(id, SecurityGroup{
		ID: id, ARN: s.arn("security-group", id), Name: "default", Description: "default VPC security group",
		VPCID: vpcID, Owner: s.options.Account,
	})
	// Neither rule is a duplicate or malformed.
	_, _ = s.authorize(st, id, []Rule{everywhere, {Protocol: "-1", ReferencedGroup: id}})
}

// CreateSecurityGroup adds a security group and its rules. It fills in ID, ARN and Owner. Without an egress rule it
// adds one that allows all outbound traffic.
func (s *Service) CreateSecurityGroup(g SecurityGroup, rules ...Rule) (SecurityGroup, error) {
	err := s.update(func(st *state) error {
		if _, ok := st.vpcs.get(g.VPCID); !ok {
			return noVPC(g.VPCID)
		}
		same := func(o SecurityGroup) bool { return o.VPCID == g.VPCID && o.Name == g.Name }
		if len(st.groups.all(same)) > 0 {
			return refuse("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", g.Name, g.VPCID)
		}
		g.ID, g.Owner = s.newID(st, "sg"), s.options.Account
		g.ARN = s.arn("security-group", g.ID)
		st.groups.put(g.ID, g)
		if !slices.ContainsFunc(rules, func(r Rule) bool { return r.Egress }) {
			rules = append([]Rule{everywhere}, rules...)
		}
		_, err := s.authorize(st, g.ID, rules)
		return err
	})
	return g, err
}

// Authorize adds rules to a security group: all of them, or none if one is a duplicate or malformed.
func (s *Service) Authorize(groupID string, rules ...Rule) ([]Rule, error) {
	var added []Rule
	err := s.update(func(st *state) (err error) {
		added, err = s.authorize(st, groupID, rules)
		return err
	})
	return added, err
}

// authorize adds rules within a write.
func (s *Service) authorize(st *state, groupID string, rules []Rule) ([]Rule, error) {
	if _, ok := st.groups.get(groupID); !ok {
		return nil, noGroup(groupID)
	}
	var added []Rule
	for _, r := range rules {
		r, err := r.normal(st)
		if err != nil {
			return nil, err
		}
		r.GroupID, r.Owner = groupID, s.options.Account
		if len(st.rules.all(r.same)) > 0 {
			return nil, refuse("InvalidPermission.Duplicate", "the specified rule %q already exists", r)
		}
		r.ID = s.newID(st, "sgr")
		st.rules.put(r.ID, r)
		added = append(added, r)
	}
	return added, nil
}

// Revoke removes rules by content: all of them, or none if one does not exist.
func (s *Service) Revoke(groupID string, rules ...Rule) ([]Rule, error) {
	var revoked []Rule
	err := s.update(func(st *state) error {
		if _, ok := st.groups.get(groupID); !ok {
			return noGroup(groupID)
		}
		for _, r := range rules {
			r, err := r.normal(st)
			if err != nil {
				return err
			}
			r.GroupID = groupID
			found := st.rules.all(r.same)
			if len(found) == 0 {
				return refuse("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			st.rules.remove(found[0].ID)
			revoked = append(revoked, found[0])
		}
		return nil
	})
	return revoked, err
}

// RevokeByID removes rules of one direction by id: all of them, or none if one does not exist.
func (s *Service) RevokeByID(groupID string, egress bool, ids ...string) ([]Rule, error) {
	var revoked []Rule
	err := s.update(func(st *state) error {
		for _, id := range ids {
			r, ok := st.rules.get(id)
			if !ok || r.GroupID != groupID || r.Egress != egress {
				return noRule(id)
			}
			st.rules.remove(id)
			revoked = append(revoked, r)
		}
		return nil
	})
	return revoked, err
}

// SecurityGroup finds a security group.
func (s *Service) SecurityGroup(id string) (SecurityGroup, bool) { return s.now().groups.get(id) }

// Rules returns a security group's rules, in the order in which they were added.
func (s *Service) Rules(groupID string) []Rule { return s.now().rulesOf(groupID) }

// rulesOf returns a security group's rules.
func (st *state) rulesOf(groupID string) []Rule {
	return st.rules.all(func(r Rule) bool { return r.GroupID == groupID })
}

// same reports whether two rules of one group allow the same traffic. It ignores descriptions.
func (r Rule) same(other Rule) bool {
	r.ID, r.Owner, r.Description = other.ID, other.Owner, other.Description
	return r == other
}

// String returns the rule as error messages show it.
func (r Rule) String() string {
	peer := cmp.Or(r.CIDR, r.CIDR6, r.PrefixListID, r.ReferencedGroup)
	if r.Protocol == "-1" {
		return fmt.Sprintf("peer: %s, ALL, ALLOW", peer)
	}
	return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW", peer, strings.ToUpper(r.Protocol), r.FromPort, r.ToPort)
}

// protocolNames maps protocol numbers, and "all", to EC2's names.
var protocolNames = map[string]string{"all": "-1", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}

// normal returns the rule as EC2 stores it, or an error for an invalid one.
func (r Rule) normal(st *state) (Rule, error) {
	r.Protocol = strings.ToLower(r.Protocol)
	if name, ok := protocolNames[r.Protocol]; ok {
		r.Protocol = name
	}
	if r.Protocol == "-1" {
		r.FromPort, r.ToPort = -1, -1
	}
	if (r.Protocol == "tcp" || r.Protocol == "udp") && (r.FromPort < 0 || r.ToPort < r.FromPort || r.ToPort > 65535) {
		return r, refuse("InvalidParameterValue", "Invalid value for portRange. Ports %d to %d are no range.", r.FromPort, r.ToPort)
	}
	if _, ok := st.groups.get(r.ReferencedGroup); r.ReferencedGroup != "" && !ok {
		return r, noGroup(r.ReferencedGroup)
	}
	for _, cidr := range []*string{&r.CIDR, &r.CIDR6} {
		if *cidr == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(*cidr)
		if err != nil || prefix.Addr().Is6() != (cidr == &r.CIDR6) {
			return r, refuse("InvalidParameterValue", "CIDR block %s is malformed", *cidr)
		}
		*cidr = prefix.Masked().String()
	}
	return r, nil
}

// noGroup returns the error for a security group that does not exist.
func noGroup(id string) *api.Error {
	return refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
}

// noRule returns the error for a rule that does not exist.
func noRule(id string) *api.Error {
	return refuse("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", id)
}
