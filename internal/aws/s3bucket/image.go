package s3bucket

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/stacktag"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// StateAPI contains the calls that [Bucket.State] makes.
type StateAPI interface {
	policyReader
	blockReader
	ownershipReader
	GetBucketAcl(context.Context, *s3.GetBucketAclInput, ...func(*s3.Options)) (*s3.GetBucketAclOutput, error)
}

// TaggingAPI contains the call that [Bucket.Stack] makes.
type TaggingAPI interface {
	GetBucketTagging(context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error)
}

// ImageAPI contains the calls that [Bucket.Image] makes.
type ImageAPI interface {
	StateAPI
	TaggingAPI
}

// Image reads the bucket's before-image: all that the guard may change, and the stack that owns the bucket. The calls are made at the
// same time. The error joins an [errorcode.Failure] for each part that could not be read.
func (b Bucket) Image(ctx context.Context, api ImageAPI, now time.Time) (adoption.BeforeImage, error) {
	var state adoption.State
	var stack string
	err := parallel.All(
		func() (err error) { state, err = b.State(ctx, api); return err },
		func() (err error) {
			stack, err = b.Stack(ctx, api)
			return errorcode.Needing("s3:GetBucketTagging", err)
		},
	)
	if err != nil {
		return adoption.BeforeImage{}, err
	}
	return adoption.NewImage(b.Name, now, state, stack), nil
}

// State reads all that the guard may change of the bucket. Errors are those of [Bucket.Image].
func (b Bucket) State(ctx context.Context, api StateAPI) (adoption.State, error) {
	var s adoption.State
	err := parallel.All(
		func() (err error) {
			s.Policy, err = b.policy(ctx, api)
			return errorcode.Needing("s3:GetBucketPolicy", err)
		},
		func() error {
			block, err := b.publicAccessBlock(ctx, api)
			s.PublicAccessBlock = (*adoption.PublicAccessBlock)(block)
			return errorcode.Needing("s3:GetBucketPublicAccessBlock", err)
		},
		func() (err error) {
			if s.Ownership, err = b.ownership(ctx, api); err != nil {
				return errorcode.Needing("s3:GetBucketOwnershipControls", err)
			}
			if s.Ownership != string(types.ObjectOwnershipBucketOwnerEnforced) {
				s.Grants, err = b.grants(ctx, api)
			}
			return errorcode.Needing("s3:GetBucketAcl", err)
		},
	)
	return s, err
}

// grants reads the bucket's access control list.
func (b Bucket) grants(ctx context.Context, api StateAPI) ([]adoption.Grant, error) {
	answer, err := api.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
	if err != nil {
		return nil, err
	}
	var grants []adoption.Grant
	for _, g := range answer.Grants {
		grant := adoption.Grant{Permission: string(g.Permission)}
		if g.Grantee != nil {
			grant.Group, grant.Account = aws.ToString(g.Grantee.URI), aws.ToString(g.Grantee.ID)
		}
		grants = append(grants, grant)
	}
	return grants, nil
}

// Stack reads the ARN of the CloudFormation stack that owns the bucket, from its tags; "" if none does.
func (b Bucket) Stack(ctx context.Context, api TaggingAPI) (string, error) {
	answer, err := api.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
	switch {
	case errorcode.Of(err) == "NoSuchTagSet":
		return "", nil
	case err != nil:
		return "", err
	}
	return stacktag.In(answer.TagSet), nil
}
