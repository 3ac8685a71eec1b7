package s3bucket

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
)

// OwnershipAPI contains the calls that [Ownership] makes.
type OwnershipAPI interface {
	ownershipReader
	PutBucketOwnershipControls(context.Context, *s3.PutBucketOwnershipControlsInput, ...func(*s3.Options)) (*s3.PutBucketOwnershipControlsOutput, error)
	PutBucketAcl(context.Context, *s3.PutBucketAclInput, ...func(*s3.Options)) (*s3.PutBucketAclOutput, error)
}

// Ownership keeps the bucket's object ownership at BucketOwnerEnforced, which disables access control lists. Other
// values are open drift: old lists take effect again at once, and a list can grant another account access that no
// policy grants.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
type Ownership struct {
	API    OwnershipAPI
	Bucket Bucket
}

var _ guard.Resource = (*Ownership)(nil)

// Name implements [guard.Resource].
func (o *Ownership) Name() string { return "ownership-controls" }

// Inspect implements [guard.Resource].
func (o *Ownership) Inspect(ctx context.Context) ([]guard.Finding, error) {
	live, err := o.Bucket.ownership(ctx, o.API)
	if err != nil {
		return o.Bucket.unread(o.Name(), string(types.ObjectOwnershipBucketOwnerEnforced), err)
	}
	return []guard.Finding{o.judge(live)}, nil
}

type ownershipReader interface {
	GetBucketOwnershipControls(context.Context, *s3.GetBucketOwnershipControlsInput, ...func(*s3.Options)) (*s3.GetBucketOwnershipControlsOutput, error)
}

// ownership reads the bucket's object ownership; "" if it has no such configuration.
func (b Bucket) ownership(ctx context.Context, api ownershipReader) (string, error) {
	answer, err := api.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
	switch {
	case errorcode.Of(err) == "OwnershipControlsNotFoundError":
		return "", nil
	case err != nil:
		return "", err
	}
	return ownership(answer.OwnershipControls), nil
}

// judge compares the live setting with the desired one. In a bucket without the configuration, access control lists are
// enabled.
func (o *Ownership) judge(live string) guard.Finding {
	return o.Bucket.setting(o.Name(), "ObjectOwnership", live, string(types.ObjectOwnershipBucketOwnerEnforced), "access control lists take effect")
}

// ownership returns the setting in a response, whose list has exactly one rule.
func ownership(c *types.OwnershipControls) string {
	if c == nil || len(c.Rules) == 0 {
		return ""
	}
	if len(c.Rules) > 1 {
		return fmt.Sprint(c.Rules)
	}
	return string(c.Rules[0].ObjectOwnership)
}

// Restore implements [guard.Resource]. S3 disables access control lists only if the bucket's own list grants nothing to
// others; such a list is first replaced by the private one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-error-responses.html
func (o *Ownership) Restore(ctx context.Context, _ guard.Finding) error {
	err := o.put(ctx)
	if errorcode.Of(err) == "InvalidBucketAclWithObjectOwnership" {
		if err := o.resetList(ctx); err != nil {
			return o.Bucket.wrap(err)
		}
		err = o.put(ctx)
	}
	return o.Bucket.wrap(err)
}

func (o *Ownership) put(ctx context.Context) error {
	_, err := o.API.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
		Bucket: &o.Bucket.Name, ExpectedBucketOwner: &o.Bucket.Account,
		OwnershipControls: &types.OwnershipControls{
			Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}},
		},
	})
	return err
}

func (o *Ownership) resetList(ctx context.Context) error {
	_, err := o.API.PutBucketAcl(ctx, &s3.PutBucketAclInput{
		Bucket: &o.Bucket.Name, ExpectedBucketOwner: &o.Bucket.Account, ACL: types.BucketCannedACLPrivate,
	})
	return err
}
