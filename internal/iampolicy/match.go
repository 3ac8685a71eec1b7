package iampolicy

// covers reports whether a statement covers the action and the resource of a request.
func (s *statement) covers(c *requestContext) truth {
	if s.coversAction(c.action) == s.notAction {
		return no
	}
	t := s.coversResource(c)
	if s.notResource {
		return t.not()
	}
	return t
}

func (s *statement) coversAction(action string) bool {
	for _, pattern := range s.actions {
		if glob(pattern, action) {
			return true
		}
	}
	return false
}

func (s *statement) coversResource(c *requestContext) truth {
	result := no
	for i := range s.resources {
		pattern, resolved := s.resources[i].resolve(c)
		switch {
		case resolved == yes:
			resolved = s.resources[i].matchesResource(pattern, c.resource)
		case s.notResource && !s.allow:
			resolved = unknown // AWS does not document what a Deny excludes when a variable has no value
		}
		result = max(result, resolved)
	}
	return result
}

// appliesTo reports whether a statement's principal and conditions match the caller and the context of a request.
func (s *statement) appliesTo(c *requestContext) (truth, grant) {
	result, how := s.includes(c)
	for i := range s.conditions {
		if result == no {
			return no, how
		}
		result = min(result, s.conditions[i].holds(c))
	}
	return result, how
}

// includes reports whether a statement's principal matches the caller. A statement without a principal belongs to an
// identity policy and applies to each caller with that policy.
func (s *statement) includes(c *requestContext) (truth, grant) {
	switch {
	case s.principal == nil:
		return yes, direct
	case s.notPrincipal:
		return s.principal.spare(c.caller, s.allow, c.worst).not(), direct
	}
	return s.principal.include(c.caller)
}

// tally is the combined result of the statements of one document (or of all identity policies) for a request. Each field
// holds the strongest result, and the statement that gave it.
type tally struct {
	denied     truth
	deniedBy   *statement
	allowed    truth // by a direct grant
	allowedBy  *statement
	entrusted  truth // by a grant to the caller's account; its identity policies must also allow
	entrustsBy *statement
	// deniedIn and allowedIn are the indexes, from 1, of the identity policies that contain deniedBy and allowedBy.
	deniedIn, allowedIn int
}

// add adds a statement that applies with the given certainty.
func (t *tally) add(s *statement, applies truth, how grant) {
	switch {
	case !s.allow && applies > t.denied:
		t.denied, t.deniedBy = applies, s
	case s.allow && how == direct && applies > t.allowed:
		t.allowed, t.allowedBy = applies, s
	case s.allow && how == delegated && applies > t.entrusted:
		t.entrusted, t.entrustsBy = applies, s
	}
}

// grantor returns the statement that allows with the highest certainty, directly or through the account.
func (t *tally) grantor() *statement {
	if t.allowed >= t.entrusted {
		return t.allowedBy
	}
	return t.entrustsBy
}

// tallyPolicy evaluates all statements of a policy.
func tallyPolicy(p *Policy, c *requestContext) tally {
	var t tally
	for _, s := range p.statements {
		if applies := s.covers(c); applies != no {
			circumstances, how := s.appliesTo(c)
			t.add(s, min(applies, circumstances), how)
		}
	}
	return t
}

// tallyIdentity evaluates all statements of the caller's identity policies.
func tallyIdentity(policies []*Policy, c *requestContext) tally {
	var all tally
	for i, p := range policies {
		t := tallyPolicy(p, c)
		if t.denied > all.denied {
			all.denied, all.deniedBy, all.deniedIn = t.denied, t.deniedBy, i+1
		}
		if t.allowed > all.allowed {
			all.allowed, all.allowedBy, all.allowedIn = t.allowed, t.allowedBy, i+1
		}
	}
	return all
}
