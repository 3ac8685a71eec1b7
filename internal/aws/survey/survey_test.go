package survey_test

import (
	"testing"

	awscloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/survey"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

func TestAStackIsReadWithThoseNestedInIt(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	stacks := cloudformation.New(gate.Options())
	gate.Add(stacks)
	client := awscloudformation.NewFromConfig(localtest.Config(t, gate, localtest.Everything))
	guard := []cloudformation.Resource{
		{LogicalID: "RemediateFunction", PhysicalID: "guard-function", Type: "AWS::Lambda::Function"},
		{LogicalID: "StateBucket", PhysicalID: "state", Type: "AWS::S3::Bucket"},
	}
	inner := stacks.PutStack(cloudformation.Stack{Name: "whole-Guard-0123456789AB", Status: "CREATE_COMPLETE", Resources: guard})
	stacks.PutStack(cloudformation.Stack{Name: "whole", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "Bucket", PhysicalID: "docs", Type: "AWS::S3::Bucket"},
		{LogicalID: "TrailBucket", PhysicalID: "trail", Type: "AWS::S3::Bucket"},
		{LogicalID: "InterfaceEndpoint", PhysicalID: "vpce-1", Type: "AWS::EC2::VPCEndpoint"},
		{LogicalID: "Guard", PhysicalID: inner.ID, Type: "AWS::CloudFormation::Stack"},
	}})
	stacks.PutStack(cloudformation.Stack{Name: "alone", Status: "CREATE_COMPLETE", Resources: append([]cloudformation.Resource{
		{LogicalID: "Adoption", PhysicalID: "adopted", Type: "Custom::Adoption"},
	}, guard...)})
	for name, want := range map[string]survey.Stack{
		"whole": {Buckets: []string{"docs"}, Others: []string{"trail", "state"}, Endpoints: []string{"vpce-1"}},
		"alone": {Others: []string{"state"}, Adopts: true},
	} {
		got, err := survey.ReadStack(t.Context(), client, survey.NewPacer(2), name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stack %s (-want +got):\n%s", name, diff)
		}
	}
}
