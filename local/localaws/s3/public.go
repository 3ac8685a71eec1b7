package s3

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// isPublic reports whether S3 considers a policy public: one of its Allow statements is open to more than fixed
// principals, accounts, networks or sources. Deny statements do not count.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
func isPublic(d policyDocument) bool {
	return slices.ContainsFunc(d.Statement, func(st statement) bool {
		return st.Effect == "Allow" && !fixedPrincipals(st) && !narrowed(st.Condition)
	})
}

// fixedPrincipals reports whether a statement names each principal that it allows.
func fixedPrincipals(st statement) bool {
	named := principals(st.Principal)
	return len(named) > 0 && !slices.ContainsFunc(named, func(p principal) bool { return !isFixed(p.value) })
}

// narrowed reports whether one of the conditions allows only fixed values of a key that makes a policy non-public.
// All conditions of a statement must hold, so one is sufficient.
func narrowed(conditions map[string]map[string]any) bool {
	for operator, keys := range conditions {
		for key, values := range keys {
			if list := texts(values); len(list) > 0 && narrows(operator, strings.ToLower(key), list) {
				return true
			}
		}
	}
	return false
}

// narrowingOperators matches the operators that allow only the listed values. Those with IfExists or ForAllValues allow
// requests without the key, the negated ones all other values.
var narrowingOperators = regexp.MustCompile(`(?i)^(ForAnyValue:)?(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)$`)

// narrowingKeys are the keys, in lower case, whose fixed values make a policy non-public.
var narrowingKeys = []string{
	"aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce",
	"aws:sourceowner", "aws:sourceaccount", "aws:userid", "s3:x-amz-server-side-encryption-aws-kms-key-id",
	"s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}

// narrows reports whether one condition allows only fixed values.
func narrows(operator, key string, values []string) bool {
	if key == "aws:sourceip" {
		return strings.EqualFold(operator, "IpAddress") && !slices.ContainsFunc(values, broad)
	}
	if !narrowingOperators.MatchString(operator) || !slices.Contains(narrowingKeys, key) {
		return false
	}
	fixed := isFixed
	if key == "s3:dataaccesspointarn" {
		fixed = fixedAccessPoint
	}
	return !slices.ContainsFunc(values, func(value string) bool { return !fixed(value) })
}

// isFixed reports whether a value contains no wildcard and no policy variable.
func isFixed(value string) bool {
	return !strings.ContainsAny(value, "*?") && !strings.Contains(value, "${")
}

// fixedAccessPoint reports whether an ARN covers access points of only one account.
func fixedAccessPoint(arn string) bool {
	parts := strings.SplitN(arn, ":", 6)
	return len(parts) == 6 && isFixed(parts[4]) && parts[4] != ""
}

// broad reports whether S3 considers an address range the internet: wider than /8, or /32 for IPv6, unless it is
// private.
func broad(cidr string) bool {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		_, err := netip.ParseAddr(cidr)
		return err != nil
	}
	if prefix.Addr().IsPrivate() {
		return false
	}
	if prefix.Addr().Is4() {
		return prefix.Bits() < 8
	}
	return prefix.Bits() < 32
}
