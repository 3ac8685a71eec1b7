// Package securityhub is the local AWS's Security Hub: it keeps findings that are imported into the account's default
// product, after checking them against the AWS Security Finding Format.
//
// To add a call, write a decoder for it and name it in [Service.Decode].
package securityhub

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// Limits of one call: number of findings, and size of each in bytes.
// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
const (
	maxFindings = 100
	maxFinding  = 240 << 10
)

// Service is the Security Hub of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	options  api.Options
	onImport func(Finding)

	mu       sync.Mutex
	enabled  bool
	findings map[string]Finding
	order    []string
}

var _ api.Service = (*Service)(nil)

// New makes a Security Hub that is not enabled. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service { return &Service{options: o, findings: map[string]Finding{}} }

// Enable enables Security Hub in the account and Region, and with it the account's default product.
func (s *Service) Enable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enabled = true
}

// OnImport sets a function that gets each finding that is created or updated. It must be called before the first import.
func (s *Service) OnImport(f func(Finding)) { s.onImport = f }

// Findings returns all findings, in the order in which they were created.
func (s *Service) Findings() []Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Finding
	for _, id := range s.order {
		list = append(list, s.findings[id])
	}
	return list
}

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "securityhub" }

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	switch r.Method + " " + r.URL.Path {
	case "POST /accounts":
		return s.decodeEnable(r)
	case "POST /findings":
		return s.decodeGet(r)
	case "POST /findings/import":
		return s.decodeImport(r)
	}
	return nil, &api.Error{
		Status: http.StatusNotFound, Code: "UnknownOperationException",
		Message: "the local AWS has no operation " + r.Method + " " + r.URL.Path,
	}
}

// RenderError implements [api.Service]: REST with JSON.
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response {
	answer := respond(map[string]string{"Code": e.Code, "Message": e.Message})
	answer.Status = e.Status
	answer.Header.Set("X-Amzn-Errortype", e.Code)
	answer.Header.Set("X-Amzn-Requestid", r.ID)
	return answer
}

// respond encodes a result, which must be valid for JSON.
func respond(result any) *api.Response {
	text, _ := json.Marshal(result)
	return &api.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: text}
}

// parse reads a request's parameters into a struct.
func parse(r *api.Request, parameters any) error {
	if len(r.Body) == 0 {
		return nil
	}
	if err := jsonrpc.Decode(r.Body, parameters); err != nil {
		return invalid(err.Error())
	}
	return nil
}

func invalid(message string) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: "InvalidInputException", Message: message}
}

// need returns the permission for an action on one of the account's resources.
func (s *Service) need(action, resource string) api.Need {
	o := s.options
	arn := "arn:" + o.Partition + ":securityhub:" + o.Region + ":" + o.Account + ":" + resource
	return api.Need{Action: "securityhub:" + action, Resource: arn, ResourceAccount: o.Account}
}

func (s *Service) decodeEnable(r *api.Request) (*api.Operation, error) {
	var p struct{ EnableDefaultStandards bool }
	if err := parse(r, &p); err != nil {
		return nil, err
	}
	return &api.Operation{
		Name: "EnableSecurityHub", Needs: []api.Need{s.need("EnableSecurityHub", "hub/default")},
		Trail: &api.Trail{RequestParameters: map[string]any{"enableDefaultStandards": p.EnableDefaultStandards}},
		Do: func() (*api.Response, error) {
			s.Enable()
			return respond(map[string]any{}), nil
		},
	}, nil
}

func (s *Service) decodeGet(r *api.Request) (*api.Operation, error) {
	var p struct{ MaxResults int }
	if err := parse(r, &p); err != nil {
		return nil, err
	}
	return &api.Operation{
		Name: "GetFindings", Needs: []api.Need{s.need("GetFindings", "hub/default")},
		Do: func() (*api.Response, error) {
			if err := s.subscribed(); err != nil {
				return nil, err
			}
			return respond(map[string]any{"Findings": append([]Finding{}, s.Findings()...)}), nil
		},
	}, nil
}

// subscribed returns Security Hub's refusal of calls in an account that has not enabled it.
func (s *Service) subscribed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.enabled {
		return nil
	}
	return &api.Error{
		Status: http.StatusUnauthorized, Code: "InvalidAccessException",
		Message: fmt.Sprintf("Account %s is not subscribed to AWS Security Hub", s.options.Account),
	}
}

// decodeImport decodes BatchImportFindings: each finding is created, updated or refused on its own.
func (s *Service) decodeImport(r *api.Request) (*api.Operation, error) {
	var p struct{ Findings []Finding }
	if err := parse(r, &p); err != nil {
		return nil, err
	}
	if len(p.Findings) == 0 || len(p.Findings) > maxFindings {
		return nil, invalid("Findings must have between 1 and 100 members")
	}
	operation := &api.Operation{Name: "BatchImportFindings"}
	for _, f := range p.Findings {
		need := api.Need{
			Action: "securityhub:BatchImportFindings", Resource: f.text("ProductArn"), ResourceAccount: s.options.Account,
		}
		if !slices.ContainsFunc(operation.Needs, func(n api.Need) bool { return n.Resource == need.Resource }) {
			operation.Needs = append(operation.Needs, need)
		}
	}
	operation.Do = func() (*api.Response, error) {
		if err := s.subscribed(); err != nil {
			return nil, err
		}
		failed := []map[string]string{}
		for _, f := range p.Findings {
			if err := s.bring(f); err != nil {
				failed = append(failed, map[string]string{"Id": f.text("Id"), "ErrorCode": "InvalidInput", "ErrorMessage": err.Error()})
			}
		}
		return respond(map[string]any{
			"FailedCount": len(failed), "SuccessCount": len(p.Findings) - len(failed), "FailedFindings": failed,
		}), nil
	}
	return operation, nil
}

// bring creates or updates a finding. An update that is not later than the finding is ignored.
// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
func (s *Service) bring(f Finding) error {
	if err := s.check(f); err != nil {
		return err
	}
	s.mu.Lock()
	id := f.text("Id")
	last, exists := s.findings[id]
	switch {
	case !exists && f.text("CreatedAt") != f.text("UpdatedAt"):
		s.mu.Unlock()
		return errors.New("a new finding must have the same CreatedAt and UpdatedAt")
	case exists && !f.at("UpdatedAt").After(last.at("UpdatedAt")):
		s.mu.Unlock()
		return nil
	case !exists:
		s.order = append(s.order, id)
	}
	f["Workflow"] = map[string]any{"Status": "NEW"} // only the account's users change it
	s.findings[id] = f
	s.mu.Unlock()
	if s.onImport != nil {
		s.onImport(f)
	}
	return nil
}

// check returns why Security Hub refuses a finding.
func (s *Service) check(f Finding) error {
	if text, _ := json.Marshal(f); len(text) > maxFinding {
		return fmt.Errorf("the finding has %d bytes, more than 240 KB", len(text))
	}
	if err := f.Check(); err != nil {
		return fmt.Errorf("the finding does not adhere to the AWS Security Finding Format: %w", err)
	}
	if f.text("AwsAccountId") != s.options.Account {
		return errors.New("the AwsAccountId is not the caller's account")
	}
	return nil
}
