package lock

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Mode says how much of a policy is the lock's.
type Mode string

// The modes.
const (
	// Exact: the policy must be the rendered lock. A policy that differs has drifted, even if it allows no more.
	Exact Mode = "Exact"
	// AtLeast: the policy may have other statements too, or say the same in other words, as long as it allows nothing that the
	// lock denies. Whoever wrote it, it is left alone.
	AtLeast Mode = "AtLeast"
)

// ParseMode reads a mode; the error says what it may be.
func ParseMode(text string) (Mode, error) {
	if m := Mode(text); m == Exact || m == AtLeast {
		return m, nil
	}
	return "", fmt.Errorf("%q: want %s or %s", text, Exact, AtLeast)
}

// Judgement is the outcome of [Lock.Judge] and [Lock.JudgeEndpoint].
type Judgement struct {
	// Judgement is that of package iampolicy, except that in the mode AtLeast the verdict is Same for a policy that is Closed.
	iampolicy.Judgement
	// Compared is the verdict of package iampolicy in both modes.
	Compared iampolicy.Verdict
	// Write is the document that corrects the policy; "" if the verdict is Same, or if no document can be composed. In the mode
	// Exact it is the rendered lock. In the mode AtLeast it keeps the statements of the policy that open nothing beside the lock's.
	Write string
	// Forbidden returns the requests that the lock denies, of those that the judge tries. They are made at the first call.
	Forbidden func() []iampolicy.ForbiddenRequest
}

// Judge judges a bucket's live policy; "" is a bucket without one. A policy that is no document, or that cannot be judged, is
// open. In the mode AtLeast it may grant what [Lock.GrantsIn] finds harmless.
func (l Lock) Judge(mode Mode, bucket, live string) Judgement {
	if mode == AtLeast {
		l.Grants = l.withGrantsIn(live)
	}
	own := l
	own.Grants = nil
	return judge(mode, own.BucketPolicy(bucket), l.BucketPolicy(bucket), live, func() []iampolicy.ForbiddenRequest {
		return l.ForbiddenOnBucket(bucket)
	})
}

// JudgeEndpoint judges an endpoint's live policy; "" is an endpoint with the default policy, which allows everything. The bucket is
// one that the endpoint serves. [Lock.At] selects the endpoint.
func (l Lock) JudgeEndpoint(mode Mode, bucket, live string) Judgement {
	if live == "" {
		live = FullAccess
	}
	desired := l.EndpointPolicy()
	return judge(mode, desired, desired, live, func() []iampolicy.ForbiddenRequest { return l.ForbiddenThroughEndpoint(bucket) })
}

// judge compares a live policy with the desired one, which is the lock's own one, and what it may grant.
func judge(mode Mode, own, desired, live string, forbidden func() []iampolicy.ForbiddenRequest) Judgement {
	forbidden = sync.OnceValue(forbidden)
	j := Judgement{Judgement: iampolicy.Judge([]byte(desired), []byte(live), forbidden), Forbidden: forbidden}
	j.Compared = j.Verdict
	if mode == AtLeast && j.Verdict == iampolicy.Closed {
		j.Verdict = iampolicy.Same
	}
	switch {
	case j.Verdict == iampolicy.Same:
	case mode == AtLeast:
		// Merge fails only if the lock is no policy: then there is nothing that can be written.
		j.Write, _ = iampolicy.Merge([]byte(own), []byte(desired), []byte(live), forbidden())
	default:
		j.Write = desired
	}
	return j
}

// withGrantsIn returns the lock's grants and those of a bucket's policy.
func (l Lock) withGrantsIn(live string) []json.RawMessage {
	grants := slices.Clone(l.Grants)
	p, err := iampolicy.Parse([]byte(live))
	if err != nil {
		return grants
	}
	for _, v := range l.GrantsIn(p.Views()) {
		if text := json.RawMessage(v.Text); !slices.ContainsFunc(grants, func(g json.RawMessage) bool { return string(g) == v.Text }) {
			grants = append(grants, text)
		}
	}
	return grants
}
