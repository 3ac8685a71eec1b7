package ec2

import (
	"slices"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// RouteTable is a route table. Its routes to gateway endpoints belong to the endpoints: see [Endpoint].
type RouteTable struct {
	ID     string  `xml:"routeTableId"`
	VPCID  string  `xml:"vpcId"`
	Owner  string  `xml:"ownerId"`
	Routes []Route `xml:"routeSet>item"`
	Tags   []Tag   `xml:"tagSet>item"`
}

// Route is one route of a table, to an address range or to a service's prefix list.
type Route struct {
	CIDR         string `xml:"destinationCidrBlock,omitempty"`
	PrefixListID string `xml:"destinationPrefixListId,omitempty"`
	// GatewayID is the target: "local", an internet gateway or a gateway endpoint.
	GatewayID string `xml:"gatewayId"`
	State     string `xml:"state"`
	Origin    string `xml:"origin"`
}

// Association associates a subnet with a route table. The main one has no subnet and applies to subnets without
// another.
type Association struct {
	ID           string `xml:"routeTableAssociationId"`
	RouteTableID string `xml:"routeTableId"`
	SubnetID     string `xml:"subnetId,omitempty"`
	Main         bool   `xml:"main"`
	State        string `xml:"associationState>state"`
}

// addRouteTable adds a route table with its network's local route.
func (s *Service) addRouteTable(st *state, v VPC) RouteTable {
	t := RouteTable{
		ID: s.newID(st, "rtb"), VPCID: v.ID, Owner: s.options.Account,
		Routes: []Route{{CIDR: v.CIDR, GatewayID: "local", State: "active", Origin: "CreateRouteTable"}},
	}
	st.routeTables.put(t.ID, t)
	return t
}

// CreateRouteTable adds a route table to a network.
func (s *Service) CreateRouteTable(vpcID string) (RouteTable, error) {
	var t RouteTable
	err := s.update(func(st *state) error {
		vpc, ok := st.vpcs.get(vpcID)
		if !ok {
			return noVPC(vpcID)
		}
		t = s.addRouteTable(st, vpc)
		return nil
	})
	return t, err
}

// CreateRoute adds a route to an address range, e.g. "0.0.0.0/0", through a gateway.
func (s *Service) CreateRoute(tableID, cidr, gatewayID string) error {
	return s.update(func(st *state) error {
		t, ok := st.routeTables.get(tableID)
		if !ok {
			return noRouteTable(tableID)
		}
		if slices.ContainsFunc(t.Routes, func(r Route) bool { return r.CIDR == cidr }) {
			return refuse("RouteAlreadyExists", "The route identified by %s already exists.", cidr)
		}
		t.Routes = append(slices.Clone(t.Routes), Route{CIDR: cidr, GatewayID: gatewayID, State: "active", Origin: "CreateRoute"})
		st.routeTables.put(tableID, t)
		return nil
	})
}

// AssociateRouteTable associates a subnet with a route table.
func (s *Service) AssociateRouteTable(tableID, subnetID string) (Association, error) {
	var a Association
	err := s.update(func(st *state) error {
		if _, ok := st.routeTables.get(tableID); !ok {
			return noRouteTable(tableID)
		}
		if _, ok := st.subnets.get(subnetID); !ok {
			return noSubnet(subnetID)
		}
		taken := st.associations.all(func(o Association) bool { return o.SubnetID == subnetID })
		if len(taken) > 0 && taken[0].RouteTableID != tableID {
			return refuse("Resource.AlreadyAssociated",
				"the specified association for route table %s conflicts with an existing association", tableID)
		}
		if len(taken) > 0 {
			a = taken[0]
			return nil
		}
		a = Association{ID: s.newID(st, "rtbassoc"), RouteTableID: tableID, SubnetID: subnetID, State: "associated"}
		st.associations.put(a.ID, a)
		return nil
	})
	return a, err
}

// ReplaceRouteTableAssociation associates the subnet of an association with another route table. The new association
// has a new id.
func (s *Service) ReplaceRouteTableAssociation(associationID, tableID string) (Association, error) {
	var a Association
	err := s.update(func(st *state) error {
		var ok bool
		if a, ok = st.associations.get(associationID); !ok {
			return noAssociation(associationID)
		}
		if _, ok := st.routeTables.get(tableID); !ok {
			return noRouteTable(tableID)
		}
		st.associations.remove(associationID)
		a.ID, a.RouteTableID = s.newID(st, "rtbassoc"), tableID
		st.associations.put(a.ID, a)
		return nil
	})
	return a, err
}

// DisassociateRouteTable makes a subnet use its network's main route table.
func (s *Service) DisassociateRouteTable(associationID string) error {
	return s.update(func(st *state) error {
		a, ok := st.associations.get(associationID)
		if !ok {
			return noAssociation(associationID)
		}
		if a.Main {
			return refuse("InvalidParameterValue", "cannot disassociate the main route table association %s", associationID)
		}
		st.associations.remove(associationID)
		return nil
	})
}

// Associations returns a route table's associations.
func (s *Service) Associations(tableID string) []Association {
	return s.now().associations.all(func(a Association) bool { return a.RouteTableID == tableID })
}

// routes returns a table's own routes and those to gateway endpoints.
func (st *state) routes(t RouteTable) []Route {
	routes := slices.Clone(t.Routes)
	for _, e := range st.endpoints.all(func(e Endpoint) bool { return slices.Contains(e.RouteTableIDs, t.ID) }) {
		routes = append(routes, Route{PrefixListID: PrefixListID(e.ServiceName), GatewayID: e.ID, State: "active", Origin: "CreateRoute"})
	}
	return routes
}

// noRouteTable returns the error for a route table that does not exist.
func noRouteTable(id string) *api.Error {
	return refuse("InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", id)
}

// noAssociation returns the error for an association that does not exist.
func noAssociation(id string) *api.Error {
	return refuse("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
}
