package s3bucket

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/selection"
)

// pageSize is the number of buckets in a page of a listing. S3 refuses listings without pages in accounts that may have more than
// 10,000 buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
const pageSize = 1000

// Selected lists the buckets of a selection in a Region, sorted: the names that it gives, whether or not there are such buckets, and
// the account's buckets that its patterns match. It makes no call for a list of names. The client must be the Region's.
func Selected(ctx context.Context, api s3.ListBucketsAPIClient, region string, s selection.Selection) ([]string, error) {
	names := s.Names()
	for _, prefix := range s.Prefixes() {
		in := &s3.ListBucketsInput{BucketRegion: &region, MaxBuckets: aws.Int32(pageSize)}
		if prefix != "" {
			in.Prefix = &prefix
		}
		for pages := s3.NewListBucketsPaginator(api, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("listing the buckets: %w", errorcode.Needing("s3:ListAllMyBuckets", err))
			}
			for _, b := range page.Buckets {
				if name := aws.ToString(b.Name); s.Matches(name) {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// RegionOf finds a bucket among the account's own, in all Regions. It returns the bucket's Region, or "" if the account has no
// bucket with this name.
func RegionOf(ctx context.Context, api s3.ListBucketsAPIClient, name string) (string, error) {
	for pages := s3.NewListBucketsPaginator(api, &s3.ListBucketsInput{Prefix: &name, MaxBuckets: aws.Int32(pageSize)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", errorcode.Needing("s3:ListAllMyBuckets", err)
		}
		for _, b := range page.Buckets {
			if aws.ToString(b.Name) == name {
				return aws.ToString(b.BucketRegion), nil
			}
		}
	}
	return "", nil
}
