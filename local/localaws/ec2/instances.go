package ec2

import "fmt"

// Instance is an instance, with the fields that are used here.
type Instance struct {
	ID       string
	SubnetID string
	GroupIDs []string
	// AssociatePublicIP gives it a public address, independent of its subnet's setting.
	AssociatePublicIP bool
	// PrivateIP is its address in its subnet, PublicIP an address from a range reserved for documentation, or "".
	PrivateIP, PublicIP string
}

// CreateInstance adds an instance and its network interface. It fills in ID and PrivateIP, and PublicIP if the
// instance has one.
func (s *Service) CreateInstance(i Instance) (Instance, error) {
	err := s.update(func(st *state) error {
		subnet, ok := st.subnets.get(i.SubnetID)
		if !ok {
			return noSubnet(i.SubnetID)
		}
		for _, id := range i.GroupIDs {
			if _, ok := st.groups.get(id); !ok {
				return noGroup(id)
			}
		}
		n := s.newInterface(st, i.SubnetID)
		i.ID, i.PrivateIP = s.newID(st, "i"), n.IP
		n.Groups, n.InstanceID = st.interfaceGroups(i.GroupIDs), i.ID
		st.interfaces.put(n.ID, n)
		if subnet.MapPublicIPOnLaunch || i.AssociatePublicIP {
			// https://www.rfc-editor.org/rfc/rfc5737
			i.PublicIP = fmt.Sprintf("203.0.113.%d", 10+len(st.instances.order)%200)
		}
		st.instances.put(i.ID, i)
		return nil
	})
	return i, err
}
