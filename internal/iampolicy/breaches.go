package iampolicy

// Breach is a forbidden request that a document does not deny.
type Breach struct {
	// Index is the request's index in the list that was given to [Breaches].
	Index int
	// Statement is the title of the document's statement that allows the request: its Sid, or e.g. "statement 2". It is ""
	// when no statement of the document allows it and none denies it: then IAM decides, or the endpoint has no policy.
	Statement string
	// Certain is false when the request may be allowed; Doubt says why that is not known.
	Certain bool
	Doubt   string
}

// Breaches lists all forbidden requests that a document does not deny, in their order; [Allowed] returns the first of them.
// A document without text means a bucket or an endpoint without a policy. The error says why a document cannot be judged.
func Breaches(document []byte, forbidden []ForbiddenRequest) ([]Breach, error) {
	p, err := parseOptionalPolicy(document)
	if err != nil {
		return nil, err
	}
	var list []Breach
	e := newExamination(p)
	e.each(forbidden, func(i int, r ruling, c *requestContext, err error) bool {
		switch {
		case err != nil:
			list = append(list, Breach{Index: i, Doubt: err.Error()})
		case r.effect == Undecided:
			list = append(list, Breach{Index: i, Statement: r.titleIn(p), Doubt: r.decision(c, forbidden[i].target.action).By})
		case r.effect == Allow:
			list = append(list, Breach{Index: i, Statement: r.titleIn(p), Certain: true})
		}
		return true
	})
	return list, nil
}

// titleIn returns the title of the statement that decided, or "" if it is not a statement of the policy.
func (r ruling) titleIn(p *Policy) string {
	for _, s := range p.statements {
		if s == r.by {
			return s.title()
		}
	}
	return ""
}
