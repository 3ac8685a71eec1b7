package iampolicy

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The canonical form keeps the meaning of a document and drops its spelling:
//
//	dropped                                             reason
//	white space, order of elements, of statements       evaluation does not depend on order
//	and in lists, repeated list members and statements
//	list with one member, or the member alone           S3 rewrites the list to the member (docs/facts.md, S3)
//	Sid "" or none, Id "" or none                       S3 adds Sid "" (docs/facts.md, S3)
//	Version 2008-10-17 or none                          it is the default, and S3 adds it (docs/facts.md, S3)
//	{"AWS": "*"} or "*"                                 S3 rewrites one to the other (docs/facts.md, S3)
//	account id or ARN of the account's root user        services convert one to the other
//	case of actions and of condition keys               AWS ignores it
//	10 or "10", true, "true" or "True" for Bool, Null   quotation marks are optional
//	Condition {}                                        it has no effect
//
// It keeps a statement's Sid and the document's Id: they have no effect on access, but only a person changes them, and the
// desired document is the one in the template. It distinguishes version 2012-10-17 from 2008-10-17 even in a document
// without variables: AWS mentions variables only as an example of the difference, and S3 never converts between the
// versions. It also keeps list members that the wildcard of another member covers.

func (p *Policy) canonicalForm() string {
	statements := make([]string, len(p.statements))
	for i, s := range p.statements {
		statements[i] = s.canonical
	}
	fields := []string{`"Version":` + quote(p.version)}
	if p.id != "" {
		fields = append(fields, `"Id":`+quote(p.id))
	}
	fields = append(fields, `"Statement":[`+strings.Join(sortedSet(statements), ",")+`]`)
	return braces(fields)
}

// canonicalForm also sets s.meaning, the canonical form without the Sid.
func (s *statement) canonicalForm() string {
	var fields []string
	add := func(name string, negated bool, value string) {
		if negated {
			name = "Not" + name
		}
		fields = append(fields, quote(name)+":"+value)
	}
	effect := "Deny"
	if s.allow {
		effect = "Allow"
	}
	add("Effect", false, quote(effect))
	if s.principal != nil {
		add("Principal", s.notPrincipal, s.principal.canonicalForm())
	}
	actions := make([]string, len(s.actions))
	for i, a := range s.actions {
		actions[i] = spellAction(a)
	}
	add("Action", s.notAction, canonicalList(actions))
	resources := make([]string, len(s.resources))
	for i := range s.resources {
		resources[i] = s.resources[i].source
	}
	add("Resource", s.notResource, canonicalList(resources))
	if len(s.conditions) > 0 {
		add("Condition", false, canonicalConditions(s.conditions))
	}
	s.meaning = braces(fields)
	if s.sid == "" {
		return s.meaning
	}
	return braces(append([]string{`"Sid":` + quote(s.sid)}, fields...))
}

func (p *principals) canonicalForm() string {
	if p.everyone {
		return `"*"`
	}
	var fields []string
	for _, t := range []struct {
		name  string
		names []string
	}{{"AWS", p.aws}, {"CanonicalUser", p.canonicalUser}, {"Federated", p.federated}, {"Service", p.service}} {
		if len(t.names) > 0 {
			fields = append(fields, quote(t.name)+":"+canonicalList(t.names))
		}
	}
	return braces(fields)
}

// canonicalConditions groups conditions by operator; operators and keys are sorted.
func canonicalConditions(conditions []condition) string {
	sorted := slices.SortedFunc(slices.Values(conditions), func(a, b condition) int {
		if n := strings.Compare(a.name, b.name); n != 0 {
			return n
		}
		return strings.Compare(a.key, b.key)
	})
	var blocks, keys []string
	for i, c := range sorted {
		keys = append(keys, quote(spellKey(c.key))+":"+canonicalList(c.values))
		if i+1 == len(sorted) || sorted[i+1].name != c.name {
			blocks = append(blocks, quote(c.name)+":"+braces(keys))
			keys = nil
		}
	}
	return braces(blocks)
}

// canonicalList writes a list, or a single member without brackets. The list is already a sorted set.
func canonicalList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func braces(fields []string) string { return "{" + strings.Join(fields, ",") + "}" }

var documentWildcards = strings.NewReplacer(string([]byte{anyText}), "*", string([]byte{anyChar}), "?")

// spellAction returns an action, or its part before the first wildcard, in AWS's spelling, for messages: "s3:getobject"
// becomes "s3:GetObject", "s3:get*" becomes "s3:Get*". Names that S3 does not have stay in lower case.
func spellAction(pattern string) string {
	if name := spelled(bucketActions, pattern); name != "" {
		return name
	}
	literal := strings.IndexFunc(pattern, func(r rune) bool { return r == utf8.RuneError })
	for _, name := range bucketActions {
		if 0 < literal && literal <= len(name) && strings.EqualFold(name[:literal], pattern[:literal]) {
			return name[:literal] + documentWildcards.Replace(pattern[literal:])
		}
	}
	return documentWildcards.Replace(pattern)
}
