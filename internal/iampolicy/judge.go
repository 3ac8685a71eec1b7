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
// document names and the desired one does not: its principals, its resources and the values of its conditions. A
// document that names more than can be tried in a tenth of a second (see maxWork) is open: an attacker must not
// keep the judge busy while an exception stands.
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
		j.Allowed = e.firstException(novelties(want, have))
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
