package s3bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3-endpoint-guard/internal/aws/errorcode"
)

// StatusAPI has the call that [Status] makes.
type StatusAPI interface {
	GetBucketPolicyStatus(context.Context, *s3.GetBucketPolicyStatusInput, ...func(*s3.Options)) (*s3.GetBucketPolicyStatusOutput, error)
}

// Status asks S3's own opinion of the bucket's policy.
type Status struct {
	API    StatusAPI
	Bucket Bucket
}

// Public is whether S3 calls the policy public. A bucket without a policy is not.
func (s *Status) Public(ctx context.Context) (bool, error) {
	answer, err := s.API.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{
		Bucket: &s.Bucket.Name, ExpectedBucketOwner: &s.Bucket.Account,
	})
	switch {
	case errorcode.Of(err) == "NoSuchBucketPolicy":
		return false, nil
	case err != nil:
		return false, s.Bucket.wrap(err)
	}
	return answer.PolicyStatus != nil && aws.ToBool(answer.PolicyStatus.IsPublic), nil
}

// ReadAPI has the call that [Stranger] makes. Its client must have anonymous credentials.
type ReadAPI interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Stranger reads an object as anybody on the internet can try to.
type Stranger struct {
	API ReadAPI
	// Bucket and Key name the object. S3 refuses a key that is not there also where objects are public, unless names
	// can be listed too: the object should exist.
	Bucket, Key string
}

// Answer is "" when S3 refused the read (403), else how it let the stranger in: with the object, or with NoSuchKey, which
// only those who may list the bucket are told. The error says that there was no answer, or one that tells neither: a
// failure of S3's own, a redirect, a bucket that is gone.
func (s *Stranger) Answer(ctx context.Context) (string, error) {
	got, err := s.API.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, Key: &s.Key})
	if err == nil {
		return fmt.Sprintf("with the object %s", s.Key), got.Body.Close()
	}
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	switch {
	case ok && answer.HTTPStatusCode() == http.StatusForbidden:
		return "", nil
	case ok && errorcode.Of(err) == "NoSuchKey":
		return fmt.Sprintf("%d NoSuchKey", answer.HTTPStatusCode()), nil
	}
	return "", fmt.Errorf("reading %s of bucket %s anonymously: %w", s.Key, s.Bucket, err)
}
