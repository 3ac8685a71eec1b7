// Package stack reports whether the guard's own CloudFormation stack is being changed or deleted: the truce.
//
// It makes one CloudFormation call, with awscall.
package stack

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/guard"
)

// described is CloudFormation's answer to DescribeStacks.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
type described struct {
	XMLName xml.Name `xml:"DescribeStacksResponse"`
	Stacks  []live   `xml:"DescribeStacksResult>Stacks>member"`
}

// live is a stack as CloudFormation describes it. A time is nil if there was no such operation.
type live struct {
	StackStatus                                 string
	CreationTime, LastUpdatedTime, DeletionTime *time.Time
}

// describe reads the stack with an ARN.
func describe(ctx context.Context, cloudFormation awscall.Caller, id string) (answer described, err error) {
	err = cloudFormation.Call(ctx, "DescribeStacks", url.Values{"StackName": {id}}, &answer)
	return answer, err
}

// Stack is the guard's own stack.
type Stack struct {
	CloudFormation awscall.Caller
	// ID is the stack's ARN, not its name: CloudFormation describes a deleted stack by its ARN only.
	ID string
}

// Read returns the state of the stack.
func (s *Stack) Read(ctx context.Context) (guard.StackState, error) {
	answer, err := describe(ctx, s.CloudFormation, s.ID)
	if err != nil {
		return guard.StackState{}, fmt.Errorf("stack %s: %w", s.ID, err)
	}
	if len(answer.Stacks) == 0 {
		return guard.StackState{}, fmt.Errorf("stack %s: %w", s.ID, errNotDescribed)
	}
	stack := answer.Stacks[0]
	return guard.StackState{
		Status: stack.StackStatus, Busy: busy(stack.StackStatus), Deleting: deleting(stack.StackStatus), Since: stack.since(),
	}, nil
}

// since returns when the latest deployment began: CloudFormation returns the time of the deletion, of the latest
// update, or of the creation.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
func (l live) since() time.Time {
	for _, began := range []*time.Time{l.DeletionTime, l.LastUpdatedTime, l.CreationTime} {
		if began != nil {
			return *began
		}
	}
	return time.Time{}
}

// deleting reports whether the guarded resources are being deleted: the stack is deleted, or its creation is rolled
// back.
func deleting(status string) bool {
	return strings.HasPrefix(status, "DELETE_") || status == "ROLLBACK_IN_PROGRESS"
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
func busy(status string) bool {
	if status == "REVIEW_IN_PROGRESS" {
		return false
	}
	return strings.HasSuffix(status, "_IN_PROGRESS") || strings.HasPrefix(status, "DELETE_")
}
