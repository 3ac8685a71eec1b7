package stack

import (
	"context"
	"fmt"
	"strings"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
)

// Owners reads what the stacks are doing that created buckets.
type Owners struct {
	CloudFormation awscall.Caller
	// Own is the ARN of the guard's own stack.
	Own string
}

// Read returns the state of the stack with an ARN, which is the value of a bucket's tag; its zero value for "", for our own stack,
// for a stack that was deleted and left the bucket, and for one of another Region or account.
func (o *Owners) Read(ctx context.Context, id string) (guard.StackState, error) {
	if id == "" || id == o.Own || place(id) != place(o.Own) {
		return guard.StackState{}, nil
	}
	answer, err := describe(ctx, o.CloudFormation, id)
	switch {
	case isUnknown(err), err == nil && len(answer.Stacks) == 0:
		return guard.StackState{}, nil
	case err != nil:
		return guard.StackState{}, fmt.Errorf("stack %s: %w", id, err)
	}
	stack := answer.Stacks[0]
	return guard.StackState{
		ID: id, Status: stack.StackStatus, Since: stack.since(),
		Busy:     busy(stack.StackStatus) && stack.StackStatus != "DELETE_COMPLETE",
		Deleting: deleting(stack.StackStatus),
	}, nil
}

// place returns the partition, the Region and the account in an ARN.
func place(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return strings.Join([]string{parts[1], parts[3], parts[4]}, ":")
}

// isUnknown reports whether CloudFormation does not know the stack: it forgets a deleted one after 90 days.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
func isUnknown(err error) bool {
	return errorcode.Of(err) == "ValidationError" && strings.Contains(err.Error(), "does not exist")
}
