package api

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/serviceauth"
)

// EndpointPolicy sets the function that returns the policy of a VPC endpoint by id. nil means that there is no
// endpoint policy to evaluate.
func (g *Gate) EndpointPolicy(policy func(vpcEndpointID string) *iampolicy.Policy) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.endpointPolicy = policy
}

// authorise checks each need, and returns the service's refusal of the first one denied.
func (x *exchange) authorise() error {
	for _, need := range x.operation.Needs {
		if refusal := x.request.May(need); refusal != nil {
			return refusal
		}
	}
	return nil
}

// judge returns a function that evaluates one need of the request with the current policies.
func (x *exchange) judge() func(Need) *Error {
	policies, request := x.policies(), x.context()
	return func(need Need) *Error {
		asked := policies
		asked.Resource = need.Policy
		keys := maps.Clone(request)
		maps.Copy(keys, need.present())
		decision := iampolicy.Evaluate(iampolicy.Request{
			Principal: x.request.Caller.Principal, Action: need.Action,
			Resource: need.Resource, ResourceAccount: need.ResourceAccount, Context: keys,
		}, asked)
		if decision.Effect != iampolicy.Allow {
			return x.denied(need, decision)
		}
		return nil
	}
}

// present returns the need's own condition keys, without those that its action does not support for its resource: AWS
// does not add them to the request. For an action that the reference lacks, it returns all keys.
func (n Need) present() map[string][]string {
	if action, ok := serviceauth.Find(n.Action); ok {
		return action.Present(n.Resource, n.Context)
	}
	return n.Context
}

// denied returns the service's refusal of a call that policies do not allow.
func (x *exchange) denied(need Need, decision iampolicy.Decision) *Error {
	if refuser, ok := x.service.(Refuser); ok {
		return refuser.Denied(x.request, need, decision)
	}
	return &Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: DeniedMessage(x.request, need, decision)}
}

// policies returns the caller's policies, and that of the endpoint through which the request came.
func (x *exchange) policies() iampolicy.Policies {
	var p iampolicy.Policies
	if identity := x.request.Caller.Identity; identity != nil {
		p.Identity = identity()
	}
	x.gate.mu.Lock()
	endpointPolicy := x.gate.endpointPolicy
	x.gate.mu.Unlock()
	if x.throughEndpoint() && endpointPolicy != nil {
		p.Endpoint = endpointPolicy(x.request.Listener.VPCEndpointID)
	}
	return p
}

// throughEndpoint reports whether the request passes the Listener's VPC endpoint. The endpoints here are S3's: requests
// of instances to other services leave through the internet gateway. A service that calls on behalf of a caller does
// not come through that caller's endpoint either (docs/facts.md, S3).
func (x *exchange) throughEndpoint() bool {
	return x.request.Listener.VPCEndpointID != "" && x.scope.service == "s3" && x.request.Caller.InvokedBy == ""
}

// context returns the global condition keys of the request and its Listener. iampolicy adds those that depend only on the
// principal.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (x *exchange) context() map[string][]string {
	r := x.request
	keys := map[string][]string{
		"aws:SecureTransport": {strconv.FormatBool(!r.Listener.PlainHTTP)},
		"aws:RequestedRegion": {r.Region},
		"aws:CurrentTime":     {r.Time.UTC().Format(time.RFC3339)},
		"aws:EpochTime":       {strconv.FormatInt(r.Time.Unix(), 10)},
		"aws:ViaAWSService":   {strconv.FormatBool(r.Caller.InvokedBy != "")},
	}
	if agent := r.Header.Get("User-Agent"); agent != "" {
		keys["aws:UserAgent"] = []string{agent}
	}
	if issuer := r.Caller.Issuer; issuer != "" { // contains the role's path, which the session's ARN lacks
		keys["aws:PrincipalArn"] = []string{issuer}
	}
	if referer := r.Header.Get("Referer"); referer != "" {
		keys["aws:Referer"] = []string{referer}
	}
	maps.Copy(keys, x.network())
	return keys
}

// network returns the condition keys for the request's origin. A service that calls on behalf of a caller calls from
// its own network, of which policies get only the service's name.
func (x *exchange) network() map[string][]string {
	listener := x.request.Listener
	switch service := x.request.Caller.InvokedBy; {
	case service != "":
		return map[string][]string{
			"aws:CalledVia": {service}, "aws:CalledViaFirst": {service}, "aws:CalledViaLast": {service},
		}
	case x.throughEndpoint():
		return map[string][]string{
			"aws:SourceVpce": {listener.VPCEndpointID}, "aws:SourceVpc": {listener.VPCID}, "aws:VpcSourceIp": {listener.SourceIP},
		}
	}
	return map[string][]string{"aws:SourceIp": {listener.SourceIP}}
}

// DeniedMessage returns the sentence with which most services deny a call. It names the kind of policy that decided.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func DeniedMessage(r *Request, need Need, decision iampolicy.Decision) string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s",
		r.Caller.Principal, need.Action, need.Resource, Because(need, decision))
}

// resourceDecided matches decisions that depend on the resource's policy alone. If an identity policy could also have
// allowed the call, AWS names the identity policy.
var resourceDecided = regexp.MustCompile(`^(no )?(bucket|resource) policy\b`)

// Because returns the part of a refusal that names the kind of policy that decided: "with an explicit deny in a
// resource-based policy", "because no identity-based policy allows the s3:GetObject action".
func Because(need Need, decision iampolicy.Decision) string {
	kind := "identity-based"
	switch by := decision.By; {
	case decision.Effect == iampolicy.Undecided:
		return "because a policy cannot be judged: " + by
	case strings.Contains(by, "endpoint policy"):
		kind = "VPC endpoint"
	case resourceDecided.MatchString(by):
		kind = "resource-based"
	}
	if strings.HasPrefix(decision.By, "no ") {
		return fmt.Sprintf("because no %s policy allows the %s action", kind, need.Action)
	}
	article := "a"
	if kind == "identity-based" {
		article = "an"
	}
	return fmt.Sprintf("with an explicit deny in %s %s policy", article, kind)
}

// Allows reports whether IAM allows a caller's request to a resource, with the resource's policy; nil is none. It is for calls
// between services, which do not pass the gate.
func Allows(r iampolicy.Request, resource *iampolicy.Policy, caller Caller) bool {
	p := iampolicy.Policies{Resource: resource}
	if caller.Identity != nil {
		p.Identity = caller.Identity()
	}
	return iampolicy.Evaluate(r, p).Effect == iampolicy.Allow
}
