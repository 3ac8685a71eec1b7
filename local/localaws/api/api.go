// Package api is the common part of all services of the local AWS: the address at which a request arrived, its
// caller, its operation, the answer, and the gate that takes each request through the same steps.
//
// The gate's steps, in order: read the request and identify the caller by its access key, wait for the configured
// latency, let the service decode the operation, apply an injected fault, authorise each [Need] with the identity,
// resource and endpoint policies, execute the operation, send management writes to the trail, record the call.
//
// To add a service, implement [Service] in a separate package and register it with [Gate.Add].
package api

import (
	"net/http"
	"net/url"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Listener is one address on which the local AWS listens. It determines the network from which its requests come.
type Listener struct {
	// SourceIP is the callers' apparent address, e.g. "198.51.100.7" for a caller on the internet.
	SourceIP string
	// VPCEndpointID and VPCID are those of the VPC endpoint for which this address stands in; both are "" on the
	// internet.
	VPCEndpointID, VPCID string
	// PlainHTTP makes requests count as unencrypted (aws:SecureTransport false). All addresses use plain HTTP,
	// because nothing leaves the machine; requests to the others count as TLS.
	PlainHTTP bool
}

// Caller is the caller of a request. The zero value is an anonymous caller.
type Caller struct {
	// Principal is the ARN of the user, or of the assumed-role session; "" for an anonymous caller.
	Principal string
	// Account is the caller's 12-digit account id.
	Account string
	// Issuer is the ARN of the role behind an assumed-role session; "" for others.
	Issuer string
	// InvokedBy is the AWS service that calls on the caller's behalf, e.g. "cloudformation.amazonaws.com", or "".
	InvokedBy string
	// Identity returns the caller's identity policies. It is called for each request, so that they can change.
	Identity func() []*iampolicy.Policy
}

// Request is a request in the gate.
type Request struct {
	Method string
	URL    *url.URL
	// Host is the request's Host header, which contains the bucket in virtual-host style.
	Host   string
	Header http.Header
	// Body is the whole body, after removal of aws-chunked encoding.
	Body     []byte
	Listener Listener
	Caller   Caller
	// AccessKeyID is the access key of the signature; "" for an anonymous caller.
	AccessKeyID string
	// Region is the Region of the signature's credential scope; the gate's own for an anonymous caller.
	Region string
	// ID is the request id of the answer.
	ID string
	// Time is when the request came in, by the gate's clock.
	Time time.Time
	// Stale asks an eventually consistent service for its state before the latest write. It is set after Decode: read
	// it in [Operation.Do].
	Stale bool
	// May checks a permission in addition to an operation's needs, for operations that allow or deny each of their
	// parts separately. It returns nil, or the service's refusal. The gate sets it.
	May func(Need) *Error
}

// Response is an HTTP response.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Error is an error answer of AWS, with AWS's code.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is AWS's error code, e.g. "NoSuchBucketPolicy".
	Code string
	// Message is a text for people.
	Message string
	// Header is added to the answer; nil for none.
	Header http.Header
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Need is one permission that an operation needs.
type Need struct {
	// Action and Resource are IAM's: "s3:GetBucketPublicAccessBlock", "arn:aws:s3:::bucket".
	Action, Resource string
	// ResourceAccount owns the resource.
	ResourceAccount string
	// Policy is the resource's own policy (a bucket's, a topic's), or nil.
	Policy *iampolicy.Policy
	// Context contains condition keys in addition to those that the gate adds for caller and Listener.
	Context map[string][]string
}

// Operation is one decoded call.
type Operation struct {
	// Name is the API's name for the call, e.g. "GetPublicAccessBlock".
	Name string
	// Needs are the permissions that the call needs, in the order in which AWS checks them.
	Needs []Need
	// Trail describes the call for CloudTrail; nil for calls that are not delivered (reads, data events).
	Trail *Trail
	// Do executes the call. It runs only if all needs are allowed.
	Do func() (*Response, error)
}

// Trail is CloudTrail's record of a call, without caller and time.
// The shapes are those of docs/facts.md, "CloudTrail through EventBridge".
type Trail struct {
	// EventName is CloudTrail's name of the call if it differs from the API's; "" otherwise.
	EventName string
	// RequestParameters and ResponseElements are in the record under these names.
	RequestParameters, ResponseElements any
	// Resources is the record's list of resources; nil if the service writes none.
	Resources []map[string]string
}

// Service is one AWS service.
type Service interface {
	// SigningName is the service's name in a SigV4 credential scope, e.g. "s3", "ec2", "monitoring".
	SigningName() string
	// Decode returns the operation of a request, or an *[Error] if the request is invalid.
	Decode(*Request) (*Operation, error)
	// RenderError writes an error in the service's protocol.
	RenderError(*Request, *Error) *Response
}

// Refuser is a [Service] with its own answers for denied calls instead of "AccessDenied" and "InvalidClientTokenId".
type Refuser interface {
	// Denied returns the answer to a call that the decision does not allow.
	Denied(*Request, Need, iampolicy.Decision) *Error
	// UnknownKey returns the answer to a caller with an unregistered access key.
	UnknownKey(*Request) *Error
}
