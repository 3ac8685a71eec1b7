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
		return p.Bucket.unread(p.Name(), p.Desired, err)
	}
	j := iampolicy.Judge([]byte(p.Desired), []byte(live), p.Forbidden)
	return []guard.Finding{{
		Property: p.Name(), Target: p.Bucket.Name,
		Verdict: j.Verdict, Allowed: j.Allowed, Diff: guard.Differences(j.Diff),
		Live: live, Desired: p.Desired,
	}}, nil
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
func (p *Policy) Restore(ctx context.Context, _ guard.Finding) error {
	p.once.Do(func() { p.refusal = p.refuse() })
	if p.refusal != nil {
		return fmt.Errorf("bucket %s: %w", p.Bucket.Name, p.refusal)
	}
	_, err := p.API.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: &p.Bucket.Name, ExpectedBucketOwner: &p.Bucket.Account, Policy: &p.Desired,
	})
	if err != nil {
		return p.Bucket.wrap(err)
	}
	return nil
}

// refuse returns the reason why the desired policy must not be written, or nil. The result does not change during the
// life of the process, and takes a few milliseconds to compute.
func (p *Policy) refuse() error {
	if err := iampolicy.Lockout([]byte(p.Desired), p.Setting); err != nil {
		return guard.RemedyLockout.For(fmt.Errorf("%w: %w", guard.ErrLockout, err))
	}
	return guard.Holds(p.Desired, p.Forbidden())
}
