package conformance_test

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func replaceAll(text, old, new string) string { return strings.ReplaceAll(text, old, new) }

func blockAll(on bool) *types.PublicAccessBlockConfiguration {
	return &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: &on, IgnorePublicAcls: &on, BlockPublicPolicy: &on, RestrictPublicBuckets: &on,
	}
}

func block(on bool) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: bucket, PublicAccessBlockConfiguration: blockAll(on)})
		return err
	})
}

func unblock() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: bucket})
		return err
	})
}

func blocked(want bool) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
		if err != nil {
			return err
		}
		got := answer.PublicAccessBlockConfiguration
		for _, setting := range []*bool{got.BlockPublicAcls, got.IgnorePublicAcls, got.BlockPublicPolicy, got.RestrictPublicBuckets} {
			if aws.ToBool(setting) != want {
				return differs("setting", aws.ToBool(setting), want)
			}
		}
		return nil
	})
}

func own(ownership types.ObjectOwnership) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: bucket,
			OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: ownership}}}})
		return err
	})
}

func disown() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketOwnershipControls(ctx, &s3.DeleteBucketOwnershipControlsInput{Bucket: bucket})
		return err
	})
}

func owned(want types.ObjectOwnership) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: bucket})
		if err != nil {
			return err
		}
		if got := answer.OwnershipControls.Rules[0].ObjectOwnership; got != want {
			return differs("ownership", got, want)
		}
		return nil
	})
}

func publicACL() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: bucket, ACL: types.BucketCannedACLPublicRead})
		return err
	})
}

func versioning(status types.BucketVersioningStatus) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bucket,
			VersioningConfiguration: &types.VersioningConfiguration{Status: status}})
		return err
	})
}

func versioned(want types.BucketVersioningStatus) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket})
		if err == nil && answer.Status != want {
			return differs("versioning", answer.Status, want)
		}
		return err
	})
}

func tag(key, value string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: bucket,
			Tagging: &types.Tagging{TagSet: []types.Tag{{Key: &key, Value: &value}}}})
		return err
	})
}

func untag() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: bucket})
		return err
	})
}

func tagged(key, want string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket})
		if err != nil {
			return err
		}
		if got := answer.TagSet; len(got) != 1 || *got[0].Key != key || *got[0].Value != want {
			return differs("tags", got, want)
		}
		return nil
	})
}

func expire(days int32) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: bucket,
			LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
				ID: aws.String("old"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
				NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: &days},
			}}}})
		return err
	})
}

func keep() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketLifecycle(ctx, &s3.DeleteBucketLifecycleInput{Bucket: bucket})
		return err
	})
}

func expires(want int32) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: bucket})
		if err != nil {
			return err
		}
		if got := aws.ToInt32(answer.Rules[0].NoncurrentVersionExpiration.NoncurrentDays); got != want {
			return differs("days", got, want)
		}
		return nil
	})
}

func encrypt(algorithm types.ServerSideEncryption) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: bucket,
			ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
				ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: algorithm},
			}}}})
		return err
	})
}

func encrypted(want types.ServerSideEncryption) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: bucket})
		if err != nil {
			return err
		}
		if got := answer.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm; got != want {
			return differs("algorithm", got, want)
		}
		return nil
	})
}

func replicate() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketReplication(ctx, &s3.PutBucketReplicationInput{Bucket: bucket,
			ReplicationConfiguration: &types.ReplicationConfiguration{
				Role: aws.String("arn:aws:iam::" + account + ":role/r"), Rules: []types.ReplicationRule{{
					Status: types.ReplicationRuleStatusEnabled, Destination: &types.Destination{Bucket: aws.String("arn:aws:s3:::elsewhere")},
				}},
			}})
		return err
	})
}

func replicated() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.GetBucketReplication(ctx, &s3.GetBucketReplicationInput{Bucket: bucket})
		return err
	})
}

func stopReplicating() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketReplication(ctx, &s3.DeleteBucketReplicationInput{Bucket: bucket})
		return err
	})
}

func isWebsite() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.GetBucketWebsite(ctx, &s3.GetBucketWebsiteInput{Bucket: bucket})
		return err
	})
}

func sharesOrigins() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: bucket})
		return err
	})
}

func locked() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: bucket})
		return err
	})
}

func inventories(want int) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.ListBucketInventoryConfigurations(ctx, &s3.ListBucketInventoryConfigurationsInput{Bucket: bucket})
		if err == nil && len(answer.InventoryConfigurationList) != want {
			return differs("inventories", len(answer.InventoryConfigurationList), want)
		}
		return err
	})
}

func logsTo(want string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: bucket})
		if err != nil {
			return err
		}
		got := ""
		if answer.LoggingEnabled != nil {
			got = aws.ToString(answer.LoggingEnabled.TargetBucket)
		}
		if got != want {
			return differs("log bucket", got, want)
		}
		return nil
	})
}
