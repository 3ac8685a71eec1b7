// Package api is what every service of the local AWS has in common: the door through which a request came, its
// caller, the operation that it asks for, the answer, and the gate that takes each request through the same steps.
//
// The gate's steps, in order: read the request and identify the caller by its access key, wait for the latency that
// was set, let the service decode the operation, apply an injected fault, authorise every [Need] with the identity,
// resource and endpoint policies, carry the operation out, hand management writes to the trail, record the call.
//
// To add a service, implement [Service] in a package of its own and register it with [Gate.Add].
package api

import (
	"net/http"
	"net/url"
	"time"

	"s3-endpoint-guard/internal/iampolicy"
)

// Door is one address on which the local AWS listens. It says from which side of the network its requests come.
type Door struct {
	// SourceIP is the address that callers seem to have, e.g. "198.51.100.7" for somebody on the internet.
	SourceIP string
	// VPCEndpointID and VPCID are those of the VPC endpoint behind this door; both "" on the internet.
	VPCEndpointID, VPCID string
	// PlainHTTP makes requests count as unencrypted (aws:SecureTransport false). All doors speak plain HTTP on the
	// wire, for nothing leaves the machine; the others count as TLS.
	PlainHTTP bool
}

// Caller is who makes a request. The zero value is an anonymous caller.
type Caller struct {
	// Principal is the ARN of the user, or of the assumed-role session; "" for an anonymous caller.
	Principal string
	// Account is the caller's 12-digit account id.
	Account string
	// Issuer is the ARN of the role behind an assumed-role session; "" for others.
	Issuer string
	// InvokedBy is the AWS service that calls on the caller's behalf, e.g. "cloudformation.amazonaws.com", or "".
	InvokedBy string
	// Identity are the caller's identity policies, asked for at each request so that they can change.
	Identity func() []*iampolicy.Policy
}

// Request is a request on its way through the gate.
type Request struct {
	Method string
	URL    *url.URL
	// Host is the request's Host header, which names the bucket in virtual-host style.
	Host   string
	Header http.Header
	// Body is the whole body, with aws-chunked encoding already removed.
	Body   []byte
	Door   Door
	Caller Caller
	// AccessKeyID is the key that the request was signed with; "" for an anonymous caller.
	AccessKeyID string
	// Region is the Region of the signature's credential scope; the gate's own for an anonymous caller.
	Region string
	// ID is the request id of the answer.
	ID string
	// Time is when the request came in, by the gate's clock.
	Time time.Time
	// Stale asks a service that is eventually consistent for its state before the latest write. It is set after
	// Decode: read it in [Operation.Do].
	Stale bool
	// May asks the policies about a permission beyond an operation's needs, for operations that grant or refuse each
	// of their parts on its own. It returns nil, or the service's refusal. The gate sets it.
	May func(Need) *Error
}

// Response is an answer as it goes over the wire.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Error is an answer by which AWS refuses a request, with AWS's own code.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is AWS's error code, e.g. "NoSuchBucketPolicy".
	Code string
	// Message is for people.
	Message string
	// Header goes into the answer as well; nil for none.
	Header http.Header
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Need is one permission that an operation takes.
type Need struct {
	// Action and Resource are IAM's: "s3:GetBucketPublicAccessBlock", "arn:aws:s3:::bucket".
	Action, Resource string
	// ResourceAccount owns the resource.
	ResourceAccount string
	// Policy is the resource's own policy (a bucket's, a topic's); nil when it has none.
	Policy *iampolicy.Policy
	// Context holds condition keys beyond those that the gate adds for caller and door.
	Context map[string][]string
}

// Operation is one decoded call.
type Operation struct {
	// Name is the API's name for the call, e.g. "GetPublicAccessBlock".
	Name string
	// Needs are the permissions that the call takes, in the order in which AWS checks them.
	Needs []Need
	// Trail describes the call for CloudTrail; nil for calls that are not delivered (reads, data events).
	Trail *Trail
	// Do carries the call out. It runs only when every need is granted.
	Do func() (*Response, error)
}

// Trail is what CloudTrail writes about a call beyond who made it and when.
// The shapes are those of docs/facts.md, "CloudTrail through EventBridge".
type Trail struct {
	// EventName is the trail's name for the call where it differs from the API's; "" otherwise.
	EventName string
	// RequestParameters and ResponseElements stand in the record under these names.
	RequestParameters, ResponseElements any
	// Resources is the record's list of resources; nil where the service writes none.
	Resources []map[string]string
}

// Service is one AWS service.
type Service interface {
	// SigningName is the service's name in a SigV4 credential scope, e.g. "s3", "ec2", "monitoring".
	SigningName() string
	// Decode tells what a request asks for, or why it cannot be understood (an *[Error]).
	Decode(*Request) (*Operation, error)
	// RenderError writes an error in the service's protocol.
	RenderError(*Request, *Error) *Response
}

// Refuser is a [Service] whose words for a refusal are not the usual ones ("AccessDenied", "InvalidClientTokenId").
type Refuser interface {
	// Denied is the answer to a call which the decision does not allow.
	Denied(*Request, Need, iampolicy.Decision) *Error
	// UnknownKey is the answer to a caller whose access key nobody registered.
	UnknownKey(*Request) *Error
}
