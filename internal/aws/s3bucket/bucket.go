// Package s3bucket guards a bucket's policy, its public access block and its ownership controls.
//
// It implements [guard.Resource] with the S3 calls of the AWS SDK; each type names the few calls that it makes. Every
// call carries ExpectedBucketOwner, so that a bucket of the same name in another account, which somebody may create
// once ours is deleted, is neither believed nor written to.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
package s3bucket

import (
	"fmt"

	"s3-endpoint-guard/internal/aws/errorcode"
	"s3-endpoint-guard/internal/guard"
	"s3-endpoint-guard/internal/iampolicy"
)

// Bucket names the guarded bucket.
type Bucket struct {
	// Name is the bucket's name, Account the 12-digit id of the account that must own it.
	Name, Account string
}

// unread is what an inspection makes of a read that failed: where AWS denies it, an open finding without a live state, so
// that a policy which hides a property does not keep the guard from correcting it; otherwise an error.
func (b Bucket) unread(property, desired string, err error) ([]guard.Finding, error) {
	if !errorcode.Denied(err) {
		return nil, b.wrap(err)
	}
	return []guard.Finding{{
		Property: property, Target: b.Name, Verdict: iampolicy.Open, Desired: desired,
		Allowed: "not known, because AWS denies the guard to read it",
		Unread:  b.wrap(err), Hidden: errorcode.ByResourcePolicy(err),
	}}, nil
}

// wrap adds the bucket's name to an error of a call, and the remedy where a person has to act. Transient failures never
// get here: the SDK has tried them again (see awsconfig).
func (b Bucket) wrap(err error) error {
	switch errorcode.Of(err) {
	case "NoSuchBucket":
		return guard.RemedyBucketGone.For(fmt.Errorf("bucket %s of account %s: %w: %w", b.Name, b.Account, guard.ErrMissing, err))
	case "AccessDenied":
		return guard.RemedyDenied.For(fmt.Errorf("bucket %s of account %s: %w", b.Name, b.Account, err))
	default:
		return fmt.Errorf("bucket %s: %w", b.Name, err)
	}
}
