package iampolicy

import "bytes"

// Verdict is what comparing a live policy with the desired one comes to.
type Verdict string

// The verdicts, from harmless to worst.
const (
	// Same: the two documents mean the same; nothing needs to be written.
	Same Verdict = "same"
	// Closed: they differ, but every probe is still denied.
	Closed Verdict = "closed"
	// Open: some probe is allowed, or the live document cannot be judged.
	Open Verdict = "open"
)

// Judgement is the outcome of [Judge].
type Judgement struct {
	Verdict Verdict
	// Allowed names the probe that is allowed and by what, or why the document cannot be judged; "" unless Open.
	Allowed string
	// Diff lists the statements that differ, the desired ones as removed. It is empty when they are the same, and
	// when the live document cannot be read.
	Diff []Change
}

// Judge compares a live document with the desired one. An empty live document stands for no policy.
//
//	live            reads like desired    some probe is allowed    verdict
//	not a policy    -                     -                        open
//	a policy        yes                   -                        same
//	a policy        no                    yes, or undecided        open
//	a policy        no                    no                       closed
//
// The probes cannot know for whom an attacker makes an exception. So every probe is also tried with what the live
// document names and the desired one does not: its principals, its resources and the values of its conditions.
func Judge(desired, live []byte, probes []Probe) Judgement {
	want, err := Parse(desired)
	if err != nil {
		return Judgement{Verdict: Open, Allowed: "the desired document cannot be judged: " + err.Error()}
	}
	have := &Policy{version: want.version, id: want.id} // no policy: it says nothing at all
	if len(bytes.TrimSpace(live)) > 0 {
		if have, err = parseResourcePolicy(live); err != nil {
			return Judgement{Verdict: Open, Allowed: "the live document cannot be judged: " + err.Error()}
		}
	}
	if Equal(want, have) {
		return Judgement{Verdict: Same}
	}
	j := Judgement{Verdict: Closed, Diff: Diff(want, have)}
	e := newExamination(have)
	j.Allowed = e.firstAllowed(probes)
	if j.Allowed == "" {
		j.Allowed = e.firstException(novelties(want, have), probes)
	}
	if j.Allowed != "" {
		j.Verdict = Open
	}
	return j
}

// Allowed describes the first probe that a document does not deny, and what allows it; "" when it denies them all. A
// document that cannot be judged denies nothing.
func Allowed(document []byte, probes []Probe) string {
	p, err := parseResourcePolicy(document)
	if err != nil {
		return "the document cannot be judged: " + err.Error()
	}
	return newExamination(p).firstAllowed(probes)
}

func parseResourcePolicy(document []byte) (*Policy, error) {
	p, err := Parse(document)
	if err != nil {
		return nil, err
	}
	return p, p.checkPrincipals()
}

// examination asks one policy about many requests. What a statement covers is found once for each target, and whom
// it applies to once for each scene.
type examination struct {
	policy   *Policy    // without statements when there is none
	coverage []coverage // by target.id
}

// coverage tells for each statement whether it is about a target.
type coverage struct {
	target *target
	row    []truth
}

func newExamination(p *Policy) *examination {
	return &examination{policy: p}
}

// application is a statement that applies to a caller in its circumstances.
type application struct {
	statement *statement
	truth     truth
	grant     grant
}

// applying lists the statements that are, or may be, about a context, whatever the target.
func (e *examination) applying(c *requestContext, list []application) []application {
	list = list[:0]
	for _, s := range e.policy.statements {
		if t, how := s.appliesTo(c); t != no {
			list = append(list, application{s, t, how})
		}
	}
	return list
}

// covered finds the coverage of the target that a context is aimed at. It is worked out again only where two targets
// have the same id, because the probes come from several sets.
func (e *examination) covered(t *target, c *requestContext) []truth {
	for len(e.coverage) <= t.id {
		e.coverage = append(e.coverage, coverage{})
	}
	if e.coverage[t.id].target != t {
		row := make([]truth, len(e.policy.statements))
		for i, s := range e.policy.statements {
			row[i] = s.covers(c)
		}
		e.coverage[t.id] = coverage{t, row}
	}
	return e.coverage[t.id].row
}

// rule decides one request. Everything but the examined policy is assumed to allow it.
func (e *examination) rule(c *requestContext, t *target, applying []application, ofEndpoint bool) ruling {
	var sum tally
	row := e.covered(t, c)
	for i := range applying {
		a := &applying[i]
		covers := row[a.statement.index-1]
		if a.statement.variable {
			covers = a.statement.covers(c)
		}
		sum.add(a.statement, min(covers, a.truth), a.grant)
		if sum.denied == yes && (ofEndpoint || !ownerKeepsPolicy(c)) {
			return ruling{effect: Deny} // the usual case; nobody asks by what
		}
	}
	granted := sum.allowed != no || sum.entrusted != no
	if !granted && (c.caller.account != c.resourceAccount || ofEndpoint && len(e.policy.statements) > 0) {
		return ruling{effect: Deny} // nobody else can grant it
	}
	worst := tally{allowed: yes}
	v := votes{endpoint: worst, resource: sum}
	if c.caller.hasIdentity() {
		v.identity = worst
	}
	if ofEndpoint {
		v.resource, v.endpoint = worst, sum
		if len(e.policy.statements) == 0 {
			v.endpoint = worst // an endpoint without a policy lets everything through
		}
	}
	r := v.decide(c)
	if ofEndpoint && r.effect == Allow {
		r.where, r.by = inEndpoint, v.endpoint.grantor()
	}
	return r
}

// firstAllowed describes the first probe that is not denied; "" when all are.
func (e *examination) firstAllowed(probes []Probe) string {
	var current *scene
	var applying []application
	var c requestContext
	for i := range probes {
		p := &probes[i]
		if p.scene == nil {
			made, err := p.completed()
			if err != nil {
				return p.Name + " cannot be judged: " + err.Error()
			}
			p = made
		}
		if p.scene != current {
			current, c = p.scene, *p.scene.context
			applying = e.applying(&c, applying)
		}
		c.aim(p.target)
		if r := e.rule(&c, p.target, applying, p.OfEndpoint); r.effect != Deny {
			return p.Name + describe(r, p.Request.Action)
		}
	}
	return ""
}

// describe says what allowed a request that had to be denied.
func describe(r ruling, action string) string {
	if r.effect == Undecided {
		return " cannot be judged (" + r.decision(action).By + ")"
	}
	if r.by == nil {
		return " is allowed (nothing denies it)"
	}
	return " is allowed (" + r.decision(action).By + ")"
}
