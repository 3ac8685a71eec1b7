// Package ssm is the local AWS's Systems Manager: parameters of the standard tier, without encryption.
//
// To add a call, write a decoder for it and name it in [Service.Decode].
package ssm

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// MaxValue is the maximum size of a standard tier parameter's value, in bytes (docs/facts.md, CloudFormation).
const MaxValue = 4096

// maxPage is the maximum number of parameters in an answer of GetParametersByPath, which is also its default.
const maxPage = 10

// Service is the parameter store of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	jsonrpc.Refuser
	options api.Options

	mu     sync.Mutex
	values map[string]parameter
}

// parameter is a parameter in the answers of GetParameter and GetParametersByPath.
type parameter struct {
	Name, Type, Value, ARN, DataType string
	Version                          int
	// LastModifiedDate is in seconds since 1970.
	LastModifiedDate float64
}

var _ api.Service = (*Service)(nil)

// New makes a store without parameters. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service { return &Service{options: o, values: map[string]parameter{}} }

// Put sets a parameter. kind is "String" or "StringList".
func (s *Service) Put(name, kind, value string) { s.PutAt(name, kind, value, s.options.Now()) }

// PutAt sets a parameter as one that was last modified at that time.
func (s *Service) PutAt(name, kind, value string, modified time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(name, kind, value, modified)
}

// put sets a parameter, and returns its version. The mutex must be held.
func (s *Service) put(name, kind, value string, now time.Time) int {
	version := s.values[name].Version + 1
	s.values[name] = parameter{
		Name: name, Type: kind, Value: value, ARN: s.arn(name), DataType: "text", Version: version,
		LastModifiedDate: float64(now.UnixMilli()) / 1000,
	}
	return version
}

// Delete removes a parameter, if it exists.
func (s *Service) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, name)
}

// arn returns the ARN of a parameter or of a path, which has one slash before the name whether or not the name begins
// with one.
func (s *Service) arn(name string) string {
	return "arn:" + s.options.Partition + ":ssm:" + s.options.Region + ":" + s.options.Account + ":parameter/" + strings.TrimPrefix(name, "/")
}

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "ssm" }

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response { return jsonrpc.Error(r, e) }

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	decoders := map[string]func(*api.Request) (*api.Operation, error){
		"DeleteParameter":     s.decodeDelete,
		"GetParameter":        s.decodeGet,
		"GetParametersByPath": s.decodeByPath,
		"PutParameter":        s.decodePut,
	}
	if decode := decoders[jsonrpc.Operation(r)]; decode != nil {
		return decode(r)
	}
	return nil, jsonrpc.Unknown(r)
}

// operation returns a call that needs one permission on a parameter or a path.
func (s *Service) operation(r *api.Request, name string, do func() (*api.Response, error)) *api.Operation {
	action := jsonrpc.Operation(r)
	need := api.Need{Action: "ssm:" + action, Resource: s.arn(name), ResourceAccount: s.options.Account}
	return &api.Operation{Name: action, Needs: []api.Need{need}, Do: func() (*api.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return do()
	}}
}

func (s *Service) decodeGet(r *api.Request) (*api.Operation, error) {
	var p struct {
		Name           string
		WithDecryption bool
	}
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	return s.operation(r, p.Name, func() (*api.Response, error) {
		found, ok := s.values[p.Name]
		if !ok {
			return nil, notFound(p.Name)
		}
		return jsonrpc.Answer(r, map[string]any{"Parameter": found})
	}), nil
}

// decodeByPath lists the parameters of one level, or with Recursive of all levels below it. A path without parameters
// is no error (docs/facts.md, Systems Manager).
func (s *Service) decodeByPath(r *api.Request) (*api.Operation, error) {
	var p struct {
		Path, NextToken           string
		Recursive, WithDecryption bool
		MaxResults                *int
	}
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	size := maxPage
	if p.MaxResults != nil {
		size = *p.MaxResults
	}
	from := 0
	if p.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(p.NextToken); err != nil || from < 0 {
			return nil, jsonrpc.Refuse("InvalidNextToken", "The specified token is not valid.")
		}
	}
	switch {
	case !strings.HasPrefix(p.Path, "/"):
		return nil, invalid(`The parameter doesn't meet the parameter name requirements: it must begin with a forward slash "/".`)
	case size < 1 || size > maxPage:
		return nil, invalid("MaxResults is " + strconv.Itoa(size) + ", it must be from 1 to " + strconv.Itoa(maxPage))
	}
	operation := s.operation(r, p.Path, func() (*api.Response, error) {
		found := s.below(strings.TrimRight(p.Path, "/")+"/", p.Recursive)
		page := found[min(from, len(found)):min(from+size, len(found))]
		answer := map[string]any{"Parameters": page}
		if from+size < len(found) {
			answer["NextToken"] = strconv.Itoa(from + size)
		}
		return jsonrpc.Answer(r, answer)
	})
	operation.Needs[0].Context = map[string][]string{"ssm:Recursive": {strconv.FormatBool(p.Recursive)}}
	return operation, nil
}

// below returns the parameters whose names begin with a prefix, by name; without deep only those of the next level.
func (s *Service) below(prefix string, deep bool) []parameter {
	found := []parameter{}
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if rest, ok := strings.CutPrefix(name, prefix); ok && (deep || !strings.Contains(rest, "/")) {
			found = append(found, s.values[name])
		}
	}
	return found
}

// name is the form of a parameter's name: with a slash inside, it must also begin with one.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
var name = regexp.MustCompile(`^([a-zA-Z0-9_.-]+|(/[a-zA-Z0-9_.-]+)+)$`)

// maxLevels is the maximum number of levels of a parameter's name.
const maxLevels = 15

func (s *Service) decodePut(r *api.Request) (*api.Operation, error) {
	var p struct {
		Name, Value, Type, Description, Tier, DataType string
		Overwrite                                      bool
	}
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	switch lower := strings.ToLower(strings.TrimPrefix(p.Name, "/")); {
	case strings.HasPrefix(lower, "aws") && strings.Count(p.Name, "/") > 1:
		return nil, jsonrpc.Refuse("AccessDeniedException", "No access to reserved parameter name: "+p.Name+".")
	case strings.HasPrefix(lower, "aws"), strings.HasPrefix(lower, "ssm"), !name.MatchString(p.Name):
		return nil, invalid(`Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive); letters, numbers and .-_ in each level`)
	case strings.Count(p.Name, "/") > maxLevels:
		return nil, jsonrpc.Refuse("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of 15 levels.")
	case p.Value == "":
		return nil, invalid("Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(p.Value) > MaxValue:
		return nil, invalid("Standard tier parameters support a maximum parameter value of 4096 characters.")
	case strings.Contains(p.Value, "{{"):
		return nil, invalid("Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.")
	case !slices.Contains([]string{"", "String", "StringList"}, p.Type):
		return nil, jsonrpc.Refuse("UnsupportedParameterType", "the local AWS has no parameter type "+p.Type)
	case p.Tier != "" && p.Tier != "Standard", p.DataType != "" && p.DataType != "text":
		return nil, invalid("the local AWS has the tier Standard and the data type text only")
	}
	trail := &api.Trail{RequestParameters: map[string]any{
		"name": p.Name, "value": "HIDDEN_DUE_TO_SECURITY_REASONS", "type": p.Type, "overwrite": p.Overwrite,
	}}
	operation := s.operation(r, p.Name, func() (*api.Response, error) {
		old, exists := s.values[p.Name]
		switch {
		case exists && !p.Overwrite:
			return nil, jsonrpc.Refuse("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		case !exists && p.Type == "":
			return nil, invalid("A parameter type is required when you create a parameter.")
		case exists && p.Type == "":
			p.Type = old.Type
		}
		version := s.put(p.Name, p.Type, p.Value, r.Time)
		trail.ResponseElements = map[string]any{"version": version, "tier": "Standard"}
		return jsonrpc.Answer(r, map[string]any{"Version": version, "Tier": "Standard"})
	})
	operation.Needs[0].Context = map[string][]string{"ssm:Overwrite": {strconv.FormatBool(p.Overwrite)}}
	operation.Trail = trail
	return operation, nil
}

func (s *Service) decodeDelete(r *api.Request) (*api.Operation, error) {
	var p struct{ Name string }
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	operation := s.operation(r, p.Name, func() (*api.Response, error) {
		if _, ok := s.values[p.Name]; !ok {
			return nil, notFound(p.Name)
		}
		delete(s.values, p.Name)
		return jsonrpc.Answer(r, struct{}{})
	})
	operation.Trail = &api.Trail{RequestParameters: map[string]any{"name": p.Name}}
	return operation, nil
}

func notFound(name string) *api.Error {
	return jsonrpc.Refuse("ParameterNotFound", "There is no parameter "+name)
}

func invalid(message string) *api.Error { return jsonrpc.Refuse("ValidationException", message) }
