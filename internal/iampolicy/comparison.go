package iampolicy

import (
	"fmt"
	"slices"
	"strings"
)

// maxPortions is how many portions of one live Allow are checked. It limits the time that a document can take.
const maxPortions = 4096

// comparison compares a live policy with the desired one.
type comparison struct {
	desired, live *Policy
	// requests returns the forbidden requests. It is called only if a statement cannot be judged without them.
	requests func() []ForbiddenRequest
	// outsiders are the contexts of the callers to which the document must deny access. For a bucket: callers from outside
	// the owning account, because an Allow gives other callers no more than IAM can. For an endpoint: all callers.
	outsiders []*requestContext
	// insensitive records for desired Allows whether all forbidden requests would stay denied if they allowed all actions.
	insensitive map[*statement]bool
}

// forbidden returns the forbidden requests, if there are any.
func (c *comparison) forbidden() []ForbiddenRequest {
	if c.requests == nil {
		return nil
	}
	return c.requests()
}

// objection returns the reason why the live document may allow more than the desired one; "" when it certainly does not.
func (c *comparison) objection() string {
	if why := c.widening(); why != "" {
		return why
	}
	if name, how := newExamination(c.desired).firstAllowed(c.forbidden(), unknown); name != "" {
		return "by the desired document, too, " + name + how
	}
	return ""
}

// widening describes what the live document allows, or does not deny, in contrast to the desired one; "" when there is nothing.
func (c *comparison) widening() string {
	if len(c.live.statements) == 0 {
		return "there is no policy"
	}
	for _, d := range c.desired.statements {
		if why := c.whyLost(d); why != "" {
			return why
		}
	}
	for _, a := range c.live.statements {
		if why := c.whyUnforeseen(a); why != "" {
			return why
		}
	}
	return ""
}

// whyLost describes the part of a desired Deny that the live document does not certainly deny. It returns "" when the live
// document keeps all of it, or when d is not a Deny.
func (c *comparison) whyLost(d *statement) string {
	if d.allow || c.hasTwin(c.live, d) {
		return ""
	}
	for p := range d.portions() {
		if !c.live.denies(p) {
			return c.whyNotDenied(p)
		}
	}
	return ""
}

// hasTwin reports whether a policy contains a statement that is equal to s except for its Sid.
func (c *comparison) hasTwin(in *Policy, s *statement) bool {
	if c.desired.version != c.live.version {
		return false // only one of the versions has policy variables
	}
	for _, other := range in.statements {
		if other.meaning == s.meaning {
			return true
		}
	}
	return false
}

// denies reports whether a Deny covers all of a portion of another statement: for all its principals, and without a
// condition that the other statement does not have.
func (p *Policy) denies(all portion) bool {
	return slices.ContainsFunc(p.statements, func(s *statement) bool { return s.denies(all) })
}

func (s *statement) denies(p portion) bool {
	return !s.allow && s.contains(p) && s.reachesAllOf(p.of) && s.extraCondition(p.of) == nil
}

// whyNotDenied explains why denies is false, with the changed live statement that is closest to the desired one.
func (c *comparison) whyNotDenied(p portion) string {
	why := "nothing else denies it"
	for _, s := range c.live.statements {
		if s.allow || c.hasTwin(c.desired, s) {
			continue
		}
		if named := s.sid != "" && s.sid == p.of.sid; named || s.contains(p) {
			why = s.shortfall(p)
			if named {
				break
			}
		}
	}
	return fmt.Sprintf("%s does not hold for %s: %s", p.of.title(), p, why)
}

// shortfall explains why a Deny does not certainly cover a portion.
func (s *statement) shortfall(p portion) string {
	extra := s.extraCondition(p.of)
	switch {
	case !s.contains(p):
		return s.title() + " leaves some of it out"
	case !s.reachesAllOf(p.of):
		return s.title() + " is not about everybody"
	case extra != nil:
		return s.title() + " depends on " + extra.String()
	}
	return s.title() + " covers it"
}

// whyUnforeseen describes what a live Allow allows that no desired Allow allows and that is not denied to everyone. It
// returns "" when there is nothing, or when a is not an Allow.
func (c *comparison) whyUnforeseen(a *statement) string {
	if !a.allow || c.hasTwin(c.desired, a) || c.onlyDelegates(a) {
		return ""
	}
	for _, d := range c.desired.statements {
		if d.allow && a.isWithin(d) && (a.actsWithin(d) || c.isInsensitive(d)) {
			return ""
		}
	}
	if len(a.actions)*len(a.resources) > maxPortions {
		return a.title() + " allows too many things to look at"
	}
	why := ""
	for p := range a.portions() {
		if c.deniesAnyway(p) {
			continue
		}
		missing := c.wouldBeForeseenWith(p)
		if missing == nil {
			return fmt.Sprintf("%s allows %s, which the desired document does not", a.title(), p)
		}
		if why == "" {
			why = fmt.Sprintf("%s allows %s without %s", a.title(), p, missing)
		}
	}
	return why
}

// onlyDelegates reports whether an Allow of a bucket's policy names only the account that owns the bucket. It then leaves
// the decision to that account's identity policies, which do not need this Allow; nor does the account's root user.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
func (c *comparison) onlyDelegates(a *statement) bool {
	isOther := func(name string) bool { return !IsAccountID(name) && !strings.HasSuffix(name, ":root") }
	if a.notPrincipal || !a.principal.areOnlyAWS() || slices.ContainsFunc(a.principal.aws, isOther) {
		return false
	}
	forbidden := c.forbidden()
	if len(forbidden) == 0 || forbidden[0].OfEndpoint() {
		return false
	}
	owner := forbidden[0].Request()
	root := IAMARN(partitionOf(owner.Resource), owner.ResourceAccount, "root")
	return !slices.ContainsFunc(a.principal.aws, func(name string) bool { return name != owner.ResourceAccount && name != root })
}

// wouldBeForeseenWith returns the condition without which a portion of a live Allow is wider than a desired Allow; nil
// when a condition alone is not enough.
func (c *comparison) wouldBeForeseenWith(p portion) *condition {
	for _, d := range c.desired.statements {
		if d.allow && d.contains(p) {
			if missing := d.extraCondition(p.of); missing != nil {
				return missing
			}
		}
	}
	return nil
}

// isInsensitive reports whether all forbidden requests would still be denied if a desired Allow allowed all actions, that is, whether
// its conditions and resources alone are sufficient.
func (c *comparison) isInsensitive(d *statement) bool {
	if answer, known := c.insensitive[d]; known {
		return answer
	}
	wide := *d
	wide.index, wide.notAction, wide.actions = 1, false, []string{compileWildcards("*")}
	name, _ := newExamination(&Policy{version: c.desired.version, statements: []*statement{&wide}}).firstAllowed(c.forbidden(), unknown)
	if c.insensitive == nil {
		c.insensitive = map[*statement]bool{}
	}
	c.insensitive[d] = name == ""
	return name == ""
}

// deniesAnyway reports whether a portion of a live Allow is denied to all callers except those that the desired document
// allows: by a live Deny without conditions, or by a desired Deny (all of them are kept) that applies to all outsiders on
// all network paths.
func (c *comparison) deniesAnyway(p portion) bool {
	for _, s := range c.live.statements {
		if !s.allow && len(s.conditions) == 0 && s.isAboutEveryone() && s.contains(p) {
			return true
		}
	}
	for _, d := range c.desired.statements {
		if !d.allow && d.contains(p) && c.shutsOutsidersOut(d) {
			return true
		}
	}
	return false
}

// shutsOutsidersOut reports whether a Deny applies to all outsiders. It returns false for a condition on a key that none of
// them has here: a real outsider may have it, for example when an AWS service calls on a principal's behalf.
func (c *comparison) shutsOutsidersOut(d *statement) bool {
	if c.outsiders == nil {
		c.outsiders = outsidersOf(c.forbidden())
	}
	if slices.ContainsFunc(d.conditions, func(x condition) bool { return !c.isTried(x.key) }) {
		return false
	}
	for _, at := range c.outsiders {
		if applies, _ := d.appliesTo(at); applies != yes {
			return false
		}
	}
	return len(c.outsiders) > 0
}

// isTried reports whether an outsider has a value of a condition key.
func (c *comparison) isTried(key string) bool {
	return slices.ContainsFunc(c.outsiders, func(at *requestContext) bool { return len(at.values(key)) > 0 })
}

func outsidersOf(forbidden []ForbiddenRequest) []*requestContext {
	all := []*requestContext{}
	var last *scene
	for i := range forbidden {
		sc := forbidden[i].scene
		if sc.context == nil || sc == last {
			continue // those of Forbid define no outsiders
		}
		if last = sc; sc.ofEndpoint || sc.context.caller.account != sc.context.resourceAccount {
			all = append(all, sc.context)
		}
	}
	return all
}

// example returns an alarm's text: a forbidden request that the live document allows, and the statement that allows it. If there is
// none, it returns the objection.
func (c *comparison) example(why string) string {
	if name, how := newExamination(c.live).firstAllowed(c.forbidden(), yes); name != "" {
		return name + how
	}
	return "cannot be shown to be closed: " + why
}
