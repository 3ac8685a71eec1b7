package inspect_test

import (
	"context"
	"testing"

	awscloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	awscloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/kms"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/sns"
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

// deployed makes a stack with a key, a dashboard, a topic and a trail's bucket, and reads it. Functions are not in this local AWS.
func deployed(t *testing.T, trailBucketErr error) (*api.Gate, *inspect.Deployment) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	stacks, watch, topics, keys := cloudformation.New(gate.Options()), cloudwatch.New(gate.Options()), sns.New(gate.Options()), kms.New(gate.Options())
	for _, service := range []api.Service{stacks, watch, topics, keys} {
		gate.Add(service)
	}
	keys.Create("key")
	localtest.Must(struct{}{}, watch.PutDashboard("guard-board", `{"widgets":[]}`))(t)
	stack := stacks.PutStack(cloudformation.Stack{Name: "guard", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "NotificationKey", PhysicalID: "key", Type: "AWS::KMS::Key"},
		{LogicalID: "Dashboard", PhysicalID: "guard-board", Type: "AWS::CloudWatch::Dashboard"},
		{LogicalID: "NotificationTopic", PhysicalID: topics.CreateTopic("topic", "key"), Type: "AWS::SNS::Topic"},
		{LogicalID: "TrailBucket", PhysicalID: "trails", Type: "AWS::S3::Bucket"},
	}})
	sdk := localtest.Config(t, gate, localtest.Everything)
	return gate, &inspect.Deployment{
		Stacks: awscloudformation.NewFromConfig(sdk), Alarms: awscloudwatch.NewFromConfig(sdk), Functions: awslambda.NewFromConfig(sdk),
		Topics: awssns.NewFromConfig(sdk), Keys: awskms.NewFromConfig(sdk), StackID: stack.ID,
		TrailBucket: func(_ context.Context, name string) (health.TrailBucket, error) {
			return health.TrailBucket{Policy: "of " + name}, trailBucketErr
		},
	}
}

func TestPartsOfADeploymentThatAreRefusedHideNoOther(t *testing.T) {
	parts := func(d health.Deployment) map[string]bool {
		return map[string]bool{
			"alarms": d.Alarms.Err == nil, "dashboard": d.Dashboards.Err == nil && d.Dashboards.Value[0].Name == "guard-board",
			"topic": d.Topic.Err == nil && d.Topic.Value.Key == "key", "key": d.Key.Err == nil && d.Key.Value == "Enabled",
			"trail bucket": d.TrailBucket.Err == nil && d.TrailBucket.Value.Policy == "of trails",
		}
	}
	for call, c := range map[string]struct{ service, part string }{
		"DescribeAlarms": {"monitoring", "alarms"}, "ListDashboards": {"monitoring", "dashboard"}, "GetTopicAttributes": {"sns", "topic"},
		"ListSubscriptionsByTopic": {"sns", "topic"}, "DescribeKey": {"kms", "key"}, "GetBucketPolicy": {"", "trail bucket"},
	} {
		for _, refusal := range refusals {
			var trailBucketErr error
			if c.service == "" {
				trailBucketErr = errRefused
			}
			gate, deployment := deployed(t, trailBucketErr)
			gate.Inject(api.Fault{Service: c.service, Operation: call, Error: refusal})
			found, _ := deployment.Read(t.Context()) // the functions' calls fail in any case
			want := map[string]bool{"alarms": true, "dashboard": true, "topic": true, "key": true, "trail bucket": true}
			want[c.part] = false
			if diff := cmp.Diff(want, parts(found)); diff != "" {
				t.Errorf("%s refused with %s: parts that were read (-want +got):\n%s", call, refusal.Code, diff)
			}
		}
	}
}

func TestAStackThatCannotBeListedIsAnError(t *testing.T) {
	for _, refusal := range refusals {
		gate, deployment := deployed(t, nil)
		gate.Inject(api.Fault{Service: "cloudformation", Operation: "ListStackResources", Error: refusal})
		if found, err := deployment.Read(t.Context()); errorcode.Of(err) != refusal.Code || len(found.Resources) > 0 {
			t.Errorf("Read = %v, %v, want %s", found.Resources, err, refusal.Code)
		}
	}
}
