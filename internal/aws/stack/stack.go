// Package stack tells whether our own CloudFormation stack is being changed or deleted: the truce.
//
// It makes one CloudFormation call with the AWS SDK.
package stack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"s3-endpoint-guard/internal/guard"
)

// API has the call that [Stack] makes.
type API interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
}

// Stack is our own stack.
type Stack struct {
	API API
	// ID is the stack's ARN. Its name would not do: a deleted stack is described by its ARN only.
	ID string
}

// Standing reads what the stack is doing.
func (s *Stack) Standing(ctx context.Context) (guard.Standing, error) {
	answer, err := s.API.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.ID})
	if err != nil {
		return guard.Standing{}, fmt.Errorf("stack %s: %w", s.ID, err)
	}
	if len(answer.Stacks) == 0 {
		return guard.Standing{}, fmt.Errorf("stack %s: %w", s.ID, errNotDescribed)
	}
	live := answer.Stacks[0]
	return guard.Standing{
		Status: string(live.StackStatus), Busy: busy(live.StackStatus), Deleting: deleting(live.StackStatus), Since: since(live),
	}, nil
}

// since is when the latest deployment began: CloudFormation gives the time of the deletion, of the latest update, or of
// the creation.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
func since(live types.Stack) time.Time {
	for _, began := range []*time.Time{live.DeletionTime, live.LastUpdatedTime, live.CreationTime} {
		if began != nil {
			return *began
		}
	}
	return time.Time{}
}

// deleting reports whether the guarded resources are on their way out: the stack is deleted, or its creation is rolled
// back.
func deleting(status types.StackStatus) bool {
	return strings.HasPrefix(string(status), "DELETE_") || status == types.StackStatusRollbackInProgress
}

var errNotDescribed = errors.New("not in the answer")

// busy is whether CloudFormation may be changing or deleting the guarded resources.
//
//	…_IN_PROGRESS       busy: also rollbacks and cleanups, which delete what an update replaced
//	REVIEW_IN_PROGRESS  at rest, in spite of its name: a change set waits to be looked at, nothing happens
//	DELETE_…            busy: DELETE_FAILED as well, for the delete will be tried again and must not find a policy
//	                    put back that it had removed
//	all others          at rest: …_COMPLETE, …_FAILED, and any status that AWS may add
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
func busy(status types.StackStatus) bool {
	if status == types.StackStatusReviewInProgress {
		return false
	}
	return strings.HasSuffix(string(status), "_IN_PROGRESS") || strings.HasPrefix(string(status), "DELETE_")
}
