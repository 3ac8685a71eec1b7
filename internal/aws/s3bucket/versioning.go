package s3bucket

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/guard"
)

// VersioningAPI contains the calls that [Versioning] makes.
type VersioningAPI interface {
	GetBucketVersioning(context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error)
	PutBucketVersioning(context.Context, *s3.PutBucketVersioningInput, ...func(*s3.Options)) (*s3.PutBucketVersioningOutput, error)
}

// Versioning keeps the bucket's versioning enabled. While it is suspended, what is overwritten or deleted is lost, so
// that this is open drift. MFA delete, which only the root user can change, is neither read nor changed.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
type Versioning struct {
	API    VersioningAPI
	Bucket Bucket
}

var _ guard.Resource = (*Versioning)(nil)

// Name implements [guard.Resource].
func (v *Versioning) Name() string { return "versioning" }

// Inspect implements [guard.Resource].
func (v *Versioning) Inspect(ctx context.Context) ([]guard.Finding, error) {
	desired := string(types.BucketVersioningStatusEnabled)
	answer, err := v.API.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{
		Bucket: &v.Bucket.Name, ExpectedBucketOwner: &v.Bucket.Account,
	})
	if err != nil {
		return v.Bucket.unread(v.Name(), desired, err)
	}
	return []guard.Finding{v.Bucket.setting(v.Name(), "Status", string(answer.Status), desired, "what is overwritten or deleted cannot be restored")}, nil
}

// Restore implements [guard.Resource].
func (v *Versioning) Restore(ctx context.Context, _ guard.Finding) error {
	_, err := v.API.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: &v.Bucket.Name, ExpectedBucketOwner: &v.Bucket.Account,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	return v.Bucket.wrap(err)
}
