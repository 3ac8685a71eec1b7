package lock

import (
	"encoding/json"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// GrantsIn returns the Allow statements of a bucket's policy that open nothing beside the lock's statements. They give access to the
// bucket's data, and not to its configuration,
//
//	to single principals of the account, whom IAM could let in as well
//	to roles that the lock names, of other accounts too
//	to AWS services, if the lock excepts services, and if the statement confines them to the account: a service acts for everybody
func (l Lock) GrantsIn(views []iampolicy.View) []iampolicy.View {
	services := slices.ContainsFunc(l.Exceptions, func(e Exception) bool { return HasKey(ServiceKeys, e.Key) })
	foreign := func(p string) bool { return !l.knows(p) }
	var grants []iampolicy.View
	for _, v := range views {
		unclear := v.Everyone || v.NotPrincipal || v.NotAction || v.NotResource || len(v.Others) > 0
		if !v.Allow || unclear || slices.ContainsFunc(v.Principals, foreign) || configures(v) ||
			len(v.Services) > 0 && !(services && l.confines(v)) {
			continue
		}
		grants = append(grants, v)
	}
	return grants
}

// knows reports whether a principal is a single one of the account, or a role that the lock names.
func (l Lock) knows(principal string) bool {
	if IsOf(l.Account, principal) {
		return !strings.HasSuffix(principal, ":root")
	}
	return slices.Contains(arnsIn(slices.Concat(l.Workloads, l.Exceptions)), principal)
}

// confines reports whether an Allow lets services act for the lock's account, or organisation, only.
//
//	by its conditions   on the account, the organisation, or the resource for which the service acts
//	by its resources    the account's folder of the logs that services deliver, for writing
//	by its actions      which show no data
//
// Without that, a service that acts for another customer also may: this customer's trail could write to the bucket, and this
// customer's CloudFront distribution could publish it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func (l Lock) confines(v iampolicy.View) bool {
	all := func(list []string, f func(string) bool) bool {
		return !slices.ContainsFunc(list, func(s string) bool { return !f(s) })
	}
	own := func(c iampolicy.ConditionView) bool {
		switch {
		case !exactly[c.Operator]:
			return false
		case c.Key == "aws:SourceAccount":
			return all(c.Values, func(v string) bool { return v == l.Account })
		case c.Key == "aws:SourceArn":
			return all(c.Values, func(v string) bool {
				return IsOf(l.Account, v) && (strings.HasPrefix(c.Operator, "Arn") || !isSplit(v))
			})
		case c.Key == "aws:SourceOrgID":
			return all(c.Values, func(v string) bool { return v == l.Organization })
		}
		return false
	}
	logs := "/AWSLogs/" + l.Account + "/"
	return slices.ContainsFunc(v.Conditions, own) ||
		all(v.Actions, func(a string) bool { return strings.EqualFold(a, "s3:PutObject") }) &&
			all(v.Resources, func(r string) bool { return strings.Contains(r, logs) }) ||
		all(v.Actions, func(a string) bool { return HasKey(describing, a) })
}

// isSplit reports whether an ARN has a wildcard before its account. For the operators of strings it matches colons too, so that the
// account's digits may be found in a name: arn:aws:logs:*:111122223333:* matches a log group 111122223333 of any account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
func isSplit(arn string) bool {
	parts := strings.SplitN(arn, ":", 6)
	return strings.ContainsAny(strings.Join(parts[:min(len(parts), 5)], ":"), "*?")
}

// exactly are the operators that a request without the key does not fulfil.
var exactly = map[string]bool{
	"StringEquals": true, "StringLike": true, "StringEqualsIgnoreCase": true, "ArnEquals": true, "ArnLike": true,
}

// describing are the actions that services need to see whether they may deliver to a bucket. They show no data, and no names.
var describing = []string{"s3:GetBucketAcl", "s3:GetBucketLocation"}

// configures reports whether an Allow may grant an action that changes the bucket itself.
func configures(v iampolicy.View) bool {
	unconditional, err := encode(statement{Effect: "Allow", Principal: "*", Action: v.Actions, Resource: v.Resources})
	if err != nil {
		return true
	}
	p, err := iampolicy.Parse([]byte(compose([]json.RawMessage{unconditional})))
	if err != nil {
		return true
	}
	for _, r := range v.Resources {
		bucket, _, _ := strings.Cut(r, "/")
		for _, action := range iampolicy.ConfigurationActions() {
			if strings.HasPrefix(action, "s3:Get") || strings.HasPrefix(action, "s3:List") {
				continue
			}
			r := iampolicy.Request{Action: action, Resource: Example(bucket), ResourceAccount: InventedAccount}
			if d := iampolicy.Evaluate(r, iampolicy.Policies{Resource: p}); d.Effect != iampolicy.Deny {
				return true
			}
		}
	}
	return false
}

// IsOf reports whether a principal belongs to an account.
func IsOf(account, principal string) bool {
	parts := strings.SplitN(principal, ":", 6)
	return len(parts) == 6 && parts[4] == account
}

// IsNetwork reports whether a condition key, in AWS's spelling, says from where a request comes.
func IsNetwork(key string) bool {
	return key == "aws:SourceVpce" || key == "aws:SourceVpc" || key == "aws:SourceIp" || key == "aws:VpcSourceIp"
}

// IdentityKeys identify a caller; it cannot choose them. A key that ends in "/" is a prefix.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties
var IdentityKeys = []string{
	"aws:PrincipalArn", "aws:userid", "aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalTag/",
}

// ServiceKeys identify an AWS service, or a call that a service makes for a caller.
var ServiceKeys = []string{
	"aws:PrincipalIsAWSService", "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList", "aws:ViaAWSService", "aws:CalledVia",
	"aws:CalledViaFirst", "aws:CalledViaLast",
}

// HasKey reports whether a list of condition keys, which may have prefixes, contains a key.
func HasKey(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		if strings.HasSuffix(k, "/") {
			return len(key) > len(k) && strings.EqualFold(key[:len(k)], k)
		}
		return strings.EqualFold(k, key)
	})
}
