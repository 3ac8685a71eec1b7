// Package kms is the local AWS's KMS: keys and their states. They encrypt nothing here, and a disabled key stops no service.
//
// To add a call, write its effect and name it in [Service.Decode].
package kms

import (
	"strings"
	"sync"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// The states of keys.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
const (
	Enabled         = "Enabled"
	Disabled        = "Disabled"
	PendingDeletion = "PendingDeletion"
)

// Service is the KMS of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	jsonrpc.Refuser
	options api.Options

	mu     sync.Mutex
	states map[string]string
}

var _ api.Service = (*Service)(nil)

// New makes a KMS without keys. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service { return &Service{options: o, states: map[string]string{}} }

// Create adds an enabled key, unless it exists, and returns its ARN.
func (s *Service) Create(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.states[id] == "" {
		s.states[id] = Enabled
	}
	return s.arn(id)
}

// State returns the state of a key by its id or ARN; "" if it does not exist.
func (s *Service) State(idOrARN string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[s.id(idOrARN)]
}

func (s *Service) id(idOrARN string) string { return strings.TrimPrefix(idOrARN, s.arn("")) }

func (s *Service) arn(id string) string {
	return "arn:" + s.options.Partition + ":kms:" + s.options.Region + ":" + s.options.Account + ":key/" + id
}

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "kms" }

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response { return jsonrpc.Error(r, e) }

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	decoders := map[string]func(id string) map[string]any{
		"DescribeKey":         s.described,
		"DisableKey":          s.becomes(Disabled),
		"EnableKey":           s.becomes(Enabled),
		"ScheduleKeyDeletion": s.becomes(PendingDeletion),
	}
	action := jsonrpc.Operation(r)
	do, ok := decoders[action]
	if !ok {
		return nil, jsonrpc.Unknown(r)
	}
	var p struct {
		KeyID               string `json:"KeyId"`
		PendingWindowInDays int
	}
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	id := s.id(p.KeyID)
	operation := &api.Operation{Name: action, Needs: []api.Need{{Action: "kms:" + action, Resource: s.arn(id), ResourceAccount: s.options.Account}}}
	if action != "DescribeKey" {
		operation.Trail = &api.Trail{RequestParameters: map[string]any{"keyId": p.KeyID}}
	}
	operation.Do = func() (*api.Response, error) {
		if s.State(id) == "" {
			return nil, jsonrpc.Refuse("NotFoundException", "Key '"+s.arn(id)+"' does not exist")
		}
		return jsonrpc.Answer(r, do(id))
	}
	return operation, nil
}

// described answers DescribeKey.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
func (s *Service) described(id string) map[string]any {
	state := s.State(id)
	return map[string]any{"KeyMetadata": map[string]any{
		"Arn": s.arn(id), "KeyId": id, "AWSAccountId": s.options.Account, "KeyState": state, "Enabled": state == Enabled, "KeyManager": "CUSTOMER",
	}}
}

// becomes returns a call that changes a key's state.
func (s *Service) becomes(state string) func(id string) map[string]any {
	return func(id string) map[string]any {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.states[id] = state
		return map[string]any{"KeyId": s.arn(id), "KeyState": state}
	}
}
