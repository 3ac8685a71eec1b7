// Package sts is the local AWS's STS, with GetCallerIdentity over the query protocol (version 2011-06-15). It does
// not support AssumeRole: tests register a role's session with [api.Gate.Credentials].
package sts

import (
	"crypto/sha256"
	"encoding/base32"
	"net/http"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// protocol encodes this service's answers.
var protocol = query.Protocol{Namespace: "https://sts.amazonaws.com/doc/2011-06-15/"}

// Service is STS. It has no state.
type Service struct {
	options api.Options
}

var _ api.Service = (*Service)(nil)

// New makes an STS. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service { return &Service{options: o} }

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "sts" }

// identity is the result of GetCallerIdentity.
type identity struct {
	Arn     string
	UserId  string
	Account string
}

// Decode implements [api.Service]. GetCallerIdentity needs no permission, and no policy can deny it.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	params, err := query.Parse(r)
	if err != nil {
		return nil, err
	}
	action := params["Action"]
	if action != "GetCallerIdentity" {
		return nil, params.Unknown()
	}
	if err := params.Only(); err != nil {
		return nil, err
	}
	return &api.Operation{Name: action, Do: func() (*api.Response, error) {
		if r.Caller.Principal == "" {
			return nil, &api.Error{Status: http.StatusForbidden, Code: "MissingAuthenticationToken",
				Message: "Request is missing Authentication Token"}
		}
		return protocol.Answer(r, action, identity{
			Arn: r.Caller.Principal, UserId: userID(r.Caller), Account: r.Caller.Account,
		})
	}}, nil
}

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response {
	return protocol.Error(r, e)
}

// userID returns the caller's invented unique id, the same one each time: for a role's session it ends with the
// session's name, for a root user it is the account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
func userID(c api.Caller) string {
	name := c.Principal[strings.LastIndex(c.Principal, "/")+1:]
	switch {
	case c.Issuer != "":
		return unique("AROA", c.Issuer) + ":" + name
	case strings.HasSuffix(c.Principal, ":root"):
		return c.Account
	}
	return unique("AIDA", c.Principal)
}

// unique returns an id of 21 characters.
func unique(prefix, arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
