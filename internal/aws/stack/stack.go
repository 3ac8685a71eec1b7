// Package stack reports whether the guard's own CloudFormation stack is being changed or deleted: the truce.
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

	"example.com/s3-endpoint-guard/internal/guard"
)

// API contains the call that [Stack] makes.
type API interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
}

// Stack is the guard's own stack.
type Stack struct {
	API API
	// ID is the stack's ARN, not its name: CloudFormation describes a deleted stack by its ARN only.
	ID string
}

// Read returns the state of the stack.
func (s *Stack) Read(ctx context.Context) (guard.StackState, error) {
	answer, err := s.API.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.ID})
	if err != nil {
		return guard.StackState{}, fmt.Errorf("stack %s: %w", s.ID, err)
	}
	if len(answer.Stacks) == 0 {
		return guard.StackState{}, fmt.Errorf("stack %s: %w", s.ID, errNotDescribed)
	}
	live := answer.Stacks[0]
	return guard.StackState{
		Status: string(live.StackStatus), Busy: busy(live.StackStatus), Deleting: deleting(live.StackStatus), Since: since(live),
	}, nil
}

// since returns when the latest deployment began: CloudFormation returns the time of the deletion, of the latest
// update, or of the creation.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
func since(live types.Stack) time.Time {
	for _, began := range []*time.Time{live.DeletionTime, live.LastUpdatedTime, live.CreationTime} {
		if began != nil {
			return *began
		}
	}
	return time.Time{}
}

// deleting reports whether the guarded resources are being deleted: the stack is deleted, or its creation is rolled
// back.
func deleting(status types.StackStatus) bool {
	return strings.HasPrefix(string(status), "DELETE_") || status == types.StackStatusRollbackInProgress
}

var errNotDescribed = errors.New("not in the answer")

// busy reports whether CloudFormation may be changing or deleting the guarded resources.
//
//	…_IN_PROGRESS       busy, including rollbacks and cleanups, which delete what an update replaced
//	REVIEW_IN_PROGRESS  idle, in spite of its name: a change set waits for a review
//	DELETE_…            busy, including DELETE_FAILED: the delete will be retried and must not find a policy restored that
//	                    it had removed
//	all others          idle: …_COMPLETE, …_FAILED, and statuses that AWS may add
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
func busy(status types.StackStatus) bool {
	if status == types.StackStatusReviewInProgress {
		return false
	}
	return strings.HasSuffix(string(status), "_IN_PROGRESS") || strings.HasPrefix(string(status), "DELETE_")
}
