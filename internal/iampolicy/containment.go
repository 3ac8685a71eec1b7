package iampolicy

import (
	"iter"
	"slices"
	"strings"
)

// This file compares text: one statement contains another if that follows from the text of both. A false result may be
// wrong; a true result never is.

// portion is the part of a statement for one action and one resource. If the statement uses NotAction, NotResource or a
// resource with a variable, the portion is wider than the statement.
type portion struct {
	of               *statement
	action, resource string // compiled patterns
}

// The widest meaning of NotAction. In a Deny only S3's actions count, because no other service accesses the bucket.
var (
	everyAction   = compileWildcards("*")
	everyS3Action = compileWildcards("s3:*")
)

// portions lists the portions of a statement.
func (s *statement) portions() iter.Seq[portion] {
	actions, resources := s.actions, make([]string, len(s.resources))
	for i := range s.resources {
		resources[i] = s.resources[i].widest()
	}
	switch {
	case s.notAction && s.allow:
		actions = []string{everyAction}
	case s.notAction:
		actions = []string{everyS3Action}
	}
	if s.notResource {
		resources = []string{compileWildcards("*")}
	}
	return func(yield func(portion) bool) {
		for _, action := range actions {
			for _, resource := range resources {
				if !yield(portion{s, action, resource}) {
					return
				}
			}
		}
	}
}

// String returns the portion for messages, e.g. "s3:GetObject on arn:aws:s3:::docs/*".
func (p portion) String() string {
	return spellAction(p.action) + " on " + documentWildcards.Replace(p.resource)
}

// widest returns a pattern that matches all values of a text: a variable may have any value.
func (t *text) widest() string {
	if t.parts == nil {
		return t.pattern
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.variable != "" {
			b.WriteByte(anyText)
		}
		b.WriteString(p.literal)
	}
	return b.String()
}

// contains reports whether a statement covers all of a portion of another one. It ignores principals and conditions.
func (s *statement) contains(p portion) bool {
	return s.containsAction(p) && s.containsResource(p)
}

func (s *statement) containsAction(p portion) bool {
	if s.notAction {
		return p.of.notAction && !slices.ContainsFunc(s.actions, func(a string) bool { return !matchesAny(p.of.actions, a) })
	}
	return matchesAny(s.actions, p.action)
}

func (s *statement) containsResource(p portion) bool {
	if s.variable || s.notResource && p.of.variable {
		return false
	}
	if s.notResource {
		return p.of.notResource && !slices.ContainsFunc(s.resources, func(r text) bool { return !p.of.hasResource(r.pattern) })
	}
	return s.hasResource(p.resource)
}

// hasResource reports whether one of the resources in Resource or NotResource certainly covers all that a pattern may
// match.
func (s *statement) hasResource(pattern string) bool {
	return slices.ContainsFunc(s.resources, func(r text) bool { return r.parts == nil && !r.doubtful && glob(r.pattern, pattern) })
}

// matchesAny reports whether one of the patterns matches all that another pattern matches.
func matchesAny(patterns []string, pattern string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return glob(p, pattern) })
}

// isWithin reports whether an Allow allows nothing that another Allow does not. It ignores actions.
func (s *statement) isWithin(other *statement) bool {
	if s.notResource || other.notResource || s.variable || other.variable || !other.reachesAllOf(s) {
		return false
	}
	for _, r := range s.resources {
		if !other.hasResource(r.pattern) {
			return false
		}
	}
	return other.extraCondition(s) == nil
}

// actsWithin reports whether another statement covers all actions of a statement.
func (s *statement) actsWithin(other *statement) bool {
	for p := range s.portions() {
		if !other.containsAction(p) {
			return false
		}
	}
	return true
}

// reachesAllOf reports whether a statement covers all principals of another.
func (s *statement) reachesAllOf(other *statement) bool {
	return s.isAboutEveryone() ||
		s.notPrincipal == other.notPrincipal && s.principal.canonicalForm() == other.principal.canonicalForm()
}

func (s *statement) isAboutEveryone() bool { return !s.notPrincipal && s.principal.includesEveryone() }

// extraCondition returns a condition of a statement that may be false when all conditions of another statement are true. It
// returns nil when there is none: then the statement applies whenever the other does.
func (s *statement) extraCondition(other *statement) *condition {
	for i := range s.conditions {
		follows := slices.ContainsFunc(other.conditions, func(c condition) bool { return c.implies(&s.conditions[i]) })
		if !follows {
			return &s.conditions[i]
		}
	}
	return nil
}

// implies reports whether another condition is true whenever this one is: the same comparison of the same key, with the
// same values or more (fewer, if it is negated), and not stricter about a missing key. It does not compare values that
// contain "${": their meaning depends on the document and on the request.
func (c *condition) implies(other *condition) bool {
	if c.key != other.key || c.base != other.base || !c.qualifies(other) {
		return false
	}
	if c.holdsWithout() && !other.holdsWithout() {
		return false
	}
	fewer, more := c.values, other.values
	if c.negated {
		fewer, more = more, fewer
	}
	return !slices.ContainsFunc(c.values, hasVariable) && isSubset(fewer, more)
}

// qualifies reports whether another condition's set operator requires no more than this one's. For a key with one value,
// ForAnyValue requires that it is present and matches, no set operator that it matches, and ForAllValues that it matches
// if it is present and not empty.
func (c *condition) qualifies(other *condition) bool {
	switch {
	case c.qualifier == other.qualifier:
		return c.qualifier == single || c.ifExists == other.ifExists
	case !hasOneValue(c.key):
		return false
	}
	return c.qualifier == single && other.qualifier == allValue ||
		c.qualifier == anyValue && !c.ifExists && other.qualifier == single
}

func hasVariable(value string) bool { return strings.Contains(value, "${") }

// isSubset reports whether set contains all members of of. Both are sorted.
func isSubset(of, set []string) bool {
	for _, v := range of {
		if _, found := slices.BinarySearch(set, v); !found {
			return false
		}
	}
	return true
}
