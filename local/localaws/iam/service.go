package iam

import (
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// protocol encodes this service's answers.
var protocol = query.Protocol{Namespace: "https://iam.amazonaws.com/doc/2010-05-08/"}

var _ api.Service = (*Service)(nil)

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "iam" }

// call is one decoded request.
type call struct {
	request *api.Request
	params  query.Params
}

// decoder returns a call's permission and its handler. All calls here are reads, except DetachRolePolicy.
type decoder func(call) (need api.Need, do func() (any, error))

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	params, err := query.Parse(r)
	if err != nil {
		return nil, err
	}
	decoders := map[string]decoder{
		"DetachRolePolicy":         s.decodeDetachRolePolicy,
		"GetPolicy":                s.decodeGetPolicy,
		"GetPolicyVersion":         s.decodeGetPolicyVersion,
		"GetRole":                  s.decodeGetRole,
		"GetRolePolicy":            s.decodeGetRolePolicy,
		"ListAttachedRolePolicies": s.decodeListAttachedRolePolicies,
		"ListRolePolicies":         s.decodeListRolePolicies,
	}
	name := params["Action"]
	decode, ok := decoders[name]
	if !ok {
		return nil, params.Unknown()
	}
	if err := params.Only(imitated[name]...); err != nil {
		return nil, err
	}
	need, do := decode(call{r, params})
	need.Action, need.ResourceAccount = "iam:"+name, s.options.Account
	operation := protocol.Operation(r, name, need, do)
	if name == "DetachRolePolicy" {
		operation.Trail = &api.Trail{RequestParameters: map[string]any{"roleName": params["RoleName"], "policyArn": params["PolicyArn"]}}
	}
	return operation, nil
}

// imitated are the supported parameters of each call. Lists always have one page.
var imitated = map[string][]string{
	"DetachRolePolicy":         {"RoleName", "PolicyArn"},
	"GetPolicy":                {"PolicyArn"},
	"GetPolicyVersion":         {"PolicyArn", "VersionId"},
	"GetRole":                  {"RoleName"},
	"GetRolePolicy":            {"RoleName", "PolicyName"},
	"ListAttachedRolePolicies": {"RoleName", "MaxItems"},
	"ListRolePolicies":         {"RoleName", "MaxItems"},
}

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response {
	return protocol.Error(r, e)
}

// uniqueID returns the id with which AWS distinguishes an identity from later ones with the same name.
func uniqueID(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// found returns the role of a call.
func (s *Service) found(name string) (identity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, ok := s.roles[name]
	if !ok {
		return identity{}, noSuch("role", name)
	}
	return *who, nil
}

// onRole returns the permission for a call about a role.
func (s *Service) onRole(c call) api.Need {
	return api.Need{Resource: s.roleARN(c.params["RoleName"])}
}

// listed is a list in one page.
type listed struct {
	IsTruncated bool
}

func (s *Service) decodeGetRole(c call) (api.Need, func() (any, error)) {
	type role struct {
		Path, RoleName, RoleId, Arn, CreateDate string
	}
	return s.onRole(c), func() (any, error) {
		who, err := s.found(c.params["RoleName"])
		if err != nil {
			return nil, err
		}
		return struct{ Role role }{role{
			"/", who.Name, who.ID, who.ARN, who.Created.Format(time.RFC3339),
		}}, nil
	}
}

func (s *Service) decodeDetachRolePolicy(c call) (api.Need, func() (any, error)) {
	return s.onRole(c), func() (any, error) {
		return struct{}{}, s.DetachRolePolicy(c.params["RoleName"], c.params["PolicyArn"])
	}
}

func (s *Service) decodeGetRolePolicy(c call) (api.Need, func() (any, error)) {
	return s.onRole(c), func() (any, error) {
		who, err := s.found(c.params["RoleName"])
		if err != nil {
			return nil, err
		}
		document, ok := who.inline[c.params["PolicyName"]]
		if !ok {
			return nil, noSuch("role policy", c.params["PolicyName"])
		}
		// Policies in IAM's answers are URL-encoded.
		// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html
		return struct{ RoleName, PolicyName, PolicyDocument string }{who.Name, c.params["PolicyName"], escaped(document.text)}, nil
	}
}

// escaped encodes a text as IAM does, with %20 for spaces.
func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func (s *Service) decodeListRolePolicies(c call) (api.Need, func() (any, error)) {
	return s.onRole(c), func() (any, error) {
		who, err := s.found(c.params["RoleName"])
		if err != nil {
			return nil, err
		}
		return struct {
			Names []string `xml:"PolicyNames>member"`
			listed
		}{Names: slices.Sorted(maps.Keys(who.inline))}, nil
	}
}

func (s *Service) decodeListAttachedRolePolicies(c call) (api.Need, func() (any, error)) {
	type attachedPolicy struct{ PolicyName, PolicyArn string }
	return s.onRole(c), func() (any, error) {
		who, err := s.found(c.params["RoleName"])
		if err != nil {
			return nil, err
		}
		var attached []attachedPolicy
		for _, arn := range who.attached {
			attached = append(attached, attachedPolicy{arn[strings.LastIndex(arn, "/")+1:], arn})
		}
		return struct {
			Attached []attachedPolicy `xml:"AttachedPolicies>member"`
			listed
		}{Attached: attached}, nil
	}
}

// managedPolicy returns the managed policy of a call.
func (s *Service) managedPolicy(arn string) (document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	policy, ok := s.managed[arn]
	if !ok {
		return document{}, &api.Error{Status: http.StatusNotFound, Code: "NoSuchEntity", Message: "Policy " + arn + " does not exist or is not attachable."}
	}
	return policy, nil
}

func (s *Service) decodeGetPolicy(c call) (api.Need, func() (any, error)) {
	type policy struct {
		PolicyName, Arn, Path, DefaultVersionId string
		IsAttachable                            bool
	}
	arn := c.params["PolicyArn"]
	return api.Need{Resource: arn}, func() (any, error) {
		if _, err := s.managedPolicy(arn); err != nil {
			return nil, err
		}
		return struct{ Policy policy }{policy{arn[strings.LastIndex(arn, "/")+1:], arn, "/", "v1", true}}, nil
	}
}

func (s *Service) decodeGetPolicyVersion(c call) (api.Need, func() (any, error)) {
	type version struct {
		Document, VersionId string
		IsDefaultVersion    bool
	}
	arn := c.params["PolicyArn"]
	return api.Need{Resource: arn}, func() (any, error) {
		policy, err := s.managedPolicy(arn)
		if err != nil {
			return nil, err
		}
		if c.params["VersionId"] != "v1" {
			return nil, noSuch("policy version", c.params["VersionId"])
		}
		return struct{ PolicyVersion version }{version{escaped(policy.text), "v1", true}}, nil
	}
}
