package s3_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

func TestWhatIsSetUpIsWhatRequestsSee(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	s.must(s.store.PutTags(bucket, map[string]string{"aws:cloudformation:stack-name": "guard", "a": "b"}))
	tags, err := client.GetBucketTagging(background, &awss3.GetBucketTaggingInput{Bucket: name})
	s.must(err)
	if len(tags.TagSet) != 2 || *tags.TagSet[1].Value != "guard" {
		t.Errorf("tags = %v, want those that were put, in order", tags.TagSet)
	}
	s.must(s.store.PutLifecycle(bucket, []byte(`<LifecycleConfiguration><Rule><ID>old</ID><Status>Enabled</Status></Rule></LifecycleConfiguration>`)))
	lifecycle, err := client.GetBucketLifecycleConfiguration(background, &awss3.GetBucketLifecycleConfigurationInput{Bucket: name})
	s.must(err)
	if *lifecycle.Rules[0].ID != "old" {
		t.Errorf("rule = %s, want old", *lifecycle.Rules[0].ID)
	}
	s.expect("PutLifecycle of no rules", asAPI(s.store.PutLifecycle(bucket, []byte("<LifecycleConfiguration/>"))), "MalformedXML")
	s.must(s.store.PutEncryption(bucket, []byte(`<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`)))
	_, err = client.DeleteBucketEncryption(background, &awss3.DeleteBucketEncryptionInput{Bucket: name})
	s.must(err)
	encryption, err := client.GetBucketEncryption(background, &awss3.GetBucketEncryptionInput{Bucket: name})
	s.must(err)
	if got := encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm; got != "AES256" {
		t.Errorf("encryption after its deletion = %s, want AES256", got)
	}
}

func TestWhatRequestsChangeIsWhatTestsSee(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	_, err := client.DeletePublicAccessBlock(background, &awss3.DeletePublicAccessBlockInput{Bucket: name})
	s.must(err)
	_, err = client.DeleteBucketOwnershipControls(background, &awss3.DeleteBucketOwnershipControlsInput{Bucket: name})
	s.must(err)
	if got := s.store.PublicAccessBlock(bucket); got != nil {
		t.Errorf("PublicAccessBlock = %v, want none", got)
	}
	if got := s.store.Ownership(bucket); got != "" {
		t.Errorf("Ownership = %q, want none", got)
	}
	s.must(s.store.PutPublicAccessBlock(bucket, &s3.PublicAccessBlock{BlockPublicPolicy: true}))
	s.store.PublicAccessBlock(bucket).BlockPublicPolicy = false
	if got := s.store.PublicAccessBlock(bucket); !got.BlockPublicPolicy {
		t.Error("a copy of the settings was written through to the bucket")
	}
	s.must(s.store.DeleteBucket(bucket))
	if got := s.store.Buckets(); len(got) != 0 {
		t.Errorf("buckets = %v, want none", got)
	}
	s.expect("PutTags of a bucket that is gone", asAPI(s.store.PutTags(bucket, nil)), "NoSuchBucket")
}

func TestACLsMayComeAsHeadersAndAsDocuments(t *testing.T) {
	everybody := types.Grantee{Type: types.TypeGroup, URI: aws.String("http://acs.amazonaws.com/groups/global/AllUsers")}
	owner := types.Grantee{Type: types.TypeCanonicalUser, ID: aws.String(strings.Repeat("0", 52) + account)}
	for name, c := range map[string]struct {
		in   awss3.PutBucketAclInput
		want string
	}{
		"a grant header": {awss3.PutBucketAclInput{GrantRead: aws.String(`uri="` + *everybody.URI + `"`)}, ""},
		"a document": {awss3.PutBucketAclInput{AccessControlPolicy: &types.AccessControlPolicy{Grants: []types.Grant{
			{Grantee: &owner, Permission: "FULL_CONTROL"}, {Grantee: &everybody, Permission: "READ"}}}}, ""},
		"grants that are not modelled": {awss3.PutBucketAclInput{AccessControlPolicy: &types.AccessControlPolicy{Grants: []types.Grant{
			{Grantee: &everybody, Permission: "WRITE_ACP"}}}}, "NotImplemented"},
		"a canned ACL that is not modelled": {awss3.PutBucketAclInput{ACL: "log-delivery-write"}, "NotImplemented"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.must(s.store.PutOwnership(bucket, "ObjectWriter"))
			s.must(s.store.PutPublicAccessBlock(bucket, nil))
			c.in.Bucket = aws.String(bucket)
			client := s.as(s.admin())
			_, err := client.PutBucketAcl(background, &c.in)
			s.expect("PutBucketAcl", err, c.want)
			acl, err := client.GetBucketAcl(background, &awss3.GetBucketAclInput{Bucket: aws.String(bucket)})
			s.must(err)
			if got, want := len(acl.Grants) == 2, c.want == ""; got != want {
				t.Errorf("grants = %d, want public %v", len(acl.Grants), want)
			}
		})
	}
}

func TestObjectWritesRefuseWhatTheyWouldForget(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	for name, c := range map[string]struct {
		in   awss3.PutObjectInput
		want string
	}{
		"an ACL with ACLs off":         {awss3.PutObjectInput{ACL: "public-read"}, "AccessControlListNotSupported"},
		"the ACL that holds anyway":    {awss3.PutObjectInput{ACL: "bucket-owner-full-control"}, ""},
		"tags":                         {awss3.PutObjectInput{Tagging: aws.String("a=b")}, "NotImplemented"},
		"a legal hold":                 {awss3.PutObjectInput{ObjectLockLegalHoldStatus: "ON"}, "NotImplemented"},
		"a condition that holds":       {awss3.PutObjectInput{IfMatch: aws.String(`"d41d8cd98f00b204e9800998ecf8427e"`)}, ""},
		"a condition that does not":    {awss3.PutObjectInput{IfMatch: aws.String(`"0"`)}, "PreconditionFailed"},
		"a condition that S3 does not": {awss3.PutObjectInput{IfNoneMatch: aws.String(`"0"`)}, "NotImplemented"},
	} {
		s.must(s.store.Put(bucket, *key, nil))
		c.in.Bucket, c.in.Key = aws.String(bucket), key
		_, err := client.PutObject(background, &c.in)
		s.expect("PutObject with "+name, err, c.want)
	}
}

func TestUploadsAreListedPageByPage(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	var want, got []string
	for _, key := range []string{"b", "a", "b", "c", "b"} {
		_, err := client.CreateMultipartUpload(background, &awss3.CreateMultipartUploadInput{Bucket: name, Key: &key})
		s.must(err)
		want = append(want, key)
	}
	in := &awss3.ListMultipartUploadsInput{Bucket: name, MaxUploads: aws.Int32(2)}
	ctx := localtest.Context(t, "the last page of uploads")
	for {
		page, err := client.ListMultipartUploads(ctx, in)
		s.must(err)
		for _, u := range page.Uploads {
			got = append(got, *u.Key)
		}
		if !*page.IsTruncated {
			break
		}
		in.KeyMarker, in.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("uploads = %v, want %v", got, want)
	}
	_, err := client.ListMultipartUploads(background, &awss3.ListMultipartUploadsInput{Bucket: name, MaxUploads: aws.Int32(-1)})
	s.expect("ListMultipartUploads of -1", err, "InvalidArgument")
}
