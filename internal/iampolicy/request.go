package iampolicy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Request is one request in the form in which AWS evaluates it.
type Request struct {
	// Principal is the caller's ARN (user, role, assumed-role session, federated user, account root, assumed root), a
	// service principal's name, or "" for an anonymous caller. A session's ARN does not contain its role's path: if the path
	// can decide, the request is [Undecided] unless Context contains aws:PrincipalArn.
	Principal string
	// Action is the IAM action, e.g. "s3:GetObject".
	Action string
	// Resource is the ARN of the resource, or "*" for actions without a resource.
	Resource string
	// ResourceAccount is the 12-digit id of the account that owns the resource. It may be "" if the resource's ARN
	// contains the account.
	ResourceAccount string
	// Context contains the request's condition keys; their case is ignored. A key without values counts as absent.
	// Evaluate adds these keys, which follow from Principal and ResourceAccount, when they are absent: aws:PrincipalArn,
	// aws:PrincipalAccount, aws:PrincipalType, aws:PrincipalIsAWSService, aws:PrincipalServiceName,
	// aws:PrincipalServiceNamesList, aws:FederatedProvider, aws:username, aws:userid (only for root users, federated
	// users and anonymous callers), aws:AssumedRoot, aws:ResourceAccount and s3:ResourceAccount.
	Context map[string][]string
}

// requestContext is a request prepared for evaluation.
type requestContext struct {
	caller          *caller
	action          string // lower case
	class           actionClass
	resource        string
	resourceAccount string
	keys            []contextKey

	// guessed is true if the value of aws:PrincipalArn was derived from a session's ARN.
	guessed bool

	// tasked is true when there are identity policies. For an assumed root, its task policy is one.
	tasked bool

	// worst selects the more open result where AWS documents two possible ones.
	worst bool
}

// contextKey is a condition key with its values. Its name is as returned by foldKey.
type contextKey struct {
	name   string
	values []string
}

// derivedKeys is how many keys a context gets from its caller and its resource, at most.
const derivedKeys = 8

// values returns the values of a key. A request has few keys, so that a search takes less time than a map would.
func (c *requestContext) values(key string) []string {
	if i := c.find(key); i >= 0 {
		return c.keys[i].values
	}
	return nil
}

// find returns the index of a key; -1 if the context does not have it.
func (c *requestContext) find(key string) int {
	for i := range c.keys {
		if c.keys[i].name == key {
			return i
		}
	}
	return -1
}

// newContext checks a request and adds the keys that follow from it.
func newContext(r Request) (*requestContext, error) {
	c, err := parseCaller(r.Principal)
	if err != nil {
		return nil, err
	}
	action, ascii := foldASCII(r.Action)
	if prefix, name, ok := strings.Cut(action, ":"); !ok || !ascii || prefix == "" || name == "" || strings.ContainsAny(action, "*?") {
		return nil, fmt.Errorf("no action: %q", r.Action)
	}
	if r.Resource == "" || !utf8.ValidString(r.Resource) {
		return nil, errors.New("no resource")
	}
	ctx := &requestContext{
		caller: c, action: action, resource: r.Resource, resourceAccount: r.ResourceAccount,
		keys: make([]contextKey, 0, len(r.Context)+derivedKeys),
	}
	ctx.class = actionClasses()[ctx.action]
	if fields := strings.SplitN(r.Resource, ":", 6); ctx.resourceAccount == "" && len(fields) == 6 {
		ctx.resourceAccount = fields[4]
	}
	for name, values := range r.Context {
		key, ok := foldKey(name)
		if !ok {
			return nil, fmt.Errorf("no condition key: %q", name)
		}
		if ctx.find(key) >= 0 {
			return nil, fmt.Errorf("context key %q given twice", key)
		}
		ctx.keys = append(ctx.keys, contextKey{key, values})
	}
	ctx.derive()
	return ctx, nil
}

func (c *requestContext) derive() {
	c.guessed = c.find(principalARN) < 0 && c.caller.mayBe != ""
	values := make([]string, 0, derivedKeys) // one allocation for all keys
	add := func(key, value string) {
		if value != "" && c.find(key) < 0 {
			values = append(values, value)
			c.keys = append(c.keys, contextKey{key, values[len(values)-1:]})
		}
	}
	c.caller.keys(add)
	add("aws:resourceaccount", c.resourceAccount)
	add("s3:resourceaccount", c.resourceAccount)
}

// principalARN is aws:PrincipalArn as returned by foldKey.
const principalARN = "aws:principalarn"

// objectTagKeys are the condition keys that end in the key of an object's tag, which is case-sensitive. The keys of other
// tags (aws:PrincipalTag/…, aws:RequestTag/…, aws:ResourceTag/…) are not case-sensitive in a condition key.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourcetag
var objectTagKeys = []string{"s3:existingobjecttag/", "s3:requestobjecttag/"}

// foldKey returns a condition key in the form in which keys are compared: lower case, except for parts where case matters.
// It reports whether the text is a key: it has a prefix, and contains ASCII characters only.
func foldKey(key string) (string, bool) {
	folded, ok := foldASCII(key)
	if !ok || !strings.Contains(key, ":") {
		return "", false
	}
	for _, prefix := range objectTagKeys {
		if strings.HasPrefix(folded, prefix) {
			return prefix + key[len(prefix):], true
		}
	}
	return folded, true
}

// foldASCII returns a name in lower case, and whether it contains ASCII characters only. AWS documents case for these only,
// and [strings.ToLower] maps two other characters to ASCII letters: the Kelvin sign and the dotted capital I.
func foldASCII(name string) (string, bool) {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return "", false
		}
	}
	return strings.ToLower(name), true
}

// lowerASCII converts the ASCII letters of a text to lower case and leaves the rest unchanged.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
