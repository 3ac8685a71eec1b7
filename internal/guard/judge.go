package guard

import (
	"fmt"
	"sync"

	"s3-endpoint-guard/internal/iampolicy"
)

// Judge compares a live policy with the desired one. The probes are asked for only when the two differ: there are
// thousands of them, and most runs meet no drift.
func Judge(desired, live string, probes func() []iampolicy.Probe) iampolicy.Judgement {
	j := iampolicy.Judge([]byte(desired), []byte(live), nil)
	if j.Verdict == iampolicy.Same {
		return j
	}
	return iampolicy.Judge([]byte(desired), []byte(live), probes())
}

// Holds returns an error unless a desired policy denies every probe. A resource asks before it writes one: a document
// that is itself open can only come from a template gone wrong, and writing it would make matters worse.
func Holds(desired string, probes []iampolicy.Probe) error {
	if allowed := iampolicy.Allowed([]byte(desired), probes); allowed != "" {
		return RemedyNotCorrected.For(fmt.Errorf("the desired policy is not written, because it is itself open: %s", allowed))
	}
	return nil
}

// Lazily makes a set of probes when it is first needed, and keeps it for later runs of this process. It may be called by
// any number of goroutines.
func Lazily(probes func(iampolicy.Setting) []iampolicy.Probe, s iampolicy.Setting) func() []iampolicy.Probe {
	return sync.OnceValue(func() []iampolicy.Probe { return probes(s) })
}
