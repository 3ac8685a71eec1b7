package conformance_test

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// bucketCases are the cases on buckets and their configuration.
func bucketCases() []testCase {
	return slices.Concat(bucketLifeCases(), policyCases(), settingCases())
}

func bucketLifeCases() []testCase {
	return []testCase{
		{name: "a bucket is made, found and deleted", ops: []op{
			refused("NotFound", headBucket()),
			createBucket(), headBucket(), locatedIn(region), listsBucket(true),
			deleteBucket(), listsBucket(false), refused("NoSuchBucket", deleteBucket()),
		}},
		{name: "a bucket that is there cannot be made again", ops: []op{
			createBucket(), refused("BucketAlreadyOwnedByYou", createBucket()),
		}},
		{name: "a bucket with an object cannot be deleted", ops: []op{
			createBucket(), put("a", "1"), refused("BucketNotEmpty", deleteBucket()),
			deleteKey("a"), deleteBucket(),
		}},
		{name: "a bucket with only a delete marker cannot be deleted", moto: "deletes it", ops: []op{
			createBucket(), versioning("Enabled"), deleteKey("a"), refused("BucketNotEmpty", deleteBucket()),
		}},
		{name: "an unfinished upload does not keep a bucket", ops: []op{
			createBucket(), beginUpload("a"), deleteBucket(),
		}},
		{name: "another owner than the expected one is refused", moto: "does not look at the expected owner", ops: []op{
			createBucket(), refused("AccessDenied", headOwnedBy("444455556666")), headOwnedBy(account),
		}},
	}
}

func policyCases() []testCase {
	const private = `{"Version":"2012-10-17","Statement":[{"Sid":"NoPlainHTTP","Effect":"Deny","Principal":"*","Action":["s3:PutObject","s3:GetObject"],` +
		`"Resource":["arn:aws:s3:::BUCKET/*"],"Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}}]}`
	const public = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::BUCKET/*"}]}`
	return []testCase{
		{name: "a policy is put, read back with the same meaning, and deleted", ops: []op{
			createBucket(), refused("NoSuchBucketPolicy", readPolicy()),
			putPolicy(private), policyMeans(private),
			deletePolicy(), deletePolicy(), refused("NoSuchBucketPolicy", readPolicy()),
		}},
		{name: "a policy that is no JSON is refused", moto: "accepts bad policy JSON", ops: []op{
			createBucket(), refused("MalformedPolicy", putPolicy("{")), refused("MalformedPolicy", putPolicy("")),
		}},
		{name: "a policy about another bucket is refused", moto: "does not look at resources", ops: []op{
			createBucket(), refused("MalformedPolicy", putPolicy(`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::another"}]}`)),
		}},
		{name: "Block Public Access refuses a public policy", moto: "has no effect of Block Public Access", ops: []op{
			createBucket(), refused("AccessDenied", putPolicy(public)),
			block(false), putPolicy(public), isPublic(true), putPolicy(private), isPublic(false),
		}},
	}
}

func settingCases() []testCase {
	return []testCase{
		{name: "Block Public Access is put, read and deleted", ops: []op{
			createBucket(), block(true), blocked(true), block(false), blocked(false),
			unblock(), refused("NoSuchPublicAccessBlockConfiguration", blocked(false)),
		}},
		{name: "a new bucket has Block Public Access and no ACLs", moto: "makes buckets as before April 2023", ops: []op{
			createBucket(), blocked(true), owned("BucketOwnerEnforced"), refused("AccessControlListNotSupported", publicACL()),
		}},
		{name: "ownership controls are put, read and deleted", ops: []op{
			createBucket(), own("BucketOwnerPreferred"), owned("BucketOwnerPreferred"),
			disown(), refused("OwnershipControlsNotFoundError", owned("")),
		}},
		{name: "versioning is off, enabled, suspended", ops: []op{
			createBucket(), versioned(""), versioning("Enabled"), versioned("Enabled"), versioning("Suspended"), versioned("Suspended"),
		}},
		{name: "tags are put, read and deleted", ops: []op{
			createBucket(), refused("NoSuchTagSet", tagged("stack", "x")),
			tag("stack", "one & two"), tagged("stack", "one & two"), untag(), refused("NoSuchTagSet", tagged("stack", "x")),
		}},
		{name: "lifecycle rules are put, read and deleted", ops: []op{
			createBucket(), refused("NoSuchLifecycleConfiguration", expires(7)),
			expire(7), expires(7), keep(), refused("NoSuchLifecycleConfiguration", expires(7)),
		}},
		{name: "encryption rules are put and read", ops: []op{
			createBucket(), encrypt(types.ServerSideEncryptionAwsKms), encrypted(types.ServerSideEncryptionAwsKms),
		}},
		{name: "a bucket without further configuration says so", ops: []op{
			createBucket(), refused("ReplicationConfigurationNotFoundError", replicated()), refused("NoSuchWebsiteConfiguration", isWebsite()),
			refused("NoSuchCORSConfiguration", sharesOrigins()), refused("ObjectLockConfigurationNotFoundError", locked()),
			inventories(0), logsTo(""),
		}},
		{name: "replication is put, read and deleted", ops: []op{
			createBucket(), versioning("Enabled"), replicate(), replicated(), stopReplicating(),
			refused("ReplicationConfigurationNotFoundError", replicated()),
		}},
	}
}

// s3 returns a client in path style, because its endpoint is an address.
func (s *scene) s3() *s3.Client {
	return s3.NewFromConfig(s.config, func(o *s3.Options) {
		o.UsePathStyle = true
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

// bucketOp is an op on the scene's bucket that checks the answer if it is not an error.
func bucketOp(do func(context.Context, *s3.Client, *string) error) op {
	return func(ctx context.Context, s *scene) error { return do(ctx, s.s3(), &s.name) }
}

func createBucket() op { return bucketOp(makeBucket) }

// makeBucket makes a bucket in the Region.
func makeBucket(ctx context.Context, c *s3.Client, bucket *string) error {
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region}})
	return err
}

func deleteBucket() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
		return err
	})
}

func headBucket() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket})
		return err
	})
}

func headOwnedBy(owner string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket, ExpectedBucketOwner: &owner})
		return err
	})
}

func locatedIn(want string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		got, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})
		if err == nil && string(got.LocationConstraint) != want {
			return differs("location", got.LocationConstraint, want)
		}
		return err
	})
}

func listsBucket(want bool) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
		if err != nil {
			return err
		}
		got := slices.ContainsFunc(answer.Buckets, func(b types.Bucket) bool { return *b.Name == *bucket })
		if got != want {
			return differs("listed", got, want)
		}
		return nil
	})
}

// policyFor inserts the bucket's name into a policy.
func policyFor(document, bucket string) string {
	return replaceAll(document, "BUCKET", bucket)
}

func putPolicy(document string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(policyFor(document, *bucket))})
		return err
	})
}

func deletePolicy() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: bucket})
		return err
	})
}

func readPolicy() op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		_, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
		return err
	})
}

func policyMeans(document string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
		if err != nil {
			return err
		}
		want, err := iampolicy.Parse([]byte(policyFor(document, *bucket)))
		if err != nil {
			return err
		}
		got, err := iampolicy.Parse([]byte(*answer.Policy))
		if err != nil {
			return err
		}
		if !iampolicy.Equal(got, want) {
			return differs("policy", got, want)
		}
		return nil
	})
}

func isPublic(want bool) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: bucket})
		if err != nil {
			return err
		}
		if got := aws.ToBool(answer.PolicyStatus.IsPublic); got != want {
			return differs("IsPublic", got, want)
		}
		return nil
	})
}
