package lambda

import (
	"slices"
	"strings"
)

// Permission is one statement of a function's resource policy: it allows an AWS service to invoke the function.
type Permission struct {
	// StatementID is the statement's id.
	StatementID string
	// Service is the principal, e.g. "events.amazonaws.com".
	Service string
	// SourceARN limits it to a resource on whose behalf the service calls, with * and ? as wildcards; SourceAccount
	// to that resource's account. "" is no limit.
	SourceARN, SourceAccount string
}

// Source is an AWS service that invokes a function, and the resource on whose behalf it does.
type Source struct{ Service, ARN, Account string }

// Permit adds a permission to a function. The statement's id must be a new one.
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
func (h *Host) Permit(nameOrARN string, p Permission) error {
	f, err := h.lookUp(nameOrARN)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.ContainsFunc(f.permissions, withID(p.StatementID)) {
		return &Error{Status: 409, Code: "ResourceConflictException", Message: "The statement id (" + p.StatementID +
			") provided already exists. Please provide a new statement id, or remove the existing statement."}
	}
	f.permissions = append(f.permissions, p)
	return nil
}

// Permissions returns a function's permissions; nil if there is no such function.
func (h *Host) Permissions(nameOrARN string) []Permission {
	f, err := h.lookUp(nameOrARN)
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(f.permissions)
}

// permission reports whether a function has a permission with that id.
func (h *Host) permission(name, statementID string) bool {
	return slices.ContainsFunc(h.Permissions(name), withID(statementID))
}

func withID(statementID string) func(Permission) bool {
	return func(p Permission) bool { return p.StatementID == statementID }
}

// Forbid removes a permission.
func (h *Host) Forbid(nameOrARN, statementID string) error {
	f, err := h.lookUp(nameOrARN)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f.permissions = slices.DeleteFunc(f.permissions, withID(statementID))
	return nil
}

// InvokeFrom is [Host.InvokeAsync] for an AWS service, which needs a permission.
func (h *Host) InvokeFrom(s Source, nameOrARN string, payload []byte) (requestID string, err error) {
	f, err := h.lookUp(nameOrARN)
	if err != nil {
		return "", err
	}
	if !h.permitted(f, s) {
		return "", &Error{Status: 403, Code: "AccessDeniedException", Message: s.Service + " may not invoke " + f.ARN + " for " + s.ARN}
	}
	return h.InvokeAsync(nameOrARN, payload)
}

func (h *Host) permitted(f *hosted, s Source) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(f.permissions, func(p Permission) bool {
		return p.Service == s.Service &&
			(p.SourceARN == "" || like(p.SourceARN, s.ARN)) &&
			(p.SourceAccount == "" || p.SourceAccount == s.Account)
	})
}

// like compares as ArnLike does: part by part, with * and ? as wildcards within each of the six.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
func like(pattern, arn string) bool {
	patterns, parts := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	return slices.EqualFunc(patterns, parts, glob)
}

// glob compares a text with a pattern in which * matches any text and ? one character.
func glob(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	switch {
	case pattern[0] == '*':
		return glob(pattern[1:], text) || text != "" && glob(pattern, text[1:])
	case text == "":
		return false
	case pattern[0] == '?' || pattern[0] == text[0]:
		return glob(pattern[1:], text[1:])
	}
	return false
}
