package ec2

import (
	"slices"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// The methods in this file remove resources as EC2 does: if a resource is still in use, they refuse with
// DependencyViolation, so that the deletion of a stack in a wrong order fails here too.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html

// inUse returns the error for a resource that is still in use.
func inUse(id string) *api.Error {
	return refuse("DependencyViolation", "The %s has dependencies and cannot be deleted.", id)
}

// DeleteVPC removes a network with its main route table and its default security group. All other resources in it
// must have been deleted.
func (s *Service) DeleteVPC(id string) error {
	return s.update(func(st *state) error {
		if _, ok := st.vpcs.get(id); !ok {
			return noVPC(id)
		}
		main, others := st.tablesOf(id)
		needed := len(others) + len(st.subnets.all(func(n Subnet) bool { return n.VPCID == id })) +
			len(st.groups.all(func(g SecurityGroup) bool { return g.VPCID == id && g.Name != "default" })) +
			len(st.gateways.all(func(g InternetGateway) bool { return g.VPCID == id })) +
			len(st.endpoints.all(func(e Endpoint) bool { return e.VPCID == id }))
		if needed > 0 {
			return inUse(id)
		}
		for _, a := range st.associations.all(func(a Association) bool { return slices.Contains(main, a.RouteTableID) }) {
			st.associations.remove(a.ID)
		}
		for _, table := range main {
			st.routeTables.remove(table)
		}
		st.removeGroup(st.defaultGroup(id))
		for _, a := range st.acls.all(func(a NetworkACL) bool { return a.VPCID == id }) {
			st.acls.remove(a.ID)
		}
		st.vpcs.remove(id)
		return nil
	})
}

// tablesOf returns the ids of a network's main route table and of the others.
func (st *state) tablesOf(vpcID string) (main, others []string) {
	for _, t := range st.routeTables.all(func(t RouteTable) bool { return t.VPCID == vpcID }) {
		if st.isMain(t.ID) {
			main = append(main, t.ID)
		} else {
			others = append(others, t.ID)
		}
	}
	return main, others
}

func (st *state) isMain(tableID string) bool {
	return len(st.associations.all(func(a Association) bool { return a.RouteTableID == tableID && a.Main })) > 0
}

// DeleteSubnet removes a subnet without network interfaces, and its route table association.
func (s *Service) DeleteSubnet(id string) error {
	return s.update(func(st *state) error {
		if _, ok := st.subnets.get(id); !ok {
			return noSubnet(id)
		}
		if len(st.interfaces.all(func(n NetworkInterface) bool { return n.SubnetID == id })) > 0 {
			return inUse(id)
		}
		for _, a := range st.associations.all(func(a Association) bool { return a.SubnetID == id }) {
			st.associations.remove(a.ID)
		}
		st.forgetACLs(id)
		st.subnets.remove(id)
		return nil
	})
}

// DeleteRouteTable removes a route table that has no subnet and is not a network's main one.
func (s *Service) DeleteRouteTable(id string) error {
	return s.update(func(st *state) error {
		if _, ok := st.routeTables.get(id); !ok {
			return noRouteTable(id)
		}
		if len(st.associations.all(func(a Association) bool { return a.RouteTableID == id })) > 0 {
			return inUse(id)
		}
		st.routeTables.remove(id)
		return nil
	})
}

// DeleteRoute removes a route to a range of addresses.
func (s *Service) DeleteRoute(tableID, cidr string) error {
	return s.update(func(st *state) error {
		t, ok := st.routeTables.get(tableID)
		if !ok {
			return noRouteTable(tableID)
		}
		kept := slices.DeleteFunc(slices.Clone(t.Routes), func(r Route) bool { return r.CIDR == cidr })
		if len(kept) == len(t.Routes) {
			return refuse("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", cidr, tableID)
		}
		t.Routes = kept
		st.routeTables.put(tableID, t)
		return nil
	})
}

// DetachInternetGateway detaches an internet gateway from its network, in which no instance may have a public
// address.
func (s *Service) DetachInternetGateway(gatewayID, vpcID string) error {
	return s.update(func(st *state) error {
		gateway, ok := st.gateways.get(gatewayID)
		if !ok {
			return noGateway(gatewayID)
		}
		if gateway.VPCID != vpcID {
			return refuse("Gateway.NotAttached", "resource %s is not attached to network %s", gatewayID, vpcID)
		}
		mapped := st.instances.all(func(i Instance) bool {
			subnet, _ := st.subnets.get(i.SubnetID)
			return i.PublicIP != "" && subnet.VPCID == vpcID
		})
		if len(mapped) > 0 {
			return refuse("DependencyViolation", "Network %s has some mapped public address(es).", vpcID)
		}
		gateway.VPCID = ""
		st.gateways.put(gatewayID, gateway)
		return nil
	})
}

// DeleteInternetGateway removes an internet gateway that is not attached to a network.
func (s *Service) DeleteInternetGateway(id string) error {
	return s.update(func(st *state) error {
		gateway, ok := st.gateways.get(id)
		if !ok {
			return noGateway(id)
		}
		if gateway.VPCID != "" {
			return inUse(id)
		}
		st.gateways.remove(id)
		return nil
	})
}

// noGateway returns the error for an internet gateway that does not exist.
func noGateway(id string) *api.Error {
	return refuse("InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist", id)
}

// DeleteSecurityGroup removes a security group and its rules. It must not be in use by a network interface, or in a
// rule of another group.
func (s *Service) DeleteSecurityGroup(id string) error {
	return s.update(func(st *state) error {
		if _, ok := st.groups.get(id); !ok {
			return noGroup(id)
		}
		has := func(n NetworkInterface) bool {
			return slices.ContainsFunc(n.Groups, func(g interfaceGroup) bool { return g.ID == id })
		}
		names := func(r Rule) bool { return r.ReferencedGroup == id && r.GroupID != id }
		if len(st.interfaces.all(has)) > 0 || len(st.rules.all(names)) > 0 {
			return refuse("DependencyViolation", "resource %s has a dependent object", id)
		}
		st.removeGroup(id)
		return nil
	})
}

// removeGroup removes a security group and its rules.
func (st *state) removeGroup(id string) {
	for _, r := range st.rulesOf(id) {
		st.rules.remove(r.ID)
	}
	st.groups.remove(id)
}

// TerminateInstance removes an instance and its network interface, at once.
func (s *Service) TerminateInstance(id string) error {
	return s.update(func(st *state) error {
		if _, ok := st.instances.get(id); !ok {
			return refuse("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
		}
		for _, n := range st.interfaces.all(func(n NetworkInterface) bool { return n.InstanceID == id }) {
			st.interfaces.remove(n.ID)
		}
		st.instances.remove(id)
		return nil
	})
}

// IDs returns the ids of all resources, by kind and in order of creation.
func (s *Service) IDs() []string {
	st := s.now()
	return slices.Concat(st.vpcs.order, st.gateways.order, st.subnets.order, st.routeTables.order, st.associations.order,
		st.groups.order, st.rules.order, st.endpoints.order, st.interfaces.order, st.instances.order)
}
