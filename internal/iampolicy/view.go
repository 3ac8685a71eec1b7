package iampolicy

import "slices"

// View is what a statement says, for reports that quote it. Names are spelt as in the canonical form.
type View struct {
	// Title is the Sid, or e.g. "statement 2". Sid is "" if the statement has none.
	Title, Sid string
	Allow      bool
	// Everyone is true if Principal covers all callers. Principals are the AWS principals that it names, Services the services,
	// and Others the identity providers and canonical users.
	Everyone                             bool
	Principals, Services, Others         []string
	NotPrincipal, NotAction, NotResource bool
	Actions, Resources                   []string
	Conditions                           []ConditionView
	// Text is the statement's canonical JSON.
	Text string
}

// ConditionView is one key of one operator of a Condition element.
type ConditionView struct {
	// Operator is as written, Key in AWS's spelling.
	Operator, Key string
	// Negated is true for operators such as StringNotEquals.
	Negated bool
	Values  []string
}

// ViewsOf lists the statements of a document; there are none if it is not a policy.
func ViewsOf(document string) []View {
	p, err := Parse([]byte(document))
	if err != nil {
		return nil
	}
	return p.Views()
}

// IsIn reports whether a list has the same statement.
func (v View) IsIn(list []View) bool {
	return slices.ContainsFunc(list, func(o View) bool { return o.Text == v.Text })
}

// Views lists a policy's statements in the order of the document.
func (p *Policy) Views() []View {
	views := make([]View, len(p.statements))
	for i, s := range p.statements {
		v := View{
			Title: s.title(), Sid: s.sid, Allow: s.allow, NotAction: s.notAction, NotResource: s.notResource, NotPrincipal: s.notPrincipal,
			Text: s.canonical,
		}
		if s.principal != nil {
			v.Everyone, v.Principals = s.principal.includesEveryone() && !s.notPrincipal, slices.Clone(s.principal.aws)
			v.Services, v.Others = slices.Clone(s.principal.service), slices.Concat(s.principal.federated, s.principal.canonicalUser)
		}
		for _, a := range s.actions {
			v.Actions = append(v.Actions, spellAction(a))
		}
		for j := range s.resources {
			v.Resources = append(v.Resources, s.resources[j].source)
		}
		for j := range s.conditions {
			c := &s.conditions[j]
			v.Conditions = append(v.Conditions, ConditionView{c.name, spellKey(c.key), c.negated, slices.Clone(c.values)})
		}
		views[i] = v
	}
	return views
}
