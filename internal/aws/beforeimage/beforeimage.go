// Package beforeimage stores what an adoption must not lose in the guard's state bucket: before-images, the accepted state of
// endpoints, and adoption documents.
//
// Every object is written once: with If-None-Match, so that none replaces another, into a bucket with versioning. The first
// version of an object counts, whatever was written over it later, and also if it is hidden by a delete marker. All calls set
// ExpectedBucketOwner.
package beforeimage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
)

// API contains the calls that [Store] makes for the guard.
type API interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Store is the state bucket. It is safe for concurrent use.
type Store struct {
	API API
	// Bucket is the state bucket's name, Account the 12-digit id of the account that must own it.
	Bucket, Account string
}

// sizeLimit is the most that Store reads of an object. A document with 1,000 buckets has about 150 KB, a before-image with S3's
// largest policy (20 KB) and its canonical form about 60 KB.
const sizeLimit = 8 << 20

// Read returns the adoption document that a reference names. It reads exactly that version and checks its hash, so that what is
// read is what the adoption stored. The error says what does not fit: the version is gone, the hash differs, the text is no document.
func (s *Store) Read(ctx context.Context, reference string) (adoption.Document, error) {
	r, err := adoption.ParseReference(reference)
	if err != nil {
		return adoption.Document{}, err
	}
	if r.Bucket != s.Bucket {
		return adoption.Document{}, fmt.Errorf("the adoption document %s is not in the state bucket %s", reference, s.Bucket)
	}
	body, err := s.Get(ctx, r.Key, r.VersionID)
	if err != nil {
		return adoption.Document{}, err
	}
	if err := r.Check(body); err != nil {
		return adoption.Document{}, err
	}
	return adoption.ReadDocument(body)
}

// PutIfAbsent stores a bucket's before-image unless the bucket has one, and reports whether it did.
func (s *Store) PutIfAbsent(ctx context.Context, image adoption.BeforeImage) (stored bool, err error) {
	body, err := json.Marshal(image)
	if err != nil {
		return false, fmt.Errorf("writing the before-image of bucket %s: %w", image.Bucket, err)
	}
	_, stored, err = s.Put(ctx, adoption.ImageKey(image.Bucket), body)
	return stored, err
}

// Get reads a version of an object.
func (s *Store) Get(ctx context.Context, key, version string) ([]byte, error) {
	answer, err := s.API.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, ExpectedBucketOwner: &s.Account, Key: &key, VersionId: &version})
	if err != nil {
		return nil, s.wrap("reading", key, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, sizeLimit+1))
	switch {
	case err != nil:
		return nil, s.wrap("reading", key, err)
	case len(body) > sizeLimit:
		return nil, fmt.Errorf("reading %s of the state bucket %s: it has more than %d bytes", key, s.Bucket, sizeLimit)
	}
	return body, nil
}

// Put writes an object if the bucket has none with its key, and returns its version. S3 refuses the write with 412 if there is one.
// It answers 409 to writers at the same time, which the SDK's retryer repeats (see awsconfig).
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (s *Store) Put(ctx context.Context, key string, body []byte) (version string, stored bool, err error) {
	answer, err := s.API.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.Bucket, ExpectedBucketOwner: &s.Account, Key: &key, Body: bytes.NewReader(body),
		ContentType: aws.String("application/json"), IfNoneMatch: aws.String("*"),
	})
	switch {
	case errorcode.Of(err) == "PreconditionFailed":
		return "", false, nil
	case err != nil:
		return "", false, s.wrap("writing", key, err)
	}
	return aws.ToString(answer.VersionId), true, nil
}

// Firsts finds the first version of each object whose key begins with a prefix: its id, by key. Its calls need
// s3:ListBucketVersions, which only the adoption has.
func (s *Store) Firsts(ctx context.Context, api s3.ListObjectVersionsAPIClient, prefix string) (map[string]string, error) {
	firsts := map[string]string{}
	pages := s3.NewListObjectVersionsPaginator(api, &s3.ListObjectVersionsInput{
		Bucket: &s.Bucket, ExpectedBucketOwner: &s.Account, Prefix: &prefix,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.wrap("listing", prefix, err)
		}
		for _, v := range page.Versions {
			// The versions of a key come from the latest to the first.
			// https://docs.aws.amazon.com/AmazonS3/latest/userguide/list-obj-version-enabled-bucket.html
			firsts[aws.ToString(v.Key)] = aws.ToString(v.VersionId)
		}
	}
	return firsts, nil
}

func (s *Store) wrap(doing, key string, err error) error {
	return fmt.Errorf("%s %s of the state bucket %s: %w", doing, key, s.Bucket, err)
}
