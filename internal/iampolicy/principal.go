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
	// names by type of principal, sorted, in canonical spelling: an account is its 12 digits.
	aws, service, federated, canonicalUser []string
	// refused is true when one of the AWS principals is no principal: see isRefused.
	refused bool
}

// has tells whether a sorted list holds a name.
func has(list []string, name string) bool {
	_, found := slices.BinarySearch(list, name)
	return found
}

var (
	accountARN = lazyRegexp(`^arn:aws[a-z0-9-]*:iam::([0-9]{12}):root$`)
	// iamARN are the identities that a policy can name, and CloudFront's origin access identities.
	iamARN = lazyRegexp(`^arn:aws[a-z0-9-]*:(iam::([0-9]{12}|cloudfront):(user|role)|sts::[0-9]{12}:(assumed-role|federated-user))/.+$`)
	// uniqueID is what is left of a user or role that was deleted. FACTS: S3
	uniqueID = lazyRegexp(`^A[A-Z]{2}A[A-Z0-9]{12,}$`)
	// groupARN can be written, but is no principal.
	groupARN = lazyRegexp(`^arn:aws[a-z0-9-]*:iam::[0-9]{12}:group/.+$`)
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
		for i, name := range names {
			if m := accountARN().FindStringSubmatch(name); m != nil {
				names[i] = m[1]
			} else if !isAWSPrincipal(name) {
				return fmt.Errorf("no principal: %q", name)
			}
		}
		p.aws, p.refused = sortedSet(names), slices.ContainsFunc(names, isRefused)
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

func isAWSPrincipal(name string) bool {
	return name == "*" || isAccountID(name) || iamARN().MatchString(name) || uniqueID().MatchString(name) || isRefused(name)
}

// isRefused tells whether AWS documents that a name must not stand as a principal: a name with a wildcard in it, and
// a group. Such a name grants nothing.
func isRefused(name string) bool {
	return strings.HasPrefix(name, "arn:") && strings.ContainsAny(name, "*?") || groupARN().MatchString(name)
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
func (p *principals) include(c *caller, allow bool) (truth, grant) {
	switch {
	case p.everyone || has(p.aws, "*"):
		return yes, direct
	case c.kind == anonymous:
		return no, direct
	case c.kind == service || c.kind == federated:
		return p.includeByName(c.name), direct
	case p.names(c.arn) || p.namesRole(c):
		return yes, direct
	case has(p.aws, c.account):
		return yes, delegated
	case len(p.canonicalUser) > 0:
		return unknown, delegated // whose canonical id it is cannot be told from an ARN
	case !allow && p.refused:
		return unknown, direct
	}
	return no, direct
}

func (p *principals) includeByName(name string) truth {
	if has(p.service, name) || has(p.federated, name) {
		return yes
	}
	if has(p.service, "*") || has(p.federated, "*") {
		return unknown
	}
	return no
}

func (p *principals) names(arn string) bool {
	return !strings.ContainsAny(arn, "*?") && has(p.aws, arn)
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
// When only some of them are named, AWS "might" deny; worst asks for the answer that opens more.
// In an Allow, naming any of them is enough.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func (p *principals) spare(c *caller, allow, worst bool) truth {
	switch {
	case p.everyone || has(p.aws, "*"):
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
	case len(p.canonicalUser) > 0 || worst && some || p.refused:
		return unknown
	}
	return no
}

func sortedSet(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
