// Package survey reads what guard audit judges: the buckets of an account with their policy, public access block and object
// ownership, the VPC endpoints for S3 with their policy, and the buckets and endpoints of a stack. It writes nothing.
//
// What cannot be read is part of the result: the other parts are still returned, with each permission that is missing.
// A [Pacer] limits the calls. The package is for the command line; no function uses it.
package survey

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/aws/stackresources"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// The permissions of the calls.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
const (
	readPolicy     = "s3:GetBucketPolicy"
	readBlock      = "s3:GetBucketPublicAccessBlock"
	readOwnership  = "s3:GetBucketOwnershipControls"
	readEndpoints  = "ec2:DescribeVpcEndpoints"
	listsResources = "cloudformation:ListStackResources"
)

// S3 has the calls to S3.
type S3 interface {
	s3.ListBucketsAPIClient
	GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error)
	GetPublicAccessBlock(context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error)
	GetBucketOwnershipControls(context.Context, *s3.GetBucketOwnershipControlsInput, ...func(*s3.Options)) (*s3.GetBucketOwnershipControlsOutput, error)
}

// Failure is a call that failed.
type Failure = errorcode.Failure

// Bucket is what was read of a bucket.
type Bucket struct {
	audit.Bucket
	Failures []*Failure
}

// Reader reads buckets. It is safe for concurrent use.
type Reader struct {
	// Client returns the client for a Region. Home is the Region in which buckets are looked for whose Region is not known.
	Client func(region string) S3
	Home   string
	// Account owns the buckets; "" if that is not known. AccountBlock is its public access block; nil if that is not known.
	Account      string
	AccountBlock *audit.PublicAccessBlock
	Pace         *Pacer
}

// Bucket reads a bucket with three calls: first the policy, then the other two. If its Region is not known and S3 names another
// one, the policy is read again there. The other calls are left out if there is no such bucket.
func (r *Reader) Bucket(ctx context.Context, name, region string) Bucket {
	b := Bucket{Bucket: audit.Bucket{Name: name, Account: r.Account, AccountBlock: r.AccountBlock, Region: region}}
	if region == "" {
		b.Region = r.Home
	}
	client := r.Client(b.Region)
	err := r.policy(ctx, client, &b)
	if other := errorcode.RegionOf(err); region == "" && other != "" && other != b.Region {
		b.Region = other
		client = r.Client(other)
		err = r.policy(ctx, client, &b)
	}
	b.failed(readPolicy, err)
	if err != nil {
		b.Policy.Unread = b.Failures[0].Error()
	}
	if errorcode.Of(err) == "NoSuchBucket" {
		return b
	}
	var block, ownership error
	_ = parallel.All(
		func() error { block = r.block(ctx, client, &b); return nil },
		func() error { ownership = r.ownership(ctx, client, &b); return nil })
	b.failed(readBlock, block)
	b.failed(readOwnership, ownership)
	if block != nil {
		b.PublicAccessBlock = &audit.PublicAccessBlock{
			BlockPublicAcls: audit.NotKnown, IgnorePublicAcls: audit.NotKnown, BlockPublicPolicy: audit.NotKnown, RestrictPublicBuckets: audit.NotKnown,
		}
	}
	if ownership != nil {
		b.Ownership = &audit.Ownership{Unread: b.Failures[len(b.Failures)-1].Error()}
	}
	return b
}

func (b *Bucket) failed(permission string, err error) {
	if err != nil {
		b.Failures = append(b.Failures, &Failure{Permission: permission, Err: err})
	}
}

func (r *Reader) policy(ctx context.Context, client S3, b *Bucket) error {
	return r.Pace.Do(ctx, func(ctx context.Context) error {
		answer, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &b.Name})
		if errorcode.Of(err) == "NoSuchBucketPolicy" {
			return nil
		}
		if err == nil {
			b.Policy.Text = aws.ToString(answer.Policy)
		}
		return err
	})
}

func (r *Reader) block(ctx context.Context, client S3, b *Bucket) error {
	return r.Pace.Do(ctx, func(ctx context.Context) error {
		answer, err := client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &b.Name})
		if errorcode.Of(err) == "NoSuchPublicAccessBlockConfiguration" {
			b.PublicAccessBlock = &audit.PublicAccessBlock{}
			return nil
		}
		if err != nil {
			return err
		}
		c := answer.PublicAccessBlockConfiguration
		if c == nil {
			c = &s3types.PublicAccessBlockConfiguration{}
		}
		b.PublicAccessBlock = &audit.PublicAccessBlock{
			BlockPublicAcls: flag(c.BlockPublicAcls), IgnorePublicAcls: flag(c.IgnorePublicAcls),
			BlockPublicPolicy: flag(c.BlockPublicPolicy), RestrictPublicBuckets: flag(c.RestrictPublicBuckets),
		}
		return nil
	})
}

// flag converts a setting; one that is missing is off.
func flag(on *bool) audit.Flag {
	if aws.ToBool(on) {
		return audit.On
	}
	return audit.Off
}

func (r *Reader) ownership(ctx context.Context, client S3, b *Bucket) error {
	return r.Pace.Do(ctx, func(ctx context.Context) error {
		answer, err := client.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &b.Name})
		if errorcode.Of(err) == "OwnershipControlsNotFoundError" {
			b.Ownership = &audit.Ownership{}
			return nil
		}
		if err != nil {
			return err
		}
		b.Ownership = &audit.Ownership{}
		if c := answer.OwnershipControls; c != nil && len(c.Rules) == 1 {
			b.Ownership.Value = string(c.Rules[0].ObjectOwnership)
		}
		return nil
	})
}

// Buckets lists the names of the account's buckets in a Region that begin with a prefix. An error ends the listing.
func Buckets(ctx context.Context, api S3, pace *Pacer, region, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for b, err := range s3bucket.List(ctx, pacedList{api, pace}, &s3.ListBucketsInput{BucketRegion: &region, Prefix: &prefix}) {
			if err != nil {
				err = fmt.Errorf("listing the buckets: %w", err)
			}
			if !yield(aws.ToString(b.Name), err) {
				return
			}
		}
	}
}

// pacedList lists buckets within the limit of calls.
type pacedList struct {
	api  S3
	pace *Pacer
}

// ListBuckets implements [s3.ListBucketsAPIClient].
func (p pacedList) ListBuckets(ctx context.Context, in *s3.ListBucketsInput, options ...func(*s3.Options)) (page *s3.ListBucketsOutput, err error) {
	err = p.pace.Do(ctx, func(ctx context.Context) (err error) {
		page, err = p.api.ListBuckets(ctx, in, options...)
		return err
	})
	return page, err
}

// Endpoints reads the VPC endpoints for S3 in a Region, without those that are being deleted or never worked.
func Endpoints(ctx context.Context, api ec2.DescribeVpcEndpointsAPIClient, pace *Pacer, region string) ([]audit.Endpoint, error) {
	var list []audit.Endpoint
	in := &ec2.DescribeVpcEndpointsInput{Filters: []types.Filter{{Name: aws.String("service-name"), Values: vpcendpoint.ServiceNames(region)}}}
	for pages := ec2.NewDescribeVpcEndpointsPaginator(api, in); pages.HasMorePages(); {
		var page *ec2.DescribeVpcEndpointsOutput
		err := pace.Do(ctx, func(ctx context.Context) (err error) {
			page, err = pages.NextPage(ctx)
			return err
		})
		if err != nil {
			return list, fmt.Errorf("reading the VPC endpoints: %w", &Failure{Permission: readEndpoints, Err: err})
		}
		for _, e := range page.VpcEndpoints {
			if vpcendpoint.IsLost(vpcendpoint.StateOf(e)) {
				continue
			}
			list = append(list, audit.Endpoint{
				ID: aws.ToString(e.VpcEndpointId), VPCID: aws.ToString(e.VpcId), Account: aws.ToString(e.OwnerId), Region: region,
				Policy: audit.Document{Text: aws.ToString(e.PolicyDocument)},
			})
		}
	}
	return list, nil
}

// Stack is what a stack has of the resources that are judged.
type Stack struct {
	// Buckets are names, Endpoints ids.
	Buckets, Endpoints []string
	// Others are the buckets of the guard's own stack that it does not guard.
	Others []string
	// Adopts is true for a stack of guard.yaml: what it guards is not part of it.
	Adopts bool
}

// ReadStack lists the buckets and VPC endpoints of a stack, and of those that are nested in it. Of a stack of template.yaml, only the guarded bucket is among Buckets, and
// of one of guard.yaml none.
func ReadStack(ctx context.Context, api cloudformation.ListStackResourcesAPIClient, pace *Pacer, name string) (Stack, error) {
	var s Stack
	ids := map[string]string{}
	for r, err := range stackresources.ListAll(ctx, pacedResources{api, pace}, name) {
		if err != nil {
			return s, fmt.Errorf("reading stack %s: %w", name, &Failure{Permission: listsResources, Err: err})
		}
		id := aws.ToString(r.PhysicalResourceId)
		if id == "" || r.ResourceStatus == "DELETE_COMPLETE" {
			continue
		}
		ids[aws.ToString(r.LogicalResourceId)] = id
		switch aws.ToString(r.ResourceType) {
		case "AWS::S3::Bucket":
			s.Buckets = append(s.Buckets, id)
		case "AWS::EC2::VPCEndpoint":
			s.Endpoints = append(s.Endpoints, id)
		}
	}
	guards := ids["RemediateFunction"] != ""
	if guarded := ids["Bucket"]; guarded != "" && guards {
		s.Others = slices.DeleteFunc(s.Buckets, func(b string) bool { return b == guarded })
		s.Buckets = []string{guarded}
	} else if s.Adopts = ids["Adoption"] != "" && guards; s.Adopts {
		s.Buckets, s.Others = nil, s.Buckets
	}
	return s, nil
}

// pacedResources lists resources within the limit of calls.
type pacedResources struct {
	api  cloudformation.ListStackResourcesAPIClient
	pace *Pacer
}

// ListStackResources implements [cloudformation.ListStackResourcesAPIClient].
func (p pacedResources) ListStackResources(ctx context.Context, in *cloudformation.ListStackResourcesInput, options ...func(*cloudformation.Options)) (page *cloudformation.ListStackResourcesOutput, err error) {
	err = p.pace.Do(ctx, func(ctx context.Context) (err error) {
		page, err = p.api.ListStackResources(ctx, in, options...)
		return err
	})
	return page, err
}
