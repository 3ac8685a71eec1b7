package iampolicy

// examination asks one policy about many requests. What its statements cover is found once for each target, and whom
// they are about once for each scene. Targets that the same statements cover have the same shape: within one scene
// they get the same ruling.
type examination struct {
	policy *Policy // without statements when there is none
	// variable is true when what some statement covers depends on the request's context.
	variable bool
	acts     []act // those in which nothing was allowed

	actions, resources map[string][]truth // which statements are about an action, about a resource
	targets            []shapedTarget     // by target.id
	shapes             map[string]int     // by their rows, as text
	rows               [][]truth          // by shape: which statements cover its targets
	current            hearing
}

type shapedTarget struct {
	target *target
	shape  int
}

func newExamination(p *Policy) *examination {
	e := &examination{policy: p, actions: map[string][]truth{}, resources: map[string][]truth{}, shapes: map[string]int{}}
	for _, s := range p.statements {
		e.variable = e.variable || s.variable
	}
	return e
}

// aboutAction tells for each statement whether it is about an action.
func (e *examination) aboutAction(action string) []truth {
	row, found := e.actions[action]
	if !found {
		for _, s := range e.policy.statements {
			row = append(row, known(s.coversAction(action)))
		}
		e.actions[action] = row
	}
	return row
}

// aboutResource tells for each statement whether it is about a resource. Those of which this depends on the context
// count as being so.
func (e *examination) aboutResource(resource string) []truth {
	row, found := e.resources[resource]
	if !found {
		c := requestContext{resource: resource}
		for _, s := range e.policy.statements {
			if s.variable {
				row = append(row, yes)
			} else {
				row = append(row, s.coversResource(&c))
			}
		}
		e.resources[resource] = row
	}
	return row
}

// shape is the number of a target's shape. It is worked out again only where two targets have the same id, because
// the probes come from several sets.
func (e *examination) shape(t *target) int {
	for len(e.targets) <= t.id {
		e.targets = append(e.targets, shapedTarget{})
	}
	if e.targets[t.id].target != t {
		e.targets[t.id] = shapedTarget{t, e.newShape(t)}
	}
	return e.targets[t.id].shape
}

func (e *examination) newShape(t *target) int {
	resources := e.aboutResource(t.resource)
	row := make([]truth, len(resources))
	text := make([]byte, len(resources), len(resources)+len(t.resource)+1)
	for i, action := range e.aboutAction(t.lowerAction) {
		row[i] = min(action, resources[i])
		text[i] = byte(row[i])
	}
	if isAboutPolicy(t.lowerAction) {
		text = append(text, 'p') // see ownerKeepsPolicy
	}
	if e.variable {
		text = append(text, t.resource...)
	}
	n, found := e.shapes[string(text)]
	if !found {
		n = len(e.rows)
		e.rows = append(e.rows, row)
		e.shapes[string(text)] = n
	}
	return n
}

// application is a statement that applies to a caller in its circumstances.
type application struct {
	statement *statement
	truth     truth
	grant     grant
}

// applying lists the statements that are, or may be, about a context, whatever the target.
func (e *examination) applying(c *requestContext) []application {
	var list []application
	for _, s := range e.policy.statements {
		if t, how := s.appliesTo(c); t != no {
			list = append(list, application{s, t, how})
		}
	}
	return list
}

// act is the probes of one scene.
type act struct {
	scene      *scene
	probes     []Probe
	ofEndpoint bool
	applying   []application
}

// nextAct takes the first probes that have a scene in common.
func (e *examination) nextAct(probes []Probe) (act, error) {
	n := 1
	first := probes[0]
	if first.scene == nil {
		made, err := first.completed()
		if err != nil {
			return act{}, err
		}
		first, probes = *made, []Probe{*made}
	}
	for n < len(probes) && probes[n].scene == first.scene && probes[n].OfEndpoint == first.OfEndpoint {
		n++
	}
	return act{first.scene, probes[:n], first.OfEndpoint, e.applying(first.scene.context)}, nil
}

// firstAllowed describes the first probe that is not denied; "" when all are.
func (e *examination) firstAllowed(probes []Probe) string {
	for len(probes) > 0 {
		a, err := e.nextAct(probes)
		if err != nil {
			return probes[0].Name + " cannot be judged: " + err.Error()
		}
		h := e.hear(a.scene.context, a.applying, a.ofEndpoint)
		for i := range a.probes {
			if r := h.rule(a.probes[i].target); r.effect != Deny {
				return a.probes[i].Name + describe(r, a.probes[i].Request.Action)
			}
		}
		e.acts = append(e.acts, a)
		probes = probes[len(a.probes):]
	}
	return ""
}

// hearing is one context, the statements that are about it, and the rulings so far.
type hearing struct {
	*examination
	context    requestContext
	applying   []application
	ofEndpoint bool
	rulings    []ruling // by shape; without an effect where nobody asked yet
}

// hear begins a hearing, and ends the one before.
func (e *examination) hear(c *requestContext, applying []application, ofEndpoint bool) *hearing {
	clear(e.current.rulings)
	e.current = hearing{e, *c, applying, ofEndpoint, e.current.rulings}
	return &e.current
}

// rule decides the request for a target.
func (h *hearing) rule(t *target) ruling {
	shape := h.shape(t)
	for len(h.rulings) <= shape {
		h.rulings = append(h.rulings, ruling{})
	}
	if h.rulings[shape].effect == "" {
		h.context.aim(t)
		h.rulings[shape] = h.decide(h.rows[shape])
	}
	return h.rulings[shape]
}

// decide decides one request. Everything but the examined policy is assumed to allow it.
func (h *hearing) decide(row []truth) ruling {
	c := &h.context
	var sum tally
	for i := range h.applying {
		a := &h.applying[i]
		covers := row[a.statement.index-1]
		if a.statement.variable {
			covers = min(covers, a.statement.coversResource(c))
		}
		sum.add(a.statement, min(covers, a.truth), a.grant)
		if sum.denied == yes && (h.ofEndpoint || !ownerKeepsPolicy(c)) {
			return ruling{effect: Deny} // the usual case; nobody asks by what
		}
	}
	none := len(h.policy.statements) == 0
	granted := sum.allowed != no || sum.entrusted != no
	if !granted && (c.caller.account != c.resourceAccount || h.ofEndpoint && !none) {
		return ruling{effect: Deny} // nobody else can grant it
	}
	worst := tally{allowed: yes}
	v := votes{endpoint: worst, resource: sum}
	if c.caller.hasIdentity() {
		v.identity = worst
	}
	if h.ofEndpoint {
		v.resource, v.endpoint = worst, sum
		if none {
			v.endpoint = worst // an endpoint without a policy lets everything through
		}
	}
	r := v.decide(c)
	if h.ofEndpoint && r.effect == Allow {
		r.where, r.by = inEndpoint, v.endpoint.grantor()
	}
	return r
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
