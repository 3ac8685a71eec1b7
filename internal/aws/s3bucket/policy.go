package s3bucket

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// PolicyAPI contains the calls that [Policy] makes.
type PolicyAPI interface {
	policyReader
	PutBucketPolicy(context.Context, *s3.PutBucketPolicyInput, ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error)
}

// Policy keeps the bucket's policy as desired.
type Policy struct {
	API    PolicyAPI
	Bucket Bucket
	// Desired is the policy document from the template.
	Desired string
	// Forbidden lists the requests that the policy must deny. It is called only when the policy has drifted.
	Forbidden func() []iampolicy.ForbiddenRequest
	// Setting names the roles that must remain able to configure the bucket.
	Setting iampolicy.Setting
	// Lock decides instead of the other fields what the policy must be, if it is not nil.
	Lock guard.PolicyJudge

	once    sync.Once
	refusal error
}

var _ guard.Resource = (*Policy)(nil)

// Name implements [guard.Resource].
func (p *Policy) Name() string { return "bucket-policy" }

// Inspect implements [guard.Resource].
func (p *Policy) Inspect(ctx context.Context) ([]guard.Finding, error) {
	live, err := p.Bucket.policy(ctx, p.API)
	if err != nil {
		d := p.unseen()
		findings, err := p.Bucket.unread(p.Name(), d.Document, err)
		for i := range findings {
			findings[i].State = d
		}
		return findings, err
	}
	d := p.judge(live)
	return []guard.Finding{{
		Property: p.Name(), Target: p.Bucket.Name,
		Verdict: d.Verdict, Allowed: d.Allowed, Diff: guard.Differences(d.Diff),
		Live: live, Desired: d.Document, State: d,
	}}, nil
}

func (p *Policy) judge(live string) guard.Decision {
	if p.Lock != nil {
		return p.Lock.Judge(live)
	}
	return guard.Decision{Judgement: iampolicy.Judge([]byte(p.Desired), []byte(live), p.Forbidden), Document: p.Desired}
}

func (p *Policy) unseen() guard.Decision {
	if p.Lock != nil {
		return p.Lock.Unseen()
	}
	return guard.Decision{Document: p.Desired}
}

type policyReader interface {
	GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error)
}

// policy reads the bucket's policy; "" if it has none. Source: docs/facts.md, S3
func (b Bucket) policy(ctx context.Context, api policyReader) (string, error) {
	answer, err := api.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
	switch {
	case errorcode.Of(err) == "NoSuchBucketPolicy":
		return "", nil
	case err != nil:
		return "", err
	default:
		return aws.ToString(answer.Policy), nil
	}
}

// Restore implements [guard.Resource]. It writes nothing if the desired policy would lock out the roles that configure
// the bucket (the error wraps [guard.ErrLockout]), or would itself leave the bucket open: such a document can only come
// from a wrong template, and would make things worse.
//
// ConfirmRemoveSelfBucketAccess stays unset, because S3 then also rejects policies that lock out the caller.
func (p *Policy) Restore(ctx context.Context, f guard.Finding) error {
	if err := p.refuse(f); err != nil {
		return fmt.Errorf("bucket %s: %w", p.Bucket.Name, err)
	}
	_, err := p.API.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: &p.Bucket.Name, ExpectedBucketOwner: &p.Bucket.Account, Policy: &f.Desired,
	})
	return p.Bucket.wrap(err)
}

// refuse returns the reason why the desired document must not be written, or nil. Without a lock the result does not change
// during the life of the process, and takes a few milliseconds to compute.
func (p *Policy) refuse(f guard.Finding) error {
	if p.Lock != nil {
		d, _ := f.State.(guard.Decision)
		return d.Refusal
	}
	p.once.Do(func() { p.refusal = Refusal(p.Desired, "", p.Setting, p.Forbidden()) })
	return p.refusal
}

// Refusal returns the reason why a bucket's policy must not be written over a live one, or nil: it would lock out those who configure
// the bucket, or it is itself open.
func Refusal(document, live string, s iampolicy.Setting, forbidden []iampolicy.ForbiddenRequest) error {
	if err := iampolicy.LockoutBeyond([]byte(document), []byte(live), s); err != nil {
		return guard.RemedyLockout.For(fmt.Errorf("%w: %w", guard.ErrLockout, err))
	}
	return guard.Holds(document, forbidden)
}
