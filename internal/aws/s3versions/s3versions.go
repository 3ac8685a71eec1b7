// Package s3versions is the part of S3 that emptying needs: [New] makes an [emptying.Store] from an SDK client.
//
// For ListObjectVersions and DeleteObjects it has its own decoder and encoder, within the SDK's signing and retries,
// because the SDK's take nearly all of the processor time of emptying a bucket.
package s3versions

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/emptying"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// s3Store is a bucket that is accessed with the SDK's client.
type s3Store struct {
	client  *s3.Client
	bucket  *string
	owner   *string
	retryer aws.Retryer
}

var _ emptying.Store = (*s3Store)(nil)

// New returns the store of a bucket. owner is the account that the bucket must belong to; "" accepts all. The client
// retries transient errors. It does not retry S3's requests to slow down, because the engine has to adapt its pace to
// them.
func New(client *s3.Client, bucket, owner string) emptying.Store {
	store := &s3Store{client: client, bucket: aws.String(bucket), retryer: atOnce{client.Options().Retryer}}
	if owner != "" {
		store.owner = aws.String(owner)
	}
	return store
}

// maxBackoff bounds the pauses between the SDK's tries of one call; the pauses of the engine are longer.
const maxBackoff = 500 * time.Millisecond

// atOnce is a retryer that returns throttling errors to the caller at once, and whose pauses are at most maxBackoff.
type atOnce struct{ aws.Retryer }

// IsErrorRetryable implements aws.Retryer.
func (a atOnce) IsErrorRetryable(err error) bool {
	return !emptying.Throttled(err) && a.Retryer.IsErrorRetryable(err)
}

// RetryDelay implements aws.Retryer. retry.AddWithMaxBackoffDelay would replace the client's pauses, which are random and
// short at first, by maxBackoff each time, so that all requests would be retried in step (docs/facts.md: Tools).
func (a atOnce) RetryDelay(attempt int, err error) (time.Duration, error) {
	pause, err := a.Retryer.RetryDelay(attempt, err)
	if err == nil && pause > maxBackoff {
		pause = timeleft.Jitter(maxBackoff)
	}
	return pause, err
}

// with returns the options of one call.
func (s *s3Store) with(steps ...func(*middleware.Stack) error) func(*s3.Options) {
	return func(o *s3.Options) {
		o.Retryer = s.retryer
		o.APIOptions = append(slices.Clip(o.APIOptions), steps...)
	}
}

// List implements Versions. It asks for keys in URL encoding, because XML cannot carry all of them (docs/facts.md: S3).
func (s *s3Store) List(ctx context.Context, prefix string, after emptying.Position) (emptying.Page, error) {
	var page emptying.Page
	input := &s3.ListObjectVersionsInput{
		Bucket: s.bucket, ExpectedBucketOwner: s.owner, EncodingType: types.EncodingTypeUrl, MaxKeys: aws.Int32(emptying.BatchSize),
	}
	if prefix != "" {
		input.Prefix = &prefix
	}
	if after.Key != "" {
		input.KeyMarker = &after.Key
	}
	if after.VersionID != "" {
		input.VersionIdMarker = &after.VersionID
	}
	_, err := s.client.ListObjectVersions(ctx, input, s.with(decodePage(&page)))
	page.Sort()
	return page, err
}

// DeleteBatch implements Versions.
func (s *s3Store) DeleteBatch(ctx context.Context, versions []emptying.Version, bypass bool) ([]emptying.Failure, error) {
	var failures []emptying.Failure
	input := &s3.DeleteObjectsInput{
		Bucket: s.bucket, ExpectedBucketOwner: s.owner, Delete: &types.Delete{Objects: []types.ObjectIdentifier{}},
	}
	if bypass {
		input.BypassGovernanceRetention = aws.Bool(true)
	}
	_, err := s.client.DeleteObjects(ctx, input, s.with(encodeBatch(versions), decodeFailures(&failures)))
	return failures, err
}

// DeleteOne implements Versions.
func (s *s3Store) DeleteOne(ctx context.Context, version emptying.Version, bypass bool) error {
	input := &s3.DeleteObjectInput{Bucket: s.bucket, ExpectedBucketOwner: s.owner, Key: &version.Key, VersionId: &version.ID}
	if bypass {
		input.BypassGovernanceRetention = aws.Bool(true)
	}
	_, err := s.client.DeleteObject(ctx, input, s.with())
	return err
}

// ListUploads implements Uploads.
func (s *s3Store) ListUploads(ctx context.Context, after emptying.Upload) ([]emptying.Upload, emptying.Upload, bool, error) {
	input := &s3.ListMultipartUploadsInput{Bucket: s.bucket, ExpectedBucketOwner: s.owner, EncodingType: types.EncodingTypeUrl}
	if after.Key != "" {
		input.KeyMarker, input.UploadIdMarker = &after.Key, &after.ID
	}
	var page []emptying.Upload
	var next emptying.Upload
	var more bool
	_, err := s.client.ListMultipartUploads(ctx, input, func(o *s3.Options) {
		o.APIOptions = append(slices.Clip(o.APIOptions), decodeUploads(&page, &next, &more))
	})
	return page, next, more, err
}

// AbortUpload implements Uploads.
func (s *s3Store) AbortUpload(ctx context.Context, upload emptying.Upload) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: s.bucket, ExpectedBucketOwner: s.owner, Key: &upload.Key, UploadId: &upload.ID,
	})
	return err
}

// Protection implements Locks.
func (s *s3Store) Protection(ctx context.Context) (emptying.Protection, error) {
	var p emptying.Protection
	versioning, err := s.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: s.bucket, ExpectedBucketOwner: s.owner})
	if err != nil {
		return p, err
	}
	p.MFADelete = versioning.MFADelete == types.MFADeleteStatusEnabled
	lock, err := s.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: s.bucket, ExpectedBucketOwner: s.owner})
	if isCode(err, "ObjectLockConfigurationNotFoundError", "MethodNotAllowed", "NotImplemented") {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.ObjectLock = lock.ObjectLockConfiguration != nil && lock.ObjectLockConfiguration.ObjectLockEnabled == types.ObjectLockEnabledEnabled
	return p, nil
}

// Hold implements Locks.
func (s *s3Store) Hold(ctx context.Context, version emptying.Version) (emptying.Hold, error) {
	var h emptying.Hold
	retention, err := s.client.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{
		Bucket: s.bucket, ExpectedBucketOwner: s.owner, Key: &version.Key, VersionId: &version.ID,
	})
	if emptying.Gone(err) {
		return h, err
	}
	if err == nil && retention.Retention != nil {
		h.Mode, h.Until = string(retention.Retention.Mode), aws.ToTime(retention.Retention.RetainUntilDate)
		h.Event = retention.Retention.EventHold == types.ObjectLockEventHoldOn
	}
	legal, legalErr := s.client.GetObjectLegalHold(ctx, &s3.GetObjectLegalHoldInput{
		Bucket: s.bucket, ExpectedBucketOwner: s.owner, Key: &version.Key, VersionId: &version.ID,
	})
	if legalErr == nil && legal.LegalHold != nil {
		h.Legal = legal.LegalHold.Status == types.ObjectLockLegalHoldStatusOn
	}
	if unanswered(err) && unanswered(legalErr) {
		return h, errors.Join(err, legalErr)
	}
	return h, nil
}

// unanswered reports whether an error says nothing about the lock.
func unanswered(err error) bool { return err != nil && !isCode(err, unlocked...) }

// unlocked are the codes by which S3 says that a version, or its bucket, has no lock; the last is Ceph's (docs/facts.md:
// S3).
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html
var unlocked = []string{"NoSuchObjectLockConfiguration", "InvalidRequest", "MethodNotAllowed", "ObjectLockConfigurationNotFoundError"}

// isCode reports whether err is an answer of S3 with one of the codes.
func isCode(err error, codes ...string) bool { return slices.Contains(codes, errorcode.Of(err)) }

// expiryDays is after how many days the lifecycle rule expires what is in the bucket: the least that S3 accepts.
const expiryDays = 1

// ExpireEverything replaces the bucket's lifecycle rules by ones with which S3 itself deletes all versions and aborts
// all uploads within a few days, at no charge for requests. It is for buckets that are too large for the available time.
// until is when S3 will have begun at the latest, in UTC: it begins at the midnight after the day of expiry.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html
func ExpireEverything(ctx context.Context, client *s3.Client, bucket string) (until time.Time, err error) {
	all := &types.LifecycleRuleFilter{Prefix: aws.String("")}
	rules := []types.LifecycleRule{{
		ID: aws.String("expire-everything"), Status: types.ExpirationStatusEnabled, Filter: all,
		Expiration:                     &types.LifecycleExpiration{Days: aws.Int32(expiryDays)},
		NoncurrentVersionExpiration:    &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(expiryDays)},
		AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(expiryDays)},
	}, {
		// S3 does not accept this together with Days in one rule.
		ID: aws.String("expire-delete-markers"), Status: types.ExpirationStatusEnabled, Filter: all,
		Expiration: &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)},
	}}
	_, err = client.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules},
	})
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	return midnight.AddDate(0, 0, expiryDays+2), err
}

// HTTPClient returns a client that keeps as many idle connections as emptying uses at a time. The SDK's default client
// keeps ten for each host, and opens the others again for each request.
func HTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*emptying.Concurrency, emptying.Concurrency
		t.WriteBufferSize = 64 << 10
	})
}
