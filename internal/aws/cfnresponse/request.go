package cfnresponse

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
)

// The three types of request.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
const (
	Create = "Create"
	Update = "Update"
	Delete = "Delete"
)

// Request is CloudFormation's request to a custom resource.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
type Request struct {
	// RequestType is [Create], [Update] or [Delete].
	RequestType string
	// ResponseURL is the pre-signed URL for the answer.
	ResponseURL string
	// StackID, RequestID and LogicalResourceID are copied unchanged to the answer.
	StackID, RequestID, LogicalResourceID string
	// PhysicalResourceID is the id in an earlier answer; "" for Create.
	PhysicalResourceID string
	// ResourceProperties are the properties in the template; OldResourceProperties those before an Update.
	// Each is an object, or nil when absent.
	ResourceProperties, OldResourceProperties json.RawMessage
	// Continuation is not part of CloudFormation's request: an invocation that hands over adds it for the next one.
	Continuation json.RawMessage
	// Payload is the whole request as received, for handing over.
	Payload json.RawMessage
}

// Parse parses a request. On an error the request contains the valid fields, so that it can still be answered.
func Parse(payload []byte) (Request, error) {
	request := Request{Payload: payload}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil {
		return request, fmt.Errorf("reading the request: %w", err)
	}
	var problems []error
	for name, target := range map[string]*string{
		"RequestType": &request.RequestType, "ResponseURL": &request.ResponseURL,
		"StackId": &request.StackID, "RequestId": &request.RequestID,
		"LogicalResourceId": &request.LogicalResourceID, "PhysicalResourceId": &request.PhysicalResourceID,
	} {
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, target) != nil {
			problems = append(problems, fmt.Errorf("%s is not a string", name))
		}
	}
	request.ResourceProperties = fields["ResourceProperties"]
	request.OldResourceProperties = fields["OldResourceProperties"]
	request.Continuation = fields["Continuation"]
	return request, errors.Join(append(problems, request.check())...)
}

// check returns what prevents handling the request.
func (r *Request) check() error {
	var problems []error
	for _, field := range []struct{ name, value string }{
		{"StackId", r.StackID}, {"RequestId", r.RequestID}, {"LogicalResourceId", r.LogicalResourceID},
	} {
		if field.value == "" {
			problems = append(problems, fmt.Errorf("the request has no %s", field.name))
		}
	}
	switch r.RequestType {
	case Create, Update, Delete:
	default:
		problems = append(problems, fmt.Errorf("unknown request type %q: want Create, Update or Delete", r.RequestType))
	}
	if u, err := url.Parse(r.ResponseURL); err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") {
		r.ResponseURL = ""
		problems = append(problems, errors.New("ResponseURL is not a URL"))
	}
	return errors.Join(problems...)
}

// note is a handler's latest progress report.
type note struct {
	mu   sync.Mutex
	text string
}

func (n *note) set(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = text
}

func (n *note) suffix() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.text == "" {
		return ""
	}
	return ": " + n.text
}
