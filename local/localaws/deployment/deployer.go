package deployment

import (
	"errors"
	"net/http"
	"net/url"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// perform makes one call as CloudFormation does when it deploys. The call bypasses the gate: no policy is evaluated,
// because the caller is an administrator, and [api.Gate.Calls] does not contain it. CloudTrail records it. perform returns
// the answer's body.
func (e *Engine) perform(s api.Service, method, target, body string) ([]byte, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	r := &api.Request{
		Method: method, URL: u, Host: "127.0.0.1", Header: http.Header{}, Body: []byte(body), Caller: e.Options.As,
		Listener: api.Listener{SourceIP: e.Options.SourceIP}, Region: e.Gate.Options().Region, ID: "LOCALDEPLOY", Time: e.Clock.Now(),
		AccessKeyID: e.Options.AccessKeyID, May: func(api.Need) *api.Error { return nil },
	}
	operation, err := s.Decode(r)
	if err != nil {
		return nil, err
	}
	response, err := operation.Do()
	e.recordDeployment(api.TrailCall{Request: r, Service: s.SigningName(), Operation: operation}, err)
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// recordDeployment sends a management write to the trail.
func (e *Engine) recordDeployment(call api.TrailCall, err error) {
	if call.Operation.Trail == nil {
		return
	}
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		call.Error = refusal
	}
	e.Events.Record(call)
}

// code returns the code of an error answer of AWS; "" for other errors and nil.
func code(err error) string {
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		return refusal.Code
	}
	return ""
}
