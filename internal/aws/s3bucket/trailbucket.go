package s3bucket

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// TrailBucketAPI contains the calls that [TrailBucket] makes.
type TrailBucketAPI interface {
	policyReader
	lifecycleReader
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
		func() (err error) {
			found.Policy, err = bucket.policy(ctx, t.API)
			return bucket.wrap(err)
		},
		func() error {
			live, err := bucket.lifecycle(ctx, t.API)
			if err != nil {
				return bucket.wrap(err)
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
