package s3bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
)

// StatusAPI contains the call that [Status] makes.
type StatusAPI interface {
	GetBucketPolicyStatus(context.Context, *s3.GetBucketPolicyStatusInput, ...func(*s3.Options)) (*s3.GetBucketPolicyStatusOutput, error)
}

// Status reads S3's own evaluation of the bucket's policy.
type Status struct {
	API    StatusAPI
	Bucket Bucket
}

// Read reports whether S3 considers the policy public. It is false for a bucket without a policy.
func (s *Status) Read(ctx context.Context) (bool, error) {
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

// ReadAPI contains the call that [AnonymousReader] makes. Its client must use anonymous credentials.
type ReadAPI interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// AnonymousReader reads an object anonymously, as all internet users can try to.
type AnonymousReader struct {
	API ReadAPI
	// Bucket and Key name the object. It should exist: S3 also refuses a missing key in a bucket with public objects,
	// unless the caller may list the bucket.
	Bucket, Key string
}

// Read returns "" if S3 refused the read (403), else the answer that shows access: the object, or NoSuchKey, which S3
// returns only to callers that may list the bucket. The error reports that there was no answer, or one that shows
// neither: a failure in S3, a redirect, a missing bucket.
func (s *AnonymousReader) Read(ctx context.Context) (string, error) {
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
