package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// state is the state of all resources. It is immutable once published.
type state struct {
	// made counts the created ids, so that they are unique.
	made         int
	vpcs         table[VPC]
	gateways     table[InternetGateway]
	subnets      table[Subnet]
	routeTables  table[RouteTable]
	groups       table[SecurityGroup]
	rules        table[Rule]
	endpoints    table[Endpoint]
	interfaces   table[NetworkInterface]
	instances    table[Instance]
	associations table[Association]
	acls         table[NetworkACL]
	dhcp         table[DHCPOptions]
}

// table contains the resources of one kind by id, in order of creation.
type table[T any] struct {
	rows  map[string]T
	order []string
}

// clone returns a copy. Changes of its rows do not affect the original.
func (t table[T]) clone() table[T] {
	return table[T]{maps.Clone(t.rows), slices.Clone(t.order)}
}

// get returns a row.
func (t table[T]) get(id string) (T, bool) {
	row, ok := t.rows[id]
	return row, ok
}

// all returns the rows that meet a condition, in order of creation; all rows if it is nil.
func (t table[T]) all(condition func(T) bool) []T {
	var rows []T
	for _, id := range t.order {
		if row := t.rows[id]; condition == nil || condition(row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// put adds a row, or replaces the one with that id.
func (t *table[T]) put(id string, row T) {
	if t.rows == nil {
		t.rows = map[string]T{}
	}
	if _, ok := t.rows[id]; !ok {
		t.order = append(t.order, id)
	}
	t.rows[id] = row
}

// change changes a row, or returns the error for a missing one.
func (t *table[T]) change(id string, missing func(id string) *api.Error, change func(row *T)) error {
	row, ok := t.get(id)
	if !ok {
		return missing(id)
	}
	change(&row)
	t.put(id, row)
	return nil
}

// remove removes a row, if it exists.
func (t *table[T]) remove(id string) {
	delete(t.rows, id)
	t.order = slices.DeleteFunc(t.order, func(other string) bool { return other == id })
}

// clone returns a copy. Its changes do not affect the original.
func (st *state) clone() *state {
	return &state{
		made: st.made, vpcs: st.vpcs.clone(), gateways: st.gateways.clone(), subnets: st.subnets.clone(),
		routeTables: st.routeTables.clone(), groups: st.groups.clone(), rules: st.rules.clone(),
		endpoints: st.endpoints.clone(), interfaces: st.interfaces.clone(), instances: st.instances.clone(),
		associations: st.associations.clone(), acls: st.acls.clone(), dhcp: st.dhcp.clone(),
	}
}

// update executes one write: all of it, or nothing if it fails. It holds the lock.
func (s *Service) update(write func(*state) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.current.clone()
	if err := write(next); err != nil {
		return err
	}
	s.previous, s.current = s.current, next
	return nil
}

// now returns the current state, which must not be changed.
func (s *Service) now() *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// seen returns the state for a request: for a stale one, the state before the latest write.
func (s *Service) seen(r *api.Request) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Stale {
		return s.previous
	}
	return s.current
}

// newID returns a unique id in AWS's format, e.g. "vpce-0" and 16 hexadecimal digits. The same resources made in the
// same order have the same ids.
func (s *Service) newID(st *state, prefix string) string {
	st.made++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %d", s.options.Account, s.options.Region, prefix, st.made))
	return prefix + "-0" + hex.EncodeToString(sum[:8])
}

// arn returns the ARN of a resource of this account, e.g. arn("subnet", "subnet-0…").
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
func (s *Service) arn(kind, id string) string {
	return fmt.Sprintf("arn:%s:ec2:%s:%s:%s/%s", s.options.Partition, s.options.Region, s.options.Account, kind, id)
}

// need returns the permission for an action on a resource of this account. For resources in a network, the network is
// a condition key.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-resources-for-iam-policies
func (s *Service) need(action, kind, id string) api.Need {
	n := api.Need{Action: "ec2:" + action, Resource: s.arn(kind, id), ResourceAccount: s.options.Account}
	if network := s.now().networkOf(id); network != "" {
		n.Context = map[string][]string{"ec2:Vpc": {s.arn("vpc", network)}}
	}
	return n
}

// networkOf returns the network of a subnet, security group, network ACL or route table; "" for other resources.
func (st *state) networkOf(id string) string {
	if n, ok := st.subnets.get(id); ok {
		return n.VPCID
	}
	if g, ok := st.groups.get(id); ok {
		return g.VPCID
	}
	if a, ok := st.acls.get(id); ok {
		return a.VPCID
	}
	t, _ := st.routeTables.get(id)
	return t.VPCID
}

// needs returns the permissions for an action on several resources of one kind.
func (s *Service) needs(action, kind string, ids []string) []api.Need {
	var needs []api.Need
	for _, id := range ids {
		needs = append(needs, s.need(action, kind, id))
	}
	return needs
}

// readNeed returns the permission for a Describe call, which supports no resources.
func (s *Service) readNeed(action string) []api.Need {
	return []api.Need{{Action: "ec2:" + action, Resource: "*", ResourceAccount: s.options.Account}}
}

// refuse returns a client error.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func refuse(code, format string, details ...any) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, details...)}
}
