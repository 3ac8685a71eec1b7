package s3_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"pgregory.net/rapid"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// model is a simple model of a bucket: all versions, the newest last, without regard to speed.
type model struct {
	versioning string
	versions   []modelled
}

type modelled struct {
	key, id string
	marker  bool
}

// put adds a version with the id that S3 gave it. Without an id, it is the null version.
func (m *model) put(key, id string, marker bool) {
	if id == "" {
		id = "null"
	}
	if id == "null" {
		m.remove(key, "null")
	}
	m.versions = append(m.versions, modelled{key, id, marker})
}

// remove removes a version.
func (m *model) remove(key, id string) {
	m.versions = slices.DeleteFunc(m.versions, func(v modelled) bool { return v.key == key && v.id == id })
}

// listed returns the versions in the order of a listing: by key, the newest of each key first.
func (m *model) listed() []string {
	ordered := slices.Clone(m.versions)
	slices.Reverse(ordered)
	slices.SortStableFunc(ordered, func(a, b modelled) int { return strings.Compare(a.key, b.key) })
	var lines []string
	for i, v := range ordered {
		latest := i == 0 || ordered[i-1].key != v.key
		lines = append(lines, line(v.key, v.id, v.marker, latest))
	}
	return lines
}

// line describes one version.
func line(key, id string, marker, latest bool) string {
	return fmt.Sprintf("%q %s marker=%v latest=%v", key, id, marker, latest)
}

// pageOrder joins the two lists of a page, versions and then delete markers, each in its order. Only the model knows
// the order of versions and markers within a key, so there only the sets are compared.
func pageOrder(page *awss3.ListObjectVersionsOutput) []string {
	var lines []string
	for _, v := range page.Versions {
		lines = append(lines, line(*v.Key, *v.VersionId, false, *v.IsLatest))
	}
	for _, v := range page.DeleteMarkers {
		lines = append(lines, line(*v.Key, *v.VersionId, true, *v.IsLatest))
	}
	return lines
}

// someKeys are few, so that they repeat, and are prefixes of one another.
var someKeys = []string{"a", "a/", "a/b", "a/b/c", "a0", "b", "ü", "é"}

func TestListingsShowAnyHistoryPageByPage(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		bucket := fmt.Sprintf("history-%d", n)
		if err := s.store.CreateBucket(bucket, ""); err != nil {
			rt.Fatal(err)
		}
		m := &model{}
		for range rapid.IntRange(0, 30).Draw(rt, "steps") {
			m.step(rt, s, client, bucket)
		}
		size := int32(rapid.IntRange(1, 5).Draw(rt, "page size"))
		compareVersions(rt, client, bucket, m, size)
		compareKeys(rt, s, client, bucket, m, size)
	})
}

// step makes one change to the bucket and to the model.
func (m *model) step(rt *rapid.T, s *scene, client *awss3.Client, bucket string) {
	key := rapid.SampledFrom(someKeys).Draw(rt, "key")
	switch rapid.SampledFrom([]string{"put", "put", "put", "delete", "delete version", "enable", "suspend"}).Draw(rt, "step") {
	case "put":
		answer, err := client.PutObject(background, &awss3.PutObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			rt.Fatal(err)
		}
		m.put(key, aws.ToString(answer.VersionId), false)
	case "delete":
		answer, err := client.DeleteObject(background, &awss3.DeleteObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			rt.Fatal(err)
		}
		if m.versioning == "" {
			m.remove(key, "null")
		} else {
			m.put(key, *answer.VersionId, true)
		}
	case "delete version":
		if len(m.versions) == 0 {
			return
		}
		v := rapid.SampledFrom(m.versions).Draw(rt, "version")
		if _, err := client.DeleteObject(background, &awss3.DeleteObjectInput{Bucket: &bucket, Key: &v.key, VersionId: &v.id}); err != nil {
			rt.Fatal(err)
		}
		m.remove(v.key, v.id)
	case "enable":
		m.versioning = "Enabled"
		s.store.PutVersioning(bucket, m.versioning)
	case "suspend":
		if m.versioning != "" {
			m.versioning = "Suspended"
			s.store.PutVersioning(bucket, m.versioning)
		}
	}
}

// compareVersions lists all versions in pages and compares them with the model.
func compareVersions(rt *rapid.T, client *awss3.Client, bucket string, m *model, size int32) {
	want := m.listed()
	var got []string
	in := &awss3.ListObjectVersionsInput{Bucket: &bucket, MaxKeys: &size}
	for {
		page, err := client.ListObjectVersions(background, in)
		if err != nil {
			rt.Fatal(err)
		}
		lines := pageOrder(page)
		due := want[len(got):min(len(got)+int(size), len(want))]
		if !slices.Equal(slices.Sorted(slices.Values(lines)), slices.Sorted(slices.Values(due))) {
			rt.Fatalf("page of %d after %d versions = %q, want %q", size, len(got), lines, due)
		}
		got = append(got, lines...)
		if !aws.ToBool(page.IsTruncated) {
			break
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
	if len(got) != len(want) {
		rt.Fatalf("versions = %q, want %q", got, want)
	}
}

// compareKeys lists keys and common prefixes in pages and compares them with the model's.
func compareKeys(rt *rapid.T, s *scene, client *awss3.Client, bucket string, m *model, size int32) {
	prefix := rapid.SampledFrom([]string{"", "a", "a/", "b", "x"}).Draw(rt, "prefix")
	want := map[string]bool{}
	for _, key := range s.store.Keys(bucket) {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			if i := strings.Index(rest, "/"); i >= 0 {
				key = prefix + rest[:i+1] + " …"
			}
			want[key] = true
		}
	}
	got := map[string]bool{}
	in := &awss3.ListObjectsV2Input{Bucket: &bucket, MaxKeys: &size, Prefix: &prefix, Delimiter: aws.String("/")}
	for {
		page, err := client.ListObjectsV2(background, in)
		if err != nil {
			rt.Fatal(err)
		}
		for _, line := range namesOf(page) {
			if got[line] || !want[line] {
				rt.Fatalf("listing under %q has %q twice or unexpectedly, want %v", prefix, line, want)
			}
			got[line] = true
		}
		if !aws.ToBool(page.IsTruncated) {
			break
		}
		in.ContinuationToken = page.NextContinuationToken
	}
	if len(got) != len(want) {
		rt.Fatalf("listing under %q = %v, want %v", prefix, got, want)
	}
}

// namesOf returns the keys and common prefixes of a page.
func namesOf(page *awss3.ListObjectsV2Output) []string {
	var names []string
	for _, o := range page.Contents {
		names = append(names, *o.Key)
	}
	for _, p := range page.CommonPrefixes {
		names = append(names, *p.Prefix+" …")
	}
	return names
}

// TestListingGoesOnWhereItsPageHasBeenDeleted empties a bucket while listing it, as teardown does.
func TestListingGoesOnWhereItsPageHasBeenDeleted(t *testing.T) {
	for _, size := range []int32{1, 2, 3, 7} {
		t.Run(fmt.Sprintf("pages of %d", size), func(t *testing.T) {
			s := newScene(t)
			s.must(s.store.PutVersioning(bucket, "Enabled"))
			s.must(s.store.Fill(bucket, 30, func(i int) string { return fmt.Sprintf("key-%d", i%4) }))
			client := s.as(s.admin())
			in := &awss3.ListObjectVersionsInput{Bucket: name, MaxKeys: &size}
			ctx := localtest.Context(t, "the last page of versions")
			for {
				page, err := client.ListObjectVersions(ctx, in)
				s.must(err)
				var all []types.ObjectIdentifier
				for _, v := range page.Versions {
					all = append(all, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
				}
				_, err = client.DeleteObjects(background, &awss3.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{Objects: all}})
				s.must(err)
				if !aws.ToBool(page.IsTruncated) {
					break
				}
				in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
			}
			if got := s.store.Versions(bucket); got != 0 {
				t.Errorf("versions left = %d, want 0", got)
			}
		})
	}
}

// A listing continues either after a whole key or after one version of it.
func TestAnEmptyVersionMarkerIsRefused(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	for query, v := range map[string]struct {
		key, version *string
		want         string
	}{
		"key alone":               {aws.String("a"), nil, ""},
		"key and empty version":   {aws.String("a"), aws.String(""), "InvalidArgument"},
		"version without its key": {nil, aws.String("null"), "InvalidArgument"},
	} {
		_, err := client.ListObjectVersions(background, &awss3.ListObjectVersionsInput{Bucket: name, KeyMarker: v.key, VersionIdMarker: v.version})
		if got := localtest.Code(err); got != v.want {
			t.Errorf("ListObjectVersions with %s = %v, want %q", query, err, v.want)
		}
	}
}

func TestManyKeysStayInOrder(t *testing.T) {
	s := newScene(t)
	const n = 5000
	scattered := func(i int) string { return fmt.Sprintf("%04d", i*2741%n) } // 2741 and 5000 have no common divisor
	s.must(s.store.Fill(bucket, n, scattered))
	if got := s.store.Keys(bucket); len(got) != n || !slices.IsSorted(got) {
		t.Fatalf("%d keys, in order %v, want %d in order", len(got), slices.IsSorted(got), n)
	}
	client := s.as(s.admin())
	for i := range n {
		if i%3 != 0 {
			s.must(deleteVia(client, scattered(i)))
		}
	}
	if got := s.store.Keys(bucket); len(got) != (n+2)/3 || !slices.IsSorted(got) {
		t.Errorf("%d keys, in order %v, want %d in order", len(got), slices.IsSorted(got), (n+2)/3)
	}
}

// deleteVia deletes one key.
func deleteVia(client *awss3.Client, key string) error {
	_, err := client.DeleteObject(background, &awss3.DeleteObjectInput{Bucket: name, Key: &key})
	return err
}
