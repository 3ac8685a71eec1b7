package probe

import (
	"bytes"
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// API contains the calls that [Bucket] makes.
type API interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Bucket is a [Store] in S3. It makes no retries, because they would hide the failures that the probe must detect.
type Bucket struct {
	API  API
	Name string
}

var _ Store = (*Bucket)(nil)

// Put implements [Store].
func (b *Bucket) Put(ctx context.Context, client *http.Client, key string, body []byte) error {
	_, err := b.API.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Name, Key: &key, Body: bytes.NewReader(body)}, with(client))
	return err
}

// Get implements [Store].
func (b *Bucket) Get(ctx context.Context, client *http.Client, key string) ([]byte, error) {
	answer, err := b.API.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Name, Key: &key}, with(client))
	if err != nil {
		return nil, err
	}
	return readAll(answer.Body)
}

// with makes a call use the given client, without retries.
func with(client *http.Client) func(*s3.Options) {
	return func(o *s3.Options) { o.HTTPClient, o.Retryer = client, aws.NopRetryer{} }
}
