package conformance_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// stackCases are the cases on CloudFormation.
func stackCases() []testCase {
	const gone = "ValidationError"
	return []testCase{
		{name: "a stack that there is not is a validation error", ops: []op{
			refused(gone, describeStack()), refused(gone, listResources()), refused(gone, describeResources()), refused(gone, describeResource("Queue")),
		}},
		{name: "a stack and its resource are described", ops: []op{
			stack(), describeStack(), listResources(), describeResources(), describeResource("Queue"),
		}},
		{name: "a stack is found by its ARN", ops: []op{stack(), byStackARN(), describeStack(), listResources(), describeResources(), describeResource("Queue")}},
		{name: "a resource shows when it was last updated", moto: "shows no time in the list and of the one", ops: []op{stack(), updatedResource()}},
		{name: "a resource that there is not is a validation error", ops: []op{stack(), refused(gone, describeResource("None"))}},
	}
}

func (s *scene) cloudformation() *cloudformation.Client {
	return cloudformation.NewFromConfig(s.config)
}

func stack() op { return func(ctx context.Context, s *scene) error { return s.makeStack(ctx, s.name) } }

// stack returns the name with which a call names the stack.
func (s *scene) stack() *string {
	if arn, ok := s.notes["stack"]; ok {
		return &arn
	}
	return &s.name
}

// byStackARN makes later calls name the stack by its ARN.
func byStackARN() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudformation().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.name})
		if err != nil {
			return err
		}
		s.notes["stack"] = *out.Stacks[0].StackId
		return nil
	}
}

func describeStack() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudformation().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: s.stack()})
		if err != nil {
			return err
		}
		st := out.Stacks[0]
		if len(out.Stacks) != 1 || *st.StackName != s.name || st.StackStatus != "CREATE_COMPLETE" || st.CreationTime == nil ||
			!strings.HasPrefix(*st.StackId, "arn:aws:cloudformation:"+region+":"+account+":stack/"+s.name+"/") {
			return differs("stack", fmt.Sprint(*st.StackId, " ", st.StackStatus), s.name)
		}
		return nil
	}
}

// queueOf expects the only resource of the stack.
func (s *scene) queueOf(logical, physical, kind *string, status any) error {
	got := fmt.Sprint(*logical, " ", *kind, " ", status)
	if want := "Queue AWS::SQS::Queue CREATE_COMPLETE"; got != want || aws.ToString(physical) == "" {
		return differs("resource", got, want)
	}
	return nil
}

func listResources() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudformation().ListStackResources(ctx, &cloudformation.ListStackResourcesInput{StackName: s.stack()})
		if err == nil && (len(out.StackResourceSummaries) != 1 || out.NextToken != nil) {
			err = differs("number of resources", len(out.StackResourceSummaries), 1)
		}
		if err != nil {
			return err
		}
		r := out.StackResourceSummaries[0]
		return s.queueOf(r.LogicalResourceId, r.PhysicalResourceId, r.ResourceType, r.ResourceStatus)
	}
}

// updatedResource expects the time of the resource's last update, in the list and of the one.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceSummary.html
func updatedResource() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudformation().ListStackResources(ctx, &cloudformation.ListStackResourcesInput{StackName: s.stack()})
		if err == nil && out.StackResourceSummaries[0].LastUpdatedTimestamp == nil {
			err = differs("LastUpdatedTimestamp", "none", "a time")
		}
		if err != nil {
			return err
		}
		one, err := s.cloudformation().DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: s.stack(), LogicalResourceId: aws.String("Queue")})
		if err == nil && one.StackResourceDetail.LastUpdatedTimestamp == nil {
			err = differs("LastUpdatedTimestamp", "none", "a time")
		}
		return err
	}
}

func describeResources() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudformation().DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: s.stack()})
		if err == nil && len(out.StackResources) != 1 {
			err = differs("number of resources", len(out.StackResources), 1)
		}
		if err != nil {
			return err
		}
		r := out.StackResources[0]
		if *r.StackName != s.name || r.Timestamp == nil {
			return differs("stack", *r.StackName, s.name)
		}
		return s.queueOf(r.LogicalResourceId, r.PhysicalResourceId, r.ResourceType, r.ResourceStatus)
	}
}

func describeResource(logicalID string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudformation().DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: s.stack(), LogicalResourceId: &logicalID})
		if err != nil {
			return err
		}
		r := out.StackResourceDetail
		if *r.StackName != s.name {
			return differs("stack", *r.StackName, s.name)
		}
		return s.queueOf(r.LogicalResourceId, r.PhysicalResourceId, r.ResourceType, r.ResourceStatus)
	}
}
