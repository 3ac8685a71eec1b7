package teardown

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/stacktag"
	"example.com/s3-endpoint-guard/internal/emptying"
)

// Buckets contains the calls on buckets other than those for emptying.
type Buckets interface {
	GetBucketTagging(context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error)
	PutBucketPolicy(context.Context, *s3.PutBucketPolicyInput, ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error)
}

// Stacks contains the calls on stacks.
type Stacks interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	ListStackResources(context.Context, *cloudformation.ListStackResourcesInput, ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error)
}

// decision is the reason why a bucket is kept, or goAhead.
type decision string

const (
	goAhead   decision = ""
	notWanted decision = "EmptyBucketOnDelete is false"
	isGone    decision = "the bucket does not exist"
	neverOurs decision = "the stack is rolled back and the bucket never was its own"
	stays     decision = "the bucket stays in the stack"
)

// ownership describes who owns a bucket.
type ownership int

const (
	ours   ownership = iota
	listed           // access to its tags is denied; the stack lists it as a bucket that it created
	missing
	foreign
	unproven // access to its tags is denied; the stack does not list it
)

// made are the statuses of a bucket that the stack created, or imported long ago. With the other statuses, another
// account may own the name (the creation failed, or the stack has deleted the bucket), or the stack has just imported
// the bucket.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceSummary.html
var made = map[cfntypes.ResourceStatus]bool{
	"CREATE_COMPLETE": true, "UPDATE_COMPLETE": true, "UPDATE_ROLLBACK_COMPLETE": true,
	"DELETE_IN_PROGRESS": true, "DELETE_FAILED": true,
}

// phase is what CloudFormation does with the buckets of a stack in its current status.
type phase int

const (
	elsewhere   phase = iota
	deleting          // all resources are deleted
	rollingBack       // resources of a failed create or update are deleted
	cleaningUp        // resources that an update replaced or removed are deleted
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

// check handles Create and Update: the bucket must exist and belong to the stack. It retries denied calls, because
// permissions from the same update may not be in effect yet.
func (t *Teardown) check(ctx context.Context, request cfnresponse.Request, w wish) error {
	if !w.empty {
		return nil
	}
	var owner ownership
	var tag string
	err := whileDenied(ctx, func() (err error) {
		owner, tag, err = t.ownerByTag(ctx, request, w.bucket)
		return err
	})
	if errorcode.Of(err) == emptying.AccessDenied {
		owner, err = t.ownerByStack(ctx, request, w.bucket, err)
	}
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

// notOurs returns an error that names the bucket's creator.
func notOurs(bucket, tag string) error {
	whose := "no stack"
	if tag != "" {
		whose = tag
	}
	return fmt.Errorf("bucket %s was created by %s: refusing to delete its data, because this stack did not create it", bucket, whose)
}

// ownerByTag returns who owns a bucket, and the stack in its tag.
func (t *Teardown) ownerByTag(ctx context.Context, request cfnresponse.Request, bucket string) (ownership, string, error) {
	tags, err := t.Buckets.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &bucket})
	switch errorcode.Of(err) {
	case "NoSuchBucket":
		return missing, "", nil
	case "NoSuchTagSet":
		return foreign, "", nil
	}
	if err != nil {
		return unproven, "", fmt.Errorf("reading the tags of bucket %s: %w", bucket, err)
	}
	tag := stacktag.In(tags.TagSet)
	if tag != "" && tag == request.StackID {
		return ours, tag, nil
	}
	return foreign, tag, nil
}

// ownerByStack checks whether the stack lists a bucket whose tags cannot be read. That is enough to put a policy under
// which the tags can be read, but not to delete objects, because a stack also lists imported buckets.
func (t *Teardown) ownerByStack(ctx context.Context, request cfnresponse.Request, bucket string, denied error) (ownership, error) {
	status, err := t.inStack(ctx, request, bucket)
	if err != nil {
		return unproven, errors.Join(denied, err)
	}
	if !made[status] {
		return unproven, fmt.Errorf("%w; and the stack does not list it among the buckets that it made", denied)
	}
	return listed, nil
}

// owner returns who owns a bucket, by its tags or else by the stack's list, and the stack in its tag.
func (t *Teardown) owner(ctx context.Context, request cfnresponse.Request, bucket string) (ownership, string, error) {
	owner, tag, err := t.ownerByTag(ctx, request, bucket)
	if errorcode.Of(err) == emptying.AccessDenied {
		owner, err = t.ownerByStack(ctx, request, bucket, err)
	}
	return owner, tag, err
}

// confirm reads the tags of a bucket that so far only the stack's list identifies. The emptying policy, which was just
// put, does not deny that.
func (t *Teardown) confirm(ctx context.Context, request cfnresponse.Request, bucket string) error {
	return whileDenied(ctx, func() error {
		owner, tag, err := t.ownerByTag(ctx, request, bucket)
		if err == nil && owner == foreign {
			return notOurs(bucket, tag)
		}
		return err
	})
}

// decide implements the table in the package comment.
func (t *Teardown) decide(ctx context.Context, request cfnresponse.Request, w wish) (decision, ownership, error) {
	if !w.empty {
		return notWanted, unproven, nil
	}
	owner, tag, err := t.owner(ctx, request, w.bucket)
	if err != nil {
		return goAhead, owner, err
	}
	if owner == missing {
		return isGone, owner, nil
	}
	now, status, err := t.phase(ctx, request.StackID)
	switch {
	case err != nil:
		return goAhead, owner, err
	case owner == foreign && now == rollingBack:
		return neverOurs, owner, nil
	case owner == foreign:
		return goAhead, owner, notOurs(w.bucket, tag)
	case now == elsewhere:
		return goAhead, owner, fmt.Errorf("the stack is %s: neither deleted, nor updated, nor rolled back", status)
	case now == deleting, status == "ROLLBACK_IN_PROGRESS":
		return goAhead, owner, nil
	}
	why, err := t.decideByResource(ctx, request, w)
	return why, owner, err
}

// phase returns the stack's phase and status.
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

// decideByResource checks whether the bucket is still one of the stack's resources. In an update or a rollback, the
// stack lists a bucket that it keeps, and only this custom resource is deleted. After an update that replaced the
// bucket, the stack no longer lists the old one. The rollback of a create deletes all buckets.
func (t *Teardown) decideByResource(ctx context.Context, request cfnresponse.Request, w wish) (decision, error) {
	status, err := t.inStack(ctx, request, w.bucket)
	if err != nil {
		return goAhead, err
	}
	switch status {
	case "", "DELETE_IN_PROGRESS", "DELETE_FAILED", "DELETE_COMPLETE":
		return goAhead, nil
	}
	return stays, nil
}

// inStack returns the status of a bucket among the stack's resources; "" if the stack does not list it.
//
// It reads all pages: a missing bucket would count as deleted (docs/facts.md, CloudFormation).
func (t *Teardown) inStack(ctx context.Context, request cfnresponse.Request, bucket string) (cfntypes.ResourceStatus, error) {
	pages := cloudformation.NewListStackResourcesPaginator(t.Stacks, &cloudformation.ListStackResourcesInput{StackName: &request.StackID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("reading the resources of the stack: %w", err)
		}
		for _, r := range page.StackResourceSummaries {
			if aws.ToString(r.PhysicalResourceId) == bucket && aws.ToString(r.ResourceType) == "AWS::S3::Bucket" {
				return r.ResourceStatus, nil
			}
		}
	}
	return "", nil
}
