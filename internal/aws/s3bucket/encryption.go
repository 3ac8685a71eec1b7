package s3bucket

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// EncryptionAPI contains the calls that [Encryption] makes.
type EncryptionAPI interface {
	GetBucketEncryption(context.Context, *s3.GetBucketEncryptionInput, ...func(*s3.Options)) (*s3.GetBucketEncryptionOutput, error)
	PutBucketEncryption(context.Context, *s3.PutBucketEncryptionInput, ...func(*s3.Options)) (*s3.PutBucketEncryptionOutput, error)
}

// Encryption keeps the bucket's default encryption at keys that S3 manages (AES256).
//
// Drift is open if new objects are encrypted with a key that the configuration names: who controls that key, possibly in
// another account, can make them unreadable for good. The key of aws/s3 is closed drift. Without a configuration, S3
// encrypts with its own keys, as desired. https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
type Encryption struct {
	API    EncryptionAPI
	Bucket Bucket
}

var _ guard.Resource = (*Encryption)(nil)

// Name implements [guard.Resource].
func (e *Encryption) Name() string { return "encryption" }

// Inspect implements [guard.Resource].
func (e *Encryption) Inspect(ctx context.Context) ([]guard.Finding, error) {
	desired := string(types.ServerSideEncryptionAes256)
	answer, err := e.API.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{
		Bucket: &e.Bucket.Name, ExpectedBucketOwner: &e.Bucket.Account,
	})
	finding := guard.Finding{Property: e.Name(), Target: e.Bucket.Name, Verdict: iampolicy.Same, Desired: desired}
	switch {
	case errorcode.Of(err) == "ServerSideEncryptionConfigurationNotFoundError":
		return []guard.Finding{finding}, nil
	case err != nil:
		return e.Bucket.unread(e.Name(), desired, err)
	}
	algorithm, key := encryption(answer.ServerSideEncryptionConfiguration)
	finding.Live = algorithm
	if key != "" {
		finding.Live += " " + key
	}
	switch {
	case finding.Live == desired:
		return []guard.Finding{finding}, nil
	case key != "":
		finding.Verdict, finding.Allowed = iampolicy.Open, "new objects become unreadable if somebody disables the key "+key
	default:
		finding.Verdict = iampolicy.Closed
	}
	finding.Diff = []guard.Difference{
		{Removed: true, Name: "SSEAlgorithm", Value: desired}, {Name: "SSEAlgorithm", Value: finding.Live},
	}
	return []guard.Finding{finding}, nil
}

// encryption returns the algorithm and the key in a response, whose list has at most one rule. Without a default
// encryption in it, S3 uses its own keys.
func encryption(c *types.ServerSideEncryptionConfiguration) (algorithm, key string) {
	if c != nil && len(c.Rules) > 0 {
		if d := c.Rules[0].ApplyServerSideEncryptionByDefault; d != nil {
			return string(d.SSEAlgorithm), aws.ToString(d.KMSMasterKeyID)
		}
	}
	return string(types.ServerSideEncryptionAes256), ""
}

// Restore implements [guard.Resource].
func (e *Encryption) Restore(ctx context.Context, _ guard.Finding) error {
	_, err := e.API.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
		Bucket: &e.Bucket.Name, ExpectedBucketOwner: &e.Bucket.Account,
		ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256},
		}}},
	})
	return e.Bucket.wrap(err)
}
