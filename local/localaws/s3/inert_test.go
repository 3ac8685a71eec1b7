package s3_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// configured is one part of a bucket's configuration: how it is written, read (whether it is there) and removed. The
// error code of a read of nothing is none.
type configured struct {
	put    func(context.Context, *awss3.Client) error
	is     func(context.Context, *awss3.Client) (bool, error)
	remove func(context.Context, *awss3.Client) error
	none   string
}

func TestConfigurationWithoutAnEffectHereIsKept(t *testing.T) {
	id := aws.String("all")
	for part, c := range map[string]configured{
		"replication": {
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.PutBucketReplication(ctx, &awss3.PutBucketReplicationInput{Bucket: name, ReplicationConfiguration: &types.ReplicationConfiguration{
					Role: aws.String("arn:aws:iam::111122223333:role/r"), Rules: []types.ReplicationRule{{
						Status: types.ReplicationRuleStatusEnabled, Destination: &types.Destination{Bucket: aws.String("arn:aws:s3:::other")},
					}},
				}})
				return err
			},
			func(ctx context.Context, c *awss3.Client) (bool, error) {
				got, err := c.GetBucketReplication(ctx, &awss3.GetBucketReplicationInput{Bucket: name})
				return err == nil && *got.ReplicationConfiguration.Rules[0].Destination.Bucket == "arn:aws:s3:::other", err
			},
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.DeleteBucketReplication(ctx, &awss3.DeleteBucketReplicationInput{Bucket: name})
				return err
			},
			"ReplicationConfigurationNotFoundError",
		},
		"website": {
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.PutBucketWebsite(ctx, &awss3.PutBucketWebsiteInput{Bucket: name, WebsiteConfiguration: &types.WebsiteConfiguration{
					IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")},
				}})
				return err
			},
			func(ctx context.Context, c *awss3.Client) (bool, error) {
				got, err := c.GetBucketWebsite(ctx, &awss3.GetBucketWebsiteInput{Bucket: name})
				return err == nil && *got.IndexDocument.Suffix == "index.html", err
			},
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.DeleteBucketWebsite(ctx, &awss3.DeleteBucketWebsiteInput{Bucket: name})
				return err
			},
			"NoSuchWebsiteConfiguration",
		},
		"cors": {
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.PutBucketCors(ctx, &awss3.PutBucketCorsInput{Bucket: name, CORSConfiguration: &types.CORSConfiguration{
					CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}},
				}})
				return err
			},
			func(ctx context.Context, c *awss3.Client) (bool, error) {
				got, err := c.GetBucketCors(ctx, &awss3.GetBucketCorsInput{Bucket: name})
				return err == nil && len(got.CORSRules) == 1, err
			},
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.DeleteBucketCors(ctx, &awss3.DeleteBucketCorsInput{Bucket: name})
				return err
			},
			"NoSuchCORSConfiguration",
		},
		"inventory": {
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.PutBucketInventoryConfiguration(ctx, &awss3.PutBucketInventoryConfigurationInput{Bucket: name, Id: id, InventoryConfiguration: &types.InventoryConfiguration{
					Id: id, IsEnabled: aws.Bool(true), IncludedObjectVersions: "All", Schedule: &types.InventorySchedule{Frequency: "Daily"},
					Destination: &types.InventoryDestination{S3BucketDestination: &types.InventoryS3BucketDestination{Bucket: aws.String("arn:aws:s3:::other"), Format: "CSV"}},
				}})
				return err
			},
			func(ctx context.Context, c *awss3.Client) (bool, error) {
				got, err := c.ListBucketInventoryConfigurations(ctx, &awss3.ListBucketInventoryConfigurationsInput{Bucket: name})
				return err == nil && len(got.InventoryConfigurationList) == 1, err
			},
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.DeleteBucketInventoryConfiguration(ctx, &awss3.DeleteBucketInventoryConfigurationInput{Bucket: name, Id: id})
				return err
			},
			"",
		},
		"analytics": {
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.PutBucketAnalyticsConfiguration(ctx, &awss3.PutBucketAnalyticsConfigurationInput{Bucket: name, Id: id, AnalyticsConfiguration: &types.AnalyticsConfiguration{
					Id: id, StorageClassAnalysis: &types.StorageClassAnalysis{},
				}})
				return err
			},
			func(ctx context.Context, c *awss3.Client) (bool, error) {
				got, err := c.ListBucketAnalyticsConfigurations(ctx, &awss3.ListBucketAnalyticsConfigurationsInput{Bucket: name})
				return err == nil && len(got.AnalyticsConfigurationList) == 1, err
			},
			func(ctx context.Context, c *awss3.Client) error {
				_, err := c.DeleteBucketAnalyticsConfiguration(ctx, &awss3.DeleteBucketAnalyticsConfigurationInput{Bucket: name, Id: id})
				return err
			},
			"",
		},
		"acceleration": {
			accelerated(types.BucketAccelerateStatusEnabled),
			func(ctx context.Context, c *awss3.Client) (bool, error) {
				got, err := c.GetBucketAccelerateConfiguration(ctx, &awss3.GetBucketAccelerateConfigurationInput{Bucket: name})
				return err == nil && got.Status == types.BucketAccelerateStatusEnabled, err
			},
			accelerated(types.BucketAccelerateStatusSuspended),
			"",
		},
		"request payment": {
			paid(types.PayerRequester),
			func(ctx context.Context, c *awss3.Client) (bool, error) {
				got, err := c.GetBucketRequestPayment(ctx, &awss3.GetBucketRequestPaymentInput{Bucket: name})
				return err == nil && got.Payer == types.PayerRequester, err
			},
			paid(types.PayerBucketOwner),
			"",
		},
		"logging": {
			logged(&types.LoggingEnabled{TargetBucket: aws.String("other"), TargetPrefix: aws.String("")}),
			func(ctx context.Context, c *awss3.Client) (bool, error) {
				got, err := c.GetBucketLogging(ctx, &awss3.GetBucketLoggingInput{Bucket: name})
				return err == nil && got.LoggingEnabled != nil, err
			},
			logged(nil),
			"",
		},
	} {
		t.Run(part, func(t *testing.T) {
			s := newScene(t)
			client := s.as(s.admin())
			for i, step := range []struct {
				do    func(context.Context, *awss3.Client) error
				there bool
			}{{nil, false}, {c.put, true}, {c.remove, false}} {
				if step.do != nil {
					s.must(step.do(background, client))
				}
				there, err := c.is(background, client)
				want := ""
				if !step.there {
					want = c.none
				}
				s.expect(part, err, want)
				if there != step.there {
					t.Errorf("after step %d it is there: %t, want %t", i, there, step.there)
				}
			}
		})
	}
}

func accelerated(status types.BucketAccelerateStatus) func(context.Context, *awss3.Client) error {
	return func(ctx context.Context, c *awss3.Client) error {
		_, err := c.PutBucketAccelerateConfiguration(ctx, &awss3.PutBucketAccelerateConfigurationInput{
			Bucket: name, AccelerateConfiguration: &types.AccelerateConfiguration{Status: status},
		})
		return err
	}
}

func paid(by types.Payer) func(context.Context, *awss3.Client) error {
	return func(ctx context.Context, c *awss3.Client) error {
		_, err := c.PutBucketRequestPayment(ctx, &awss3.PutBucketRequestPaymentInput{
			Bucket: name, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: by},
		})
		return err
	}
}

func logged(to *types.LoggingEnabled) func(context.Context, *awss3.Client) error {
	return func(ctx context.Context, c *awss3.Client) error {
		_, err := c.PutBucketLogging(ctx, &awss3.PutBucketLoggingInput{Bucket: name, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: to}})
		return err
	}
}

func TestObjectLockNeedsVersioningAndStaysOn(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	put := func() error {
		_, err := client.PutObjectLockConfiguration(background, &awss3.PutObjectLockConfigurationInput{Bucket: name, ObjectLockConfiguration: &types.ObjectLockConfiguration{
			ObjectLockEnabled: types.ObjectLockEnabledEnabled, Rule: &types.ObjectLockRule{
				DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeCompliance, Days: aws.Int32(3)},
			},
		}})
		return err
	}
	s.expect("PutObjectLockConfiguration without versioning", put(), "InvalidBucketState")
	s.must(s.store.PutVersioning(bucket, "Enabled"))
	s.must(put())
	got, err := client.GetObjectLockConfiguration(background, &awss3.GetObjectLockConfigurationInput{Bucket: name})
	s.must(err)
	if days := got.ObjectLockConfiguration.Rule.DefaultRetention.Days; aws.ToInt32(days) != 3 {
		t.Errorf("default retention of %d days, want 3", aws.ToInt32(days))
	}
}

// A version under an event hold could be deleted here once its date is over, unlike in S3.
func TestEventHoldsAreRefused(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	s.must(s.store.EnableObjectLock(bucket))
	s.must(s.store.Put(bucket, *key, nil))
	week := &types.EventHoldDuration{Days: aws.Int32(7)}
	_, err := client.PutObjectRetention(background, &awss3.PutObjectRetentionInput{Bucket: name, Key: key, Retention: &types.ObjectLockRetention{
		Mode: types.ObjectLockRetentionModeGovernance, EventHold: types.ObjectLockEventHoldOn, EventHoldDuration: week,
	}})
	s.expect("PutObjectRetention with an event hold", err, "NotImplemented")
	_, err = client.PutObjectLockConfiguration(background, &awss3.PutObjectLockConfigurationInput{Bucket: name, ObjectLockConfiguration: &types.ObjectLockConfiguration{
		ObjectLockEnabled: types.ObjectLockEnabledEnabled, Rule: &types.ObjectLockRule{
			DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeGovernance, Days: aws.Int32(1), DefaultEventHold: week},
		},
	}})
	s.expect("PutObjectLockConfiguration with a default event hold", err, "NotImplemented")
}

// The runbook's remedy for Object Lock: the default retention is removed, and versions from then on can be deleted.
func TestTheDefaultRetentionBindsTheVersionsOfItsTime(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	s.must(s.store.EnableObjectLock(bucket))
	put := func(rule *types.ObjectLockRule) {
		t.Helper()
		_, err := client.PutObjectLockConfiguration(background, &awss3.PutObjectLockConfigurationInput{
			Bucket: name, ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled, Rule: rule},
		})
		s.must(err)
	}
	deleted := func(key string) error {
		t.Helper()
		written, err := client.PutObject(background, &awss3.PutObjectInput{Bucket: name, Key: &key})
		s.must(err)
		_, err = client.DeleteObject(background, &awss3.DeleteObjectInput{Bucket: name, Key: &key, VersionId: written.VersionId, BypassGovernanceRetention: aws.Bool(true)})
		return err
	}
	put(&types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeCompliance, Years: aws.Int32(10)}})
	s.expect("deletion of a version with the default retention", deleted("a"), "AccessDenied")
	put(nil)
	s.must(deleted("b"))
}
