// Package stackresources lists what a CloudFormation stack has, with the stacks that are nested in it.
//
// It makes one CloudFormation call with the AWS SDK.
package stackresources

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// nestedType is the type of a nested stack in its parent's list of resources, where its physical id is its ARN. SAM's transform makes
// it of an AWS::Serverless::Application.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html
const nestedType = "AWS::CloudFormation::Stack"

// List lists the resources of a stack, which is named by its name or its ARN, in pages. An error, which is the call's, ends the list.
func List(ctx context.Context, api cloudformation.ListStackResourcesAPIClient, stack string) iter.Seq2[types.StackResourceSummary, error] {
	return func(yield func(types.StackResourceSummary, error) bool) {
		for pages := cloudformation.NewListStackResourcesPaginator(api, &cloudformation.ListStackResourcesInput{StackName: &stack}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(types.StackResourceSummary{}, err)
				return
			}
			for _, r := range page.StackResourceSummaries {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// ListAll lists the resources of a stack as [List] does, and then those of the stacks that are nested in it. The error about a
// nested stack names it.
func ListAll(ctx context.Context, api cloudformation.ListStackResourcesAPIClient, stack string) iter.Seq2[types.StackResourceSummary, error] {
	return func(yield func(types.StackResourceSummary, error) bool) {
		var nested []string
		for r, err := range List(ctx, api, stack) {
			if !yield(r, err) || err != nil {
				return
			}
			if id, ok := Nested(r); ok {
				nested = append(nested, id)
			}
		}
		for _, id := range nested {
			for r, err := range List(ctx, api, id) {
				if err != nil {
					err = fmt.Errorf("nested stack %s: %w", id, err)
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// Nested returns the ARN of the stack that a resource is; ok is false for other resources, and for a stack that is deleted or not made yet.
func Nested(r types.StackResourceSummary) (id string, ok bool) {
	id = aws.ToString(r.PhysicalResourceId)
	return id, aws.ToString(r.ResourceType) == nestedType && id != "" && r.ResourceStatus != types.ResourceStatusDeleteComplete
}
