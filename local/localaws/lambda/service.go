package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// service is the API for invoking functions, and for inspecting them: see [service.manage].
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
type service struct{ host *Host }

// Service returns the host's API for the gate.
func (h *Host) Service() api.Service { return service{h} }

// SigningName implements [api.Service].
func (service) SigningName() string { return "lambda" }

// Decode implements [api.Service].
func (s service) Decode(r *api.Request) (*api.Operation, error) {
	if operation, err := s.manage(r); operation != nil || err != nil {
		return operation, err
	}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/2015-03-31/functions/")
	name, ok2 := strings.CutSuffix(path, "/invocations")
	if r.Method != http.MethodPost || !ok || !ok2 {
		return nil, &api.Error{Status: 404, Code: "UnknownOperationException", Message: "the local AWS has no operation " + r.Method + " " + r.URL.Path}
	}
	name, err := url.PathUnescape(name)
	if err != nil {
		return nil, &api.Error{Status: 400, Code: "InvalidParameterValueException", Message: err.Error()}
	}
	f, err := s.host.lookUp(name)
	if err != nil {
		return nil, refusal(err)
	}
	return &api.Operation{
		Name:  "Invoke",
		Needs: []api.Need{{Action: "lambda:InvokeFunction", Resource: f.ARN, ResourceAccount: s.host.options.Account}},
		Do:    func() (*api.Response, error) { return s.invoke(f.Name, r) },
	}, nil
}

// invoke executes a call according to its invocation type.
func (s service) invoke(name string, r *api.Request) (*api.Response, error) {
	header := http.Header{"Content-Type": {"application/json"}, "X-Amz-Executed-Version": {"$LATEST"}}
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "DryRun":
		return &api.Response{Status: 204, Header: header}, nil
	case "Event":
		if _, err := s.host.InvokeAsync(name, r.Body); err != nil {
			return nil, refusal(err)
		}
		return &api.Response{Status: 202, Header: header}, nil
	case "", "RequestResponse":
		i, err := s.host.Invoke(context.Background(), name, r.Body)
		if err != nil {
			return nil, refusal(err)
		}
		if i.Failure != nil {
			header.Set("X-Amz-Function-Error", i.functionError())
		}
		return &api.Response{Status: 200, Header: header, Body: i.Response}, nil
	default:
		return nil, &api.Error{Status: 400, Code: "InvalidParameterValueException", Message: "invocation type " + kind}
	}
}

// RenderError implements [api.Service]: REST with JSON.
func (service) RenderError(r *api.Request, e *api.Error) *api.Response {
	header := e.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	header.Set("X-Amzn-Errortype", e.Code)
	header.Set("X-Amzn-Requestid", r.ID)
	kind := "User"
	if e.Status >= 500 {
		kind = "Service"
	}
	body, _ := json.Marshal(map[string]string{"Type": kind, "Message": e.Message, "message": e.Message})
	return &api.Response{Status: e.Status, Header: header, Body: body}
}

// refusal converts the host's errors to answers.
func refusal(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &api.Error{Status: e.Status, Code: e.Code, Message: e.Message}
	}
	return &api.Error{Status: 500, Code: "ServiceException", Message: err.Error()}
}
