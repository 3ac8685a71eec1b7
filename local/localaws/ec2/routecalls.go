package ec2

import (
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// describedTable is a route table in the answer of DescribeRouteTables.
type describedTable struct {
	RouteTable
	Associations []Association `xml:"associationSet>item"`
}

// describedTables returns all route tables, with their associations and routes.
func (st *state) describedTables() table[describedTable] {
	var described table[describedTable]
	for _, t := range st.routeTables.all(nil) {
		t.Routes = st.routes(t)
		described.put(t.ID, describedTable{t, st.associations.all(func(a Association) bool { return a.RouteTableID == t.ID })})
	}
	return described
}

// attributes returns the table's filter values and tags.
func (t describedTable) attributes() (attributes, []Tag) {
	values := attributes{
		"route-table-id": {t.ID}, "vpc-id": {t.VPCID}, "owner-id": {t.Owner},
		"association.main": nil, "association.subnet-id": nil, "association.route-table-association-id": nil,
		"route.gateway-id": nil, "route.destination-cidr-block": nil, "route.destination-prefix-list-id": nil,
	}
	add := func(name, value string) { values[name] = append(values[name], value) }
	for _, a := range t.Associations {
		add("association.route-table-association-id", a.ID)
		if a.Main {
			add("association.main", "true")
			continue
		}
		add("association.main", "false")
		add("association.subnet-id", a.SubnetID)
	}
	for _, r := range t.Routes {
		add("route.gateway-id", r.GatewayID)
		add("route.destination-cidr-block", r.CIDR)
		add("route.destination-prefix-list-id", r.PrefixListID)
	}
	return values, t.Tags
}

func (s *Service) decodeDescribeRouteTables(c call) *api.Operation {
	list := listing[describedTable]{ids: "RouteTableId", missing: noRouteTable, filters: describedTable.attributes}
	return &api.Operation{Needs: s.readNeed("DescribeRouteTables"), Do: func() (*api.Response, error) {
		found, err := list.describe(s.seen(c.request).describedTables(), c.params)
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Items []describedTable `xml:"routeTableSet>item"`
			Token string           `xml:"nextToken,omitempty"`
		}(found))
	}}
}

func (s *Service) decodeCreateRouteTable(c call) *api.Operation {
	needs := []api.Need{s.need("CreateRouteTable", "route-table", "*"), s.need("CreateRouteTable", "vpc", c.params["VpcId"])}
	return &api.Operation{Needs: needs, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		t, err := s.CreateRouteTable(c.params["VpcId"])
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Table RouteTable `xml:"routeTable"`
		}{t})
	}}
}

func (s *Service) decodeAssociateRouteTable(c call) *api.Operation {
	tableID, subnetID := c.params["RouteTableId"], c.params["SubnetId"]
	needs := []api.Need{s.need("AssociateRouteTable", "route-table", tableID), s.need("AssociateRouteTable", "subnet", subnetID)}
	trail := c.camelTrail()
	return &api.Operation{Needs: needs, Trail: trail, Do: func() (*api.Response, error) {
		a, err := s.AssociateRouteTable(tableID, subnetID)
		if err != nil {
			return nil, err
		}
		trail.ResponseElements = map[string]any{"requestId": c.request.ID, "associationId": a.ID}
		return c.answer(struct {
			ID    string `xml:"associationId"`
			State string `xml:"associationState>state"`
		}{a.ID, a.State})
	}}
}

func (s *Service) decodeReplaceRouteTableAssociation(c call) *api.Operation {
	id, tableID := c.params["AssociationId"], c.params["RouteTableId"]
	needs := append(s.associationNeeds("ReplaceRouteTableAssociation", id), s.need("ReplaceRouteTableAssociation", "route-table", tableID))
	trail := c.camelTrail()
	return &api.Operation{Needs: needs, Trail: trail, Do: func() (*api.Response, error) {
		a, err := s.ReplaceRouteTableAssociation(id, tableID)
		if err != nil {
			return nil, err
		}
		trail.ResponseElements = map[string]any{"requestId": c.request.ID, "newAssociationId": a.ID}
		return c.answer(struct {
			ID    string `xml:"newAssociationId"`
			State string `xml:"associationState>state"`
		}{a.ID, a.State})
	}}
}

func (s *Service) decodeDisassociateRouteTable(c call) *api.Operation {
	id := c.params["AssociationId"]
	needs := s.associationNeeds("DisassociateRouteTable", id)
	if a, ok := s.now().associations.get(id); ok {
		needs = append(needs, s.need("DisassociateRouteTable", "route-table", a.RouteTableID))
	}
	return &api.Operation{Needs: needs, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		if err := s.DisassociateRouteTable(id); err != nil {
			return nil, err
		}
		return c.succeeded()
	}}
}

// associationNeeds returns the permissions on an association's subnet; none if there is no such subnet.
func (s *Service) associationNeeds(action, associationID string) []api.Need {
	a, _ := s.now().associations.get(associationID)
	if a.SubnetID == "" {
		return nil
	}
	return []api.Need{s.need(action, "subnet", a.SubnetID)}
}
