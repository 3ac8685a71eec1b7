package s3_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestBucketsAreListedInPages(t *testing.T) {
	s := newScene(t)
	for _, name := range []string{"a-1", "a-2", "a-3", "b-1"} {
		s.must(s.store.CreateBucket(name, ""))
	}
	for region, want := range map[string][]string{"eu-central-1": {"a-1", "a-2", "a-3"}, "eu-west-1": nil} {
		var got []string
		in := &awss3.ListBucketsInput{MaxBuckets: aws.Int32(2), Prefix: aws.String("a-"), BucketRegion: aws.String(region)}
		pages := 0
		for p := awss3.NewListBucketsPaginator(s.as(s.admin()), in); p.HasMorePages(); pages++ {
			page, err := p.NextPage(t.Context())
			s.must(err)
			for _, b := range page.Buckets {
				got = append(got, *b.Name)
			}
		}
		if !slices.Equal(got, want) || pages > 2 {
			t.Errorf("buckets of %s: %q in %d pages, want %q", region, got, pages, want)
		}
	}
}
