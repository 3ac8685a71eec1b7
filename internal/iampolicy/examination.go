package iampolicy

// examination evaluates one policy for many requests. It determines which statements cover a target once per target, and
// which statements apply to a caller once per scene.
type examination struct {
	policy   *Policy    // without statements when there is none
	coverage []coverage // by target.id
}

// coverage records for each statement whether it covers a target.
type coverage struct {
	target *target
	row    []truth
}

func newExamination(p *Policy) *examination {
	return &examination{policy: p}
}

// application is a statement that applies to a caller in the context of its request.
type application struct {
	statement *statement
	truth     truth
	grant     grant
}

// applying lists the statements that apply, or may apply, to a context, independent of the target.
func (e *examination) applying(c *requestContext, list []application) []application {
	list = list[:0]
	for _, s := range e.policy.statements {
		if t, how := s.appliesTo(c); t != no {
			list = append(list, application{s, t, how})
		}
	}
	return list
}

// covered returns the coverage of the context's target. It recalculates it only when two targets have the same id, because
// the forbidden requests come from several sets.
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

// rule decides one request. It assumes that all other documents allow it.
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
			return ruling{effect: Deny} // the usual case; no caller needs the statement
		}
	}
	granted := sum.allowed != no || sum.entrusted != no
	decisive := c.caller.account != c.resourceAccount // only this document can grant it
	if ofEndpoint {
		decisive = len(e.policy.statements) > 0
	}
	if !granted && decisive {
		return ruling{effect: Deny}
	}
	worst := tally{allowed: yes}
	v := votes{endpoint: worst, resource: sum}
	if c.caller.hasIdentity() {
		v.identity = worst
	}
	if ofEndpoint {
		v.resource, v.endpoint = worst, sum
		if len(e.policy.statements) == 0 {
			v.endpoint = worst // an endpoint without a policy allows everything
		}
	}
	r := v.decide(c)
	if ofEndpoint && r.effect == Allow {
		r.where, r.by = inEndpoint, v.endpoint.grantor()
	}
	return r
}

// each rules on all forbidden requests in their order, until f returns false. err is set when a request cannot be judged.
func (e *examination) each(forbidden []ForbiddenRequest, f func(i int, r ruling, c *requestContext, err error) bool) {
	var current *scene
	var applying []application
	var c requestContext
	for i := range forbidden {
		p := &forbidden[i]
		if p.scene != current {
			context, err := p.scene.context, error(nil)
			if context == nil {
				context, err = p.scene.newContext(p.target)
			}
			if err != nil {
				if !f(i, ruling{effect: Undecided}, nil, err) {
					return
				}
				continue
			}
			current, c = p.scene, *context
			applying = e.applying(&c, applying)
		}
		c.aim(p.target)
		if !f(i, e.rule(&c, p.target, applying, p.scene.ofEndpoint), &c, nil) {
			return
		}
	}
}

// firstAllowed returns the name of the first forbidden request that is allowed with at least the given certainty, yes or unknown, and
// what allows it; "" when there is none.
func (e *examination) firstAllowed(forbidden []ForbiddenRequest, certainty truth) (name, how string) {
	e.each(forbidden, func(i int, r ruling, c *requestContext, err error) bool {
		switch {
		case r.allows() < certainty:
			return true
		case err != nil:
			how = " cannot be judged: " + err.Error()
		default:
			how = describe(r, c, forbidden[i].target.action)
		}
		name = forbidden[i].Name()
		return false
	})
	return name, how
}

// describe says what allowed a request that should have been denied.
func describe(r ruling, c *requestContext, action string) string {
	if r.effect == Undecided {
		return " cannot be judged (" + r.decision(c, action).By + ")"
	}
	if r.by == nil {
		return " is allowed (nothing denies it)"
	}
	return " is allowed (" + r.decision(c, action).By + ")"
}
