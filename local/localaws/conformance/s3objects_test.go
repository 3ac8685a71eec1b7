package conformance_test

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// objectCases are the cases on single objects and their versions.
func objectCases() []testCase {
	big := strings.Repeat("0123456789", 1<<19) // 5 MiB, the minimum size of all parts except the last
	return []testCase{
		{name: "an object is put, read and deleted", ops: []op{
			createBucket(), refused("NoSuchKey", gets("a", "")), refused("NotFound", head("a")),
			put("a", "one"), gets("a", "one"), head("a"), put("a", "two"), gets("a", "two"),
			deleteKey("a"), deleteKey("a"), refused("NoSuchKey", gets("a", "")),
		}},
		{name: "ranges of bytes are read", ops: []op{
			createBucket(), put("a", "0123456789"),
			getsRange("a", "bytes=2-4", "234"), getsRange("a", "bytes=7-", "789"), getsRange("a", "bytes=-2", "89"),
			getsRange("a", "bytes=8-20", "89"), refused("InvalidRange", getsRange("a", "bytes=10-", "")),
		}},
		{name: "conditional writes", ops: []op{
			createBucket(), putIfAbsent("a", "one"), refused("PreconditionFailed", putIfAbsent("a", "two")), gets("a", "one"),
		}},
		{name: "deleting hides versions, and deleting the marker shows them again", moto: "does not say that it deleted a marker", ops: []op{
			createBucket(), versioning("Enabled"), put("a", "one"), put("a", "two"),
			deletes("a", "", true), refused("NoSuchKey", gets("a", "")),
			deletes("a", "noted", true), gets("a", "two"),
		}},
		{name: "a version is read and deleted by its id", ops: []op{
			createBucket(), versioning("Enabled"), putNoting("a", "one"), put("a", "two"),
			getsVersion("a", "one"), deletes("a", "noted", false), refused("NoSuchVersion", getsVersion("a", "one")), gets("a", "two"),
		}},
		{name: "a suspended bucket keeps one null version beside the others", moto: "forgets the other versions", ops: []op{
			createBucket(), versioning("Enabled"), put("a", "one"), versioning("Suspended"), put("a", "two"), put("a", "three"),
			listsVersions(1000, "", "a latest", "a"), gets("a", "three"),
		}},
		{name: "an object is copied", ops: []op{
			createBucket(), put("a b/ü+%", "one"), copyKey("a%20b/%C3%BC%2B%25", "c"), gets("c", "one"),
			refused("NoSuchKey", copyKey("absent", "d")),
		}},
		{name: "an upload in parts", ops: []op{
			createBucket(), beginUpload("a"), uploads(1), part("a", 1, big), part("a", 2, "end"), parts("a", 2),
			complete("a", 2), gets("a", big+"end"), uploads(0),
			beginUpload("b"), abort("b"), refused("NoSuchUpload", abort("b")), uploads(0),
		}},
		{name: "many keys are deleted at once", ops: []op{
			createBucket(), put("a", "1"), put("b", "2"), put("c & <d>", "3"),
			deleteAll("a", "c & <d>", "absent"), lists(1000, "", "", "b"),
		}},
	}
}

// keyOp is an op on an object of the scene's bucket.
func keyOp(key string, do func(context.Context, *s3.Client, *scene, *string) error) op {
	return func(ctx context.Context, s *scene) error { return do(ctx, s.s3(), s, &key) }
}

func put(key, body string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.name, Key: key, Body: strings.NewReader(body)})
		return err
	})
}

func putIfAbsent(key, body string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.name, Key: key, Body: strings.NewReader(body), IfNoneMatch: aws.String("*")})
		return err
	})
}

// putNoting puts an object and notes the id of its version.
func putNoting(key, body string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		answer, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.name, Key: key, Body: strings.NewReader(body)})
		if err == nil {
			s.notes["version"] = aws.ToString(answer.VersionId)
		}
		return err
	})
}

func head(key string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.name, Key: key})
		return err
	})
}

func gets(key, want string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		return reads(ctx, c, &s3.GetObjectInput{Bucket: &s.name, Key: key}, want)
	})
}

func getsRange(key, bytes, want string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		return reads(ctx, c, &s3.GetObjectInput{Bucket: &s.name, Key: key, Range: &bytes}, want)
	})
}

// getsVersion reads the noted version.
func getsVersion(key, want string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		return reads(ctx, c, &s3.GetObjectInput{Bucket: &s.name, Key: key, VersionId: aws.String(s.notes["version"])}, want)
	})
}

// reads expects the content of an object.
func reads(ctx context.Context, c *s3.Client, in *s3.GetObjectInput, want string) error {
	answer, err := c.GetObject(ctx, in)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && !bytes.Equal(body, []byte(want)) {
		return differs("content", len(body), len(want))
	}
	return err
}

func deleteKey(key string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.name, Key: key})
		return err
	})
}

// deletes deletes a key ("") or the noted version, expects that a marker was or was not made or deleted, and notes
// the id in the answer.
func deletes(key, version string, marker bool) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		in := &s3.DeleteObjectInput{Bucket: &s.name, Key: key}
		if version == "noted" {
			in.VersionId = aws.String(s.notes["version"])
		}
		answer, err := c.DeleteObject(ctx, in)
		if err != nil {
			return err
		}
		s.notes["version"] = aws.ToString(answer.VersionId)
		if got := aws.ToBool(answer.DeleteMarker); got != marker {
			return differs("delete marker", got, marker)
		}
		return nil
	})
}

func deleteAll(keys ...string) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		var objects []types.ObjectIdentifier
		for _, key := range keys {
			objects = append(objects, types.ObjectIdentifier{Key: &key})
		}
		answer, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: objects}})
		if err == nil && (len(answer.Deleted) != len(keys) || len(answer.Errors) != 0) {
			return differs("deleted", answer.Deleted, keys)
		}
		return err
	})
}

func copyKey(from, to string) op {
	return keyOp(to, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &s.name, Key: key, CopySource: aws.String(s.name + "/" + from)})
		return err
	})
}

// beginUpload begins an upload and notes its id.
func beginUpload(key string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		answer, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.name, Key: key})
		if err == nil {
			s.notes["upload"] = *answer.UploadId
		}
		return err
	})
}

// part uploads a part and notes its tag.
func part(key string, number int32, body string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		answer, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &s.name, Key: key, UploadId: aws.String(s.notes["upload"]),
			PartNumber: &number, Body: strings.NewReader(body)})
		if err == nil {
			s.notes[partNote(number)] = *answer.ETag
		}
		return err
	})
}

// partNote returns the name of the note about a part.
func partNote(number int32) string { return "part " + string('0'+number) }

func parts(key string, want int) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		answer, err := c.ListParts(ctx, &s3.ListPartsInput{Bucket: &s.name, Key: key, UploadId: aws.String(s.notes["upload"])})
		if err == nil && len(answer.Parts) != want {
			return differs("parts", len(answer.Parts), want)
		}
		return err
	})
}

func complete(key string, count int32) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		var parts []types.CompletedPart
		for n := int32(1); n <= count; n++ {
			parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(n), ETag: aws.String(s.notes[partNote(n)])})
		}
		_, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &s.name, Key: key,
			UploadId: aws.String(s.notes["upload"]), MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		return err
	})
}

func abort(key string) op {
	return keyOp(key, func(ctx context.Context, c *s3.Client, s *scene, key *string) error {
		_, err := c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.name, Key: key, UploadId: aws.String(s.notes["upload"])})
		return err
	})
}

func uploads(want int) op {
	return bucketOp(func(ctx context.Context, c *s3.Client, bucket *string) error {
		answer, err := c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket})
		if err == nil && len(answer.Uploads) != want {
			return differs("uploads", len(answer.Uploads), want)
		}
		return err
	})
}
