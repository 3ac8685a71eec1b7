package audit

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// namedRequest is a request of a caller that an Allow names. The judge tries callers that it has invented: a grant to one
// role of another account, or to one service, would not show among what they may do.
type namedRequest struct {
	allowedRequest
	statement string
	request   iampolicy.Request
}

// Limits on the requests that are tried for one statement.
const (
	maxCallers   = 20
	maxResources = 5
	maxActions   = 10
)

// namedRequests lists requests, from the internet and through the lock's endpoint, of the callers outside the account that a
// policy's Allow statements name, on what these allow, and with what their conditions require.
func namedRequests(d Document, l lock.Lock) []namedRequest {
	var list []namedRequest
	account := l.Account
	for _, v := range viewsOf(d) {
		if !v.Allow || v.NotPrincipal || v.NotAction || v.NotResource {
			continue
		}
		for _, at := range outsidersOf(v, l) {
			for _, r := range v.Resources[:min(len(v.Resources), maxResources)] {
				if BucketName(r) == "" {
					continue
				}
				for _, action := range actionsOf(v.Actions, r) {
					request := iampolicy.Request{
						Principal: at.Principal, Action: action, Resource: lock.Example(r), ResourceAccount: account, Context: at.Context,
					}
					list = append(list, namedRequest{allowedRequest{at.Caller, at.Path, on(request), action}, v.Title, request})
				}
			}
		}
	}
	return list
}

// outsidersOf lists the callers outside the account that an Allow names. For everyone these are an anonymous caller, and
// a user of another account.
func outsidersOf(v iampolicy.View, l lock.Lock) []iampolicy.Standpoint {
	var callers []iampolicy.Standpoint
	outside := map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceIp": {"198.51.100.7"}}
	network := l.Network()
	inside := map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceVpc": {lock.InventedVPC}}
	inside[network.Key] = network.Values[:1]
	add := func(name, principal string) {
		if !lock.IsOf(l.Account, principal) && len(callers) < 2*maxCallers {
			callers = append(callers,
				iampolicy.Standpoint{Caller: name, Path: "from the internet", Principal: principal, Context: required(v, outside)},
				iampolicy.Standpoint{Caller: name, Path: "through the endpoint", Principal: principal, Context: required(v, inside)})
		}
	}
	if v.Everyone {
		// An anonymous caller belongs to no organisation and has no tags.
		if !slices.ContainsFunc(v.Conditions, func(c iampolicy.ConditionView) bool { return lock.HasKey(lock.IdentityKeys, c.Key) }) {
			add("anonymous caller", "")
		}
		if l.Account != "444455556666" {
			add("user of another account", "arn:aws:iam::444455556666:user/stranger")
		}
		return callers
	}
	for _, p := range v.Principals {
		principal := p
		if !strings.HasPrefix(p, "arn:") && accountID.MatchString(p) {
			principal = "arn:aws:iam::" + p + ":root"
		}
		if users, ok := strings.CutSuffix(principal, ":root"); ok {
			add("user of account "+strings.TrimPrefix(users[strings.LastIndex(users, ":"):], ":"), users+":user/any")
		} else {
			add(p, p)
		}
	}
	for _, s := range v.Services {
		add(s, s)
	}
	return callers
}

// required adds to the context of a network path what makes the conditions of an Allow true, as far as one value of each
// decides that. What follows from the caller stays as it is.
func required(v iampolicy.View, path map[string][]string) map[string][]string {
	context := maps.Clone(path)
	for _, c := range v.Conditions {
		switch {
		case c.Negated || unordered.MatchString(c.Operator) || strings.Contains(c.Values[0], "${"):
		case c.Key == "aws:SecureTransport" || c.Key == "aws:SourceVpce" || c.Key == "aws:SourceVpc":
			// the path has them, or has none
		case lock.HasKey(callerKeys, c.Key) || lock.HasKey(lock.ServiceKeys, c.Key):
			// they follow from the caller
		case c.Key == "aws:SourceIp":
			if address, _, _ := strings.Cut(c.Values[0], "/"); context[c.Key] != nil {
				context[c.Key] = []string{address}
			}
		default:
			context[c.Key] = []string{lock.Example(c.Values[0])}
		}
	}
	return context
}

// callerKeys have the values that follow from a request's principal.
var callerKeys = []string{"aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalType"}

// unordered matches the operators whose values are not an example of what they require.
var unordered = regexp.MustCompile("Null|Numeric|Date")

// actionsOf lists actions that patterns cover, on objects or on the bucket; the most informative ones first.
func actionsOf(patterns []string, resource string) []string {
	known := iampolicy.ObjectActions()
	if !strings.Contains(resource, "/") && !strings.HasSuffix(resource, "*") {
		known = slices.Concat(iampolicy.ListingActions(), iampolicy.ConfigurationActions())
	}
	var list []string
	for _, action := range slices.Concat([]string{"s3:GetObject", "s3:PutObject"}, known) {
		if len(list) < maxActions && slices.Contains(known, action) && !slices.Contains(list, action) &&
			slices.ContainsFunc(patterns, func(p string) bool { return covers(p, action) }) {
			list = append(list, action)
		}
	}
	return list
}

// covers reports whether a pattern of actions that has a wildcard only at its end covers an action.
func covers(pattern, action string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return len(prefix) <= len(action) && strings.EqualFold(prefix, action[:len(prefix)])
	}
	return strings.EqualFold(pattern, action)
}

// allowedNamed lists the named requests that a document certainly allows and the lock certainly denies.
func (j policyJudge) allowedNamed(document string) []namedRequest {
	requests := make([]iampolicy.ForbiddenRequest, len(j.named))
	for i, n := range j.named {
		requests[i] = iampolicy.ForbiddenRequest{Name: n.caller, Request: n.request}
	}
	byLock, err := iampolicy.Breaches([]byte(j.lock), requests)
	if err != nil {
		return nil
	}
	granted := map[int]bool{}
	for _, b := range byLock {
		granted[b.Index] = true
	}
	breaches, err := iampolicy.Breaches([]byte(document), requests)
	if err != nil {
		return nil
	}
	var list []namedRequest
	for _, b := range breaches {
		if n := j.named[b.Index]; b.Certain && !granted[b.Index] && b.Statement != "" {
			n.statement = b.Statement
			list = append(list, n)
		}
	}
	return list
}
