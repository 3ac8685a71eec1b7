package iampolicy

import (
	"errors"
	"fmt"
	"strings"
)

// callerKind is the type of a request's principal.
type callerKind int

const (
	anonymous    callerKind = iota
	service                 // an AWS service principal
	federated               // an identity of an external provider, before it has assumed a role
	originAccess            // a CloudFront origin access identity
	root                    // an account's root user
	user
	role // a role, or a session of one
	federatedUser
)

// caller is a request's principal.
type caller struct {
	kind      callerKind
	arn       string
	account   string
	partition string
	name      string // of the user or role, without its path; of the service or provider
	// roleARN is the role's ARN. A session's ARN does not contain the role's path: for a session it is an ARN without a
	// path, or with the path that follows from the role's name.
	roleARN string
	// mayBe is a pattern for other possible ARNs of a session's role; "" for other callers.
	mayBe string
	// reserved is true for a session of one of AWS's own roles, which always has a path.
	reserved bool
	// assumed is true for a session of the root user by sts:AssumeRoot.
	assumed bool
}

// ErrPrincipal reports that a text is not a valid principal, e.g. a Principal that contains a wildcard.
var ErrPrincipal = errors.New("no principal")

// parseCaller reads [Request.Principal].
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
func parseCaller(principal string) (*caller, error) {
	if principal == "" {
		return &caller{kind: anonymous}, nil
	}
	if !strings.HasPrefix(principal, "arn:") {
		return parseNamedCaller(principal)
	}
	fields := strings.SplitN(principal, ":", 6)
	if len(fields) < 6 || fields[1] == "" || fields[3] != "" || !IsAccountID(fields[4]) && !isOriginAccess(fields) {
		return nil, fmt.Errorf("%w: %q", ErrPrincipal, principal)
	}
	c := &caller{arn: principal, partition: fields[1], account: fields[4]}
	if isOriginAccess(fields) {
		c.kind, c.account, c.name = originAccess, "", fields[5][len("user/"):]
		return c, nil
	}
	if err := c.setResource(fields[2], fields[5]); err != nil {
		return nil, err
	}
	return c, nil
}

// isOriginAccess reports whether an ARN is that of an origin access identity. These belong to no customer account.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
func isOriginAccess(fields []string) bool {
	return fields[2] == "iam" && fields[4] == "cloudfront" && strings.HasPrefix(fields[5], "user/")
}

// parseNamedCaller reads the name of a service or of an identity provider.
func parseNamedCaller(name string) (*caller, error) {
	if !strings.Contains(name, ".") || strings.ContainsAny(name, ":/* ") {
		return nil, fmt.Errorf("%w: %q", ErrPrincipal, name)
	}
	if strings.HasSuffix(name, ".amazonaws.com") || strings.HasSuffix(name, ".amazonaws.com.cn") {
		return &caller{kind: service, name: name}, nil
	}
	return &caller{kind: federated, name: name}, nil
}

// setResource reads the last part of the caller's ARN.
func (c *caller) setResource(serviceName, resource string) error {
	kind, path, _ := strings.Cut(resource, "/")
	c.name = path[strings.LastIndex(path, "/")+1:]
	switch where := serviceName + ":" + kind; {
	case where == "iam:root" && path == "":
		c.kind = root
		return nil
	case where == "sts:assumed-root" && path == "":
		c.kind, c.assumed = root, true
		return nil
	case c.name == "":
		return fmt.Errorf("%w: %q", ErrPrincipal, c.arn)
	case where == "iam:user":
		c.kind = user
	case where == "iam:role":
		c.kind, c.roleARN = role, c.arn
	case where == "sts:assumed-role":
		name, _, ok := strings.Cut(path, "/")
		if !ok || name == "" {
			return fmt.Errorf("no session of a role: %q", c.arn)
		}
		c.kind = role
		c.setRole(name)
	case where == "sts:federated-user":
		c.kind = federatedUser
	case where == "iam:saml-provider" || where == "iam:oidc-provider":
		c.kind, c.name = federated, c.arn
	default:
		return fmt.Errorf("%w: %q", ErrPrincipal, c.arn)
	}
	return nil
}

// setRole sets the fields for a session of a role. The path of a permission set's role ends with its Region, except in one
// Region; that of a service-linked role ends with its service.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
func (c *caller) setRole(name string) {
	roles := IAMARN(c.partition, c.account, "role/")
	c.name, c.roleARN, c.mayBe = name, roles+name, roles+string([]byte{anyText})+"/"+name
	word := string([]byte{anyWord}) + "/"
	switch {
	case strings.HasPrefix(name, "AWSReservedSSO_"):
		roles += "aws-reserved/sso.amazonaws.com/"
		c.roleARN, c.mayBe, c.reserved = roles+name, roles+word+name, true
	case strings.HasPrefix(name, "AWSServiceRoleFor"):
		c.mayBe, c.reserved = roles+"aws-service-role/"+word+name, true
		c.roleARN = c.mayBe
	}
}

// namedIn reports for the caller's account, its role and the caller itself whether a NotPrincipal element names it.
func (c *caller) namedIn(p *principals) []bool {
	if c.kind == originAccess {
		return []bool{p.names(c.arn)}
	}
	levels := []bool{p.namesAccount(c)}
	if c.kind == role {
		levels = append(levels, p.namesRole(c))
	}
	if c.kind != root && c.arn != c.roleARN {
		levels = append(levels, p.names(c.arn))
	}
	return levels
}

// hasIdentity reports whether the caller can have identity policies. For an assumed root these are its task policy.
func (c *caller) hasIdentity() bool { return c.kind >= user || c.assumed }

// keys passes on the condition keys that follow from the caller, each once. It omits what the principal alone does not show, such as
// the unique id in aws:userid.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
func (c *caller) keys(add func(key, value string)) {
	switch c.kind {
	case anonymous:
		add("aws:principalaccount", "anonymous")
		add("aws:principaltype", "Anonymous")
		add("aws:userid", "anonymous")
	case service:
		add("aws:principalisawsservice", "true")
		add("aws:principalservicename", c.name)
		add("aws:principalservicenameslist", c.name)
	case originAccess:
		add(principalARN, c.arn)
	case federated:
		add("aws:federatedprovider", c.name)
	default:
		c.identityKeys(add)
	}
}

// identityKeys is keys for the identities of an account.
func (c *caller) identityKeys(add func(key, value string)) {
	arn := c.arn
	switch c.kind {
	case root:
		add("aws:principaltype", "Account")
		add("aws:userid", c.account)
		if c.assumed {
			// Source: docs/facts.md, Policy evaluation
			arn = IAMARN(c.partition, c.account, "root")
			add("aws:assumedroot", "true")
		}
	case user:
		add("aws:principaltype", "User")
		add("aws:username", c.name)
	case role:
		arn = c.roleARN
		add("aws:principaltype", "AssumedRole")
	case federatedUser:
		add("aws:principaltype", "FederatedUser")
		add("aws:userid", c.account+":"+c.name)
	}
	add(principalARN, arn)
	add("aws:principalaccount", c.account)
	add("aws:principalisawsservice", "false")
}
