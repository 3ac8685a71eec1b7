package iampolicy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
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
}

func (c *requestContext) values(key string) []string { return c.keys[key] }

// newContext checks a request and adds the keys that follow from it.
func newContext(r Request) (*requestContext, error) {
	c, err := parseCaller(r.Principal)
	if err != nil {
		return nil, err
	}
	if prefix, name, ok := strings.Cut(r.Action, ":"); !ok || prefix == "" || name == "" || strings.ContainsAny(r.Action, "*?") {
		return nil, fmt.Errorf("no action: %q", r.Action)
	}
	if r.Resource == "" || !utf8.ValidString(r.Resource) {
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
		key = foldKey(key)
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

// objectTagKeys are the condition keys that end in the key of an object's tag, which is case-sensitive. The keys of other
// tags (aws:PrincipalTag/…, aws:RequestTag/…, aws:ResourceTag/…) are not, where they stand in a condition key.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourcetag
var objectTagKeys = []string{"s3:existingobjecttag/", "s3:requestobjecttag/"}

// foldKey brings a condition key to the form in which keys are compared: lower case, as far as case makes no
// difference.
func foldKey(key string) string {
	folded := strings.ToLower(key)
	for _, prefix := range objectTagKeys {
		if strings.HasPrefix(folded, prefix) {
			return prefix + key[len(prefix):]
		}
	}
	return folded
}

func (c *requestContext) setAbsent(key, value string) {
	if _, given := c.keys[key]; !given && value != "" {
		c.keys[key] = []string{value}
	}
}
