package cloudformation

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// maxAnswer is the maximum length of a custom resource's answer, and maxPhysicalID that of its physical id, in bytes.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
const (
	maxAnswer     = 4096
	maxPhysicalID = 1024
)

// CustomRequest is CloudFormation's request to the function of a custom resource.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
type CustomRequest struct {
	RequestType           string // "Create", "Update" or "Delete"
	ServiceToken          string
	ResponseURL           string
	StackID               string `json:"StackId"`
	RequestID             string `json:"RequestId"`
	LogicalResourceID     string `json:"LogicalResourceId"`
	PhysicalResourceID    string `json:"PhysicalResourceId,omitempty"`
	ResourceType          string
	ResourceProperties    map[string]any
	OldResourceProperties map[string]any `json:",omitempty"`
}

// CustomAnswer is the function's answer.
type CustomAnswer struct {
	Status, Reason     string
	PhysicalResourceID string `json:"PhysicalResourceId"`
	StackID            string `json:"StackId"`
	RequestID          string `json:"RequestId"`
	LogicalResourceID  string `json:"LogicalResourceId"`
	Data               map[string]any
}

// Answers receives the answers of custom resources at pre-signed URLs, over HTTP on 127.0.0.1. Its methods may be called
// at any time and concurrently.
type Answers struct {
	mu       sync.Mutex
	server   *http.Server
	base     string
	waiting  map[string]chan []byte
	attempts []Attempt
	faults   []int
}

// Attempt is one attempt to deliver an answer.
type Attempt struct {
	// Body is the request's body, Status the HTTP status of the response.
	Body   []byte
	Status int
}

// Expect opens a URL for the answer to a request. The channel gets the body of the first answer that is put there,
// unchanged.
func (a *Answers) Expect(stackID, logicalID, requestID string) (at string, answer <-chan []byte, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.listen(); err != nil {
		return "", nil, fmt.Errorf("opening a URL for answers: %w", err)
	}
	u := url.URL{
		Path:     "/cloudformation-custom-resource-response/" + stackID + "|" + logicalID + "|" + requestID,
		RawQuery: "AWSAccessKeyId=AKIALOCALCFN00000000&Expires=4102444800&Signature=" + rand.Text(),
	}
	c := make(chan []byte, 1)
	a.waiting[u.RequestURI()] = c
	return a.base + u.RequestURI(), c, nil
}

// Fail makes the next attempts fail with these HTTP statuses, one each.
func (a *Answers) Fail(statuses ...int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, statuses...)
}

// Attempts returns all attempts to deliver an answer.
func (a *Answers) Attempts() []Attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Attempt(nil), a.attempts...)
}

// Close closes all URLs.
func (a *Answers) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server == nil {
		return nil
	}
	return a.server.Close()
}

// listen starts the server, once.
func (a *Answers) listen() error {
	if a.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	a.base, a.waiting = "http://"+listener.Addr().String(), map[string]chan []byte{}
	a.server = &http.Server{Handler: a}
	go func() { _ = a.server.Serve(listener) }()
	return nil
}

// ServeHTTP implements [http.Handler]: the part of S3 that receives answers.
func (a *Answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has disconnected
	}
	a.mu.Lock()
	status := a.take(r, body)
	a.attempts = append(a.attempts, Attempt{body, status})
	a.mu.Unlock()
	w.WriteHeader(status)
}

// take returns the status for a request, and delivers its body if it is the first answer. The URL is signed for a PUT
// without a content type.
func (a *Answers) take(r *http.Request, body []byte) int {
	if len(a.faults) > 0 {
		status := a.faults[0]
		a.faults = a.faults[1:]
		return status
	}
	waiting, ok := a.waiting[r.URL.RequestURI()]
	if !ok || r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" {
		return http.StatusForbidden
	}
	select {
	case waiting <- body:
	default: // a second answer is discarded
	}
	return http.StatusOK
}

// Read parses the answer to a request as CloudFormation does. The error is the reason for the resource's failure; the
// answer then contains the fields that could be parsed.
func (r CustomRequest) Read(body []byte) (CustomAnswer, error) {
	var a CustomAnswer
	if len(body) > maxAnswer {
		return a, errors.New("response object is too long")
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, errors.New("invalid response object: it is not JSON")
	}
	switch {
	case a.StackID != r.StackID || a.RequestID != r.RequestID || a.LogicalResourceID != r.LogicalResourceID:
		return a, errors.New("invalid response object: it answers another request")
	case a.PhysicalResourceID == "" || len(a.PhysicalResourceID) > maxPhysicalID:
		return a, errors.New("invalid PhysicalResourceId")
	case a.Status == "SUCCESS":
		return a, nil
	case a.Status != "FAILED":
		return a, fmt.Errorf("invalid response object: status %q", a.Status)
	case a.Reason == "":
		return a, errors.New("invalid response object: FAILED without a reason")
	}
	return a, fmt.Errorf("received response status [FAILED] from custom resource. Message returned: %s (RequestId: %s)", a.Reason, r.RequestID)
}
