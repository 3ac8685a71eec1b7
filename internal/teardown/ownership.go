package teardown

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3-endpoint-guard/internal/cfnresponse"
	"s3-endpoint-guard/internal/errorcode"
)

// ownershipTag is the tag by which CloudFormation marks what a stack made. Nobody else can set tags of this kind.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
const ownershipTag = "aws:cloudformation:stack-id"

// Buckets are the calls on buckets that are not about emptying them.
type Buckets interface {
	GetBucketTagging(context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error)
	PutBucketPolicy(context.Context, *s3.PutBucketPolicyInput, ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error)
}

// Stacks are the calls on stacks.
type Stacks interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	ListStackResources(context.Context, *cloudformation.ListStackResourcesInput, ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error)
}

// decision is why a bucket is kept, or goAhead.
type decision string

const (
	goAhead   decision = ""
	notWanted decision = "EmptyBucketOnDelete is false"
	isGone    decision = "the bucket does not exist"
	neverOurs decision = "the stack is rolled back and the bucket never was its own"
	stays     decision = "the bucket stays in the stack"
)

// ownership is whose a bucket is.
type ownership int

const (
	ours ownership = iota
	missing
	foreign
)

// phase is what a stack's status means for its buckets.
type phase int

const (
	elsewhere   phase = iota
	deleting          // everything goes
	rollingBack       // what a failed create or update made goes
	cleaningUp        // what an update replaced or removed goes
)

// phases are the statuses in which CloudFormation deletes resources.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
var phases = map[string]phase{
	"DELETE_IN_PROGRESS":                           deleting,
	"ROLLBACK_IN_PROGRESS":                         rollingBack,
	"UPDATE_ROLLBACK_IN_PROGRESS":                  rollingBack,
	"UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": rollingBack,
	"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":          cleaningUp,
}

// check answers Create and Update: the bucket exists and is this stack's.
func (t *Teardown) check(ctx context.Context, request cfnresponse.Request, w wish) error {
	if !w.empty {
		return nil
	}
	owner, tag, err := t.owner(ctx, request, w.bucket)
	switch {
	case err != nil:
		return err
	case owner == missing:
		return fmt.Errorf("bucket %s does not exist", w.bucket)
	case owner == foreign:
		return notOurs(w.bucket, tag)
	}
	return nil
}

// notOurs says whose the bucket is instead.
func notOurs(bucket, tag string) error {
	whose := "no stack"
	if tag != "" {
		whose = tag
	}
	return fmt.Errorf("bucket %s was created by %s, not by this stack, so its data is none of ours to delete", bucket, whose)
}

// owner tells whose a bucket is, and the stack that its tag names.
func (t *Teardown) owner(ctx context.Context, request cfnresponse.Request, bucket string) (ownership, string, error) {
	tags, err := t.Buckets.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &bucket})
	switch errorcode.Of(err) {
	case "NoSuchBucket":
		return missing, "", nil
	case "NoSuchTagSet":
		return foreign, "", nil
	}
	if err != nil {
		return foreign, "", fmt.Errorf("reading the tags of bucket %s: %w", bucket, err)
	}
	for _, tag := range tags.TagSet {
		if *tag.Key != ownershipTag {
			continue
		}
		if *tag.Value == request.StackID {
			return ours, *tag.Value, nil
		}
		return foreign, *tag.Value, nil
	}
	return foreign, "", nil
}

// decide goes through the table of the package comment.
func (t *Teardown) decide(ctx context.Context, request cfnresponse.Request, w wish) (decision, error) {
	if !w.empty {
		return notWanted, nil
	}
	owner, tag, err := t.owner(ctx, request, w.bucket)
	if err != nil {
		return goAhead, err
	}
	if owner == missing {
		return isGone, nil
	}
	now, status, err := t.phase(ctx, request.StackID)
	switch {
	case err != nil:
		return goAhead, err
	case owner == foreign && now == rollingBack:
		return neverOurs, nil
	case owner == foreign:
		return goAhead, notOurs(w.bucket, tag)
	case now == elsewhere:
		return goAhead, fmt.Errorf("the stack is %s: neither deleted, nor updated, nor rolled back", status)
	case now == deleting, status == "ROLLBACK_IN_PROGRESS":
		return goAhead, nil
	}
	return t.decideByResource(ctx, request, w)
}

// phase tells what the stack is doing.
func (t *Teardown) phase(ctx context.Context, stackID string) (phase, string, error) {
	answer, err := t.Stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stackID})
	if err != nil {
		return elsewhere, "", fmt.Errorf("reading the state of the stack: %w", err)
	}
	if len(answer.Stacks) == 0 {
		return elsewhere, "", errors.New("reading the state of the stack: not in the answer")
	}
	status := string(answer.Stacks[0].StackStatus)
	return phases[status], status, nil
}

// decideByResource finds out whether the bucket is still one of the stack's resources. In an update or a rollback, a
// bucket that the stack keeps is one of them, and only this custom resource goes. In an update that replaced the bucket
// the old one's name is no resource's any more. In the rollback of a create all buckets go.
func (t *Teardown) decideByResource(ctx context.Context, request cfnresponse.Request, w wish) (decision, error) {
	// Page by page: DescribeStackResources would show the first 100 resources only, and a stack has more.
	pages := cloudformation.NewListStackResourcesPaginator(t.Stacks, &cloudformation.ListStackResourcesInput{StackName: &request.StackID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return goAhead, fmt.Errorf("reading the resources of the stack: %w", err)
		}
		if slices.ContainsFunc(page.StackResourceSummaries, w.isKept) {
			return stays, nil
		}
	}
	return goAhead, nil
}

// isKept tells whether a resource of the stack is the bucket, and not on its way out: whatever else its status says, its
// data is not to be lost.
func (w wish) isKept(r types.StackResourceSummary) bool {
	return aws.ToString(r.PhysicalResourceId) == w.bucket && aws.ToString(r.ResourceType) == "AWS::S3::Bucket" &&
		!strings.HasPrefix(string(r.ResourceStatus), "DELETE_")
}
