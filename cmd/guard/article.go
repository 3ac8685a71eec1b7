package main

import (
	_ "embed"
	"strings"
)

// articlePolicy is the bucket policy that the article recommends, with its placeholders.
//
//go:embed article/bucket-policy.json
var articlePolicy string

// articleBucketPolicy is the article's policy for a bucket and an endpoint.
func articleBucketPolicy(bucket, endpointID string) string {
	return strings.NewReplacer("REPLACE_BUCKET_NAME", bucket, "REPLACE_VPC_ENDPOINT_ID", endpointID).Replace(articlePolicy)
}
