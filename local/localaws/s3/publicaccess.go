package s3

import (
	"encoding/xml"
	"net/http"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// PublicAccessBlock are the four settings of Block Public Access, of a bucket or of an account.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
type PublicAccessBlock struct {
	// BlockPublicAcls refuses new ACLs that are public; IgnorePublicAcls gives public ACLs no effect.
	BlockPublicAcls, IgnorePublicAcls bool
	// BlockPublicPolicy refuses new policies that are public; RestrictPublicBuckets lets only the bucket's account and
	// AWS services use a bucket whose policy is public.
	BlockPublicPolicy, RestrictPublicBuckets bool
}

// blocked returns the settings that apply to a bucket: each is on if it is on for the bucket or for its account.
func (s *Service) blocked(b *bucket) PublicAccessBlock {
	var holds PublicAccessBlock
	for _, p := range []*PublicAccessBlock{b.block.value, s.accountBlock(b.owner).value} {
		if p != nil {
			holds.BlockPublicAcls = holds.BlockPublicAcls || p.BlockPublicAcls
			holds.IgnorePublicAcls = holds.IgnorePublicAcls || p.IgnorePublicAcls
			holds.BlockPublicPolicy = holds.BlockPublicPolicy || p.BlockPublicPolicy
			holds.RestrictPublicBuckets = holds.RestrictPublicBuckets || p.RestrictPublicBuckets
		}
	}
	return holds
}

// accountBlock returns an account's setting.
func (s *Service) accountBlock(account string) *setting[*PublicAccessBlock] {
	if s.accountBlocks[account] == nil {
		s.accountBlocks[account] = &setting[*PublicAccessBlock]{}
	}
	return s.accountBlocks[account]
}

// blockSetting returns the call's setting: a bucket's or an account's.
func (c *call) blockSetting() *setting[*PublicAccessBlock] {
	if c.bucket != nil {
		return &c.bucket.block
	}
	return c.service.accountBlock(c.Caller.Account)
}

// getBlock returns the settings.
func (c *call) getBlock() (*answer, error) {
	p := c.blockSetting().read(c.Stale)
	if p == nil {
		return nil, refuse(http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration",
			"The public access block configuration was not found")
	}
	return asXML(func(d *document) {
		d.root("PublicAccessBlockConfiguration")
		d.bool("BlockPublicAcls", p.BlockPublicAcls)
		d.bool("IgnorePublicAcls", p.IgnorePublicAcls)
		d.bool("BlockPublicPolicy", p.BlockPublicPolicy)
		d.bool("RestrictPublicBuckets", p.RestrictPublicBuckets)
		d.close("PublicAccessBlockConfiguration")
	}), nil
}

// putBlock sets the settings. Missing ones are off.
func (c *call) putBlock() (*answer, error) {
	var p PublicAccessBlock
	if err := xml.Unmarshal(c.Body, &p); err != nil {
		return nil, errMalformedXML
	}
	c.blockSetting().set(&p)
	return ok(), nil
}

// deleteBlock removes the settings, so that all are off.
func (c *call) deleteBlock() (*answer, error) {
	c.blockSetting().set(nil)
	return noContent(), nil
}

// controlPath is the path of requests about an account.
const controlPath = "v20180820/configuration/publicAccessBlock"

// ofOwnAccount handles a request about the caller's account, and refuses one about another.
func (c *call) ofOwnAccount(handle func(*call) (*answer, error)) (*answer, error) {
	if account := c.Header.Get("X-Amz-Account-Id"); account != c.Caller.Account {
		return nil, errAccessDenied
	}
	return handle(c)
}

func (c *call) getAccountBlock() (*answer, error)    { return c.ofOwnAccount((*call).getBlock) }
func (c *call) putAccountBlock() (*answer, error)    { return c.ofOwnAccount((*call).putBlock) }
func (c *call) deleteAccountBlock() (*answer, error) { return c.ofOwnAccount((*call).deleteBlock) }

// publicBlocked returns the error for a change that a setting of Block Public Access forbids.
func (c *call) publicBlocked(action, what, setting string) *api.Error {
	return deny(c.Caller, action, c.service.arn(c.name, ""),
		"because public "+what+" are prevented by the "+setting+" setting in S3 Block Public Access.")
}
