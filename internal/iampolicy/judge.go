package iampolicy

import "bytes"

// Verdict is what comparing a live policy with the desired one comes to.
type Verdict string

// The verdicts, from harmless to worst.
const (
	// Same: the two documents mean the same; nothing needs to be written.
	Same Verdict = "same"
	// Closed: they differ, but the live one lets nothing through that the desired one stops.
	Closed Verdict = "closed"
	// Open: it may let something through, or cannot be judged.
	Open Verdict = "open"
)

// Judgement is the outcome of [Judge].
type Judgement struct {
	Verdict Verdict
	// Allowed says why the verdict is Open, and is "" for the others. It names a probe that the live document allows, as
	// [Evaluate] finds, and the statement that allows it. Where no probe is allowed, it says that the document "cannot be
	// shown to be closed", and which statement is at fault; or that it "cannot be judged", and why.
	Allowed string
	// Diff lists the statements that differ, the desired ones as removed. It is empty when they are the same, and
	// when the live document cannot be read.
	Diff []Change
}

// Judge compares a live document with the desired one.
//
//	live            reads like   every desired   every live Allow    the desired document   verdict
//	                desired      Deny is kept    is foreseen         denies every probe
//	not a policy    -            -               -                   -                      open
//	no policy       -            -               -                   -                      open
//	a policy        yes          -               -                   -                      same
//	a policy        no           no              -                   -                      open
//	a policy        no           yes             no                  -                      open
//	a policy        no           yes             yes                 no                     open
//	a policy        no           yes             yes                 yes                    closed
//
// A desired Deny is kept when the live document denies all of it, under the same conditions or fewer. A live Allow is
// foreseen when some desired Allow is as wide, or when it is denied to everybody. Both are decided by comparing
// statements (containment.go), never by searching for a request that gets through: no search could be complete, and
// whoever changed the document chooses the request. So closed is certain, while open may be a false alarm, as after a
// Deny has been rewritten beyond recognition. The probes only lend the alarm an example: without one that is allowed the
// alarm says no more than that closed is not shown.
func Judge(desired, live []byte, probes []Probe) Judgement {
	want, err := parseResourcePolicy(desired)
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
	c := &comparison{desired: want, live: have, probes: probes}
	if why := c.objection(); why != "" {
		j.Verdict, j.Allowed = Open, c.example(why)
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
	name, how := newExamination(p).firstAllowed(probes, unknown)
	return name + how
}

func parseResourcePolicy(document []byte) (*Policy, error) {
	p, err := Parse(document)
	if err != nil {
		return nil, err
	}
	return p, p.checkPrincipals()
}
