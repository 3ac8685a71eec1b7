package iampolicy

import (
	"fmt"
	"slices"
	"strings"
)

// principals is a Principal or NotPrincipal element.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
type principals struct {
	everyone bool // "*" or {"AWS": "*"}
	// Names by type of principal, sorted, in canonical spelling: an account of the statement's own partition is its 12
	// digits, an account of another partition is the ARN of its root user.
	aws, service, federated, canonicalUser []string
}

var (
	accountARN = lazyRegexp(`^arn:(aws[a-z0-9-]*):iam::([0-9]{12}):root$`)
	// iamARN matches the identities that a policy can name, including CloudFront's origin access identities.
	iamARN = lazyRegexp(`^arn:aws[a-z0-9-]*:(iam::([0-9]{12}|cloudfront):(user|role)|sts::[0-9]{12}:(assumed-role|federated-user))/.+$`)
	// uniqueID matches the id that replaces a deleted user or role. Source: docs/facts.md, S3
	uniqueID = lazyRegexp(`^A[A-Z]{2}A[A-Z0-9]{12,}$`)
)

func parsePrincipals(value any) (*principals, error) {
	if value == "*" {
		return &principals{everyone: true}, nil
	}
	types, ok := value.(object)
	if !ok || len(types) == 0 {
		return nil, fmt.Errorf("a principal is %q or an object of principals by type", "*")
	}
	p := &principals{}
	for _, m := range types {
		names, err := stringList(m.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if err := p.add(m.name, names); err != nil {
			return nil, err
		}
	}
	if slices.Equal(p.aws, []string{"*"}) && len(types) == 1 {
		return &principals{everyone: true}, nil
	}
	return p, nil
}

func (p *principals) add(principalType string, names []string) error {
	switch principalType {
	case "AWS":
		for _, name := range names {
			if !isAWSPrincipal(name) {
				return fmt.Errorf("%w: %q", ErrPrincipal, name)
			}
		}
		p.aws = sortedSet(names)
	case "Service":
		p.service = sortedSet(names)
	case "Federated":
		p.federated = sortedSet(names)
	case "CanonicalUser":
		p.canonicalUser = sortedSet(names)
	default:
		return fmt.Errorf("unknown type of principal %q", principalType)
	}
	return nil
}

// IsAccountID reports whether a text is an account's id: 12 digits.
func IsAccountID(name string) bool { return len(name) == 12 && strings.Trim(name, "0123456789") == "" }

// isAWSPrincipal reports whether a name is allowed as an AWS principal. Groups and names with wildcards are not.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func isAWSPrincipal(name string) bool {
	if name == "*" || IsAccountID(name) {
		return true
	}
	return !strings.ContainsAny(name, "*?") &&
		(accountARN().MatchString(name) || iamARN().MatchString(name) || uniqueID().MatchString(name))
}

// shortenAccounts replaces the ARNs of a partition's root users by their account ids: services convert one to the other
// within a partition.
func (p *principals) shortenAccounts(partition string) {
	for i, name := range p.aws {
		if m := accountARN().FindStringSubmatch(name); m != nil && m[1] == partition {
			p.aws[i] = m[2]
		}
	}
	p.aws = sortedSet(p.aws)
}

// namesAccount reports whether the element names the caller's account.
func (p *principals) namesAccount(c *caller) bool {
	return slices.Contains(p.aws, c.account) || p.names(IAMARN(c.partition, c.account, "root"))
}

// grant is the way in which an Allow applies to a caller.
type grant int8

const (
	// delegated: the statement names the caller's account; the identity policies of that account decide.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
	delegated grant = iota
	// direct: the statement names the caller, or everyone.
	direct
)

// include reports whether a Principal element covers a caller, and in which way.
func (p *principals) include(c *caller) (truth, grant) {
	switch {
	case p.includesEveryone():
		return yes, direct
	case c.kind == anonymous:
		return no, direct
	case c.kind == service || c.kind == federated:
		return p.includeByName(c.name), direct
	case p.names(c.arn) || p.namesRole(c):
		return yes, direct
	case c.account == "":
		return no, direct // an origin access identity
	case p.namesAccount(c):
		return yes, delegated
	case len(p.canonicalUser) > 0:
		return unknown, delegated // an ARN does not show the canonical id
	}
	return no, direct
}

func (p *principals) includeByName(name string) truth {
	if slices.Contains(p.service, name) || slices.Contains(p.federated, name) {
		return yes
	}
	if slices.Contains(p.service, "*") || slices.Contains(p.federated, "*") {
		return unknown
	}
	return no
}

func (p *principals) names(arn string) bool {
	return slices.Contains(p.aws, arn)
}

// namesRole reports whether the caller is a session of a named role. The session's ARN does not contain the role's path,
// but a role's name is unique in its account, independent of the path.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names
func (p *principals) namesRole(c *caller) bool {
	if c.kind != role {
		return false
	}
	return slices.ContainsFunc(p.aws, func(name string) bool {
		if !strings.HasSuffix(name, c.name) {
			return false // the usual case
		}
		other, err := parseCaller(name)
		return err == nil && other.arn == other.roleARN && other.kind == role &&
			other.account == c.account && other.name == c.name
	})
}

// spare reports whether a NotPrincipal element excludes a caller from its statement. In a Deny, the element must name the
// caller and all that contain it: AWS checks the account first, then the role, then the session. When it names only part
// of them, AWS "might" deny, so the result is unknown. But the caller is not excluded when its account or role is named
// only because the element names another principal in it; in that case worst selects the more open result.
// In an Allow, it is enough to name one of them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func (p *principals) spare(c *caller, allow, worst bool) truth {
	switch {
	case p.includesEveryone():
		return yes
	case c.kind == anonymous:
		return no
	case c.kind == service || c.kind == federated:
		return p.includeByName(c.name)
	}
	levels := c.namedIn(p)
	some, all := slices.Contains(levels, true), !slices.Contains(levels, false)
	switch {
	case all || allow && some:
		return yes
	case len(p.canonicalUser) > 0 || some && (worst || !p.namesOtherThan(c, levels)):
		return unknown
	}
	return no
}

// namesOtherThan reports whether a NotPrincipal element that names the caller's account or role, but not the caller, names
// another principal in it. AWS's own examples name Bob with his account, and exclude only Bob.
func (p *principals) namesOtherThan(c *caller, levels []bool) bool {
	if levels[len(levels)-1] {
		return false
	}
	return slices.ContainsFunc(p.aws, func(name string) bool {
		other, err := parseCaller(name)
		if err != nil || other.account != c.account || other.kind == root {
			return false
		}
		sibling := other.kind == role && c.kind == role && other.name == c.name
		return !sibling || other.arn != other.roleARN
	})
}

// areOnlyAWS reports whether an element names AWS principals only.
func (p *principals) areOnlyAWS() bool {
	return len(p.aws) > 0 && len(p.service)+len(p.federated)+len(p.canonicalUser) == 0
}

func (p *principals) includesEveryone() bool { return p.everyone || slices.Contains(p.aws, "*") }

func sortedSet(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
