// Package s3bucket guards a bucket's policy, its public access block and its ownership controls.
//
// It implements [guard.Resource] with S3 calls of the AWS SDK; each type declares the few calls that it makes. All
// calls set ExpectedBucketOwner: after the bucket's deletion another account may create one with the same name, and the
// guard must neither trust it nor write to it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
package s3bucket

import (
	"fmt"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Bucket names the guarded bucket.
type Bucket struct {
	// Name is the bucket's name, Account the 12-digit id of the account that must own it.
	Name, Account string
}

// unread converts a failed read to the result of an inspection. If AWS denied it, this is an open finding without a
// live state, so that a policy which hides a property does not prevent its correction; otherwise it is an error.
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

// setting compares a setting of one value with the desired one, which is the only one that is not open; allowed says what another one
// allows. A setting that is missing is "".
func (b Bucket) setting(property, name, live, desired, allowed string) guard.Finding {
	finding := guard.Finding{Property: property, Target: b.Name, Verdict: iampolicy.Same, Live: live, Desired: desired}
	if live == desired {
		return finding
	}
	finding.Verdict, finding.Allowed = iampolicy.Open, allowed
	finding.Diff = []guard.Difference{{Removed: true, Name: name, Value: desired}}
	if live != "" {
		finding.Diff = append(finding.Diff, guard.Difference{Name: name, Value: live})
	}
	return finding
}

// wrap adds to a call's error the bucket's name and, if a person must act, the remedy. Transient failures do not arrive
// here: the SDK has already retried them (see awsconfig). No error stays none.
func (b Bucket) wrap(err error) error {
	if err == nil {
		return nil
	}
	switch errorcode.Of(err) {
	case "NoSuchBucket",
		// The two answers for a bucket in another Region. The guard guards none: its name was used for a new bucket there, or the
		// event of its creation was recorded here.
		// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
		"PermanentRedirect", "AuthorizationHeaderMalformed":
		return guard.RemedyBucketGone.For(fmt.Errorf("bucket %s of account %s: %w: %w", b.Name, b.Account, guard.ErrMissing, err))
	case "AccessDenied":
		return guard.RemedyDenied.For(fmt.Errorf("bucket %s of account %s: %w", b.Name, b.Account, err))
	default:
		return fmt.Errorf("bucket %s: %w", b.Name, err)
	}
}
