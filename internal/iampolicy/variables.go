package iampolicy

import (
	"fmt"
	"strings"
)

// text is a string of a policy that may contain wildcards and policy variables.
type text struct {
	// pattern is the compiled text; only for texts without variables.
	pattern string
	// parts are the parts of the text; nil for texts without variables.
	parts []part
	// source is the text as in the document; only for resources.
	source string
	// doubtful is true for a resource with a wildcard that AWS restricts: see resource.go.
	doubtful bool
}

// part is either literal (already compiled) or a variable.
type part struct {
	literal    string
	variable   string // the key, as returned by foldKey; "" for a literal
	fallback   string // the default value
	hasDefault bool
}

// compileText compiles a string of a policy. Wildcards are compiled only if wild is true, variables only in documents of
// version 2012-10-17.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func compileText(s string, wild bool, version string) (text, error) {
	if version != version2012 || !strings.Contains(s, "${") {
		return text{pattern: compileLiteral(s, wild)}, nil
	}
	var parts []part
	for s != "" {
		before, rest, found := strings.Cut(s, "${")
		parts = append(parts, part{literal: compileLiteral(before, wild)})
		if !found {
			break
		}
		p, after, err := parseVariable(rest)
		if err != nil {
			return text{}, err
		}
		parts = append(parts, p)
		s = after
	}
	return joinLiterals(parts), nil
}

func compileLiteral(s string, wild bool) string {
	if wild {
		return compileWildcards(s)
	}
	return s
}

// parseVariable parses a variable after its "${" and returns the text after its "}". ${*}, ${?} and ${$} represent the
// characters *, ? and $.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
func parseVariable(s string) (part, string, error) {
	for _, special := range []string{"*", "?", "$"} {
		if rest, ok := strings.CutPrefix(s, special+"}"); ok {
			return part{literal: special}, rest, nil
		}
	}
	end := max(0, strings.IndexAny(s, ",}"))
	key, ok := foldKey(s[:end])
	if !ok {
		return part{}, "", fmt.Errorf("no policy variable: %q", "${"+s)
	}
	p := part{variable: key}
	if s[end] == '}' {
		return p, s[end+1:], nil
	}
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-default-values
	quoted, ok := strings.CutPrefix(strings.TrimLeft(s[end+1:], " "), "'")
	value, rest, closed := strings.Cut(quoted, "'}")
	if !ok || !closed {
		return part{}, "", fmt.Errorf("no default value: %q", "${"+s)
	}
	p.fallback, p.hasDefault = value, true
	return p, rest, nil
}

// joinLiterals joins the parts to one pattern if they contain no variable.
func joinLiterals(parts []part) text {
	var b strings.Builder
	for _, p := range parts {
		if p.variable != "" {
			return text{parts: parts}
		}
		b.WriteString(p.literal)
	}
	return text{pattern: b.String()}
}

// resolve replaces the variables of a text by the request's values. It returns no when a variable has no value: such a
// text equals nothing and matches no resource. It returns unknown for a key with several values, which cannot be a
// variable, and for a role's ARN without its path.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value
func (t text) resolve(c *requestContext) (string, truth) {
	if t.parts == nil {
		return t.pattern, yes
	}
	var b strings.Builder
	for _, p := range t.parts {
		values := c.values(p.variable)
		switch {
		case p.variable == "":
			b.WriteString(p.literal)
		case len(values) > 1, p.variable == principalARN && c.guessed && c.caller.reserved:
			return "", unknown
		case len(values) == 1:
			b.WriteString(strings.ToValidUTF8(values[0], "\uFFFD"))
		case p.hasDefault:
			b.WriteString(p.fallback)
		default:
			return "", no
		}
	}
	return b.String(), yes
}
