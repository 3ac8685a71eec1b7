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

// maxAnswer is the most bytes that an answer of a custom resource may have, and maxPhysicalID those of its id.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
const (
	maxAnswer     = 4096
	maxPhysicalID = 1024
)

// CustomRequest is what a custom resource's function gets.
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

// CustomAnswer is what the function answers.
type CustomAnswer struct {
	Status, Reason     string
	PhysicalResourceID string `json:"PhysicalResourceId"`
	StackID            string `json:"StackId"`
	RequestID          string `json:"RequestId"`
	LogicalResourceID  string `json:"LogicalResourceId"`
	Data               map[string]any
}

// Answers takes the answers of custom resources at pre-signed URLs, over HTTP on 127.0.0.1. Its methods may be called
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
	// Body is what was sent, Status what it was told.
	Body   []byte
	Status int
}

// Expect opens a URL for an answer to a request. The first answer that is put there arrives in the channel, as it was
// sent.
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

// Fail has the next attempts refused with these statuses, one each.
func (a *Answers) Fail(statuses ...int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, statuses...)
}

// Attempts are all attempts to deliver an answer.
func (a *Answers) Attempts() []Attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Attempt(nil), a.attempts...)
}

// Close closes every URL.
func (a *Answers) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server == nil {
		return nil
	}
	return a.server.Close()
}

// listen begins to listen, once.
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

// ServeHTTP implements [http.Handler]: S3, as far as it takes answers.
func (a *Answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever sends it has gone away
	}
	a.mu.Lock()
	status := a.take(r, body)
	a.attempts = append(a.attempts, Attempt{body, status})
	a.mu.Unlock()
	w.WriteHeader(status)
}

// take is the status for a request, whose body is kept if it is the first answer. The URL is signed for a PUT without
// a content type.
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
	default: // a second answer is nobody's
	}
	return http.StatusOK
}

// Read reads the answer to a request as CloudFormation does. The error is what the resource fails with; the answer then
// holds what could be read.
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
