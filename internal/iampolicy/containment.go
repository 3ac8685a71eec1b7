package iampolicy

import (
	"iter"
	"slices"
	"strings"
)

// What is compared here is text: one statement contains another where that follows from how both are written. It may
// be true where this says no; it is never false where this says yes.

// portion is what a statement says about one of its actions and one of its resources. Where the statement leaves
// something out instead of naming it, or names a resource by a variable, the portion is wider than the statement.
type portion struct {
	of               *statement
	action, resource string // compiled patterns
}

// What NotAction covers at most. In a Deny only S3's actions count: no other service has to be kept from a bucket.
var (
	everyAction   = compileWildcards("*")
	everyS3Action = compileWildcards("s3:*")
)

// portions lists what a statement is about.
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

// String is the portion for people, e.g. "s3:GetObject on arn:aws:s3:::docs/*".
func (p portion) String() string {
	return spellAction(p.action) + " on " + documentWildcards.Replace(p.resource)
}

// widest is a pattern that matches whatever a text may come to mean: a variable may have any value.
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

// contains tells whether a statement is about all of a portion of another one, principals and conditions aside.
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

// hasResource tells whether one of the resources that a statement names (or leaves out) certainly has all that a pattern may
// match.
func (s *statement) hasResource(pattern string) bool {
	return slices.ContainsFunc(s.resources, func(r text) bool { return r.parts == nil && !r.doubtful && glob(r.pattern, pattern) })
}

// matchesAny tells whether one of the patterns matches everything that another pattern matches.
func matchesAny(patterns []string, pattern string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return glob(p, pattern) })
}

// isWithin tells whether an Allow allows nothing that another does not allow as well, actions aside.
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

// actsWithin tells whether a statement is about no action that another is not about as well.
func (s *statement) actsWithin(other *statement) bool {
	for p := range s.portions() {
		if !other.containsAction(p) {
			return false
		}
	}
	return true
}

// reachesAllOf tells whether a statement is about everybody whom another is about.
func (s *statement) reachesAllOf(other *statement) bool {
	return s.isAboutEveryone() ||
		s.notPrincipal == other.notPrincipal && s.principal.canonicalForm() == other.principal.canonicalForm()
}

func (s *statement) isAboutEveryone() bool { return !s.notPrincipal && s.principal.includesEveryone() }

// extraCondition finds a condition of a statement that may fail where all conditions of another hold; nil when there
// is none, so that the statement applies wherever the other does.
func (s *statement) extraCondition(other *statement) *condition {
	for i := range s.conditions {
		follows := slices.ContainsFunc(other.conditions, func(c condition) bool { return c.implies(&s.conditions[i]) })
		if !follows {
			return &s.conditions[i]
		}
	}
	return nil
}

// implies tells whether another condition holds wherever this one does: the same comparison of the same key, with
// the same values or more of them (fewer, where it is negated), and no stricter about a missing key. Values with "${"
// are never compared: what they mean depends on the document and on the request.
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

// qualifies tells whether another condition's set operator asks no more than this one's. Where a key has one value,
// ForAnyValue asks that it is there and matches, no set operator that it matches, and ForAllValues that it matches if it is
// there and not empty.
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

// isSubset compares sorted sets.
func isSubset(of, set []string) bool {
	for _, v := range of {
		if _, found := slices.BinarySearch(set, v); !found {
			return false
		}
	}
	return true
}
