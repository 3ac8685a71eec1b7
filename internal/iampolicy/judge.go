package iampolicy

import (
	"bytes"
	"sync"
)

// Verdict is the result of comparing a live policy with the desired one.
type Verdict string

// The verdicts, from harmless to worst.
const (
	// Same: the two documents mean the same; nothing needs to be written.
	Same Verdict = "same"
	// Closed: they differ, but the live one allows nothing that the desired one denies.
	Closed Verdict = "closed"
	// Open: the live one may allow more, or cannot be judged.
	Open Verdict = "open"
)

// Judgement is the outcome of [Judge].
type Judgement struct {
	Verdict Verdict
	// Allowed is the reason for the verdict Open, and "" for the others. It names a forbidden request that the live document allows
	// according to [Evaluate], and the statement that allows it. If no forbidden request is allowed, it says that the document "cannot
	// be shown to be closed", and because of which statement; or that it "cannot be judged", and why.
	Allowed string
	// Diff lists the statements that differ, the desired ones as removed. It is empty when the documents are the same, and
	// when the live document cannot be parsed.
	Diff []Change
}

// Judge compares a live document with the desired one.
//
//	live            same as      each desired    each live Allow     the desired document   verdict
//	                desired      Deny is kept    is foreseen         denies all forbidden requests
//	not a policy    -            -               -                   -                      open
//	no policy       -            -               -                   -                      open
//	a policy        yes          -               -                   -                      same
//	a policy        no           no              -                   -                      open
//	a policy        no           yes             no                  -                      open
//	a policy        no           yes             yes                 no                     open
//	a policy        no           yes             yes                 yes                    closed
//
// A desired Deny is kept when the live document denies all of it, under the same conditions or fewer. A live Allow is
// foreseen when a desired Allow is as wide, or when it is denied to everyone. Judge decides both by comparing statements
// (containment.go). It does not search for a request that is allowed: no search is complete, and the attacker who changed
// the document chooses the request. So closed is certain, but open may be a false alarm, for example after a complete
// rewrite of a Deny. The forbidden requests only give an example for the alarm: if the document allows none of them, the alarm says
// that closed cannot be shown. The function that makes them is called at most once, and only if the documents differ: there
// are thousands, and most runs find no drift. A nil function stands for none.
func Judge(desired, live []byte, forbidden func() []ForbiddenRequest) Judgement {
	return judge(desired, live, forbidden, (*comparison).objection)
}

// Compare is [Judge] for requests that the desired document is known to deny. They are made only if the live document is open, or has
// an Allow that cannot be judged without them.
func Compare(desired, live []byte, denied func() []ForbiddenRequest) Judgement {
	return judge(desired, live, denied, (*comparison).widening)
}

func judge(desired, live []byte, forbidden func() []ForbiddenRequest, objection func(*comparison) string) Judgement {
	want, err := parseResourcePolicy(desired)
	if err != nil {
		return Judgement{Verdict: Open, Allowed: "the desired document cannot be judged: " + err.Error()}
	}
	have, err := parseOptionalPolicy(live)
	if err != nil {
		return Judgement{Verdict: Open, Allowed: "the live document cannot be judged: " + err.Error()}
	}
	if len(have.statements) == 0 { // no policy
		have.version, have.id = want.version, want.id
	}
	if Equal(want, have) {
		return Judgement{Verdict: Same}
	}
	j := Judgement{Verdict: Closed, Diff: Diff(want, have)}
	c := &comparison{desired: want, live: have}
	if forbidden != nil {
		c.requests = sync.OnceValue(forbidden)
	}
	if why := objection(c); why != "" {
		j.Verdict, j.Allowed = Open, c.example(why)
	}
	return j
}

// Allowed describes the first forbidden request that a document does not deny, and the statement that allows it; "" when it denies all
// forbidden requests. If the document cannot be judged, Allowed returns the reason.
func Allowed(document []byte, forbidden []ForbiddenRequest) string {
	p, err := parseResourcePolicy(document)
	if err != nil {
		return "the document cannot be judged: " + err.Error()
	}
	name, how := newExamination(p).firstAllowed(forbidden, unknown)
	return name + how
}

// parseOptionalPolicy parses a resource's policy. A document without text is a policy without statements.
func parseOptionalPolicy(document []byte) (*Policy, error) {
	if len(bytes.TrimSpace(document)) == 0 {
		return &Policy{}, nil
	}
	return parseResourcePolicy(document)
}

func parseResourcePolicy(document []byte) (*Policy, error) {
	p, err := Parse(document)
	if err != nil {
		return nil, err
	}
	return p, p.checkPrincipals()
}
