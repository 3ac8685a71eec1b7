package ec2

import (
	"net/netip"
	"strconv"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// VPC is a network.
type VPC struct {
	ID    string `xml:"vpcId"`
	Owner string `xml:"ownerId"`
	State string `xml:"state"`
	CIDR  string `xml:"cidrBlock"`
	// DHCPOptionsID is the id of its set of DHCP options, "default" for none.
	DHCPOptionsID string `xml:"dhcpOptionsId"`
	// DNSSupport and DNSHostnames are required for private DNS. DescribeVpcs does not return them.
	DNSSupport   bool  `xml:"-"`
	DNSHostnames bool  `xml:"-"`
	Tags         []Tag `xml:"tagSet>item"`
}

// Subnet is a part of a network in one Availability Zone.
type Subnet struct {
	ID    string `xml:"subnetId"`
	ARN   string `xml:"subnetArn"`
	Owner string `xml:"ownerId"`
	State string `xml:"state"`
	VPCID string `xml:"vpcId"`
	CIDR  string `xml:"cidrBlock"`
	// Zone is the Availability Zone's name, e.g. "eu-central-1a".
	Zone                string `xml:"availabilityZone"`
	MapPublicIPOnLaunch bool   `xml:"mapPublicIpOnLaunch"`
	Tags                []Tag  `xml:"tagSet>item"`
}

// InternetGateway is an internet gateway.
type InternetGateway struct {
	ID string
	// VPCID is the network to which it is attached, or "".
	VPCID string
}

// CreateVPC adds a network with its main route table, default security group and default network ACL, as AWS does. It fills in ID,
// Owner and State.
func (s *Service) CreateVPC(v VPC) (VPC, error) {
	err := s.update(func(st *state) error {
		if _, err := netip.ParsePrefix(v.CIDR); err != nil {
			return refuse("InvalidParameterValue", "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", v.CIDR)
		}
		v.ID, v.Owner, v.State, v.DHCPOptionsID = s.newID(st, "vpc"), s.options.Account, "available", s.defaultDHCP(st)
		st.vpcs.put(v.ID, v)
		main := s.addRouteTable(st, v)
		association := Association{ID: s.newID(st, "rtbassoc"), RouteTableID: main.ID, Main: true, State: "associated"}
		st.associations.put(association.ID, association)
		s.addDefaultGroup(st, v.ID)
		s.addDefaultACL(st, v.ID)
		return nil
	})
	return v, err
}

// CreateSubnet adds a subnet. It fills in ID, ARN, Owner and State, and Zone if it is empty.
func (s *Service) CreateSubnet(n Subnet) (Subnet, error) {
	err := s.update(func(st *state) error {
		vpc, ok := st.vpcs.get(n.VPCID)
		if !ok {
			return noVPC(n.VPCID)
		}
		if err := within(n.CIDR, vpc.CIDR); err != nil {
			return err
		}
		for _, other := range st.subnets.all(func(o Subnet) bool { return o.VPCID == n.VPCID }) {
			if netip.MustParsePrefix(other.CIDR).Overlaps(netip.MustParsePrefix(n.CIDR)) {
				return refuse("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", n.CIDR)
			}
		}
		n.ID, n.Owner, n.State = s.newID(st, "subnet"), s.options.Account, "available"
		n.ARN = s.arn("subnet", n.ID)
		if n.Zone == "" {
			n.Zone = s.options.Region + "a"
		}
		st.subnets.put(n.ID, n)
		s.associateACL(st, n)
		return nil
	})
	return n, err
}

// within refuses a subnet's range that is invalid, or outside its network's.
func within(cidr, network string) error {
	inner, err := netip.ParsePrefix(cidr)
	if err != nil {
		return refuse("InvalidParameterValue", "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", cidr)
	}
	outer := netip.MustParsePrefix(network)
	if !outer.Contains(inner.Addr()) || inner.Bits() < outer.Bits() {
		return refuse("InvalidSubnet.Range", "The CIDR '%s' is invalid.", cidr)
	}
	return nil
}

// CreateInternetGateway adds an internet gateway, attached to a network, or to none if vpcID is empty.
func (s *Service) CreateInternetGateway(vpcID string) (InternetGateway, error) {
	var gateway InternetGateway
	err := s.update(func(st *state) error {
		if _, ok := st.vpcs.get(vpcID); !ok && vpcID != "" {
			return noVPC(vpcID)
		}
		gateway = InternetGateway{ID: s.newID(st, "igw"), VPCID: vpcID}
		st.gateways.put(gateway.ID, gateway)
		return nil
	})
	return gateway, err
}

// AttachInternetGateway attaches an internet gateway to a network.
func (s *Service) AttachInternetGateway(gatewayID, vpcID string) error {
	return s.update(func(st *state) error {
		gateway, ok := st.gateways.get(gatewayID)
		if !ok {
			return noGateway(gatewayID)
		}
		if _, ok := st.vpcs.get(vpcID); !ok {
			return noVPC(vpcID)
		}
		gateway.VPCID = vpcID
		st.gateways.put(gatewayID, gateway)
		return nil
	})
}

// Subnet finds a subnet.
func (s *Service) Subnet(id string) (Subnet, bool) { return s.now().subnets.get(id) }

// noVPC returns the error for a network that does not exist.
func noVPC(id string) *api.Error {
	return refuse("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", id)
}

// noSubnet returns the error for a subnet that does not exist.
func noSubnet(id string) *api.Error {
	return refuse("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
}

func (s *Service) decodeCreateVPC(c call) *api.Operation {
	return &api.Operation{Needs: []api.Need{s.need("CreateVpc", "vpc", "*")}, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		v, err := s.CreateVPC(VPC{CIDR: c.params["CidrBlock"], DNSSupport: true})
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			VPC VPC `xml:"vpc"`
		}{v})
	}}
}

func (s *Service) decodeCreateSubnet(c call) *api.Operation {
	needs := []api.Need{s.need("CreateSubnet", "subnet", "*"), s.need("CreateSubnet", "vpc", c.params["VpcId"])}
	return &api.Operation{Needs: needs, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		n, err := s.CreateSubnet(Subnet{VPCID: c.params["VpcId"], CIDR: c.params["CidrBlock"], Zone: c.params["AvailabilityZone"]})
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Subnet Subnet `xml:"subnet"`
		}{n})
	}}
}

func (s *Service) decodeModifyVPCAttribute(c call) *api.Operation {
	id := c.params["VpcId"]
	return &api.Operation{Needs: []api.Need{s.need("ModifyVpcAttribute", "vpc", id)}, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		err := s.update(func(st *state) error {
			return st.vpcs.change(id, noVPC, func(vpc *VPC) {
				if c.params.Has("EnableDnsSupport") {
					vpc.DNSSupport = c.params.Bool("EnableDnsSupport.Value")
				}
				if c.params.Has("EnableDnsHostnames") {
					vpc.DNSHostnames = c.params.Bool("EnableDnsHostnames.Value")
				}
			})
		})
		if err != nil {
			return nil, err
		}
		return c.succeeded()
	}}
}

func (s *Service) decodeDescribeVPCs(c call) *api.Operation {
	list := listing[VPC]{ids: "VpcId", missing: noVPC, filters: func(v VPC) (attributes, []Tag) {
		return attributes{"vpc-id": {v.ID}, "state": {v.State}, "cidr": {v.CIDR}, "owner-id": {v.Owner}, "dhcp-options-id": {v.DHCPOptionsID}}, v.Tags
	}}
	return &api.Operation{Needs: s.readNeed("DescribeVpcs"), Do: func() (*api.Response, error) {
		found, err := list.describe(s.seen(c.request).vpcs, c.params)
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Items []VPC  `xml:"vpcSet>item"`
			Token string `xml:"nextToken,omitempty"`
		}(found))
	}}
}

func (s *Service) decodeDescribeSubnets(c call) *api.Operation {
	list := listing[Subnet]{ids: "SubnetId", missing: noSubnet, filters: func(n Subnet) (attributes, []Tag) {
		return attributes{
			"subnet-id": {n.ID}, "vpc-id": {n.VPCID}, "state": {n.State}, "cidr-block": {n.CIDR}, "availability-zone": {n.Zone},
			"owner-id": {n.Owner}, "map-public-ip-on-launch": {strconv.FormatBool(n.MapPublicIPOnLaunch)},
		}, n.Tags
	}}
	return &api.Operation{Needs: s.readNeed("DescribeSubnets"), Do: func() (*api.Response, error) {
		found, err := list.describe(s.seen(c.request).subnets, c.params)
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Items []Subnet `xml:"subnetSet>item"`
			Token string   `xml:"nextToken,omitempty"`
		}(found))
	}}
}

// decodeDescribeVPCAttribute returns one of the two attributes that private DNS needs.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcAttribute.html
func (s *Service) decodeDescribeVPCAttribute(c call) *api.Operation {
	type value struct {
		Value bool `xml:"value"`
	}
	id, attribute := c.params["VpcId"], c.params["Attribute"]
	return &api.Operation{Needs: []api.Need{s.need("DescribeVpcAttribute", "vpc", id)}, Do: func() (*api.Response, error) {
		vpc, ok := s.seen(c.request).vpcs.get(id)
		if !ok {
			return nil, noVPC(id)
		}
		result := struct {
			VPCID     string `xml:"vpcId"`
			Support   *value `xml:"enableDnsSupport"`
			Hostnames *value `xml:"enableDnsHostnames"`
		}{VPCID: id}
		switch attribute {
		case "enableDnsSupport":
			result.Support = &value{vpc.DNSSupport}
		case "enableDnsHostnames":
			result.Hostnames = &value{vpc.DNSHostnames}
		default:
			return nil, refuse("InvalidParameterValue", "the local AWS has no VPC attribute %q", attribute)
		}
		return c.answer(result)
	}}
}
