// Package ssm is the local AWS's Systems Manager: parameters, which callers read with GetParameter.
package ssm

import (
	"net/http"
	"sync"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// Service is the parameter store of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	options api.Options

	mu     sync.Mutex
	values map[string]parameter
}

// parameter is a parameter in the answer of GetParameter.
type parameter struct {
	Name, Type, Value, ARN string
	Version                int
}

var _ api.Service = (*Service)(nil)

// New makes a store without parameters. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service { return &Service{options: o, values: map[string]parameter{}} }

// Put sets a parameter. kind is "String" or "StringList".
func (s *Service) Put(name, kind, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] = parameter{name, kind, value, s.arn(name), s.values[name].Version + 1}
}

// Delete removes a parameter, if it exists.
func (s *Service) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, name)
}

func (s *Service) arn(name string) string {
	return "arn:" + s.options.Partition + ":ssm:" + s.options.Region + ":" + s.options.Account + ":parameter/" + name
}

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "ssm" }

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response { return jsonrpc.Error(r, e) }

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	name := jsonrpc.Operation(r)
	if name != "GetParameter" {
		return nil, jsonrpc.Unknown(r)
	}
	var p struct{ Name string }
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	need := api.Need{Action: "ssm:" + name, Resource: s.arn(p.Name), ResourceAccount: s.options.Account}
	return &api.Operation{Name: name, Needs: []api.Need{need}, Do: func() (*api.Response, error) {
		s.mu.Lock()
		found, ok := s.values[p.Name]
		s.mu.Unlock()
		if !ok {
			return nil, &api.Error{Status: http.StatusBadRequest, Code: "ParameterNotFound", Message: "There is no parameter " + p.Name}
		}
		return jsonrpc.Answer(r, map[string]any{"Parameter": found})
	}}, nil
}
