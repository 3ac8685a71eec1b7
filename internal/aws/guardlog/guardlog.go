// Package guardlog finds the function and the log group of a guard's stack, and searches the log. It is for the command line.
//
// It uses FilterLogEvents, not Logs Insights: it has no charge, needs one permission, returns whole lines, and each page follows
// from the one before, so that the memory does not depend on the log. Insights scans faster but is charged by the gigabyte, and
// returns at most 10,000 lines of a query (docs/facts.md, CloudWatch Logs).
package guardlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/stackresources"
)

// The guard's resources in its template.
const (
	logGroupID = "RemediateLogGroup"
	functionID = "RemediateFunction"
)

// StackAPI contains the calls that [Group] and [Function] make.
type StackAPI interface {
	DescribeStackResource(context.Context, *cloudformation.DescribeStackResourceInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackResourceOutput, error)
	cloudformation.ListStackResourcesAPIClient
}

// Errors of [Group] and [Function].
var (
	// ErrNoStack means that there is no such stack in the account and Region.
	ErrNoStack = errors.New("there is no such stack in this account and Region")
	// ErrNoGuard means that the stack has no guard.
	ErrNoGuard = errors.New("this stack has no guard")
)

// Group returns the name of the log group of a stack's guard, which may be in a stack that is nested in it.
func Group(ctx context.Context, api StackAPI, stack string) (string, error) {
	return resource(ctx, api, stack, logGroupID)
}

// Function returns the name of the function of a stack's guard, which may be in a stack that is nested in it.
func Function(ctx context.Context, api StackAPI, stack string) (string, error) {
	return resource(ctx, api, stack, functionID)
}

// resource returns the physical id of a resource of a stack, or of one that is nested in it.
func resource(ctx context.Context, api StackAPI, name, logicalID string) (string, error) {
	found, missing := own(ctx, api, name, logicalID)
	if !errors.Is(missing, ErrNoGuard) {
		return found, missing
	}
	for r, err := range stackresources.List(ctx, api, name) {
		if err != nil {
			return "", &errorcode.Failure{Permission: "cloudformation:ListStackResources", Err: fmt.Errorf("stack %s: %w", name, err)}
		}
		if id, ok := stackresources.Nested(r); ok {
			if found, err := own(ctx, api, id, logicalID); !errors.Is(err, ErrNoGuard) {
				return found, err
			}
		}
	}
	return "", missing
}

// own returns the physical id of a resource of one stack.
func own(ctx context.Context, api StackAPI, stack, logicalID string) (string, error) {
	answer, err := api.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: &stack, LogicalResourceId: aws.String(logicalID)})
	switch {
	case errorcode.Of(err) == "ValidationError" && strings.Contains(err.Error(), logicalID):
		return "", fmt.Errorf("stack %s: %w: it has no resource %s", stack, ErrNoGuard, logicalID)
	case errorcode.Of(err) == "ValidationError":
		return "", fmt.Errorf("stack %s: %w: %w", stack, ErrNoStack, err)
	case err != nil:
		return "", &errorcode.Failure{Permission: "cloudformation:DescribeStackResource", Err: fmt.Errorf("stack %s: %w", stack, err)}
	}
	name := aws.ToString(answer.StackResourceDetail.PhysicalResourceId)
	if name == "" || answer.StackResourceDetail.ResourceStatus == "DELETE_COMPLETE" {
		return "", fmt.Errorf("stack %s: %w: its resource %s is gone", stack, ErrNoGuard, logicalID)
	}
	return name, nil
}

// Log is a log group.
type Log struct {
	API   cloudwatchlogs.FilterLogEventsAPIClient
	Group string
}

// Line is one line of a log.
type Line struct {
	Time time.Time
	Text string
}

// Search yields the lines since a time that match a filter pattern ("" for all), in the order of their time. progress, which may be
// nil, is called after each page: pages can be many, and empty. An error ends the search.
func (l Log) Search(ctx context.Context, since time.Time, pattern string, progress func()) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &l.Group, StartTime: aws.Int64(since.UnixMilli())}
		if pattern != "" {
			in.FilterPattern = &pattern
		}
		for pages := cloudwatchlogs.NewFilterLogEventsPaginator(l.API, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Line{}, fmt.Errorf("log group %s: %w", l.Group, err))
				return
			}
			for _, e := range page.Events {
				if !yield(Line{time.UnixMilli(aws.ToInt64(e.Timestamp)), aws.ToString(e.Message)}, nil) {
					return
				}
			}
			if progress != nil {
				progress()
			}
		}
	}
}
