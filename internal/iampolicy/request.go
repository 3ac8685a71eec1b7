package iampolicy

import (
	"errors"
	"fmt"
	"strings"
)

// Request is one request as AWS would evaluate it.
type Request struct {
	// Principal is the caller's ARN (user, role, assumed-role session, federated user, account root), a service
	// principal's name, or "" for an anonymous caller.
	Principal string
	// Action is the IAM action, e.g. "s3:GetObject".
	Action string
	// Resource is the ARN of what the request is about, or "*" for actions that know no resource.
	Resource string
	// ResourceAccount is the 12-digit id of the account that owns the resource. It may be "" where the resource's
	// ARN names the account.
	ResourceAccount string
	// Context holds the condition keys that the request carries, in any case. A key without values counts as absent.
	// Keys that follow from Principal and ResourceAccount are added when absent: aws:PrincipalArn,
	// aws:PrincipalAccount, aws:PrincipalType, aws:PrincipalIsAWSService, aws:PrincipalServiceName,
	// aws:PrincipalServiceNamesList, aws:FederatedProvider, aws:username, aws:userid (only for root users, federated
	// users and anonymous callers), aws:ResourceAccount and s3:ResourceAccount.
	Context map[string][]string
}

// requestContext is a request made ready for evaluation.
type requestContext struct {
	caller          *caller
	action          string // lower case
	class           actionClass
	resource        string
	resourceAccount string
	keys            map[string][]string // by lower-case name

	// worst asks for the answer that opens more where AWS documents that either may happen.
	worst bool
	// override replaces one key's values; Judge uses it to try many values on one context. nil for none.
	override *keyValue
}

func (c *requestContext) values(key string) []string {
	if c.override != nil && key == c.override.key {
		return c.override.values
	}
	return c.keys[key]
}

// newContext checks a request and adds the keys that follow from it.
func newContext(r Request) (*requestContext, error) {
	c, err := parseCaller(r.Principal)
	if err != nil {
		return nil, err
	}
	if prefix, name, ok := strings.Cut(r.Action, ":"); !ok || prefix == "" || name == "" || strings.ContainsAny(r.Action, "*?") {
		return nil, fmt.Errorf("no action: %q", r.Action)
	}
	if r.Resource == "" {
		return nil, errors.New("no resource")
	}
	ctx := &requestContext{
		caller: c, action: strings.ToLower(r.Action), resource: r.Resource, resourceAccount: r.ResourceAccount,
		keys: make(map[string][]string, len(r.Context)+8),
	}
	ctx.class = actionClasses()[ctx.action]
	if fields := strings.SplitN(r.Resource, ":", 6); ctx.resourceAccount == "" && len(fields) == 6 {
		ctx.resourceAccount = fields[4]
	}
	for key, values := range r.Context {
		key = strings.ToLower(key)
		if _, twice := ctx.keys[key]; twice {
			return nil, fmt.Errorf("context key %q given twice", key)
		}
		ctx.keys[key] = values
	}
	ctx.derive()
	return ctx, nil
}

func (c *requestContext) derive() {
	for key, value := range c.caller.keys() {
		c.setAbsent(key, value)
	}
	c.setAbsent("aws:resourceaccount", c.resourceAccount)
	c.setAbsent("s3:resourceaccount", c.resourceAccount)
}

func (c *requestContext) setAbsent(key, value string) {
	if _, given := c.keys[key]; !given && value != "" {
		c.keys[key] = []string{value}
	}
}
