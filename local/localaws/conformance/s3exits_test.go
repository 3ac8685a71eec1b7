package conformance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	controltypes "github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"example.com/s3-endpoint-guard/internal/aws/inspect"
)

// exitCases are the cases on the ways by which data or names leave a bucket past its policy. Where moto differs, these pages
// decide:
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_NotificationConfiguration.html (EventBridge)
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html (ACLs)
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html (S3's own encryption)
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateAccessPoint.html
func exitCases() []testCase {
	return []testCase{
		{name: "access logs are switched on and off", ops: []op{
			createBucket(), own("BucketOwnerPreferred"), logTo("here"), logsToItself(true), logTo("off"), logsToItself(false),
		}},
		{name: "notifications are put, read and replaced", ops: []op{createBucket(), notified(0), notify(2), notified(2), notify(1), notified(1), notify(0), notified(0)}},
		{name: "notifications to EventBridge are put and read", moto: "shows no EventBridge", ops: []op{createBucket(), notify(3), notified(3)}},
		{name: "acceleration is put and read", ops: []op{createBucket(), accelerated(""), accelerate("Enabled"), accelerated("Enabled"), accelerate("Suspended"), accelerated("Suspended")}},
		{name: "who pays for requests is put and read", moto: "does not know the calls", ops: []op{createBucket(), paidBy("BucketOwner"), payBy("Requester"), paidBy("Requester")}},
		{name: "a website is put, read and deleted", ops: []op{
			createBucket(), serve("index.html"), served("index.html"), stopServing(), refused("NoSuchWebsiteConfiguration", served("")), stopServing(),
		}},
		{name: "rules for other origins are put, read and deleted", ops: []op{
			createBucket(), share("https://example.com"), shared("https://example.com"), unshare(), refused("NoSuchCORSConfiguration", shared("")), unshare(),
		}},
		{name: "inventories are put and listed by id", ops: []op{createBucket(), takeInventory("a"), takeInventory("b"), inventories(2), takeInventory("a"), inventories(2)}},
		{name: "an inventory is deleted", moto: "then has no bucket", ops: []op{createBucket(), takeInventory("a"), takeInventory("b"), endInventory("a"), inventories(1)}},
		{name: "analyses are put, listed and deleted", moto: "does not know the calls", ops: []op{
			createBucket(), analyse("a"), analyses("a"), analyse("b"), analyses("a", "b"), endAnalysis("a"), analyses("b"),
		}},
		{name: "metadata tables are made and read", moto: "does not know the calls", ops: []op{
			createBucket(), refused("MetadataConfigurationNotFound", hasMetadata()), makeMetadata(), hasMetadata(),
		}},
		{name: "a bucket's ACL is its owner's full control, until it is public", ops: []op{
			createBucket(), own("BucketOwnerPreferred"), block(false), grants("FULL_CONTROL"), publicACL(), grants("FULL_CONTROL", "READ"),
		}},
		{name: "Block Public Access refuses a public ACL", moto: "has no effect of Block Public Access", ops: []op{
			createBucket(), own("BucketOwnerPreferred"), block(true), refused("AccessDenied", publicACL()), grants("FULL_CONTROL"),
		}},
		{name: "encryption that is deleted is S3's own", moto: "has none then", ops: []op{
			createBucket(), encrypt(types.ServerSideEncryptionAwsKms), decrypt(), encrypted(types.ServerSideEncryptionAes256),
		}},
		{name: "an access point is listed at its bucket", ops: []op{createBucket(), points(), createPoint(), points("point")}},
		{name: "an access point needs its bucket", moto: "does not look at the bucket", ops: []op{refused("InvalidRequest", createPoint())}},
		{name: "the account's Block Public Access is put, read and deleted", ops: []op{
			blockAccount(true), accountBlocked(true), blockAccount(false), accountBlocked(false), unblockAccount(),
			refused("NoSuchPublicAccessBlockConfiguration", accountBlocked(false)), unblockAccount(),
		}},
	}
}

// lockCases are the cases on Object Lock. Where moto differs, these pages decide:
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html (buckets that have objects)
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html (retention, default retention)
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DefaultRetention.html (days or years)
func lockCases() []testCase {
	const noRetention = "does not know GetObjectRetention"
	return []testCase{
		{name: "Object Lock needs versioning", ops: []op{createBucket(), refused("InvalidBucketState", lock()), refused("ObjectLockConfigurationNotFoundError", locked())}},
		{name: "Object Lock is switched on with a default", ops: []op{
			createBucket(), versioning("Enabled"), lockFor(1), lockedFor(1),
		}},
		{name: "a new version has the default retention", moto: "does not see the checksum that it then needs", ops: []op{
			createBucket(), versioning("Enabled"), lockFor(1), putNoting("a", "1"), retained("GOVERNANCE"),
			refused("AccessDenied", deleteNoted("a", false)), deleteNoted("a", true),
		}},
		{name: "a version from before has no default retention", moto: "locks only empty buckets", ops: []op{
			createBucket(), versioning("Enabled"), putNoting("a", "1"), lockFor(1), refused("NoSuchObjectLockConfiguration", retained("")), deleteNoted("a", false),
		}},
		{name: "a default retention has days or years", moto: "does not look at them", ops: []op{
			createBucket(), versioning("Enabled"), refused("MalformedXML", lockFor(0)), refused("ObjectLockConfigurationNotFoundError", locked()),
		}},
		{name: "a version is kept until its retention ends", moto: "deletes it", ops: []op{
			createBucket(), versioning("Enabled"), lock(), putNoting("a", "1"), retain("GOVERNANCE", time.Hour, false),
			refused("AccessDenied", deleteNoted("a", false)), deleteNoted("a", true),
		}},
		{name: "a version's retention is read", moto: noRetention, ops: []op{
			createBucket(), versioning("Enabled"), lock(), putNoting("a", "1"), refused("NoSuchObjectLockConfiguration", retained("")),
			retain("GOVERNANCE", time.Hour, false), retained("GOVERNANCE"),
		}},
		{name: "compliance is not shortened", moto: "shortens it", ops: []op{
			createBucket(), versioning("Enabled"), lock(), putNoting("a", "1"), retain("COMPLIANCE", time.Hour, false),
			refused("AccessDenied", retain("COMPLIANCE", time.Minute, true)), retain("COMPLIANCE", 2*time.Hour, false), refused("AccessDenied", deleteNoted("a", true)),
		}},
		{name: "a version is kept while it has a legal hold", ops: []op{
			createBucket(), versioning("Enabled"), lock(), putNoting("a", "1"), hold("ON"), held("ON"), refused("AccessDenied", deleteNoted("a", true)),
			hold("OFF"), held("OFF"), deleteNoted("a", false),
		}},
		{name: "a version of a bucket without Object Lock has no retention", moto: noRetention, ops: []op{
			createBucket(), versioning("Enabled"), putNoting("a", "1"), refused("InvalidRequest", retain("GOVERNANCE", time.Hour, false)), refused("InvalidRequest", retained("")),
		}},
		{name: "a version of a bucket without Object Lock has no legal hold", moto: "takes it", ops: []op{
			createBucket(), versioning("Enabled"), putNoting("a", "1"), refused("InvalidRequest", hold("ON")), refused("InvalidRequest", held("")),
		}},
	}
}

// logTo switches access logs on, into the bucket itself ("here"), or "off".
func logTo(where string) op {
	return func(ctx context.Context, s *scene) error {
		status := &types.BucketLoggingStatus{}
		if where != "off" {
			if err := putPolicy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},`+
				`"Action":"s3:PutObject","Resource":"arn:aws:s3:::BUCKET/*","Condition":{"StringEquals":{"aws:SourceAccount":"`+account+`"}}}]}`)(ctx, s); err != nil {
				return err
			}
			status.LoggingEnabled = &types.LoggingEnabled{TargetBucket: &s.name, TargetPrefix: aws.String("logs/")}
		}
		_, err := s.s3().PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: &s.name, BucketLoggingStatus: status})
		return err
	}
}

// logsToItself expects whether the bucket logs into itself.
func logsToItself(want bool) op {
	return func(ctx context.Context, s *scene) error {
		where := ""
		if want {
			where = s.name
		}
		return logsTo(where)(ctx, s)
	}
}

// notify sends notifications of a number of kinds: to a topic, a queue and EventBridge.
func notify(kinds int) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		n := &types.NotificationConfiguration{}
		if kinds > 2 {
			n.EventBridgeConfiguration = &types.EventBridgeConfiguration{}
		}
		if kinds > 0 {
			n.TopicConfigurations = []types.TopicConfiguration{{Events: []types.Event{"s3:ObjectRemoved:*"}, TopicArn: aws.String("arn:aws:sns:" + region + ":" + account + ":t")}}
		}
		if kinds > 1 {
			n.QueueConfigurations = []types.QueueConfiguration{{Events: []types.Event{"s3:ObjectCreated:*"}, QueueArn: aws.String("arn:aws:sqs:" + region + ":" + account + ":q")}}
		}
		_, err := c.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
			Bucket: bucket, NotificationConfiguration: n, SkipDestinationValidation: aws.Bool(true),
		})
		return err
	})
}

// notified expects the number of kinds of notifications.
func notified(want int) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		out, err := c.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: bucket})
		if err != nil {
			return err
		}
		got := len(out.QueueConfigurations) + len(out.TopicConfigurations) + len(out.LambdaFunctionConfigurations)
		if out.EventBridgeConfiguration != nil {
			got++
		}
		if got != want {
			return differs("kinds of notifications", got, want)
		}
		return nil
	})
}

func accelerate(status types.BucketAccelerateStatus) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketAccelerateConfiguration(ctx, &s3.PutBucketAccelerateConfigurationInput{
			Bucket: bucket, AccelerateConfiguration: &types.AccelerateConfiguration{Status: status},
		})
		return err
	})
}

func accelerated(want types.BucketAccelerateStatus) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		out, err := c.GetBucketAccelerateConfiguration(ctx, &s3.GetBucketAccelerateConfigurationInput{Bucket: bucket})
		if err == nil && out.Status != want {
			err = differs("acceleration", out.Status, want)
		}
		return err
	})
}

func payBy(payer types.Payer) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketRequestPayment(ctx, &s3.PutBucketRequestPaymentInput{
			Bucket: bucket, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: payer},
		})
		return err
	})
}

func paidBy(want types.Payer) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		out, err := c.GetBucketRequestPayment(ctx, &s3.GetBucketRequestPaymentInput{Bucket: bucket})
		if err == nil && out.Payer != want {
			err = differs("payer", out.Payer, want)
		}
		return err
	})
}

// serve makes the bucket a website with an index.
func serve(index string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketWebsite(ctx, &s3.PutBucketWebsiteInput{
			Bucket: bucket, WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: &index}},
		})
		return err
	})
}

func stopServing() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketWebsite(ctx, &s3.DeleteBucketWebsiteInput{Bucket: bucket})
		return err
	})
}

func served(want string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		out, err := c.GetBucketWebsite(ctx, &s3.GetBucketWebsiteInput{Bucket: bucket})
		if err == nil && *out.IndexDocument.Suffix != want {
			err = differs("index", *out.IndexDocument.Suffix, want)
		}
		return err
	})
}

// share lets pages of an origin read the bucket.
func share(origin string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: bucket, CORSConfiguration: &types.CORSConfiguration{
			CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{origin}}},
		}})
		return err
	})
}

func unshare() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketCors(ctx, &s3.DeleteBucketCorsInput{Bucket: bucket})
		return err
	})
}

func shared(want string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		out, err := c.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: bucket})
		if err == nil && !slices.Equal(out.CORSRules[0].AllowedOrigins, []string{want}) {
			err = differs("origins", out.CORSRules[0].AllowedOrigins, want)
		}
		return err
	})
}

func takeInventory(id string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketInventoryConfiguration(ctx, &s3.PutBucketInventoryConfigurationInput{Bucket: bucket, Id: &id, InventoryConfiguration: &types.InventoryConfiguration{
			Id: &id, IsEnabled: aws.Bool(true), IncludedObjectVersions: types.InventoryIncludedObjectVersionsAll,
			Schedule:    &types.InventorySchedule{Frequency: types.InventoryFrequencyDaily},
			Destination: &types.InventoryDestination{S3BucketDestination: &types.InventoryS3BucketDestination{Bucket: aws.String("arn:aws:s3:::" + *bucket), Format: types.InventoryFormatCsv}},
		}})
		return err
	})
}

func endInventory(id string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketInventoryConfiguration(ctx, &s3.DeleteBucketInventoryConfigurationInput{Bucket: bucket, Id: &id})
		return err
	})
}

func analyse(id string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketAnalyticsConfiguration(ctx, &s3.PutBucketAnalyticsConfigurationInput{Bucket: bucket, Id: &id, AnalyticsConfiguration: &types.AnalyticsConfiguration{
			Id: &id, StorageClassAnalysis: &types.StorageClassAnalysis{},
		}})
		return err
	})
}

func endAnalysis(id string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketAnalyticsConfiguration(ctx, &s3.DeleteBucketAnalyticsConfigurationInput{Bucket: bucket, Id: &id})
		return err
	})
}

// analyses expects the ids of the bucket's analyses.
func analyses(want ...string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		out, err := c.ListBucketAnalyticsConfigurations(ctx, &s3.ListBucketAnalyticsConfigurationsInput{Bucket: bucket})
		if err != nil {
			return err
		}
		var got []string
		for _, a := range out.AnalyticsConfigurationList {
			got = append(got, *a.Id)
		}
		return sameList("analyses", got, want)
	})
}

func makeMetadata() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.CreateBucketMetadataConfiguration(ctx, &s3.CreateBucketMetadataConfigurationInput{Bucket: bucket, MetadataConfiguration: &types.MetadataConfiguration{
			JournalTableConfiguration: &types.JournalTableConfiguration{RecordExpiration: &types.RecordExpiration{Expiration: types.ExpirationStateDisabled}},
		}})
		return err
	})
}

func hasMetadata() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.GetBucketMetadataConfiguration(ctx, &s3.GetBucketMetadataConfigurationInput{Bucket: bucket})
		return err
	})
}

// grants expects the permissions in the bucket's ACL.
func grants(want ...types.Permission) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		out, err := c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: bucket})
		if err != nil {
			return err
		}
		var got []types.Permission
		for _, g := range out.Grants {
			got = append(got, g.Permission)
		}
		return sameList("grants", got, want)
	})
}

// decrypt deletes the bucket's encryption configuration.
func decrypt() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketEncryption(ctx, &s3.DeleteBucketEncryptionInput{Bucket: bucket})
		return err
	})
}

func (s *scene) control() *s3control.Client { return inspect.S3Control(s.config) }

// createPoint makes the bucket's access point, which has the bucket's name and "-point".
func createPoint() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.control().CreateAccessPoint(ctx, &s3control.CreateAccessPointInput{
			AccountId: aws.String(account), Bucket: &s.name, Name: aws.String(s.name + "-point"),
		})
		if want := ":" + account + ":accesspoint/" + s.name + "-point"; err == nil && !strings.HasSuffix(*out.AccessPointArn, want) {
			err = differs("ARN", *out.AccessPointArn, want) // moto's is of us-east-1
		}
		return err
	}
}

// points expects the bucket's access points, by what follows the bucket's name.
func points(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.control().ListAccessPoints(ctx, &s3control.ListAccessPointsInput{AccountId: aws.String(account), Bucket: &s.name})
		if err != nil {
			return err
		}
		var got []string
		for _, p := range out.AccessPointList {
			got = append(got, (*p.Name)[len(s.name)+1:])
			if *p.Bucket != s.name || p.NetworkOrigin != controltypes.NetworkOriginInternet {
				return differs("access point", fmt.Sprint(*p.Bucket, " ", p.NetworkOrigin), s.name)
			}
		}
		return sameList("access points", got, want)
	}
}

func blockAccount(on bool) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.control().PutPublicAccessBlock(ctx, &s3control.PutPublicAccessBlockInput{
			AccountId: aws.String(account), PublicAccessBlockConfiguration: &controltypes.PublicAccessBlockConfiguration{
				BlockPublicAcls: &on, IgnorePublicAcls: &on, BlockPublicPolicy: &on, RestrictPublicBuckets: &on,
			},
		})
		return err
	}
}

func unblockAccount() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.control().DeletePublicAccessBlock(ctx, &s3control.DeletePublicAccessBlockInput{AccountId: aws.String(account)})
		return err
	}
}

func accountBlocked(want bool) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.control().GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: aws.String(account)})
		if err != nil {
			return err
		}
		c := out.PublicAccessBlockConfiguration
		for _, setting := range []*bool{c.BlockPublicAcls, c.IgnorePublicAcls, c.BlockPublicPolicy, c.RestrictPublicBuckets} {
			if aws.ToBool(setting) != want {
				return differs("setting", aws.ToBool(setting), want)
			}
		}
		return nil
	}
}

// lock switches Object Lock on, without a default retention.
func lock() op { return lockWith(nil) }

// lockFor switches Object Lock on, with a default retention of a number of days.
func lockFor(days int32) op {
	return lockWith(&types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeGovernance, Days: &days}})
}

func lockWith(rule *types.ObjectLockRule) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutObjectLockConfiguration(ctx, &s3.PutObjectLockConfigurationInput{
			Bucket: bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled, Rule: rule},
		})
		return err
	})
}

// lockedFor expects the default retention's days.
func lockedFor(days int32) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		out, err := c.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: bucket})
		if err != nil {
			return err
		}
		if got := out.ObjectLockConfiguration.Rule.DefaultRetention; *got.Days != days || got.Mode != types.ObjectLockRetentionModeGovernance {
			return differs("default retention", *got.Days, days)
		}
		return nil
	})
}

// retain keeps the noted version of "a" for a time from now.
func retain(mode types.ObjectLockRetentionMode, span time.Duration, bypass bool) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.s3().PutObjectRetention(ctx, &s3.PutObjectRetentionInput{
			Bucket: &s.name, Key: aws.String("a"), VersionId: aws.String(s.notes["version"]), BypassGovernanceRetention: &bypass,
			Retention: &types.ObjectLockRetention{Mode: mode, RetainUntilDate: aws.Time(time.Now().Add(span))},
		})
		return err
	}
}

func retained(want types.ObjectLockRetentionMode) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.s3().GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: &s.name, Key: aws.String("a"), VersionId: aws.String(s.notes["version"])})
		if err == nil && (out.Retention == nil || out.Retention.Mode != want || out.Retention.RetainUntilDate.Before(time.Now())) {
			err = differs("retention", out.Retention, want)
		}
		return err
	}
}

func hold(status types.ObjectLockLegalHoldStatus) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.s3().PutObjectLegalHold(ctx, &s3.PutObjectLegalHoldInput{
			Bucket: &s.name, Key: aws.String("a"), VersionId: aws.String(s.notes["version"]), LegalHold: &types.ObjectLockLegalHold{Status: status},
		})
		return err
	}
}

func held(want types.ObjectLockLegalHoldStatus) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.s3().GetObjectLegalHold(ctx, &s3.GetObjectLegalHoldInput{Bucket: &s.name, Key: aws.String("a"), VersionId: aws.String(s.notes["version"])})
		if err == nil && (out.LegalHold == nil || out.LegalHold.Status != want) {
			err = differs("legal hold", out.LegalHold, want)
		}
		return err
	}
}

// deleteNoted deletes the noted version of a key.
func deleteNoted(key string, bypass bool) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.s3().DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.name, Key: &key, VersionId: aws.String(s.notes["version"]), BypassGovernanceRetention: &bypass})
		return err
	}
}
