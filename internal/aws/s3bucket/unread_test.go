package s3bucket_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// hiding denies each read as S3 does, with a message.
type hiding struct {
	*fakeS3
	message string
}

func (h hiding) refusal() error {
	return &smithy.GenericAPIError{Code: "AccessDenied", Message: h.message}
}

func (h hiding) GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error) {
	return nil, h.refusal()
}

func (h hiding) GetPublicAccessBlock(context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error) {
	return nil, h.refusal()
}

func (h hiding) GetBucketOwnershipControls(context.Context, *s3.GetBucketOwnershipControlsInput, ...func(*s3.Options)) (*s3.GetBucketOwnershipControlsOutput, error) {
	return nil, h.refusal()
}

func (h hiding) GetBucketLifecycleConfiguration(context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options)) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	return nil, h.refusal()
}

func (h hiding) GetBucketVersioning(context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error) {
	return nil, h.refusal()
}

func (h hiding) GetBucketEncryption(context.Context, *s3.GetBucketEncryptionInput, ...func(*s3.Options)) (*s3.GetBucketEncryptionOutput, error) {
	return nil, h.refusal()
}

// Decision 16: a property that the guard may not read counts as open, and can still be restored.
func TestWhatMayNotBeReadIsOpenAndCanBeRestored(t *testing.T) {
	for message, hidden := range map[string]bool{
		"Access Denied": false,
		`User: arn:aws:sts::111122223333:assumed-role/guard/s is not authorized to perform: s3:GetBucketPolicy on resource: "arn:aws:s3:::docs-example" because no identity-based policy allows the s3:GetBucketPolicy action`: false,
		`User: arn:aws:sts::111122223333:assumed-role/guard/s is not authorized to perform: s3:GetBucketPolicy on resource: "arn:aws:s3:::docs-example" with an explicit deny in a resource-based policy`:                      true,
	} {
		fake := hiding{&fakeS3{t: t}, message}
		policy := newPolicy(fake.fakeS3)
		policy.API = fake
		for _, r := range []guard.Resource{
			policy, &s3bucket.PublicAccessBlock{API: fake, Bucket: docs}, &s3bucket.Ownership{API: fake, Bucket: docs},
			&s3bucket.Lifecycle{API: fake, Bucket: docs, OldVersionDays: 30}, &s3bucket.Versioning{API: fake, Bucket: docs},
			&s3bucket.Encryption{API: fake, Bucket: docs},
		} {
			f := inspect(t, r)
			if f.Verdict != iampolicy.Open || f.Unread == nil || f.Live != "" || f.Desired == "" || f.Allowed == "" || f.Hidden != hidden {
				t.Errorf("%s: finding %+v, want open, unread, hidden %t", r.Name(), f, hidden)
			}
			if err := r.Restore(t.Context(), f); err != nil {
				t.Errorf("%s: Restore = %v", r.Name(), err)
			}
		}
		if len(fake.writes) != 6 {
			t.Errorf("writes %q, want one of each property", fake.writes)
		}
	}
}
