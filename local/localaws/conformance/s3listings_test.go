package conformance_test

import (
	"context"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// listingCases are the cases on listings, page by page.
func listingCases() []testCase {
	fill := []op{createBucket(), put("a", ""), put("b/1", ""), put("b/2", ""), put("b/c/3", ""), put("d", "")}
	history := []op{createBucket(), versioning("Enabled"),
		put("a", ""), put("a", ""), deleteKey("a"), put("b/1", ""), put("b/2", ""), put("c", ""), put("c", "")}
	everything := []string{"a marker latest", "a", "a", "b/1 latest", "b/2 latest", "c latest", "c"}
	cases := []testCase{
		{name: "keys are listed in the order of their bytes", ops: []op{
			createBucket(), put("b", ""), put("a/1", ""), put("B", ""), put("a", ""), put("é", ""), put("a-", ""),
			lists(1000, "", "", "B", "a", "a-", "a/1", "b", "é"),
		}},
		{name: "keys under a prefix are listed", ops: slices.Concat(fill, []op{
			lists(1000, "b/", "", "b/1", "b/2", "b/c/3"), lists(1000, "x", ""), lists(1000, "b/", "/", "b/1", "b/2", "b/c/ …"),
		})},
		{name: "strange keys are listed percent-encoded", ops: []op{
			createBucket(), put("a b", ""), put("a+b", ""), put("a%20b", ""), put("ü/&<>\"'", ""),
			lists(1000, "", "", "a b", "a%20b", "a+b", "ü/&<>\"'"),
		}},
		{name: "a deleted key is in no listing of keys", moto: "lists the common prefixes of deleted keys", ops: []op{
			createBucket(), versioning("Enabled"), put("a/1", ""), put("b", ""), deleteKey("a/1"),
			lists(1000, "", "", "b"), lists(1000, "", "/", "b"),
		}},
	}
	for _, page := range []int32{1, 2, 3, 1000} {
		size := map[int32]string{1: "one", 2: "two", 3: "three", 1000: "a thousand"}[page]
		cases = append(cases,
			testCase{name: "keys in pages of " + size, moto: onePage(page), ops: slices.Concat(fill, []op{
				lists(page, "", "", "a", "b/1", "b/2", "b/c/3", "d"), lists(page, "", "/", "a", "b/ …", "d"),
			})},
			testCase{name: "versions in pages of " + size, ops: slices.Concat(history, []op{
				listsVersions(page, "", everything...),
				listsVersions(page, "/", "a marker latest", "a", "a", "b/ …", "c latest", "c"),
			})},
		)
	}
	return cases
}

// onePage describes moto's error in pages of one key.
func onePage(page int32) string {
	if page == 1 {
		return "begins a page of ListObjects inside the common prefix that ended the one before"
	}
	return ""
}

// lists expects these keys, and common prefixes followed by " …", in this order, from both listings of keys.
func lists(page int32, prefix, delimiter string, want ...string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		first, err := listV2(ctx, c, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &page,
			EncodingType: types.EncodingTypeUrl})
		if err != nil {
			return err
		}
		if !slices.Equal(first, want) {
			return differs("ListObjectsV2", first, want)
		}
		second, err := listV1(ctx, c, &s3.ListObjectsInput{Bucket: bucket, Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &page,
			EncodingType: types.EncodingTypeUrl})
		if err == nil && !slices.Equal(second, want) {
			return differs("ListObjects", second, want)
		}
		return err
	})
}

func listV2(ctx context.Context, c *s3.Client, in *s3.ListObjectsV2Input) ([]string, error) {
	var all []string
	for {
		answer, err := c.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, inOrder(answer.Contents, answer.CommonPrefixes)...)
		if !aws.ToBool(answer.IsTruncated) {
			return all, nil
		}
		in.ContinuationToken = answer.NextContinuationToken
	}
}

func listV1(ctx context.Context, c *s3.Client, in *s3.ListObjectsInput) ([]string, error) {
	var all []string
	for {
		answer, err := c.ListObjects(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, inOrder(answer.Contents, answer.CommonPrefixes)...)
		if !aws.ToBool(answer.IsTruncated) {
			return all, nil
		}
		in.Marker = aws.String(decoded(answer.NextMarker)) // set only with a delimiter
		if answer.NextMarker == nil {
			in.Marker = aws.String(decoded(answer.Contents[len(answer.Contents)-1].Key))
		}
	}
}

// inOrder merges the keys and common prefixes of a page.
func inOrder(contents []types.Object, prefixes []types.CommonPrefix) []string {
	var page []string
	for _, o := range contents {
		page = append(page, decoded(o.Key))
	}
	for _, p := range prefixes {
		page = append(page, decoded(p.Prefix)+" …")
	}
	slices.Sort(page)
	return page
}

// decoded decodes an encoded key.
func decoded(key *string) string {
	text, err := url.QueryUnescape(aws.ToString(key))
	if err != nil {
		return aws.ToString(key) + " (" + err.Error() + ")"
	}
	return text
}

// listsVersions expects these versions, the newest of each key first, and common prefixes. The answer has separate
// lists of versions and delete markers, so they are ordered only by key.
func listsVersions(page int32, delimiter string, want ...string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		in := &s3.ListObjectVersionsInput{Bucket: bucket, MaxKeys: &page, EncodingType: types.EncodingTypeUrl}
		if delimiter != "" {
			in.Delimiter = &delimiter
		}
		var got []string
		for {
			answer, err := c.ListObjectVersions(ctx, in)
			if err != nil {
				return err
			}
			got = append(got, versionsOf(answer)...)
			if !aws.ToBool(answer.IsTruncated) {
				break
			}
			in.KeyMarker, in.VersionIdMarker = aws.String(decoded(answer.NextKeyMarker)), answer.NextVersionIdMarker
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(want))
		return sameList("versions", got, want)
	})
}

// versionsOf describes the versions of a page.
func versionsOf(page *s3.ListObjectVersionsOutput) []string {
	var all []string
	latest := func(is *bool) string {
		if aws.ToBool(is) {
			return " latest"
		}
		return ""
	}
	for _, v := range page.Versions {
		all = append(all, decoded(v.Key)+latest(v.IsLatest))
	}
	for _, m := range page.DeleteMarkers {
		all = append(all, decoded(m.Key)+" marker"+latest(m.IsLatest))
	}
	for _, p := range page.CommonPrefixes {
		all = append(all, decoded(p.Prefix)+" …")
	}
	return all
}
