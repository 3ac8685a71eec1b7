package s3bucket

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
)

// PutBackAPI contains the calls that put back what a before-image has. The policy is put with s3:PutBucketPolicy; the calls that delete
// a setting need the permission that sets it.
type PutBackAPI interface {
	StateAPI
	PutBucketPolicy(context.Context, *s3.PutBucketPolicyInput, ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error)
	DeleteBucketPolicy(context.Context, *s3.DeleteBucketPolicyInput, ...func(*s3.Options)) (*s3.DeleteBucketPolicyOutput, error)
	PutPublicAccessBlock(context.Context, *s3.PutPublicAccessBlockInput, ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error)
	DeletePublicAccessBlock(context.Context, *s3.DeletePublicAccessBlockInput, ...func(*s3.Options)) (*s3.DeletePublicAccessBlockOutput, error)
	PutBucketOwnershipControls(context.Context, *s3.PutBucketOwnershipControlsInput, ...func(*s3.Options)) (*s3.PutBucketOwnershipControlsOutput, error)
	DeleteBucketOwnershipControls(context.Context, *s3.DeleteBucketOwnershipControlsInput, ...func(*s3.Options)) (*s3.DeleteBucketOwnershipControlsOutput, error)
	PutBucketAcl(context.Context, *s3.PutBucketAclInput, ...func(*s3.Options)) (*s3.PutBucketAclOutput, error)
}

// PutBackPolicy sets the policy, or deletes it if the text is "".
//
// ConfirmRemoveSelfBucketAccess is set: the policy is the bucket owner's, and may deny this caller, who does not need access any more.
func (b Bucket) PutBackPolicy(ctx context.Context, api PutBackAPI, text string) error {
	if text == "" {
		_, err := api.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
		return errorcode.Needing("s3:DeleteBucketPolicy", err)
	}
	_, err := api.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: &b.Name, ExpectedBucketOwner: &b.Account, Policy: &text, ConfirmRemoveSelfBucketAccess: aws.Bool(true),
	})
	return errorcode.Needing("s3:PutBucketPolicy", err)
}

// PutBackPublicAccessBlock sets the public access block, or deletes the configuration if there was none.
func (b Bucket) PutBackPublicAccessBlock(ctx context.Context, api PutBackAPI, was *adoption.PublicAccessBlock) error {
	var err error
	if was == nil {
		_, err = api.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
	} else {
		_, err = api.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
			Bucket: &b.Name, ExpectedBucketOwner: &b.Account,
			PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
				BlockPublicAcls: &was.BlockPublicAcls, IgnorePublicAcls: &was.IgnorePublicAcls,
				BlockPublicPolicy: &was.BlockPublicPolicy, RestrictPublicBuckets: &was.RestrictPublicBuckets,
			},
		})
	}
	return errorcode.Needing("s3:PutBucketPublicAccessBlock", err)
}

// PutBackOwnership sets the object ownership, or deletes the configuration if there was none.
func (b Bucket) PutBackOwnership(ctx context.Context, api PutBackAPI, was string) error {
	var err error
	if was == "" {
		_, err = api.DeleteBucketOwnershipControls(ctx, &s3.DeleteBucketOwnershipControlsInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
	} else {
		_, err = api.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
			Bucket: &b.Name, ExpectedBucketOwner: &b.Account,
			OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnership(was)}}},
		})
	}
	return errorcode.Needing("s3:PutBucketOwnershipControls", err)
}

// PutBackGrants sets the access control list. S3 wants the owner in it, so that it is read before.
func (b Bucket) PutBackGrants(ctx context.Context, api PutBackAPI, was []adoption.Grant) error {
	live, err := api.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
	if err != nil {
		return errorcode.Needing("s3:GetBucketAcl", err)
	}
	list := &types.AccessControlPolicy{Owner: live.Owner}
	for _, g := range was {
		grantee := &types.Grantee{Type: types.TypeCanonicalUser, ID: &g.Account}
		if g.Group != "" {
			grantee = &types.Grantee{Type: types.TypeGroup, URI: &g.Group}
		}
		list.Grants = append(list.Grants, types.Grant{Grantee: grantee, Permission: types.Permission(g.Permission)})
	}
	_, err = api.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account, AccessControlPolicy: list})
	return errorcode.Needing("s3:PutBucketAcl", err)
}
