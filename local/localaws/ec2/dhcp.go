package ec2

import (
	"slices"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// DHCPOptions is a set of DHCP options. It cannot be changed.
type DHCPOptions struct {
	ID       string              `xml:"dhcpOptionsId"`
	Owner    string              `xml:"ownerId"`
	Settings []DHCPConfiguration `xml:"dhcpConfigurationSet>item"`
	Tags     []Tag               `xml:"tagSet>item"`
}

// DHCPConfiguration is one option, e.g. "domain-name-servers".
type DHCPConfiguration struct {
	Key    string      `xml:"key"`
	Values []DHCPValue `xml:"valueSet>item"`
}

// DHCPValue is a value of an option.
type DHCPValue struct {
	Value string `xml:"value"`
}

// defaultDHCP returns the id of the set that a new network gets, and adds it when it is needed first.
// https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
func (s *Service) defaultDHCP(st *state) string {
	if len(st.dhcp.order) > 0 {
		return st.dhcp.order[0]
	}
	o := DHCPOptions{ID: s.newID(st, "dopt"), Owner: s.options.Account, Settings: []DHCPConfiguration{
		{"domain-name", []DHCPValue{{s.options.Region + ".compute.internal"}}},
		{"domain-name-servers", []DHCPValue{{"AmazonProvidedDNS"}}},
	}}
	st.dhcp.put(o.ID, o)
	return o.ID
}

// noDHCP returns the error for a set that does not exist.
func noDHCP(id string) *api.Error {
	return refuse("InvalidDhcpOptionID.NotFound", "The dhcpOption ID '%s' does not exist", id)
}

func (s *Service) decodeDescribeDHCPOptions(c call) *api.Operation {
	list := listing[DHCPOptions]{ids: "DhcpOptionsId", missing: noDHCP, filters: func(o DHCPOptions) (attributes, []Tag) {
		found := attributes{"dhcp-options-id": {o.ID}, "owner-id": {o.Owner}, "key": nil}
		for _, x := range o.Settings {
			found["key"] = append(found["key"], x.Key)
		}
		return found, o.Tags
	}}
	return &api.Operation{Needs: s.readNeed("DescribeDhcpOptions"), Do: func() (*api.Response, error) {
		found, err := list.describe(s.seen(c.request).dhcp, c.params)
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Items []DHCPOptions `xml:"dhcpOptionsSet>item"`
			Token string        `xml:"nextToken,omitempty"`
		}(found))
	}}
}

func (s *Service) decodeCreateDHCPOptions(c call) *api.Operation {
	return &api.Operation{Needs: []api.Need{s.need("CreateDhcpOptions", "dhcp-options", "*")}, Trail: c.wrappedTrail(), Do: func() (*api.Response, error) {
		var o DHCPOptions
		err := s.update(func(st *state) error {
			s.defaultDHCP(st) // AWS's set is older than all others
			o = DHCPOptions{ID: s.newID(st, "dopt"), Owner: s.options.Account}
			for _, x := range c.params.Structs("DhcpConfiguration") {
				var values []DHCPValue
				for _, v := range x.List("Value") {
					values = append(values, DHCPValue{v})
				}
				o.Settings = append(o.Settings, DHCPConfiguration{x["Key"], values})
			}
			if !slices.ContainsFunc(o.Settings, func(x DHCPConfiguration) bool { return x.Key != "" && len(x.Values) > 0 }) {
				return refuse("MissingParameter", "The request must contain the parameter DhcpConfiguration")
			}
			st.dhcp.put(o.ID, o)
			return nil
		})
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Options DHCPOptions `xml:"dhcpOptions"`
		}{o})
	}}
}

// decodeAssociateDHCPOptions associates a network with a set, or with none if its id is "default".
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateDhcpOptions.html
func (s *Service) decodeAssociateDHCPOptions(c call) *api.Operation {
	id, vpcID := c.params["DhcpOptionsId"], c.params["VpcId"]
	needs := []api.Need{s.need("AssociateDhcpOptions", "dhcp-options", id), s.need("AssociateDhcpOptions", "vpc", vpcID)}
	return &api.Operation{Needs: needs, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		err := s.update(func(st *state) error {
			if _, ok := st.dhcp.get(id); !ok && id != "default" {
				return noDHCP(id)
			}
			return st.vpcs.change(vpcID, noVPC, func(v *VPC) { v.DHCPOptionsID = id })
		})
		if err != nil {
			return nil, err
		}
		return c.succeeded()
	}}
}
