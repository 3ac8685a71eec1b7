package survey

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3control"
	controltypes "github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
)

const readAccountBlock = "s3:GetAccountPublicAccessBlock"

// S3Control has the call about an account.
type S3Control interface {
	GetPublicAccessBlock(context.Context, *s3control.GetPublicAccessBlockInput, ...func(*s3control.Options)) (*s3control.GetPublicAccessBlockOutput, error)
}

// AccountBlock reads an account's public access block. S3 applies a setting to a bucket that is on for the bucket, its account or its
// organisation.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func AccountBlock(ctx context.Context, api S3Control, pace *Pacer, account string) (*audit.PublicAccessBlock, error) {
	c := &controltypes.PublicAccessBlockConfiguration{}
	err := pace.Do(ctx, func(ctx context.Context) error {
		answer, err := api.GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: &account})
		if errorcode.Of(err) == "NoSuchPublicAccessBlockConfiguration" {
			return nil
		}
		if err == nil && answer.PublicAccessBlockConfiguration != nil {
			c = answer.PublicAccessBlockConfiguration
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the account's public access block: %w", &Failure{Permission: readAccountBlock, Err: err})
	}
	return &audit.PublicAccessBlock{
		BlockPublicAcls: flag(c.BlockPublicAcls), IgnorePublicAcls: flag(c.IgnorePublicAcls),
		BlockPublicPolicy: flag(c.BlockPublicPolicy), RestrictPublicBuckets: flag(c.RestrictPublicBuckets),
	}, nil
}
