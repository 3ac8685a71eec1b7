package ec2

import (
	"slices"
)

// ConnectFunction gives a function a network interface in each of its subnets, with its security groups. Functions
// with the same subnet and groups share one.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-enis
func (s *Service) ConnectFunction(function string, subnetIDs, groupIDs []string) error {
	return s.update(func(st *state) error {
		for _, subnetID := range subnetIDs {
			if _, ok := st.subnets.get(subnetID); !ok {
				return noSubnet(subnetID)
			}
			groups := st.interfaceGroups(groupIDs)
			shared := st.interfaces.all(func(n NetworkInterface) bool {
				return n.Type == "lambda" && n.SubnetID == subnetID && slices.Equal(n.Groups, groups)
			})
			n := s.newInterface(st, subnetID)
			n.Description, n.Type, n.Groups = "AWS Lambda VPC ENI-"+function+"-"+n.ID, "lambda", groups
			if len(shared) > 0 {
				n = shared[0]
			}
			if !slices.Contains(n.Functions, function) {
				n.Functions = append(slices.Clone(n.Functions), function)
			}
			st.interfaces.put(n.ID, n)
		}
		return nil
	})
}

// DisconnectFunction records that a function was deleted, and returns the ids of the interfaces that are no longer
// used by a function. They remain until the caller removes them, as Lambda's do for a while.
func (s *Service) DisconnectFunction(function string) (unused []string) {
	// The update cannot fail.
	_ = s.update(func(st *state) error {
		for _, n := range st.interfaces.all(func(n NetworkInterface) bool { return slices.Contains(n.Functions, function) }) {
			n.Functions = slices.DeleteFunc(slices.Clone(n.Functions), func(f string) bool { return f == function })
			st.interfaces.put(n.ID, n)
			if len(n.Functions) == 0 {
				unused = append(unused, n.ID)
			}
		}
		return nil
	})
	return unused
}
