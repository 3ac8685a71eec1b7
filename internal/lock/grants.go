package lock

import (
	"encoding/json"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// GrantsIn returns the Allow statements of a bucket's policy that open nothing beside the lock's statements: access to the
// bucket's data for single principals of the account, whom IAM could let in as well, and for services if the lock's exceptions
// let services in.
func (l Lock) GrantsIn(views []iampolicy.View) []iampolicy.View {
	services := slices.ContainsFunc(l.Exceptions, func(e Exception) bool { return HasKey(ServiceKeys, e.Key) })
	foreign := func(p string) bool { return !IsOf(l.Account, p) || strings.HasSuffix(p, ":root") }
	var grants []iampolicy.View
	for _, v := range views {
		unclear := v.Everyone || v.NotPrincipal || v.NotAction || v.NotResource || len(v.Others) > 0
		if !v.Allow || unclear || len(v.Services) > 0 && !services || slices.ContainsFunc(v.Principals, foreign) || configures(v) {
			continue
		}
		grants = append(grants, v)
	}
	return grants
}

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
