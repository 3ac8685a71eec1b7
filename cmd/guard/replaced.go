package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/history"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// replaced is a property that the guard replaced, with the calls that read and write it. States are texts, as records have them: ""
// is a property that is not set.
type replaced struct {
	read  func(context.Context) (string, error)
	write func(context.Context, string) error
	// judge returns why a state opens access; "" if it does not.
	judge func(string) string
	// isPolicy is true if states are policies.
	isPolicy bool
}

// replaced returns the property of a record, in the account of the caller.
func (o *onStack) replaced(sdk aws.Config, e history.Entry, account string) (replaced, error) {
	style, err := addressingStyle(o.profile)
	if err != nil {
		return replaced{}, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	api := o.client(sdk, style)
	bucket := s3bucket.Bucket{Name: e.Target, Account: account}
	switch e.Resource {
	case "bucket-policy":
		return bucketPolicy(api, bucket, e), nil
	case "public-access-block":
		return accessBlock(api, bucket), nil
	case "endpoint-policy":
		return endpointPolicy(ec2.NewFromConfig(sdk), e), nil
	case "ownership-controls":
		return ownership(api, bucket), nil
	}
	return replaced{}, fmt.Errorf("guard undo does not put back %s: guard history --json has the state before, as \"before\"", e.Resource)
}

func bucketPolicy(api *s3.Client, bucket s3bucket.Bucket, e history.Entry) replaced {
	return replaced{
		isPolicy: true,
		read: func(ctx context.Context) (string, error) {
			state, err := bucket.State(ctx, api)
			return state.Policy, err
		},
		write: func(ctx context.Context, image string) error {
			if image == "" {
				return bucket.PutBackPolicy(ctx, api, "")
			}
			// Without ConfirmRemoveSelfBucketAccess, S3 refuses a policy that would lock out the caller.
			_, err := api.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket.Name, ExpectedBucketOwner: &bucket.Account, Policy: &image})
			return needing("s3:PutBucketPolicy", err)
		},
		judge: judgedAgainst(e.After),
	}
}

// judgedAgainst returns a judge of policies that may allow no more than what the guard wrote.
func judgedAgainst(desired string) func(string) string {
	return func(image string) string {
		j := iampolicy.Judge([]byte(desired), []byte(image), nil)
		if j.Verdict == iampolicy.Open {
			return cmp.Or(j.Allowed, "it cannot be shown to be closed")
		}
		return ""
	}
}

func accessBlock(api *s3.Client, bucket s3bucket.Bucket) replaced {
	return replaced{
		read: func(ctx context.Context) (string, error) {
			state, err := bucket.State(ctx, api)
			if state.PublicAccessBlock == nil {
				return "", err
			}
			return guard.Compact(state.PublicAccessBlock), err
		},
		write: func(ctx context.Context, image string) error {
			block, err := blockOf(image)
			if err != nil {
				return err
			}
			return bucket.PutBackPublicAccessBlock(ctx, api, block)
		},
		judge: func(image string) string {
			block, err := blockOf(image)
			if all := (adoption.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}); err == nil && block != nil && *block == all {
				return ""
			}
			return "public access may be granted"
		},
	}
}

// blockOf reads a public access block; nil for none.
func blockOf(image string) (*adoption.PublicAccessBlock, error) {
	if image == "" {
		return nil, nil
	}
	var block adoption.PublicAccessBlock
	if err := json.Unmarshal([]byte(image), &block); err != nil {
		return nil, fmt.Errorf("the public access block in the record: %w", err)
	}
	return &block, nil
}

func ownership(api *s3.Client, bucket s3bucket.Bucket) replaced {
	return replaced{
		read: func(ctx context.Context) (string, error) {
			state, err := bucket.State(ctx, api)
			return state.Ownership, err
		},
		write: func(ctx context.Context, image string) error { return bucket.PutBackOwnership(ctx, api, image) },
		judge: func(image string) string {
			if image == "BucketOwnerEnforced" {
				return ""
			}
			return "access control lists take effect"
		},
	}
}

func endpointPolicy(api *ec2.Client, e history.Entry) replaced {
	return replaced{
		isPolicy: true,
		read: func(ctx context.Context) (string, error) {
			policy, ok, err := vpcendpoint.LivePolicy(ctx, api, e.Target)
			if err == nil && !ok {
				err = errors.New("there is no VPC endpoint " + e.Target)
			}
			return policy, needing("ec2:DescribeVpcEndpoints", err)
		},
		write: func(ctx context.Context, image string) error {
			return needing("ec2:ModifyVpcEndpoint", vpcendpoint.PutBackPolicy(ctx, api, e.Target, image))
		},
		judge: func(image string) string { return judgedAgainst(e.After)(cmp.Or(image, lock.FullAccess)) },
	}
}

// same reports whether two states are the same.
func (p replaced) same(a, b string) bool {
	if (a == "") != (b == "") {
		return false
	}
	return a == b || len(p.changes(a, b)) == 0
}

// changes lists what writing the image changes in the live state: what goes as removed.
func (p replaced) changes(image, live string) []iampolicy.Change {
	if !p.isPolicy {
		if normal(image) == normal(live) {
			return nil
		}
		return slices.Concat(whole(true, normal(live)), whole(false, normal(image)))
	}
	from, unreadable := iampolicy.Parse([]byte(live))
	to, err := iampolicy.Parse([]byte(image))
	switch {
	case unreadable == nil && err == nil:
		return iampolicy.Diff(from, to)
	case image == "" && unreadable == nil:
		return statements(true, from)
	case live == "" && err == nil:
		return statements(false, to)
	}
	return slices.Concat(whole(true, live), whole(false, image))
}

// whole is the change of a whole state; none for "".
func whole(removed bool, text string) []iampolicy.Change {
	if text == "" {
		return nil
	}
	return []iampolicy.Change{{Removed: removed, Statement: text}}
}

// statements are the changes of all statements of a policy.
func statements(removed bool, p *iampolicy.Policy) []iampolicy.Change {
	var list []iampolicy.Change
	for _, v := range p.Views() {
		list = append(list, iampolicy.Change{Removed: removed, Sid: v.Sid, Statement: v.Text})
	}
	return list
}

// normal writes a public access block as this command does; other texts stay as they are.
func normal(text string) string {
	if block, err := blockOf(text); err == nil && block != nil {
		return guard.Compact(block)
	}
	return text
}
