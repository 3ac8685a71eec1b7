// Package s3bucket guards a bucket's policy, its public access block and its ownership controls.
//
// It implements [guard.Resource] with the S3 calls of the AWS SDK; each type names the few calls that it makes. Every
// call carries ExpectedBucketOwner, so that a bucket of the same name in another account, which somebody may create
// once ours is deleted, is neither believed nor written to.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
package s3bucket

import (
	"fmt"

	"s3-endpoint-guard/internal/errorcode"
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

// wrap adds the bucket's name to an error of a call, and what to do where a person has to act. Transient failures
// never get here: the SDK has tried them again (see awsconfig).
func (b Bucket) wrap(err error) error {
	switch errorcode.Of(err) {
	case "NoSuchBucket":
		return fmt.Errorf("bucket %s: %w: create it again under the same name in account %s, and the next sweep "+
			"locks it; or delete the stack and deploy it anew: %w", b.Name, guard.ErrMissing, b.Account, err)
	case "AccessDenied":
		return fmt.Errorf("bucket %s: look whether account %s still owns it, whether the guard's role still has its "+
			"permissions, and whether a bucket or organisation policy denies them; the account's root user can always "+
			"delete a bucket policy: %w", b.Name, b.Account, err)
	default:
		return fmt.Errorf("bucket %s: %w", b.Name, err)
	}
}
