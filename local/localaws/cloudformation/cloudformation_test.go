package cloudformation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// start returns a CloudFormation with one stack, and a client with the permissions of a policy.
func start(t *testing.T, policy string) (*cloudformation.Service, *sdk.Client, cloudformation.Stack) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	s := cloudformation.New(gate.Options())
	gate.Add(s)
	stack := s.PutStack(cloudformation.Stack{
		Name: "guard", Status: "CREATE_COMPLETE",
		Parameters: []cloudformation.KeyValue{{Key: "SweepSeconds", Value: "10"}},
		Outputs:    []cloudformation.KeyValue{{Key: "BucketName", Value: "docs"}},
		Resources:  []cloudformation.Resource{{LogicalID: "Bucket", PhysicalID: "docs", Type: "AWS::S3::Bucket"}},
	})
	return s, sdk.NewFromConfig(localtest.Config(t, gate, policy)), stack
}

func TestDescribeStacksByNameAndByARN(t *testing.T) {
	_, client, stack := start(t, localtest.Everything)
	for _, name := range []string{stack.Name, stack.ID, ""} {
		in := &sdk.DescribeStacksInput{}
		if name != "" {
			in.StackName = &name
		}
		out := localtest.Must(client.DescribeStacks(t.Context(), in))(t)
		if len(out.Stacks) != 1 {
			t.Fatalf("DescribeStacks(%q) = %d stacks, want 1", name, len(out.Stacks))
		}
		got := out.Stacks[0]
		if *got.StackId != stack.ID || got.StackStatus != "CREATE_COMPLETE" || *got.Parameters[0].ParameterValue != "10" || *got.Outputs[0].OutputValue != "docs" {
			t.Errorf("DescribeStacks(%q) = %+v, want %+v", name, got, stack)
		}
	}
}

func TestDescribeStacksOfNoneIsAValidationError(t *testing.T) {
	_, client, _ := start(t, localtest.Everything)
	_, err := client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: aws.String("gone")})
	if localtest.Code(err) != "ValidationError" || !strings.Contains(err.Error(), "Stack with id gone does not exist") {
		t.Errorf("DescribeStacks(gone) = %v, want ValidationError: Stack with id gone does not exist", err)
	}
}

func TestSetStatusIsSeenAndToldOf(t *testing.T) {
	s, client, stack := start(t, localtest.Everything)
	var told []string
	s.OnStatus(func(e cloudformation.StackEvent) {
		// The hook may read the stack: no lock is held while it runs.
		now, _ := s.Stack(e.Stack.ID)
		told = append(told, e.Stack.Name+" "+now.Status+" "+e.Stack.Reason)
	})
	for _, status := range []string{"UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"} {
		if err := s.SetStatus("guard", status, "because"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"guard UPDATE_IN_PROGRESS because", "guard UPDATE_COMPLETE because"}, told); diff != "" {
		t.Errorf("status changes (-want +got):\n%s", diff)
	}
	out := localtest.Must(client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: &stack.ID}))(t)
	if got := out.Stacks[0]; got.StackStatus != "UPDATE_COMPLETE" || *got.StackStatusReason != "because" {
		t.Errorf("stack is %s because %q, want UPDATE_COMPLETE because \"because\"", got.StackStatus, *got.StackStatusReason)
	}
	if err := s.SetStatus("gone", "UPDATE_COMPLETE", ""); err == nil {
		t.Error("SetStatus(gone) = nil, want an error")
	}
}

func TestDeletedStackIsKnownByItsARNAlone(t *testing.T) {
	s, client, stack := start(t, localtest.Everything)
	if err := s.SetStatus("guard", "DELETE_COMPLETE", ""); err != nil {
		t.Fatal(err)
	}
	_, err := client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: aws.String("guard")})
	if got := localtest.Code(err); got != "ValidationError" {
		t.Errorf("DescribeStacks(guard) = %v, want ValidationError", err)
	}
	out := localtest.Must(client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: &stack.ID}))(t)
	if got := out.Stacks[0].StackStatus; got != "DELETE_COMPLETE" {
		t.Errorf("DescribeStacks(%s) = %s, want DELETE_COMPLETE", stack.ID, got)
	}
}

func TestStackResourcesAreListed(t *testing.T) {
	_, client, _ := start(t, localtest.Everything)
	list := localtest.Must(client.ListStackResources(t.Context(), &sdk.ListStackResourcesInput{StackName: aws.String("guard")}))(t)
	if got := list.StackResourceSummaries; len(got) != 1 || *got[0].PhysicalResourceId != "docs" || got[0].ResourceStatus != "CREATE_COMPLETE" {
		t.Errorf("ListStackResources = %+v, want the bucket", got)
	}
	described := localtest.Must(client.DescribeStackResources(t.Context(), &sdk.DescribeStackResourcesInput{StackName: aws.String("guard")}))(t)
	if got := described.StackResources; len(got) != 1 || *got[0].ResourceType != "AWS::S3::Bucket" {
		t.Errorf("DescribeStackResources = %+v, want the bucket", got)
	}
}

func TestMoreResourcesThanAnAnswerHolds(t *testing.T) {
	s, client, _ := start(t, localtest.Everything)
	var want []string
	for i := range 150 {
		want = append(want, fmt.Sprintf("Alarm%03d", i))
	}
	large := cloudformation.Stack{Name: "large", Status: "CREATE_COMPLETE"}
	for _, id := range want {
		large.Resources = append(large.Resources, cloudformation.Resource{LogicalID: id, PhysicalID: id, Type: "AWS::CloudWatch::Alarm"})
	}
	s.PutStack(large)
	described := localtest.Must(client.DescribeStackResources(t.Context(), &sdk.DescribeStackResourcesInput{StackName: &large.Name}))(t)
	if got := len(described.StackResources); got != 100 {
		t.Errorf("DescribeStackResources shows %d of 150 resources, want 100", got)
	}
	var listed []string
	pages := sdk.NewListStackResourcesPaginator(client, &sdk.ListStackResourcesInput{StackName: &large.Name})
	for pages.HasMorePages() {
		for _, r := range localtest.Must(pages.NextPage(t.Context()))(t).StackResourceSummaries {
			listed = append(listed, *r.LogicalResourceId)
		}
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("ListStackResources (-want +got):\n%s", diff)
	}
}

func TestPermissionIsAskedOnTheStacksARN(t *testing.T) {
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudformation:DescribeStacks","Resource":"arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/*"}]}`
	s, client, _ := start(t, policy)
	s.PutStack(cloudformation.Stack{Name: "other", Status: "CREATE_COMPLETE"})
	for stack, want := range map[string]string{"guard": "", "other": "AccessDenied"} {
		_, err := client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: &stack})
		if got := localtest.Code(err); got != want {
			t.Errorf("DescribeStacks(%s) = %q, want %q", stack, got, want)
		}
	}
}

func TestDescribeStackResourceFindsOneByItsLogicalID(t *testing.T) {
	_, client, stack := start(t, localtest.Everything)
	describe := func(stack, resource string) (*sdk.DescribeStackResourceOutput, error) {
		return client.DescribeStackResource(t.Context(), &sdk.DescribeStackResourceInput{StackName: &stack, LogicalResourceId: &resource})
	}
	got := localtest.Must(describe("guard", "Bucket"))(t).StackResourceDetail
	if *got.PhysicalResourceId != "docs" || *got.StackId != stack.ID || *got.ResourceType != "AWS::S3::Bucket" {
		t.Errorf("DescribeStackResource(Bucket) = %+v, want docs", got)
	}
	if _, err := describe("guard", "Other"); localtest.Code(err) != "ValidationError" || !strings.Contains(err.Error(), "Resource Other does not exist for stack guard") {
		t.Errorf("DescribeStackResource(Other) = %v, want ValidationError", err)
	}
	if _, err := describe("gone", "Bucket"); localtest.Code(err) != "ValidationError" || !strings.Contains(err.Error(), "gone does not exist") {
		t.Errorf("DescribeStackResource of a stack that there is not = %v, want ValidationError", err)
	}
}
