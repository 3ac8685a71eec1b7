package s3bucket_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/guard"
)

var docs = s3bucket.Bucket{Name: "docs-example", Account: "111122223333"}

// fakeS3 is one bucket's configuration. Nil fields are not configured.
type fakeS3 struct {
	t         *testing.T
	policy    *string
	blocks    *types.PublicAccessBlockConfiguration
	ownership *types.OwnershipControls

	lifecycle  []types.LifecycleRule
	versioning types.BucketVersioningStatus
	encryption *types.ServerSideEncryptionConfiguration
	// publicList is whether the bucket's access control list grants access to others.
	publicList bool
	// fail is the error code of an operation.
	fail   map[string]string
	writes []string
}

// call checks the parameters that all calls must have, and returns the operation's error.
func (f *fakeS3) call(operation string, bucket, owner *string) error {
	if aws.ToString(bucket) != docs.Name || aws.ToString(owner) != docs.Account {
		f.t.Errorf("%s is about bucket %q of owner %q, want %q of %q",
			operation, aws.ToString(bucket), aws.ToString(owner), docs.Name, docs.Account)
	}
	if code := f.fail[operation]; code != "" {
		return refuse(code)
	}
	if operation[:3] == "Put" {
		f.writes = append(f.writes, operation)
	}
	return nil
}

func refuse(code string) error { return &smithy.GenericAPIError{Code: code, Message: code} }

func (f *fakeS3) GetBucketPolicy(_ context.Context, in *s3.GetBucketPolicyInput, _ ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error) {
	if err := f.call("GetBucketPolicy", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if f.policy == nil {
		return nil, refuse("NoSuchBucketPolicy")
	}
	return &s3.GetBucketPolicyOutput{Policy: f.policy}, nil
}

func (f *fakeS3) PutBucketPolicy(_ context.Context, in *s3.PutBucketPolicyInput, _ ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error) {
	if err := f.call("PutBucketPolicy", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.policy = in.Policy
	return &s3.PutBucketPolicyOutput{}, nil
}

func (f *fakeS3) GetPublicAccessBlock(_ context.Context, in *s3.GetPublicAccessBlockInput, _ ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error) {
	if err := f.call("GetPublicAccessBlock", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if f.blocks == nil {
		return nil, refuse("NoSuchPublicAccessBlockConfiguration")
	}
	return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: f.blocks}, nil
}

func (f *fakeS3) PutPublicAccessBlock(_ context.Context, in *s3.PutPublicAccessBlockInput, _ ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error) {
	if err := f.call("PutPublicAccessBlock", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.blocks = in.PublicAccessBlockConfiguration
	return &s3.PutPublicAccessBlockOutput{}, nil
}

func (f *fakeS3) GetBucketOwnershipControls(_ context.Context, in *s3.GetBucketOwnershipControlsInput, _ ...func(*s3.Options)) (*s3.GetBucketOwnershipControlsOutput, error) {
	if err := f.call("GetBucketOwnershipControls", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if f.ownership == nil {
		return nil, refuse("OwnershipControlsNotFoundError")
	}
	return &s3.GetBucketOwnershipControlsOutput{OwnershipControls: f.ownership}, nil
}

func (f *fakeS3) PutBucketOwnershipControls(_ context.Context, in *s3.PutBucketOwnershipControlsInput, _ ...func(*s3.Options)) (*s3.PutBucketOwnershipControlsOutput, error) {
	if err := f.call("PutBucketOwnershipControls", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if f.publicList {
		return nil, refuse("InvalidBucketAclWithObjectOwnership")
	}
	f.ownership = in.OwnershipControls
	return &s3.PutBucketOwnershipControlsOutput{}, nil
}

func (f *fakeS3) PutBucketAcl(_ context.Context, in *s3.PutBucketAclInput, _ ...func(*s3.Options)) (*s3.PutBucketAclOutput, error) {
	if err := f.call("PutBucketAcl", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.publicList = in.ACL != types.BucketCannedACLPrivate
	return &s3.PutBucketAclOutput{}, nil
}

// inspect returns a resource's only finding.
func inspect(t *testing.T, r guard.Resource) guard.Finding {
	t.Helper()
	findings, err := r.Inspect(t.Context())
	if err != nil || len(findings) != 1 {
		t.Fatalf("Inspect = %v, %v, want one finding", findings, err)
	}
	return findings[0]
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		code    string
		missing bool
		says    string
	}{
		"in another Region":  {"PermanentRedirect", true, "docs/runbook.md#the-bucket-is-gone"},
		"bucket deleted":     {"NoSuchBucket", true, "docs/runbook.md#the-bucket-is-gone"},
		"access denied":      {"AccessDenied", false, "docs/runbook.md#access-is-denied"},
		"anything else":      {"InternalError", false, "bucket docs-example: "},
		"kept for the logic": {"InvalidRequest", false, "InvalidRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeS3{t: t, fail: map[string]string{}}
			for _, operation := range []string{
				"GetBucketPolicy", "PutBucketPolicy", "GetPublicAccessBlock", "PutPublicAccessBlock",
				"GetBucketOwnershipControls", "PutBucketOwnershipControls",
			} {
				fake.fail[operation] = test.code
			}
			for _, r := range []guard.Resource{newPolicy(fake), &s3bucket.PublicAccessBlock{API: fake, Bucket: docs}, &s3bucket.Ownership{API: fake, Bucket: docs}} {
				findings, inspectErr := r.Inspect(t.Context())
				if test.code == "AccessDenied" { // a finding with the error
					inspectErr = findings[0].Unread
				}
				for doing, err := range map[string]error{
					"Inspect": inspectErr, "Restore": r.Restore(t.Context(), guard.Finding{}),
				} {
					if err == nil || errors.Is(err, guard.ErrMissing) != test.missing || !contains(err.Error(), test.says) || !contains(err.Error(), test.code) {
						t.Errorf("%s of %s = %v, want missing %t, %q and the code", doing, r.Name(), err, test.missing, test.says)
					}
				}
			}
		})
	}
}
