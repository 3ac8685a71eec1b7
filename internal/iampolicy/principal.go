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
	// names by type of principal, sorted, in canonical spelling: an account of the statement's own partition is its 12
	// digits, another one the ARN of its root user.
	aws, service, federated, canonicalUser []string
}

var (
	accountARN = lazyRegexp(`^arn:(aws[a-z0-9-]*):iam::([0-9]{12}):root$`)
	// iamARN are the identities that a policy can name, and CloudFront's origin access identities.
	iamARN = lazyRegexp(`^arn:aws[a-z0-9-]*:(iam::([0-9]{12}|cloudfront):(user|role)|sts::[0-9]{12}:(assumed-role|federated-user))/.+$`)
	// uniqueID is what is left of a user or role that was deleted. FACTS: S3
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

// isAccountID tells whether a name is the 12 digits of an account.
func isAccountID(name string) bool { return len(name) == 12 && strings.Trim(name, "0123456789") == "" }

// isAWSPrincipal tells whether a name may stand for an AWS principal. A name with a wildcard in it must not, nor a group.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func isAWSPrincipal(name string) bool {
	if name == "*" || isAccountID(name) {
		return true
	}
	return !strings.ContainsAny(name, "*?") &&
		(accountARN().MatchString(name) || iamARN().MatchString(name) || uniqueID().MatchString(name))
}

// shortenAccounts turns the ARNs of root users of a partition into their accounts' digits: services convert the one to
// the other, each in its own partition.
func (p *principals) shortenAccounts(partition string) {
	for i, name := range p.aws {
		if m := accountARN().FindStringSubmatch(name); m != nil && m[1] == partition {
			p.aws[i] = m[2]
		}
	}
	p.aws = sortedSet(p.aws)
}

// namesAccount tells whether a caller's account is named.
func (p *principals) namesAccount(c *caller) bool {
	return slices.Contains(p.aws, c.account) || p.names("arn:"+c.partition+":iam::"+c.account+":root")
}

// grant is how an Allow reaches a caller.
type grant int8

const (
	// delegated: the statement names the caller's account, whose own identity policies decide further.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
	delegated grant = iota
	// direct: the statement names the caller, or everybody.
	direct
)

// include tells whether a Principal element covers a caller, and how.
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
		return unknown, delegated // whose canonical id it is cannot be told from an ARN
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

// namesRole tells whether the caller is a session of a role that is named. The session's ARN lacks the role's path,
// but a role's name is unique in its account whatever its path.
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

// spare tells whether a NotPrincipal element leaves a caller out of its statement. In a Deny that takes the caller
// itself and everything that contains it: AWS looks at the account first, then at the role, then at the session.
// When only some of them are named, AWS "might" deny, hence unknown; but a caller is not spared by its account, or its
// role, that is only named because another one in it is. For that one, worst asks for the answer that opens more.
// In an Allow, naming any of them is enough.
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

// namesOtherThan tells whether a NotPrincipal element that does not name a caller, but something that contains it, names
// somebody else in there: AWS's own examples name Bob with his account, and leave out nobody but Bob.
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

// areOnlyAWS tells whether an element names AWS principals and no others.
func (p *principals) areOnlyAWS() bool {
	return len(p.aws) > 0 && len(p.service)+len(p.federated)+len(p.canonicalUser) == 0
}

func (p *principals) includesEveryone() bool { return p.everyone || slices.Contains(p.aws, "*") }

func sortedSet(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
