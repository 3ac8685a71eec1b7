package s3bucket

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/selection"
)

// pageSize is the number of buckets in a page of a listing. S3 allows 10,000; the first results are there sooner with fewer. It refuses listings without pages in accounts that may have more than
// 10,000 buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
const pageSize = 1000

// Selected lists the buckets of a selection in a Region, sorted: the names that it gives, whether or not there are such buckets, and
// the account's buckets that its patterns match, without those that it excludes. It makes no call for a list of names. The client must be the Region's.
func Selected(ctx context.Context, api s3.ListBucketsAPIClient, region string, s selection.Selection) ([]string, error) {
	names := s.Names()
	for _, prefix := range s.Prefixes() {
		for b, err := range List(ctx, api, &s3.ListBucketsInput{BucketRegion: &region, Prefix: &prefix}) {
			if err != nil {
				return nil, fmt.Errorf("listing the buckets: %w", err)
			}
			names = append(names, aws.ToString(b.Name))
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !s.Matches(name) })
	slices.Sort(names)
	return slices.Compact(names), nil
}

// List lists the account's buckets, in pages. The prefix "" stands for all. An [errorcode.Failure] ends the list.
func List(ctx context.Context, api s3.ListBucketsAPIClient, in *s3.ListBucketsInput) iter.Seq2[types.Bucket, error] {
	return func(yield func(types.Bucket, error) bool) {
		in.MaxBuckets = aws.Int32(pageSize)
		if aws.ToString(in.Prefix) == "" {
			in.Prefix = nil
		}
		for pages := s3.NewListBucketsPaginator(api, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(types.Bucket{}, errorcode.Needing("s3:ListAllMyBuckets", err))
				return
			}
			for _, b := range page.Buckets {
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}

// RegionOf finds a bucket among the account's own, in all Regions. It returns the bucket's Region, or "" if the account has no
// bucket with this name.
func RegionOf(ctx context.Context, api s3.ListBucketsAPIClient, name string) (string, error) {
	for b, err := range List(ctx, api, &s3.ListBucketsInput{Prefix: &name}) {
		switch {
		case err != nil:
			return "", err
		case aws.ToString(b.Name) == name:
			return aws.ToString(b.BucketRegion), nil
		}
	}
	return "", nil
}
