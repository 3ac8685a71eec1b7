// Package iampolicy parses, compares, evaluates and judges IAM policy documents.
//
// It imports the standard library only. SKELETON: the signatures below are the contract that other packages
// build on; their bodies arrive with the package's own work.
package iampolicy

import "errors"

// Policy is a parsed policy document: identity, resource (bucket) or endpoint policy.
type Policy struct{}

// Parse reads a policy document strictly: an unknown element, operator or effect, a duplicate key or trailing
// text is an error.
func Parse(document []byte) (*Policy, error) { return nil, errors.New("not written yet") }

// String is the policy's canonical form: compact JSON in which two documents that mean the same read the same.
func (p *Policy) String() string { return "" }

// Equal reports whether two policies mean the same, whatever their spelling.
func Equal(a, b *Policy) bool { return a.String() == b.String() }

// Change is one statement that stands in only one of two policies.
type Change struct {
	// Removed is true for a statement of the first document, false for one of the second.
	Removed bool `json:"removed"`
	// Sid is the statement's id, "" when it has none.
	Sid string `json:"sid,omitempty"`
	// Statement is the statement's canonical JSON.
	Statement string `json:"statement"`
}

// Diff lists the statements that stand in only one of the two policies, removed ones first.
func Diff(from, to *Policy) []Change { return nil }

// Request is one request as AWS would evaluate it.
type Request struct {
	// Principal is the caller's ARN (user, role, assumed-role session, account root), a service principal's name,
	// or "" for an anonymous caller.
	Principal string
	// Action is the IAM action, e.g. "s3:GetObject".
	Action string
	// Resource is the ARN of what the request is about.
	Resource string
	// ResourceAccount is the 12-digit id of the account that owns the resource.
	ResourceAccount string
	// Context holds the condition keys that the request carries. Keys that follow from Principal and
	// ResourceAccount (aws:PrincipalArn, aws:PrincipalAccount, aws:ResourceAccount …) are added when absent.
	Context map[string][]string
}

// Policies are the policies that apply to one request.
type Policies struct {
	// Identity are the caller's identity policies.
	Identity []*Policy
	// Resource is the resource's policy; nil when it has none.
	Resource *Policy
	// Endpoint is the VPC endpoint's policy; nil when the request did not come through one, or it has none.
	Endpoint *Policy
}

// Effect is what an evaluation comes to.
type Effect string

// The effects of an evaluation. Undecided stands for "cannot be evaluated" and must be taken for the worst.
const (
	Allow     Effect = "allow"
	Deny      Effect = "deny"
	Undecided Effect = "error"
)

// Decision is the outcome of an evaluation.
type Decision struct {
	Effect Effect
	// By names the document and statement that decided, or what was missing, e.g. "bucket policy: DenyOutsideEndpoint"
	// or "no identity policy and no bucket policy allows s3:GetObject".
	By string
}

// Evaluate decides a request as AWS documents it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func Evaluate(r Request, p Policies) Decision {
	return Decision{Effect: Undecided, By: "not written yet"}
}
