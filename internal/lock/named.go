package lock

import (
	"maps"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Limits on the requests that are tried for one statement.
const (
	maxCallers   = 20
	maxResources = 5
	maxActions   = 10
)

// namedIn lists requests, from the internet and through the lock's endpoint, of the callers outside the account that a policy's
// Allow statements name, on what these allow, and with what their conditions require. Package iampolicy tries callers that it has
// invented: a grant to one role of another account, or to one service, would not show among what they may do.
func (l Lock) namedIn(views []iampolicy.View) []iampolicy.ForbiddenRequest {
	l = l.WithDefaults()
	var list []iampolicy.ForbiddenRequest
	for _, v := range views {
		if !v.Allow || v.NotPrincipal || v.NotAction || v.NotResource {
			continue
		}
		for _, at := range l.outsidersOf(v) {
			for _, r := range v.Resources[:min(len(v.Resources), maxResources)] {
				if BucketName(r) == "" {
					continue
				}
				for _, action := range actionsOf(v.Actions, r) {
					list = append(list, iampolicy.Forbid(at, action, Example(r), l.Account))
				}
			}
		}
	}
	return list
}

// outsidersOf lists the callers outside the account that an Allow names. For everyone these are an anonymous caller, and
// a user of another account.
func (l Lock) outsidersOf(v iampolicy.View) []iampolicy.Standpoint {
	var callers []iampolicy.Standpoint
	outside := map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceIp": {"198.51.100.7"}}
	network := l.Network()
	inside := map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceVpc": {InventedVPC}}
	inside[network.Key] = network.Values[:1]
	add := func(name, principal string) {
		if !IsOf(l.Account, principal) && len(callers) < 2*maxCallers {
			callers = append(callers,
				iampolicy.Standpoint{Caller: name, Path: "from the internet", Principal: principal, Context: required(v, outside)},
				iampolicy.Standpoint{Caller: name, Path: "through the endpoint", Principal: principal, Context: required(v, inside)})
		}
	}
	if v.Everyone {
		// An anonymous caller belongs to no organisation and has no tags.
		if !slices.ContainsFunc(v.Conditions, func(c iampolicy.ConditionView) bool { return HasKey(IdentityKeys, c.Key) }) {
			add("anonymous caller", "")
		}
		if l.Account != "444455556666" {
			add("user of another account", iampolicy.IAMARN(l.Partition, "444455556666", "user/stranger"))
		}
		return callers
	}
	for _, p := range v.Principals {
		principal := p
		if iampolicy.IsAccountID(p) {
			principal = iampolicy.IAMARN(l.Partition, p, "root")
		}
		if users, ok := strings.CutSuffix(principal, ":root"); ok {
			add("user of account "+users[strings.LastIndex(users, ":")+1:], users+":user/any")
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
		case c.Negated || isUnordered(c.Operator) || strings.Contains(c.Values[0], "${"):
		case c.Key == "aws:SecureTransport" || c.Key == "aws:SourceVpce" || c.Key == "aws:SourceVpc":
			// the path has them, or has none
		case HasKey(callerKeys, c.Key) || HasKey(ServiceKeys, c.Key):
			// they follow from the caller
		case c.Key == "aws:SourceIp":
			if address, _, _ := strings.Cut(c.Values[0], "/"); context[c.Key] != nil {
				context[c.Key] = []string{address}
			}
		default:
			context[c.Key] = []string{Example(c.Values[0])}
		}
	}
	return context
}

// callerKeys have the values that follow from a request's principal.
var callerKeys = []string{"aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalType"}

// isUnordered reports whether the values of an operator are not an example of what it requires.
func isUnordered(operator string) bool {
	return strings.Contains(operator, "Null") || strings.Contains(operator, "Numeric") || strings.Contains(operator, "Date")
}

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

// BucketName returns the bucket in the ARN of a bucket or its objects; "" if it has a wildcard or a variable, or is not such an ARN.
func BucketName(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[2] != "s3" || parts[3] != "" {
		return ""
	}
	if name, _, _ := strings.Cut(parts[5], "/"); consists(name, letters+digits+"._-") {
		return name
	}
	return ""
}
