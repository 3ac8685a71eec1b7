package iampolicy

// truth is the answer to a question about a policy: Kleene's logic of three values, so that one unknown does not
// spoil an answer that is certain without it.
type truth int8

const (
	no truth = iota
	unknown
	yes
)

func (t truth) not() truth { return yes - t }

// known turns a Go bool into a truth.
func known(b bool) truth {
	if b {
		return yes
	}
	return no
}
