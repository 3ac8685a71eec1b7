package inspect_test

import (
	"testing"

	awscloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	awscloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

func TestADeploymentHasTheResourcesOfNestedStacks(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	stacks := cloudformation.New(gate.Options())
	gate.Add(stacks)
	sdk := localtest.Config(t, gate, localtest.Everything)
	inner := stacks.PutStack(cloudformation.Stack{Name: "guard-Guard-0123456789AB", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "RemediateFunction", PhysicalID: "guard-function", Type: "AWS::Lambda::Function"},
	}})
	outer := stacks.PutStack(cloudformation.Stack{Name: "guard", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "Bucket", PhysicalID: "docs", Type: "AWS::S3::Bucket"},
		{LogicalID: "Guard", PhysicalID: inner.ID, Type: "AWS::CloudFormation::Stack"},
	}})
	d := &inspect.Deployment{
		Stacks: awscloudformation.NewFromConfig(sdk), Alarms: awscloudwatch.NewFromConfig(sdk), Functions: awslambda.NewFromConfig(sdk),
		Topics: awssns.NewFromConfig(sdk), StackID: outer.ID,
	}
	found, _ := d.Read(t.Context()) // this local AWS has no other services: only the resources are read
	if got := found.Resources["RemediateFunction"].PhysicalID; got != "guard-function" || found.Resources["Bucket"].PhysicalID != "docs" {
		t.Errorf("resources = %v, want those of both stacks", found.Resources)
	}
	var lists []string
	for _, call := range gate.Calls() {
		if call.Operation == "ListStackResources" {
			lists = append(lists, call.Operation)
		}
	}
	if len(lists) != 2 {
		t.Errorf("%d lists of resources, want one for each stack", len(lists))
	}
}
