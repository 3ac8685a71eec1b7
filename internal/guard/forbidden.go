package guard

import (
	"fmt"
	"sync"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Holds returns an error unless a desired policy denies all forbidden requests. A resource calls it before it writes the
// policy: a desired policy that allows one comes from a defective template, and writing it would do harm.
func Holds(desired string, forbidden []iampolicy.ForbiddenRequest) error {
	if allowed := iampolicy.Allowed([]byte(desired), forbidden); allowed != "" {
		return RemedyNotCorrected.For(fmt.Errorf("the desired policy is not written, because it is itself open: %s", allowed))
	}
	return nil
}

// Lazily returns a function that makes a set of forbidden requests at its first call, and returns the same set at later
// calls. It is safe for concurrent use.
func Lazily(forbidden func(iampolicy.Setting) []iampolicy.ForbiddenRequest, s iampolicy.Setting) func() []iampolicy.ForbiddenRequest {
	return sync.OnceValue(func() []iampolicy.ForbiddenRequest { return forbidden(s) })
}

// PolicyJudge judges one policy of a bucket or an endpoint of a fleet.
type PolicyJudge interface {
	// Judge judges the live policy.
	Judge(live string) Decision
	// Unseen decides about a policy that may not be read.
	Unseen() Decision
}

// Decision is what a [PolicyJudge] says of a live policy.
type Decision struct {
	iampolicy.Judgement
	// Document is the policy that is desired instead; "" if the verdict is Same.
	Document string
	// Refusal is why Document must not be written, or nil: it wraps [ErrLockout], or says as [Holds] what Document leaves open.
	Refusal error
}
