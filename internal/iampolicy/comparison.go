package iampolicy

import (
	"fmt"
	"slices"
)

// maxPortions is how many portions of one live Allow are looked at, so that a document cannot keep the judge busy.
const maxPortions = 4096

// comparison holds a live policy against the desired one.
type comparison struct {
	desired, live *Policy
	probes        []Probe
	// outsiders are the contexts of those whom the document must keep out: for a bucket's, callers from outside the
	// owning account, for an Allow gives nobody else more than IAM can; for an endpoint's, everybody.
	outsiders []*requestContext
	// insensitive tells of desired Allows whether every probe would stay denied if they allowed every action.
	insensitive map[*statement]bool
}

// objection says why the live document may let something through that the desired one stops; "" when it certainly
// does not.
func (c *comparison) objection() string {
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
	if name, how := newExamination(c.desired).firstAllowed(c.probes, unknown); name != "" {
		return "by the desired document, too, " + name + how
	}
	return ""
}

// whyLost says which part of a desired Deny the live document does not deny for certain; "" when it keeps all of it,
// or it is no Deny.
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

// hasTwin tells whether a policy has a statement that differs from one of the other policy in nothing but its Sid.
func (c *comparison) hasTwin(in *Policy, s *statement) bool {
	if c.desired.version != c.live.version {
		return false // variables are variables in one of them only
	}
	for _, other := range in.statements {
		if other.meaning == s.meaning {
			return true
		}
	}
	return false
}

// denies tells whether some Deny covers all of a portion of another statement, whoever asks and under no condition that
// the other does not have as well.
func (p *Policy) denies(all portion) bool {
	return slices.ContainsFunc(p.statements, func(s *statement) bool { return s.denies(all) })
}

func (s *statement) denies(p portion) bool {
	return !s.allow && s.contains(p) && s.reachesAllOf(p.of) && s.extraCondition(p.of) == nil
}

// whyNotDenied explains that denies is false, by the changed live statement that comes closest.
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

// shortfall says why a Deny does not cover a portion for certain.
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

// whyUnforeseen says what a live Allow allows that no desired Allow does and that is not denied to everybody anyway;
// "" when there is no such thing, or it is no Allow.
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

// onlyDelegates tells whether an Allow of a bucket's policy names nobody but the account that owns the bucket: it leaves the
// decision to that account's identity policies, which need no such Allow, and its root user needs none either.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
func (c *comparison) onlyDelegates(a *statement) bool {
	if len(c.probes) == 0 || c.probes[0].OfEndpoint || a.notPrincipal || !a.principal.areOnlyAWS() {
		return false
	}
	owner := c.probes[0].Request
	root := "arn:" + partitionOf(owner.Resource) + ":iam::" + owner.ResourceAccount + ":root"
	return !slices.ContainsFunc(a.principal.aws, func(name string) bool { return name != owner.ResourceAccount && name != root })
}

// wouldBeForeseenWith finds the condition that a portion of a live Allow lacks to be no wider than a desired Allow; nil
// when a condition alone would not do.
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

// isInsensitive tells whether a desired Allow could allow every action and every probe would still be denied: its
// conditions and resources alone keep out whoever must be kept out.
func (c *comparison) isInsensitive(d *statement) bool {
	if answer, known := c.insensitive[d]; known {
		return answer
	}
	wide := *d
	wide.index, wide.notAction, wide.actions = 1, false, []string{compileWildcards("*")}
	name, _ := newExamination(&Policy{version: c.desired.version, statements: []*statement{&wide}}).firstAllowed(c.probes, unknown)
	if c.insensitive == nil {
		c.insensitive = map[*statement]bool{}
	}
	c.insensitive[d] = name == ""
	return name == ""
}

// deniesAnyway tells whether part of a live Allow is denied to everybody but those whom the desired document means to
// let in: by a live Deny without conditions, or by a desired Deny (all of them are kept) that applies to every
// outsider at every door.
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

// shutsOutsidersOut tells whether a Deny applies to every outsider. A condition on a key that none of them has here, as
// those have that AWS's services add to calls in somebody's name, may fail for an outsider who has it.
func (c *comparison) shutsOutsidersOut(d *statement) bool {
	if c.outsiders == nil {
		c.outsiders = outsidersOf(c.probes)
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

// isTried tells whether some outsider has a value of a condition key.
func (c *comparison) isTried(key string) bool {
	return slices.ContainsFunc(c.outsiders, func(at *requestContext) bool { return len(at.values(key)) > 0 })
}

func outsidersOf(probes []Probe) []*requestContext {
	all := []*requestContext{}
	var last *scene
	for i := range probes {
		sc := probes[i].scene
		if sc == nil || sc == last {
			continue // probes of others name no outsiders
		}
		if last = sc; probes[i].OfEndpoint || sc.context.caller.account != sc.context.resourceAccount {
			all = append(all, sc.context)
		}
	}
	return all
}

// example is an alarm's text: a probe that the live document allows as it stands, and by what; where there is none, the
// objection itself.
func (c *comparison) example(why string) string {
	if name, how := newExamination(c.live).firstAllowed(c.probes, yes); name != "" {
		return name + how
	}
	return "cannot be shown to be closed: " + why
}
