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
	// lock denies. Whoever wrote it, it is left alone, except statements of the lock's own for earlier parameters ([Lock.Renewed]).
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
	// Judgement is that of package iampolicy, except that in the mode AtLeast the verdict is Same for a policy that is Closed, unless
	// it has the lock's statements for earlier parameters.
	iampolicy.Judgement
	// Compared is the verdict of package iampolicy in both modes.
	Compared iampolicy.Verdict
	// Write is the document that corrects the policy; "" if the verdict is Same, or if no document can be composed. It is the rendered
	// lock, except for a bucket in the mode AtLeast: then it keeps the statements of the policy that open nothing beside the lock's, as
	// far as they fit into a policy.
	Write string
	// Forbidden returns the requests that the lock denies, of those that the judge tries. They are made at the first call.
	Forbidden func() []iampolicy.ForbiddenRequest
}

// Judge judges a bucket's live policy; "" is a bucket without one. A policy that is no document, or that cannot be judged, is
// open. In the mode AtLeast it may grant what [Lock.GrantsIn] finds harmless.
func (l Lock) Judge(mode Mode, bucket, live string) Judgement {
	views := iampolicy.ViewsOf(live)
	alone := l
	alone.Grants = nil
	own := alone.BucketPolicy(bucket)
	if mode == AtLeast {
		l.Grants = l.withGrantsIn(views)
	}
	desired := l.BucketPolicy(bucket)
	var sids []string
	if l.Renewed {
		sids = bucketSids
	}
	j := judge(desired, live, func() []iampolicy.ForbiddenRequest {
		return append(l.ForbiddenOnBucket(bucket), deniedBy(desired, l.namedIn(views))...)
	})
	if mode == AtLeast && j.Verdict == iampolicy.Closed && !outdated(own, views, sids) {
		j.Verdict = iampolicy.Same
	}
	switch {
	case j.Verdict == iampolicy.Same:
	case mode == AtLeast:
		// Merge fails only if the lock is no policy: then there is nothing that can be written.
		merged, _ := iampolicy.Merge([]byte(own), []byte(desired), []byte(live), sids, j.Forbidden())
		j.Write = fitting(merged, own)
	default:
		j.Write = desired
	}
	return j
}

// MaxPolicy is the most bytes of a bucket's policy, and the most characters of an endpoint's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
const MaxPolicy = 20 << 10

// fitting returns the merged document or, if it is too long for a policy, the lock with as many of its foreign statements as fit, first
// those that deny. Otherwise a live policy could be filled up so that no correction fits beside it. The whole lock is in it, because
// a statement that is left out may be the one that made one of the lock's unnecessary.
func fitting(merged, own string) string {
	if len(merged) <= MaxPolicy {
		return merged
	}
	var kept, denies, allows []json.RawMessage
	ours := iampolicy.ViewsOf(own)
	for _, v := range ours {
		kept = append(kept, json.RawMessage(v.Text))
	}
	for _, v := range iampolicy.ViewsOf(merged) {
		switch text := json.RawMessage(v.Text); {
		case v.IsIn(ours):
		case v.Allow:
			allows = append(allows, text)
		default:
			denies = append(denies, text)
		}
	}
	for _, s := range slices.Concat(denies, allows) {
		if more := append(slices.Clone(kept), s); len(compose(more)) <= MaxPolicy {
			kept = more
		}
	}
	return compose(kept)
}

// Without returns a policy without the statements that drop selects, and these; a policy that cannot be parsed stays as it is.
func Without(document string, drop func(iampolicy.View) bool) (rest string, dropped []iampolicy.View) {
	var kept []json.RawMessage
	for _, v := range iampolicy.ViewsOf(document) {
		if drop(v) {
			dropped = append(dropped, v)
			continue
		}
		kept = append(kept, json.RawMessage(v.Text))
	}
	if len(dropped) == 0 {
		return document, nil
	}
	return compose(kept), dropped
}

// JudgeEndpoint judges an endpoint's live policy; "" is an endpoint with the default policy, which allows everything. The bucket is
// one that the endpoint serves. [Lock.At] selects the endpoint. Write is the whole policy in both modes: it consists of what it
// allows, so that no part of it can be left out, and none of somebody else's added.
func (l Lock) JudgeEndpoint(mode Mode, bucket, live string) Judgement {
	if live == "" {
		live = FullAccess
	}
	desired := l.EndpointPolicy()
	j := judge(desired, live, func() []iampolicy.ForbiddenRequest { return l.ForbiddenThroughEndpoint(bucket) })
	if mode == AtLeast && j.Verdict == iampolicy.Closed {
		j.Verdict = iampolicy.Same
	}
	if j.Verdict != iampolicy.Same {
		j.Write = desired
	}
	return j
}

// judge compares a live policy with the desired one.
func judge(desired, live string, forbidden func() []iampolicy.ForbiddenRequest) Judgement {
	forbidden = sync.OnceValue(forbidden)
	j := Judgement{Judgement: iampolicy.Compare([]byte(desired), []byte(live), forbidden), Forbidden: forbidden}
	j.Compared = j.Verdict
	return j
}

// outdated reports whether a live policy has a statement with one of these Sids that is not the lock's own.
func outdated(own string, live []iampolicy.View, sids []string) bool {
	ours := iampolicy.ViewsOf(own)
	return slices.ContainsFunc(live, func(v iampolicy.View) bool {
		return slices.Contains(sids, v.Sid) && !v.IsIn(ours)
	})
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
