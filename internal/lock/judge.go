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
	// Exact it is the rendered lock. In the mode AtLeast it keeps the statements of the policy that open nothing beside the lock's, as far
	// as they fit into a policy.
	Write string
	// Forbidden returns the requests that the lock denies, of those that the judge tries. They are made at the first call.
	Forbidden func() []iampolicy.ForbiddenRequest
}

// Judge judges a bucket's live policy; "" is a bucket without one. A policy that is no document, or that cannot be judged, is
// open. In the mode AtLeast it may grant what [Lock.GrantsIn] finds harmless.
func (l Lock) Judge(mode Mode, bucket, live string) Judgement {
	views := viewsOf(live)
	own := l
	own.Grants = nil
	if mode == AtLeast {
		l.Grants = l.withGrantsIn(views)
	}
	desired := l.BucketPolicy(bucket)
	return judge(mode, own.BucketPolicy(bucket), desired, live, func() []iampolicy.ForbiddenRequest {
		return append(l.ForbiddenOnBucket(bucket), deniedBy(desired, l.namedIn(views))...)
	})
}

// MaxPolicy is the most bytes of a bucket's policy, and the most characters of an endpoint's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
const MaxPolicy = 20 << 10

// fitting returns the merged document without the foreign Allow statements that are too much for a policy, or else the lock alone.
// Otherwise a live policy could be filled up so that no correction fits beside it.
func fitting(merged, own string) string {
	if len(merged) <= MaxPolicy {
		return merged
	}
	ours := viewsOf(own)
	foreign := func(v iampolicy.View) bool {
		return v.Allow && !slices.ContainsFunc(ours, func(o iampolicy.View) bool { return o.Text == v.Text })
	}
	var kept, grants []json.RawMessage
	for _, v := range viewsOf(merged) {
		if foreign(v) {
			grants = append(grants, json.RawMessage(v.Text))
		} else {
			kept = append(kept, json.RawMessage(v.Text))
		}
	}
	for _, g := range grants {
		if more := append(slices.Clone(kept), g); len(compose(more)) <= MaxPolicy {
			kept = more
		}
	}
	if document := compose(kept); len(document) <= MaxPolicy {
		return document
	}
	return own
}

func viewsOf(document string) []iampolicy.View {
	p, err := iampolicy.Parse([]byte(document))
	if err != nil {
		return nil
	}
	return p.Views()
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
	j := Judgement{Judgement: iampolicy.Compare([]byte(desired), []byte(live), forbidden), Forbidden: forbidden}
	j.Compared = j.Verdict
	if mode == AtLeast && j.Verdict == iampolicy.Closed {
		j.Verdict = iampolicy.Same
	}
	switch {
	case j.Verdict == iampolicy.Same:
	case mode == AtLeast:
		// Merge fails only if the lock is no policy: then there is nothing that can be written.
		merged, _ := iampolicy.Merge([]byte(own), []byte(desired), []byte(live), forbidden())
		j.Write = fitting(merged, own)
	default:
		j.Write = desired
	}
	return j
}

// withGrantsIn returns the lock's grants and those of a bucket's policy.
func (l Lock) withGrantsIn(views []iampolicy.View) []json.RawMessage {
	grants := slices.Clone(l.Grants)
	for _, v := range l.GrantsIn(views) {
		if text := json.RawMessage(v.Text); !slices.ContainsFunc(grants, func(g json.RawMessage) bool { return string(g) == v.Text }) {
			grants = append(grants, text)
		}
	}
	return grants
}
