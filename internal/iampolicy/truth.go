package iampolicy

// truth is the answer to a question about a policy, in Kleene's three-valued logic: one unknown does not change a result
// that is certain without it.
type truth int8

const (
	no truth = iota
	unknown
	yes
)

func (t truth) not() truth { return yes - t }

// known converts a bool to a truth.
func known(b bool) truth {
	if b {
		return yes
	}
	return no
}
