package s3bucket

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// PublicAccessAPI contains the calls that [PublicAccessBlock] makes.
type PublicAccessAPI interface {
	blockReader
	PutPublicAccessBlock(context.Context, *s3.PutPublicAccessBlockInput, ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error)
}

// PublicAccessBlock keeps all four public access block settings of the bucket on. If one of them is off, that is open
// drift: it precedes a public policy or access control list, and nothing here needs it off.
type PublicAccessBlock struct {
	API    PublicAccessAPI
	Bucket Bucket
}

var _ guard.Resource = (*PublicAccessBlock)(nil)

// blocks are the four settings. All of them must be on.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
type blocks struct {
	BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool
}

var allBlocks = blocks{true, true, true, true}

// Name implements [guard.Resource].
func (p *PublicAccessBlock) Name() string { return "public-access-block" }

// Inspect implements [guard.Resource].
func (p *PublicAccessBlock) Inspect(ctx context.Context) ([]guard.Finding, error) {
	configured, err := p.Bucket.publicAccessBlock(ctx, p.API)
	finding := guard.Finding{
		Property: p.Name(), Target: p.Bucket.Name, Verdict: iampolicy.Same, Desired: guard.Compact(allBlocks),
	}
	if err != nil {
		return p.Bucket.unread(p.Name(), finding.Desired, err)
	}
	var live blocks
	if configured != nil {
		live = *configured
		finding.Live = guard.Compact(live)
	}
	if off := live.off(); len(off) > 0 {
		finding.Verdict = iampolicy.Open
		finding.Allowed = "public access may be granted: " + strings.Join(off, ", ") + " off"
		for _, name := range off {
			finding.Diff = append(finding.Diff, guard.Difference{Removed: true, Name: name, Value: "true"})
		}
	}
	return []guard.Finding{finding}, nil
}

type blockReader interface {
	GetPublicAccessBlock(context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error)
}

// publicAccessBlock reads the bucket's settings; nil if it has no such configuration.
func (b Bucket) publicAccessBlock(ctx context.Context, api blockReader) (*blocks, error) {
	answer, err := api.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
	switch {
	case errorcode.Of(err) == "NoSuchPublicAccessBlockConfiguration":
		return nil, nil
	case err != nil:
		return nil, err
	}
	live := readBlocks(answer.PublicAccessBlockConfiguration)
	return &live, nil
}

// Restore implements [guard.Resource].
func (p *PublicAccessBlock) Restore(ctx context.Context, _ guard.Finding) error {
	on := aws.Bool(true)
	_, err := p.API.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &p.Bucket.Name, ExpectedBucketOwner: &p.Bucket.Account,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: on, RestrictPublicBuckets: on,
		},
	})
	return p.Bucket.wrap(err)
}

// readBlocks reads a response. Missing settings are off.
func readBlocks(c *types.PublicAccessBlockConfiguration) blocks {
	if c == nil {
		return blocks{}
	}
	return blocks{
		BlockPublicAcls:       aws.ToBool(c.BlockPublicAcls),
		IgnorePublicAcls:      aws.ToBool(c.IgnorePublicAcls),
		BlockPublicPolicy:     aws.ToBool(c.BlockPublicPolicy),
		RestrictPublicBuckets: aws.ToBool(c.RestrictPublicBuckets),
	}
}

// off returns the names of the settings that are off.
func (b blocks) off() []string {
	var names []string
	for _, setting := range []struct {
		name string
		on   bool
	}{
		{"BlockPublicAcls", b.BlockPublicAcls},
		{"IgnorePublicAcls", b.IgnorePublicAcls},
		{"BlockPublicPolicy", b.BlockPublicPolicy},
		{"RestrictPublicBuckets", b.RestrictPublicBuckets},
	} {
		if !setting.on {
			names = append(names, setting.name)
		}
	}
	return names
}
