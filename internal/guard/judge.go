package guard

import (
	"fmt"

	"s3-endpoint-guard/internal/iampolicy"
)

// nothing is the policy that allows nothing: whatever differs from it is judged by the probes alone.
const nothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`

// Holds returns an error unless a desired policy denies every probe. A resource asks before it writes one: a document
// that is itself open can only come from a template gone wrong, and writing it would make matters worse.
func Holds(desired string, probes []iampolicy.Probe) error {
	j := iampolicy.Judge([]byte(nothing), []byte(desired), probes)
	if j.Verdict == iampolicy.Open {
		return fmt.Errorf("the desired policy is itself open and is not written, correct the template: %s", j.Allowed)
	}
	return nil
}
