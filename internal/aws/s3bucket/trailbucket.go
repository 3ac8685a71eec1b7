package s3bucket

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// TrailBucketAPI contains the calls that [TrailBucket] makes.
type TrailBucketAPI interface {
	GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error)
	GetBucketLifecycleConfiguration(context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options)) (*s3.GetBucketLifecycleConfigurationOutput, error)
}

// TrailBucket is the bucket of the stack's own trail. The guard does not restore it; it is compared only.
type TrailBucket struct {
	API TrailBucketAPI
	// Account must own the bucket.
	Account string
	// Days is the number of days for which the trail's files are kept.
	Days int32
}

// oldFileDays is for how many days old versions of the trail's files are kept.
const oldFileDays = 7

// Rules returns the lifecycle rules of the resource TrailBucket in template.yaml.
func (t *TrailBucket) Rules() []types.LifecycleRule {
	return []types.LifecycleRule{{
		ID: aws.String("ExpireFiles"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
		Expiration:                     &types.LifecycleExpiration{Days: &t.Days},
		NoncurrentVersionExpiration:    &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(oldFileDays)},
		AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(uploadDays)},
	}}
}

// Read reads the bucket's policy, and how its lifecycle rules differ in their effects, in one round trip. A bucket without
// a policy has "".
func (t *TrailBucket) Read(ctx context.Context, name string) (health.TrailBucket, error) {
	bucket := Bucket{Name: name, Account: t.Account}
	var found health.TrailBucket
	err := parallel.All(
		func() error {
			answer, err := t.API.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &name, ExpectedBucketOwner: &t.Account})
			switch {
			case errorcode.Of(err) == "NoSuchBucketPolicy":
				return nil
			case err != nil:
				return bucket.wrap(err)
			}
			found.Policy = aws.ToString(answer.Policy)
			return nil
		},
		func() error {
			answer, err := t.API.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &name, ExpectedBucketOwner: &t.Account})
			var live []types.LifecycleRule
			switch {
			case errorcode.Of(err) == "NoSuchLifecycleConfiguration":
			case err != nil:
				return bucket.wrap(err)
			default:
				live = answer.Rules
			}
			found.Lifecycle = differences(effects(live), effects(t.Rules()))
			return nil
		})
	return found, err
}

// differences describes effects that are missing or not desired.
func differences(live, desired []effect) []string {
	var found []string
	for _, e := range desired {
		if !slices.Contains(live, e) {
			found = append(found, "does not any more "+e.String())
		}
	}
	for _, e := range live {
		if !slices.Contains(desired, e) {
			found = append(found, e.String())
		}
	}
	return found
}
