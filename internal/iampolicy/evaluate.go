package iampolicy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Policies are the policies that apply to one request.
type Policies struct {
	// Identity are the caller's identity policies. They are ignored for callers that cannot have them (anonymous callers,
	// services, root users). For an assumed root, Identity is the task policy of its session.
	Identity []*Policy
	// Resource is the resource's policy; nil when it has none.
	Resource *Policy
	// Endpoint is the VPC endpoint's policy; nil when the request did not come through one, or it has none.
	Endpoint *Policy
}

// Effect is the result of an evaluation.
type Effect string

// The effects of an evaluation. Undecided means "cannot be evaluated"; treat it as the worst case.
const (
	Allow     Effect = "allow"
	Deny      Effect = "deny"
	Undecided Effect = "error"
)

// Decision is the outcome of an evaluation.
type Decision struct {
	Effect Effect
	// By names the document and statement that decided, or what was missing, e.g. "bucket policy: DenyOutsideEndpoint"
	// or "no identity policy and no bucket policy allows s3:GetObject". A statement without a Sid is named by its number,
	// from 1.
	By string
}

// Evaluate decides a request according to AWS's documentation.
//
//	an explicit Deny in a document                     deny, except for ownerKeepsPolicy
//	the endpoint has a policy that does not allow      deny
//	anonymous caller, service                          the resource's policy must allow
//	caller of the owning account                       its identity policies or the resource's policy must allow; a
//	                                                   grant to the whole account only delegates to identity policies
//	caller of another account                          both must allow
//	an account's root user                             needs no identity policy
//	an assumed root                                    its task policy, if given, must allow; without it, only actions
//	                                                   on the bucket's policy are decided
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
func Evaluate(r Request, p Policies) Decision {
	c, err := newContext(r)
	if err != nil {
		return Decision{Undecided, "request: " + err.Error()}
	}
	if err := p.check(); err != nil {
		return Decision{Undecided, err.Error()}
	}
	var v votes
	if p.Resource != nil {
		v.resource = tallyPolicy(p.Resource, c)
	}
	v.endpoint.allowed = yes
	if p.Endpoint != nil {
		v.endpoint = tallyPolicy(p.Endpoint, c)
	}
	if c.caller.hasIdentity() {
		v.identity = tallyIdentity(p.Identity, c)
	}
	c.tasked = len(p.Identity) > 0
	return v.decide(c).decision(c, r.Action)
}

// check rejects documents of the wrong type.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html#policies-grammar-notes
func (p Policies) check() error {
	for i, identity := range p.Identity {
		if err := identity.checkIdentity(); err != nil {
			return fmt.Errorf("identity policy %d: %w", i+1, err)
		}
	}
	if p.Resource != nil {
		if err := p.Resource.checkPrincipals(); err != nil {
			return fmt.Errorf("bucket policy: %w", err)
		}
	}
	if p.Endpoint != nil {
		if err := p.Endpoint.checkPrincipals(); err != nil {
			return fmt.Errorf("endpoint policy: %w", err)
		}
	}
	return nil
}

// ParseIdentity parses an identity policy as strictly as [Parse], and also rejects what IAM rejects: a Principal, an Id, a
// repeated Sid. S3 stores bucket policies with repeated Sids (docs/facts.md, Policy evaluation).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
func ParseIdentity(document []byte) (*Policy, error) {
	p, err := Parse(document)
	if err != nil {
		return nil, err
	}
	return p, p.checkIdentity()
}

func (p *Policy) checkIdentity() error {
	if p.id != "" || p.countPrincipals() > 0 {
		return errors.New("no identity policy: it has an Id or a Principal")
	}
	if sid := p.repeatedSid(); sid != "" {
		return fmt.Errorf("the Sid %q is given twice", sid)
	}
	return nil
}

// checkPrincipals rejects a resource's or an endpoint's policy with a statement that has no principal.
func (p *Policy) checkPrincipals() error {
	if p.countPrincipals() < len(p.statements) {
		return errors.New("a statement without Principal")
	}
	return nil
}

// repeatedSid returns a Sid that two statements have; "" when there is none.
func (p *Policy) repeatedSid() string {
	for i, s := range p.statements {
		if s.sid != "" && slices.ContainsFunc(p.statements[:i], func(other *statement) bool { return other.sid == s.sid }) {
			return s.sid
		}
	}
	return ""
}

func (p *Policy) countPrincipals() int {
	n := 0
	for _, s := range p.statements {
		if s.principal != nil {
			n++
		}
	}
	return n
}

// votes are the results of all documents for one request.
type votes struct {
	identity, resource, endpoint tally
}

// ruling is a decision before it is formatted as text.
type ruling struct {
	effect Effect
	where  place
	by     *statement // nil when something was missing
	nth    int        // which identity policy
}

// place is the document that decided, or the one that was missing.
type place int

const (
	inIdentity place = iota
	inResource
	inEndpoint
	byRoot // the account's root user needs no permission
	missingTask
	missingBoth
	missingResource
	missingIdentity
	missingEndpoint
)

// decide combines the results of the documents.
func (v *votes) decide(c *requestContext) ruling {
	if v.resource.denied != no && ownerKeepsPolicy(c) {
		v.resource.denied = no
	}
	if r, ok := v.explicitDeny(yes); ok {
		return r
	}
	granted := v.granted(c)
	if v.endpoint.allowed == no && v.endpoint.entrusted == no {
		return ruling{effect: Deny, where: missingEndpoint}
	}
	if granted.effect == Deny {
		return granted
	}
	if r, ok := v.explicitDeny(unknown); ok {
		return r
	}
	if max(v.endpoint.allowed, v.endpoint.entrusted) == unknown {
		return ruling{effect: Undecided, where: inEndpoint, by: v.endpoint.grantor()}
	}
	return granted
}

// explicitDeny returns a Deny of at least the given certainty: yes decides the request, unknown leaves it undecided.
func (v *votes) explicitDeny(certainty truth) (ruling, bool) {
	effect := Deny
	if certainty == unknown {
		effect = Undecided
	}
	switch {
	case v.resource.denied >= certainty:
		return ruling{effect: effect, where: inResource, by: v.resource.deniedBy}, true
	case v.endpoint.denied >= certainty:
		return ruling{effect: effect, where: inEndpoint, by: v.endpoint.deniedBy}, true
	case v.identity.denied >= certainty:
		return ruling{effect: effect, where: inIdentity, by: v.identity.deniedBy, nth: v.identity.deniedIn}, true
	}
	return ruling{}, false
}

// granted decides without Deny statements and without the endpoint.
func (v *votes) granted(c *requestContext) ruling {
	own := v.identity.grantFrom(inIdentity, missingIdentity)
	switch {
	case c.caller.kind != root || c.caller.assumed && c.tasked:
	case c.caller.assumed && !isAboutPolicy(c.action):
		own = ruling{effect: Undecided, where: missingTask}
	default:
		own = ruling{effect: Allow, where: byRoot}
	}
	theirs := v.resource.grantFrom(inResource, missingResource)
	delegating := tally{allowed: v.resource.entrusted, allowedBy: v.resource.entrustsBy}.grantFrom(inResource, missingResource)
	switch either := stronger(own, theirs); {
	case c.caller.account == "":
		return theirs
	case c.resourceAccount != "" && c.caller.account != c.resourceAccount:
		return weaker(own, stronger(theirs, delegating))
	case either.effect == Deny:
		return ruling{effect: Deny, where: missingBoth}
	case c.resourceAccount == "":
		return ruling{effect: Undecided, where: missingResource}
	default:
		return either
	}
}

func (t tally) grantFrom(document, missing place) ruling {
	switch t.allowed {
	case yes:
		return ruling{effect: Allow, where: document, by: t.allowedBy, nth: t.allowedIn}
	case unknown:
		return ruling{effect: Undecided, where: document, by: t.allowedBy, nth: t.allowedIn}
	}
	return ruling{effect: Deny, where: missing}
}

// allows returns the ruling's effect as a truth.
func (r ruling) allows() truth {
	switch r.effect {
	case Allow:
		return yes
	case Deny:
		return no
	}
	return unknown
}

func stronger(a, b ruling) ruling {
	if b.allows() > a.allows() {
		return b
	}
	return a
}

func weaker(a, b ruling) ruling {
	if a.allows() < b.allows() {
		return a
	}
	return b
}

// ownerKeepsPolicy reports whether S3 allows a request although the bucket's policy denies it: the root user of the owning
// account can always read and change the policy itself. Endpoint policies can still deny it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func ownerKeepsPolicy(c *requestContext) bool {
	if c.caller.kind != root || c.caller.account != c.resourceAccount {
		return false
	}
	return isAboutPolicy(c.action)
}

// isAboutPolicy reports whether an action, in lower case, reads or changes a bucket's policy.
func isAboutPolicy(action string) bool {
	return action == "s3:getbucketpolicy" || action == "s3:putbucketpolicy" || action == "s3:deletebucketpolicy"
}

// decision formats a ruling.
func (r ruling) decision(c *requestContext, action string) Decision {
	resource := "resource policy"
	if strings.HasPrefix(c.action, "s3:") {
		resource = "bucket policy"
	}
	by := ""
	switch r.where {
	case inIdentity:
		by = fmt.Sprintf("identity policy %d: %s", r.nth, r.by.title())
	case inResource:
		by = resource + ": " + r.by.title()
	case inEndpoint:
		by = "endpoint policy: " + r.by.title()
	case byRoot:
		by = "root user of the owning account"
	case missingBoth:
		by = "no identity policy and no " + resource + " allows " + action
	case missingResource:
		by = "no " + resource + " allows " + action
	case missingIdentity:
		by = "no identity policy allows " + action
	case missingEndpoint:
		by = "no statement of the endpoint policy allows " + action
	}
	if r.effect == Undecided {
		by = r.doubt(c, by)
	}
	return Decision{r.effect, by}
}

// doubt explains why a request is undecided.
func (r ruling) doubt(c *requestContext, by string) string {
	switch {
	case r.where == missingTask:
		return "request: the task policy of the root user's session is not given (it is an identity policy here)"
	case r.by == nil:
		return "request: the account that owns the resource is not given"
	case r.by.hangsOnPath(c):
		return by + ": depends on the role's path, which its session's ARN lacks: give the role's ARN as aws:PrincipalArn in the context"
	}
	return by + ": not documented whether it applies"
}

// hangsOnPath reports whether a statement is undecided because the path of a session's role is unknown.
func (s *statement) hangsOnPath(c *requestContext) bool {
	return c.guessed && slices.ContainsFunc(s.conditions, func(x condition) bool {
		return x.key == principalARN && x.holds(c) == unknown
	})
}

// title is the statement's name in messages.
func (s *statement) title() string {
	if s.sid != "" {
		return s.sid
	}
	return fmt.Sprintf("statement %d", s.index)
}
