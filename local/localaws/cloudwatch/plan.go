package cloudwatch

import "slices"

// stored is an alarm with its state and its plan.
type stored struct {
	Condition
	plan plan
}

// plan is what each evaluation needs of an alarm's configuration. It is made once, because evaluations are frequent.
type plan struct {
	// rule are the tokens of a composite alarm's rule, and children the names of the alarms in it.
	rule     []token
	children []string
	// keys are the keys of the queries' metrics, and math are their expressions: one of the two for each query.
	keys []string
	math []*expression
	// depth is how many expressions there are, and returned is the index of the query that is compared.
	depth, returned int
}

// newPlan returns the plan of an alarm that [Alarm.check] and [Service.checkRule] accept.
func newPlan(a Alarm) plan {
	p := plan{keys: make([]string, len(a.Queries)), math: make([]*expression, len(a.Queries))}
	p.rule, _ = scan(a.Rule) // checked
	p.children = children(p.rule)
	p.returned = slices.IndexFunc(a.Queries, func(q AlarmQuery) bool { return q.ReturnData })
	for i, q := range a.Queries {
		if q.Expression == "" {
			p.keys[i] = q.Metric.key()
		} else if e, err := parseExpression(q.Expression, a.Queries); err == nil { // there is an error for a band, which is not evaluated
			p.math[i] = &e
			p.depth++
		}
	}
	return p
}

// compute returns the value of the compared query in one period from the metrics' values in it, by index; nil if there is none. It
// adds the expressions' values. Nested expressions are evaluated at most as deep as there are expressions.
func (p plan) compute(values []*float64) *float64 {
	for range p.depth {
		for i, e := range p.math {
			if e != nil {
				values[i] = e.one(values)
			}
		}
	}
	return values[p.returned]
}
