package stackresources_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/stackresources"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// TestTheListIncludesThoseOfNestedStacks has a nested stack that was deleted, which CloudFormation would not list here.
func TestTheListIncludesThoseOfNestedStacks(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	stacks := cloudformation.New(gate.Options())
	gate.Add(stacks)
	inner := stacks.PutStack(cloudformation.Stack{Name: "whole-Guard-0123456789AB", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "Topic", PhysicalID: "topic", Type: "AWS::SNS::Topic"},
	}})
	stacks.PutStack(cloudformation.Stack{Name: "whole", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "Old", PhysicalID: stacks.StackID("old"), Type: "AWS::CloudFormation::Stack", Status: "DELETE_COMPLETE"},
		{LogicalID: "Guard", PhysicalID: inner.ID, Type: "AWS::CloudFormation::Stack"},
		{LogicalID: "Bucket", PhysicalID: "docs", Type: "AWS::S3::Bucket"},
	}})
	client := sdk.NewFromConfig(localtest.Config(t, gate, localtest.Everything))
	list := func() (names []string, errs []error) {
		for r, err := range stackresources.ListAll(t.Context(), client, "whole") {
			names = append(names, aws.ToString(r.LogicalResourceId))
			if err != nil {
				errs = append(errs, err)
			}
		}
		return names, errs
	}
	if names, errs := list(); len(errs) > 0 || len(names) != 4 || names[3] != "Topic" || !slices.Contains(names, "Bucket") {
		t.Errorf("the resources are %v, errors %v, want Old, Guard and Bucket, and then Topic", names, errs)
	}
	refused := api.Fault{Operation: "ListStackResources", Times: 1, Error: &api.Error{Status: 403, Code: "AccessDenied"}}
	gate.Inject(refused)
	if names, errs := list(); len(names) != 1 || len(errs) != 1 || errorcode.Of(errs[0]) != "AccessDenied" || strings.Contains(errs[0].Error(), "nested stack") {
		t.Errorf("the resources of a stack that may not be listed are %v, errors %v, want one error", names, errs)
	}
	refused.Skip = 1
	gate.Inject(refused)
	if names, errs := list(); len(names) != 4 || len(errs) != 1 || errorcode.Of(errs[0]) != "AccessDenied" || !strings.Contains(errs[0].Error(), inner.ID) {
		t.Errorf("the resources of a stack whose nested stack may not be listed are %v, errors %v, want its three, and an error that names the other", names, errs)
	}
}
