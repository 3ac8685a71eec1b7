package inspect

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// ExitAPI has the calls that [Exits] makes.
type ExitAPI interface {
	GetObjectLockConfiguration(context.Context, *s3.GetObjectLockConfigurationInput, ...func(*s3.Options)) (*s3.GetObjectLockConfigurationOutput, error)
	GetBucketReplication(context.Context, *s3.GetBucketReplicationInput, ...func(*s3.Options)) (*s3.GetBucketReplicationOutput, error)
	ListBucketInventoryConfigurations(context.Context, *s3.ListBucketInventoryConfigurationsInput, ...func(*s3.Options)) (*s3.ListBucketInventoryConfigurationsOutput, error)
	ListBucketAnalyticsConfigurations(context.Context, *s3.ListBucketAnalyticsConfigurationsInput, ...func(*s3.Options)) (*s3.ListBucketAnalyticsConfigurationsOutput, error)
	GetBucketMetadataConfiguration(context.Context, *s3.GetBucketMetadataConfigurationInput, ...func(*s3.Options)) (*s3.GetBucketMetadataConfigurationOutput, error)
	GetBucketLogging(context.Context, *s3.GetBucketLoggingInput, ...func(*s3.Options)) (*s3.GetBucketLoggingOutput, error)
	GetBucketNotificationConfiguration(context.Context, *s3.GetBucketNotificationConfigurationInput, ...func(*s3.Options)) (*s3.GetBucketNotificationConfigurationOutput, error)
	GetBucketWebsite(context.Context, *s3.GetBucketWebsiteInput, ...func(*s3.Options)) (*s3.GetBucketWebsiteOutput, error)
	GetBucketCors(context.Context, *s3.GetBucketCorsInput, ...func(*s3.Options)) (*s3.GetBucketCorsOutput, error)
	GetBucketAccelerateConfiguration(context.Context, *s3.GetBucketAccelerateConfigurationInput, ...func(*s3.Options)) (*s3.GetBucketAccelerateConfigurationOutput, error)
	GetBucketRequestPayment(context.Context, *s3.GetBucketRequestPaymentInput, ...func(*s3.Options)) (*s3.GetBucketRequestPaymentOutput, error)
}

// Exits are the parts of a bucket's configuration by which S3 itself carries data or names out of the bucket, or which
// change it for good. The bucket's policy does not apply to S3's own work: docs/facts.md, S3
type Exits struct {
	API ExitAPI
	// Bucket is the bucket's name, Account the account that must own it.
	Bucket, Account string
}

// exit reads one part: it returns what is configured, "" for nothing. absent is S3's error code for nothing.
type exit struct {
	name, absent string
	read         func(context.Context) (string, error)
}

// Read returns the parts that are configured, in one round trip. It returns those that it could read, even if the error
// names others.
func (e *Exits) Read(ctx context.Context) ([]health.Exit, error) {
	found, err := parallel.Readable(e.all(), func(x exit) (health.Exit, error) {
		what, err := x.read(ctx)
		switch {
		case x.absent != "" && errorcode.Of(err) == x.absent:
			return health.Exit{}, nil
		case err != nil:
			return health.Exit{}, fmt.Errorf("%s of bucket %s: %w", x.name, e.Bucket, err)
		}
		return health.Exit{Name: x.name, What: what}, nil
	})
	var configured []health.Exit
	for _, x := range found {
		if x.What != "" {
			configured = append(configured, x)
		}
	}
	return configured, err
}

// all returns the parts.
func (e *Exits) all() []exit {
	bucket, owner := &e.Bucket, &e.Account
	return []exit{
		{"object-lock", "ObjectLockConfigurationNotFoundError", func(ctx context.Context) (string, error) {
			got, err := e.API.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: bucket, ExpectedBucketOwner: owner})
			if err != nil || got.ObjectLockConfiguration == nil {
				return "", err
			}
			return retention(got.ObjectLockConfiguration), nil
		}},
		{"replication", "ReplicationConfigurationNotFoundError", func(ctx context.Context) (string, error) {
			got, err := e.API.GetBucketReplication(ctx, &s3.GetBucketReplicationInput{Bucket: bucket, ExpectedBucketOwner: owner})
			if err != nil || got.ReplicationConfiguration == nil {
				return "", err
			}
			var to []string
			for _, r := range got.ReplicationConfiguration.Rules {
				if r.Destination != nil {
					to = append(to, aws.ToString(r.Destination.Bucket))
				}
			}
			return "objects are copied to " + strings.Join(to, ", "), nil
		}},
		{"inventory", "", func(ctx context.Context) (string, error) {
			got, err := e.API.ListBucketInventoryConfigurations(ctx, &s3.ListBucketInventoryConfigurationsInput{Bucket: bucket, ExpectedBucketOwner: owner})
			if err != nil || len(got.InventoryConfigurationList) == 0 {
				return "", err
			}
			var to []string
			for _, c := range got.InventoryConfigurationList {
				if c.Destination != nil && c.Destination.S3BucketDestination != nil {
					to = append(to, aws.ToString(c.Destination.S3BucketDestination.Bucket))
				}
			}
			return "lists of all objects go to " + strings.Join(to, ", "), nil
		}},
		{"analytics", "", func(ctx context.Context) (string, error) {
			got, err := e.API.ListBucketAnalyticsConfigurations(ctx, &s3.ListBucketAnalyticsConfigurationsInput{Bucket: bucket, ExpectedBucketOwner: owner})
			if err != nil || len(got.AnalyticsConfigurationList) == 0 {
				return "", err
			}
			return fmt.Sprintf("%d configurations report on the objects", len(got.AnalyticsConfigurationList)), nil
		}},
		{"metadata-tables", "MetadataConfigurationNotFound", func(ctx context.Context) (string, error) {
			_, err := e.API.GetBucketMetadataConfiguration(ctx, &s3.GetBucketMetadataConfigurationInput{Bucket: bucket, ExpectedBucketOwner: owner})
			return "the names of all objects and their changes go to a table", err
		}},
		{"access-logs", "", func(ctx context.Context) (string, error) {
			got, err := e.API.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: bucket, ExpectedBucketOwner: owner})
			if err != nil || got.LoggingEnabled == nil {
				return "", err
			}
			return "the names of all requested objects go to bucket " + aws.ToString(got.LoggingEnabled.TargetBucket), nil
		}},
		{"notifications", "", func(ctx context.Context) (string, error) {
			got, err := e.API.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: bucket, ExpectedBucketOwner: owner})
			if err != nil {
				return "", err
			}
			return notified(got), nil
		}},
		{"website", "NoSuchWebsiteConfiguration", func(ctx context.Context) (string, error) {
			_, err := e.API.GetBucketWebsite(ctx, &s3.GetBucketWebsiteInput{Bucket: bucket, ExpectedBucketOwner: owner})
			return "the bucket is a website", err
		}},
		{"cors", "NoSuchCORSConfiguration", func(ctx context.Context) (string, error) {
			_, err := e.API.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: bucket, ExpectedBucketOwner: owner})
			return "web pages of other origins may read answers", err
		}},
		{"acceleration", "", func(ctx context.Context) (string, error) {
			got, err := e.API.GetBucketAccelerateConfiguration(ctx, &s3.GetBucketAccelerateConfigurationInput{Bucket: bucket, ExpectedBucketOwner: owner})
			if err != nil || got.Status != types.BucketAccelerateStatusEnabled {
				return "", err
			}
			return "the bucket has names at the edge of AWS's network", nil
		}},
		{"requester-pays", "", func(ctx context.Context) (string, error) {
			got, err := e.API.GetBucketRequestPayment(ctx, &s3.GetBucketRequestPaymentInput{Bucket: bucket, ExpectedBucketOwner: owner})
			if err != nil || got.Payer != types.PayerRequester {
				return "", err
			}
			return "the app's requests fail unless they accept the costs", nil
		}},
	}
}

// retention describes an Object Lock configuration.
func retention(c *types.ObjectLockConfiguration) string {
	if c.Rule == nil || c.Rule.DefaultRetention == nil {
		return "it is on, which cannot be undone"
	}
	d := c.Rule.DefaultRetention
	return fmt.Sprintf("new objects are locked in mode %s for %d days and %d years, which also stops the deletion of the stack",
		d.Mode, aws.ToInt32(d.Days), aws.ToInt32(d.Years))
}

// notified describes a notification configuration; "" if it has no destination.
func notified(c *s3.GetBucketNotificationConfigurationOutput) string {
	var to []string
	for _, x := range c.TopicConfigurations {
		to = append(to, aws.ToString(x.TopicArn))
	}
	for _, x := range c.QueueConfigurations {
		to = append(to, aws.ToString(x.QueueArn))
	}
	for _, x := range c.LambdaFunctionConfigurations {
		to = append(to, aws.ToString(x.LambdaFunctionArn))
	}
	if c.EventBridgeConfiguration != nil {
		to = append(to, "EventBridge")
	}
	if len(to) == 0 {
		return ""
	}
	return "the names of changed objects go to " + strings.Join(to, ", ")
}
