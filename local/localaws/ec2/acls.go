package ec2

import (
	"cmp"
	"slices"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// NetworkACL is a network ACL. Its entries are stored and answered, but restrict no traffic here.
type NetworkACL struct {
	ID           string           `xml:"networkAclId"`
	VPCID        string           `xml:"vpcId"`
	Default      bool             `xml:"default"`
	Owner        string           `xml:"ownerId"`
	Entries      []ACLEntry       `xml:"entrySet>item"`
	Associations []ACLAssociation `xml:"associationSet>item"`
	Tags         []Tag            `xml:"tagSet>item"`
}

// ACLEntry is a rule of a network ACL.
type ACLEntry struct {
	Number int `xml:"ruleNumber"`
	// Protocol is a number, "-1" for all; Action is "allow" or "deny".
	Protocol string     `xml:"protocol"`
	Action   string     `xml:"ruleAction"`
	Egress   bool       `xml:"egress"`
	CIDR     string     `xml:"cidrBlock"`
	Ports    *PortRange `xml:"portRange,omitempty"`
}

// PortRange is the ports of an [ACLEntry].
type PortRange struct {
	From int `xml:"from"`
	To   int `xml:"to"`
}

// ACLAssociation associates a subnet with a network ACL.
type ACLAssociation struct {
	ID       string `xml:"networkAclAssociationId"`
	ACLID    string `xml:"networkAclId"`
	SubnetID string `xml:"subnetId"`
}

// lastNumber is the number of the entry that denies what no other allows. It cannot be changed.
const lastNumber = 32767

// denying are the entries that each ACL has.
// https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html
func denying() []ACLEntry {
	return []ACLEntry{
		{Number: lastNumber, Protocol: "-1", Action: "deny", Egress: true, CIDR: "0.0.0.0/0"},
		{Number: lastNumber, Protocol: "-1", Action: "deny", CIDR: "0.0.0.0/0"},
	}
}

// addDefaultACL adds a network's default ACL, which allows everything.
func (s *Service) addDefaultACL(st *state, vpcID string) string {
	a := NetworkACL{ID: s.newID(st, "acl"), VPCID: vpcID, Default: true, Owner: s.options.Account, Entries: append([]ACLEntry{
		{Number: 100, Protocol: "-1", Action: "allow", Egress: true, CIDR: "0.0.0.0/0"},
		{Number: 100, Protocol: "-1", Action: "allow", CIDR: "0.0.0.0/0"},
	}, denying()...)}
	st.acls.put(a.ID, a)
	return a.ID
}

// DefaultACL returns the id of a network's default ACL.
func (s *Service) DefaultACL(vpcID string) string { return s.now().defaultACL(vpcID) }

func (st *state) defaultACL(vpcID string) string {
	for _, a := range st.acls.all(func(a NetworkACL) bool { return a.Default && a.VPCID == vpcID }) {
		return a.ID
	}
	return ""
}

// noACL returns the error for a network ACL that does not exist.
func noACL(id string) *api.Error {
	return refuse("InvalidNetworkAclID.NotFound", "The networkAcl ID '%s' does not exist", id)
}

// associateACL associates a new subnet with its network's default ACL.
func (s *Service) associateACL(st *state, n Subnet) {
	id := st.defaultACL(n.VPCID)
	_ = st.acls.change(id, noACL, func(a *NetworkACL) { // it exists as long as its network
		a.Associations = append(slices.Clone(a.Associations), ACLAssociation{s.newID(st, "aclassoc"), id, n.ID})
	})
}

// forgetACLs removes the associations of a subnet.
func (st *state) forgetACLs(subnetID string) {
	for _, a := range st.acls.all(nil) {
		a.Associations = slices.DeleteFunc(slices.Clone(a.Associations), func(x ACLAssociation) bool { return x.SubnetID == subnetID })
		st.acls.put(a.ID, a)
	}
}

func (s *Service) decodeDescribeNetworkACLs(c call) *api.Operation {
	list := listing[NetworkACL]{ids: "NetworkAclId", missing: noACL, filters: func(a NetworkACL) (attributes, []Tag) {
		found := attributes{"network-acl-id": {a.ID}, "vpc-id": {a.VPCID}, "owner-id": {a.Owner}, "association.subnet-id": nil}
		for _, x := range a.Associations {
			found["association.subnet-id"] = append(found["association.subnet-id"], x.SubnetID)
		}
		return found, a.Tags
	}}
	return &api.Operation{Needs: s.readNeed("DescribeNetworkAcls"), Do: func() (*api.Response, error) {
		found, err := list.describe(s.seen(c.request).acls, c.params)
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Items []NetworkACL `xml:"networkAclSet>item"`
			Token string       `xml:"nextToken,omitempty"`
		}(found))
	}}
}

func (s *Service) decodeCreateNetworkACL(c call) *api.Operation {
	vpcID := c.params["VpcId"]
	needs := []api.Need{s.need("CreateNetworkAcl", "network-acl", "*"), s.need("CreateNetworkAcl", "vpc", vpcID)}
	return &api.Operation{Needs: needs, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		var a NetworkACL
		err := s.update(func(st *state) error {
			if _, ok := st.vpcs.get(vpcID); !ok {
				return noVPC(vpcID)
			}
			a = NetworkACL{ID: s.newID(st, "acl"), VPCID: vpcID, Owner: s.options.Account, Entries: denying()}
			st.acls.put(a.ID, a)
			return nil
		})
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			ACL NetworkACL `xml:"networkAcl"`
		}{a})
	}}
}

// same returns whether another entry has this one's number and direction, of which an ACL has one entry.
func (e ACLEntry) same(other ACLEntry) bool {
	return e.Number == other.Number && e.Egress == other.Egress
}

// namedEntry returns an entry with the number and direction that a call gives.
func namedEntry(p query.Params) ACLEntry {
	return ACLEntry{Number: p.Int("RuleNumber", 0), Egress: p.Bool("Egress")}
}

// decodeACLEntry decodes CreateNetworkAclEntry and ReplaceNetworkAclEntry.
func (s *Service) decodeACLEntry(replaces bool) decoder {
	return func(c call) *api.Operation {
		e := namedEntry(c.params)
		e.Protocol, e.Action, e.CIDR = c.params["Protocol"], c.params["RuleAction"], c.params["CidrBlock"]
		if c.params.Has("PortRange") {
			e.Ports = &PortRange{c.params.Int("PortRange.From", 0), c.params.Int("PortRange.To", 0)}
		}
		return s.changeACL(c, func(entries []ACLEntry) ([]ACLEntry, error) {
			if err := checkEntry(entries, e, replaces); err != nil {
				return nil, err
			}
			entries = append(slices.DeleteFunc(entries, e.same), e)
			slices.SortStableFunc(entries, func(a, b ACLEntry) int { return cmp.Compare(a.Number, b.Number) })
			return entries, nil
		})
	}
}

// checkEntry refuses an entry with a number that it cannot have.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html
func checkEntry(entries []ACLEntry, e ACLEntry, replaces bool) error {
	there := slices.ContainsFunc(entries, e.same)
	switch {
	case e.Number < 1 || e.Number > 32766:
		return refuse("InvalidParameterValue", "Value (%d) for parameter ruleNumber is invalid.", e.Number)
	case there && !replaces:
		return refuse("NetworkAclEntryAlreadyExists", "The network acl entry identified by %d already exists.", e.Number)
	case !there && replaces:
		return refuse("InvalidNetworkAclEntry.NotFound", "The network acl entry identified by %d does not exist.", e.Number)
	}
	return nil
}

func (s *Service) decodeDeleteACLEntry(c call) *api.Operation {
	e := namedEntry(c.params)
	return s.changeACL(c, func(entries []ACLEntry) ([]ACLEntry, error) {
		if e.Number == lastNumber || !slices.ContainsFunc(entries, e.same) {
			return nil, refuse("InvalidNetworkAclEntry.NotFound", "The network acl entry identified by %d does not exist.", e.Number)
		}
		return slices.DeleteFunc(entries, e.same), nil
	})
}

// changeACL returns a call that changes the entries of an ACL.
func (s *Service) changeACL(c call, change func([]ACLEntry) ([]ACLEntry, error)) *api.Operation {
	id := c.params["NetworkAclId"]
	needs := []api.Need{s.need(c.params["Action"], "network-acl", id)}
	return &api.Operation{Needs: needs, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		err := s.update(func(st *state) error {
			a, ok := st.acls.get(id)
			if !ok {
				return noACL(id)
			}
			entries, err := change(slices.Clone(a.Entries))
			if err != nil {
				return err
			}
			a.Entries = entries
			st.acls.put(id, a)
			return nil
		})
		if err != nil {
			return nil, err
		}
		return c.succeeded()
	}}
}

func (s *Service) decodeReplaceACLAssociation(c call) *api.Operation {
	id, to := c.params["AssociationId"], c.params["NetworkAclId"]
	return &api.Operation{Needs: []api.Need{s.need("ReplaceNetworkAclAssociation", "network-acl", to)}, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		var replaced string
		err := s.update(func(st *state) error {
			var err error
			replaced, err = s.replaceACL(st, id, to)
			return err
		})
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			ID string `xml:"newAssociationId"`
		}{replaced})
	}}
}

// replaceACL associates the subnet of an association with another ACL, and returns the new association's id.
func (s *Service) replaceACL(st *state, associationID, to string) (string, error) {
	if _, ok := st.acls.get(to); !ok {
		return "", noACL(to)
	}
	for _, a := range st.acls.all(nil) {
		for _, x := range a.Associations {
			if x.ID != associationID {
				continue
			}
			st.forgetACLs(x.SubnetID)
			x.ID, x.ACLID = s.newID(st, "aclassoc"), to
			return x.ID, st.acls.change(to, noACL, func(a *NetworkACL) { a.Associations = append(slices.Clone(a.Associations), x) })
		}
	}
	return "", refuse("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", associationID)
}
