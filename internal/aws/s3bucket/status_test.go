package s3bucket_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
)

// opinion is S3's evaluation of a bucket's policy.
type opinion struct {
	status *types.PolicyStatus
	err    error
}

func (o opinion) GetBucketPolicyStatus(_ context.Context, in *s3.GetBucketPolicyStatusInput, _ ...func(*s3.Options)) (*s3.GetBucketPolicyStatusOutput, error) {
	if *in.Bucket != docs.Name || *in.ExpectedBucketOwner != docs.Account {
		return nil, errors.New("another bucket")
	}
	return &s3.GetBucketPolicyStatusOutput{PolicyStatus: o.status}, o.err
}

func TestPublicIsWhatS3SaysItIs(t *testing.T) {
	for name, c := range map[string]struct {
		opinion
		want  bool
		fails bool
	}{
		"public":      {opinion{status: &types.PolicyStatus{IsPublic: aws.Bool(true)}}, true, false},
		"not public":  {opinion{status: &types.PolicyStatus{IsPublic: aws.Bool(false)}}, false, false},
		"not said":    {opinion{}, false, false},
		"no policy":   {opinion{err: refuse("NoSuchBucketPolicy")}, false, false},
		"not allowed": {opinion{err: refuse("AccessDenied")}, false, true},
	} {
		got, err := (&s3bucket.Status{API: c.opinion, Bucket: docs}).Read(t.Context())
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: Public = %t, %v, want %t", name, got, err, c.want)
		}
	}
}

// reply is S3's response to a read.
type reply struct{ err error }

func (r reply) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if r.err != nil {
		return nil, r.err
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(*in.Key))}, nil
}

// answered returns an error from S3 with a status.
func answered(status int, code string) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: refuse(code),
	}}
}

func TestAStrangerMustBeRefused(t *testing.T) {
	for name, c := range map[string]struct {
		reply
		want  string
		fails bool
	}{
		"refused":        {reply{answered(403, "AccessDenied")}, "", false},
		"served":         {reply{}, "with the object canary", false},
		"not found":      {reply{answered(404, "NoSuchKey")}, "404 NoSuchKey", false},
		"moved":          {reply{answered(301, "PermanentRedirect")}, "", true},
		"bad request":    {reply{answered(400, "InvalidRequest")}, "", true},
		"bucket gone":    {reply{answered(404, "NoSuchBucket")}, "", true},
		"throttled":      {reply{answered(429, "TooManyRequests")}, "", true},
		"S3 fails":       {reply{answered(503, "SlowDown")}, "", true},
		"nobody answers": {reply{errors.New("no route to host")}, "", true},
	} {
		got, err := (&s3bucket.AnonymousReader{API: c.reply, Bucket: docs.Name, Key: "canary"}).Read(t.Context())
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: Answer = %q, %v, want %q", name, got, err, c.want)
		}
	}
}
