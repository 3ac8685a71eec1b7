// Package kms is the local AWS's KMS: keys and their states. They encrypt nothing here, and a disabled key stops no service.
//
// To add a call, write its effect and name it in [Service.Decode].
package kms

import (
	"strings"
	"sync"
	"time"

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

	mu   sync.Mutex
	keys map[string]key
}

// key is a key's state, and when a key that is PendingDeletion will be deleted.
type key struct {
	state   string
	deleted time.Time
}

var _ api.Service = (*Service)(nil)

// New makes a KMS without keys. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service { return &Service{options: o, keys: map[string]key{}} }

// Create adds an enabled key, unless it exists, and returns its ARN.
func (s *Service) Create(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[id].state == "" {
		s.keys[id] = key{state: Enabled}
	}
	return s.arn(id)
}

// State returns the state of a key by its id or ARN; "" if it does not exist.
func (s *Service) State(idOrARN string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[s.id(idOrARN)].state
}

func (s *Service) id(idOrARN string) string { return strings.TrimPrefix(idOrARN, s.arn("")) }

func (s *Service) arn(id string) string {
	return "arn:" + s.options.Partition + ":kms:" + s.options.Region + ":" + s.options.Account + ":key/" + id
}

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "kms" }

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response { return jsonrpc.Error(r, e) }

// parameters are the parameters of all calls here.
type parameters struct {
	KeyID               string `json:"KeyId"`
	PendingWindowInDays *int
}

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	decoders := map[string]func(id string, p parameters, now time.Time) (map[string]any, error){
		"DescribeKey":         s.describe,
		"DisableKey":          s.becomes(Disabled),
		"EnableKey":           s.becomes(Enabled),
		"ScheduleKeyDeletion": s.scheduleDeletion,
	}
	action := jsonrpc.Operation(r)
	do, ok := decoders[action]
	if !ok {
		return nil, jsonrpc.Unknown(r)
	}
	var p parameters
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	id := s.id(p.KeyID)
	operation := &api.Operation{Name: action, Needs: []api.Need{{Action: "kms:" + action, Resource: s.arn(id), ResourceAccount: s.options.Account}}}
	if action != "DescribeKey" {
		operation.Trail = &api.Trail{RequestParameters: map[string]any{"keyId": p.KeyID}}
	}
	operation.Do = func() (*api.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.keys[id].state == "" {
			return nil, jsonrpc.Refuse("NotFoundException", "Key '"+s.arn(id)+"' does not exist")
		}
		answer, err := do(id, p, r.Time)
		if err != nil {
			return nil, err
		}
		return jsonrpc.Answer(r, answer)
	}
	return operation, nil
}

// describe answers DescribeKey.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
func (s *Service) describe(id string, _ parameters, _ time.Time) (map[string]any, error) {
	k := s.keys[id]
	described := map[string]any{
		"Arn": s.arn(id), "KeyId": id, "AWSAccountId": s.options.Account, "KeyState": k.state, "Enabled": k.state == Enabled, "KeyManager": "CUSTOMER",
	}
	if !k.deleted.IsZero() {
		described["DeletionDate"] = k.deleted.Unix()
	}
	return map[string]any{"KeyMetadata": described}, nil
}

// becomes returns a call that enables or disables a key.
func (s *Service) becomes(state string) func(string, parameters, time.Time) (map[string]any, error) {
	return func(id string, _ parameters, _ time.Time) (map[string]any, error) {
		if err := s.unlessPending(id); err != nil {
			return nil, err
		}
		s.keys[id] = key{state: state}
		return map[string]any{}, nil
	}
}

// unlessPending refuses a call for a key that waits for its deletion.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
func (s *Service) unlessPending(id string) error {
	if s.keys[id].state == PendingDeletion {
		return jsonrpc.Refuse("KMSInvalidStateException", s.arn(id)+" is pending deletion.")
	}
	return nil
}

// The days that a key waits for its deletion.
const leastDays, mostDays = 7, 30

// scheduleDeletion answers ScheduleKeyDeletion. Nothing deletes the key here.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
func (s *Service) scheduleDeletion(id string, p parameters, now time.Time) (map[string]any, error) {
	days := mostDays
	if p.PendingWindowInDays != nil {
		days = *p.PendingWindowInDays
	}
	if days < leastDays || days > mostDays {
		return nil, jsonrpc.Refuse("ValidationException", "PendingWindowInDays must be between 7 and 30")
	}
	if err := s.unlessPending(id); err != nil {
		return nil, err
	}
	deleted := now.AddDate(0, 0, days)
	s.keys[id] = key{PendingDeletion, deleted}
	return map[string]any{"KeyId": s.arn(id), "KeyState": PendingDeletion, "DeletionDate": deleted.Unix(), "PendingWindowInDays": days}, nil
}
