// Package iam is the local AWS's IAM: roles and users with inline and attached policies, and their sessions as
// callers.
//
// To add a call, write a decoder for it and add it to [Service.Decode].
package iam

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// administratorAccess is the name of the managed policy that allows all actions.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html
const administratorAccess = "AdministratorAccess"

// administrator is the text of that policy.
const administrator = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// Role is a role.
type Role struct {
	Name, ARN, ID string
	Created       time.Time
}

// identity is a role or user, with its policies by name or ARN.
type identity struct {
	Role
	inline   map[string]document
	attached []string
}

// document is a policy's text and the parsed policy.
type document struct {
	text   string
	parsed *iampolicy.Policy
}

// Service is the IAM of one account. Its methods are safe for concurrent use.
type Service struct {
	options api.Options

	mu      sync.Mutex
	roles   map[string]*identity
	users   map[string]*identity
	managed map[string]document
}

// New makes an IAM without identities, with AdministratorAccess as the only managed policy. The options are the gate's,
// with defaults filled in.
func New(o api.Options) *Service {
	s := &Service{options: o, roles: map[string]*identity{}, users: map[string]*identity{}, managed: map[string]document{}}
	parsed, err := iampolicy.Parse([]byte(administrator))
	if err != nil {
		panic("iam: the administrator's policy cannot be read: " + err.Error())
	}
	s.managed[s.managedARN(administratorAccess)] = document{administrator, parsed}
	return s
}

// managedARN returns the ARN of one of AWS's managed policies.
func (s *Service) managedARN(name string) string {
	return fmt.Sprintf("arn:%s:iam::aws:policy/%s", s.options.Partition, name)
}

// arn returns the ARN of a role or user of this account.
func (s *Service) arn(kind, name string) string {
	return fmt.Sprintf("arn:%s:iam::%s:%s/%s", s.options.Partition, s.options.Account, kind, name)
}

// parsed parses policies, by name.
func parsed(policies map[string]string) (map[string]document, error) {
	documents := map[string]document{}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		policy, err := iampolicy.ParseIdentity([]byte(policies[name]))
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", name, malformed(err))
		}
		documents[name] = document{policies[name], policy}
	}
	return documents, nil
}

// malformed returns the error for an invalid policy.
func malformed(err error) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: "MalformedPolicyDocument", Message: err.Error()}
}

// CreateRole adds a role with inline policies, by name, or replaces the one with that name.
func (s *Service) CreateRole(name string, policies map[string]string) (Role, error) {
	return s.CreateRoleAt("/", name, policies)
}

// CreateRoleAt is [Service.CreateRole] with a path, which begins and ends with a slash. The role's ARN contains the
// path, the ARNs of its sessions do not.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
func (s *Service) CreateRoleAt(path, name string, policies map[string]string) (Role, error) {
	documents, err := parsed(policies)
	if err != nil {
		return Role{}, fmt.Errorf("role %s: %w", name, err)
	}
	role := Role{Name: name, ARN: s.arn("role"+strings.TrimSuffix(path, "/"), name), ID: uniqueID("AROA", name), Created: s.options.Now().UTC()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles[name] = &identity{Role: role, inline: documents}
	return role, nil
}

// CreateUser adds a user with inline policies, by name, or replaces the one with that name, and returns its caller.
func (s *Service) CreateUser(name string, policies map[string]string) (api.Caller, error) {
	documents, err := parsed(policies)
	if err != nil {
		return api.Caller{}, fmt.Errorf("user %s: %w", name, err)
	}
	user := Role{Name: name, ARN: s.arn("user", name), ID: uniqueID("AIDA", name), Created: s.options.Now().UTC()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[name] = &identity{Role: user, inline: documents}
	return api.Caller{Principal: user.ARN, Account: s.options.Account, Identity: s.identityOf(s.users, name)}, nil
}

// CreateAdministrator adds a user with full access, and returns its caller.
func (s *Service) CreateAdministrator(name string) api.Caller {
	// There is no inline policy that could be malformed.
	caller, _ := s.CreateUser(name, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[name].attached = []string{s.managedARN(administratorAccess)}
	return caller
}

// Session returns the caller of a role's session. It has the role's policies at the time of each call, or none if
// there is no such role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func (s *Service) Session(role, session string) api.Caller {
	return api.Caller{
		Principal: fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", s.options.Partition, s.options.Account, role, session),
		Account:   s.options.Account,
		Issuer:    s.roleARN(role),
		Identity:  s.identityOf(s.roles, role),
	}
}

// roleARN returns a role's ARN; for a missing role, one without a path.
func (s *Service) roleARN(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if role, ok := s.roles[name]; ok {
		return role.ARN
	}
	return s.arn("role", name)
}

// identityOf returns a function that returns an identity's current policies.
func (s *Service) identityOf(kind map[string]*identity, name string) func() []*iampolicy.Policy {
	return func() []*iampolicy.Policy {
		s.mu.Lock()
		defer s.mu.Unlock()
		who, ok := kind[name]
		if !ok {
			return nil
		}
		var policies []*iampolicy.Policy
		for _, inline := range slices.Sorted(maps.Keys(who.inline)) {
			policies = append(policies, who.inline[inline].parsed)
		}
		for _, arn := range who.attached {
			policies = append(policies, s.managed[arn].parsed)
		}
		return policies
	}
}

// PutManagedPolicy adds a managed policy of this account, or replaces it, and returns its ARN.
func (s *Service) PutManagedPolicy(name, text string) (string, error) {
	policy, err := iampolicy.ParseIdentity([]byte(text))
	if err != nil {
		return "", fmt.Errorf("managed policy %s: %w", name, malformed(err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := s.arn("policy", name)
	s.managed[arn] = document{text, policy}
	return arn, nil
}

// PutRolePolicy adds an inline policy to a role, or replaces it.
func (s *Service) PutRolePolicy(role, name, text string) error {
	policy, err := iampolicy.ParseIdentity([]byte(text))
	if err != nil {
		return fmt.Errorf("role %s: policy %s: %w", role, name, malformed(err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	who, ok := s.roles[role]
	if !ok {
		return noSuch("role", role)
	}
	who.inline = maps.Clone(who.inline)
	who.inline[name] = document{text, policy}
	return nil
}

// DeleteRolePolicy removes an inline policy from a role, if both are there.
func (s *Service) DeleteRolePolicy(role, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if who, ok := s.roles[role]; ok {
		who.inline = maps.Clone(who.inline)
		delete(who.inline, name)
	}
}

// RolePolicies returns the texts of a role's inline policies, by name.
func (s *Service) RolePolicies(role string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	texts := map[string]string{}
	if who, ok := s.roles[role]; ok {
		for name, policy := range who.inline {
			texts[name] = policy.text
		}
	}
	return texts
}

// Roles returns the sorted names of all roles.
func (s *Service) Roles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.roles))
}

// AttachRolePolicy attaches a managed policy to a role. A policy that is not known here, as most of AWS's own, is
// attached without its content and allows nothing.
func (s *Service) AttachRolePolicy(role, policyARN string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, ok := s.roles[role]
	if !ok {
		return noSuch("role", role)
	}
	if !slices.Contains(who.attached, policyARN) {
		who.attached = append(slices.Clone(who.attached), policyARN)
	}
	return nil
}

// DetachRolePolicy detaches a managed policy from a role.
func (s *Service) DetachRolePolicy(role, policyARN string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, ok := s.roles[role]
	if !ok {
		return noSuch("role", role)
	}
	at := slices.Index(who.attached, policyARN)
	if at < 0 {
		return noSuch("policy", policyARN)
	}
	who.attached = slices.Delete(slices.Clone(who.attached), at, at+1)
	return nil
}

// DeleteRole removes a role, if it exists. Its sessions then have no permissions.
func (s *Service) DeleteRole(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.roles, name)
}

// Role finds a role.
func (s *Service) Role(name string) (Role, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, ok := s.roles[name]
	if !ok {
		return Role{}, false
	}
	return who.Role, true
}

// Exists reports whether the user or role with an ARN exists. It returns true for those of other accounts.
func (s *Service) Exists(arn string) bool {
	resource, ours := strings.CutPrefix(arn, strings.TrimSuffix(s.arn("", ""), "/"))
	if !ours {
		return true
	}
	kind, name, _ := strings.Cut(resource, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	_, isRole := s.roles[name]
	_, isUser := s.users[name]
	return kind == "role" && isRole || kind == "user" && isUser
}

// noSuch returns the error for an identity or policy that does not exist.
func noSuch(kind, name string) *api.Error {
	return &api.Error{Status: http.StatusNotFound, Code: "NoSuchEntity", Message: fmt.Sprintf("The %s with name %s cannot be found.", kind, name)}
}
