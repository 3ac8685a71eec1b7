package remediate

import (
	"crypto/sha256"
	"errors"
	"sync"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// judging judges the policies of a fleet by its lock, one at a time: judging one that differs takes some milliseconds of processor
// time, and the forbidden requests that it needs several megabytes. It remembers its decisions, because a sweep reads the same
// policies as the one before.
type judging struct {
	lock  lock.Lock
	mode  lock.Mode
	guard string // the ARN of the guard's role

	mu    sync.Mutex
	known map[string]known // by bucket or endpoint
	size  int              // of all decisions in known
}

// known is a decision about the policy with a hash.
type known struct {
	hash     [sha256.Size]byte
	decision guard.Decision
}

// mostKnown is how many bytes the remembered decisions have at most, about. A decision that a policy is as desired counts none.
const mostKnown = 16 << 20

// decide returns the decision about the live policy of a bucket or an endpoint.
func (j *judging) decide(target, live string, judge func() guard.Decision) guard.Decision {
	hash := sha256.Sum256([]byte(live))
	j.mu.Lock()
	defer j.mu.Unlock()
	last, ok := j.known[target]
	if ok && last.hash == hash {
		return last.decision
	}
	j.size -= sizeOf(last.decision)
	delete(j.known, target)
	d := judge()
	if j.known == nil {
		j.known = map[string]known{}
	}
	if size := sizeOf(d); j.size+size <= mostKnown {
		j.known[target] = known{hash, d}
		j.size += size
	}
	return d
}

// sizeOf returns about how many bytes a decision has.
func sizeOf(d guard.Decision) int {
	size := len(d.Document) + len(d.Allowed)
	for _, c := range d.Diff {
		size += len(c.Sid) + len(c.Statement)
	}
	return size
}

// ofBucket judges a bucket's policy.
type ofBucket struct {
	*judging
	bucket string
}

var _ guard.PolicyJudge = ofBucket{}

// Judge implements [guard.PolicyJudge]. Of a live policy that would lock out those who configure the bucket, nothing is kept.
func (b ofBucket) Judge(live string) guard.Decision {
	return b.decide(b.bucket, live, func() guard.Decision {
		judged := b.lock.Judge(b.mode, b.bucket, live)
		if judged.Verdict == iampolicy.Same {
			return b.unbarred(live)
		}
		decided := func(document string) guard.Decision {
			return guard.Decision{
				Judgement: judged.Judgement, Document: document,
				Refusal: s3bucket.Refusal(document, live, b.setting(), judged.Forbidden()),
			}
		}
		d := decided(judged.Write)
		if own := b.lock.BucketPolicy(b.bucket); d.Document == "" || errors.Is(d.Refusal, guard.ErrLockout) && d.Document != own {
			d = decided(own)
		}
		return d
	})
}

// unbarred returns the decision about a policy that holds the lock: it has drifted if a foreign Deny keeps the guard from its work. The
// adoption refuses such a policy, so it came later, and the next change could not be corrected.
func (b ofBucket) unbarred(live string) guard.Decision {
	same := guard.Decision{Judgement: iampolicy.Judgement{Verdict: iampolicy.Same}}
	alone := b.lock.BucketPolicy(b.bucket)
	if live == alone { // as the guard wrote it: nothing is foreign, and two documents need not be parsed
		return same
	}
	own := iampolicy.ViewsOf(alone)
	rest, bars := lock.Without(live, func(v iampolicy.View) bool {
		if v.Allow || v.IsIn(own) {
			return false
		}
		p, err := iampolicy.Parse([]byte(`{"Statement":` + v.Text + `}`))
		return err == nil && len(iampolicy.DeniedTo(p, b.setting(), b.guard, adoption.GuardActions)) > 0
	})
	if len(bars) == 0 {
		return same
	}
	d := guard.Decision{Judgement: iampolicy.Judgement{Verdict: iampolicy.Closed}, Document: rest}
	for _, v := range bars {
		d.Diff = append(d.Diff, iampolicy.Change{Sid: v.Sid, Statement: v.Text})
	}
	d.Refusal = s3bucket.Refusal(rest, live, b.setting(), b.lock.ForbiddenOnBucket(b.bucket))
	return d
}

// Unseen implements [guard.PolicyJudge].
func (b ofBucket) Unseen() guard.Decision {
	b.mu.Lock()
	defer b.mu.Unlock()
	document := b.lock.BucketPolicy(b.bucket)
	return guard.Decision{Document: document, Refusal: s3bucket.Refusal(document, "", b.setting(), b.lock.ForbiddenOnBucket(b.bucket))}
}

// setting returns the judge's setting for the bucket, with the guard's role.
func (b ofBucket) setting() iampolicy.Setting {
	s := b.lock.Setting(b.bucket)
	s.Guard = b.guard
	return s
}

// ofEndpoint judges an endpoint's policy.
type ofEndpoint struct {
	*judging
	id string
	// lock is the fleet's lock at the endpoint, bucket one that the endpoint serves.
	lock   lock.Lock
	bucket string
}

var _ guard.PolicyJudge = ofEndpoint{}

// Judge implements [guard.PolicyJudge]. The mode is that of the buckets: an endpoint that serves less than it should has drifted.
func (e ofEndpoint) Judge(live string) guard.Decision {
	return e.decide(e.id, live, func() guard.Decision {
		judged := e.lock.JudgeEndpoint(lock.Exact, e.bucket, live)
		if judged.Verdict == iampolicy.Same {
			return guard.Decision{Judgement: iampolicy.Judgement{Verdict: iampolicy.Same}}
		}
		d := guard.Decision{Judgement: judged.Judgement, Document: judged.Write}
		if d.Document == "" {
			d.Document = e.lock.EndpointPolicy()
		}
		d.Refusal = guard.Holds(d.Document, judged.Forbidden())
		return d
	})
}

// Unseen implements [guard.PolicyJudge].
func (e ofEndpoint) Unseen() guard.Decision {
	e.mu.Lock()
	defer e.mu.Unlock()
	document := e.lock.EndpointPolicy()
	return guard.Decision{Document: document, Refusal: guard.Holds(document, e.lock.ForbiddenThroughEndpoint(e.bucket))}
}
