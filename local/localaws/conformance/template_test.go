package conformance_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/iam"
	"example.com/s3-endpoint-guard/local/localaws/kms"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// template makes what the local AWS makes only by a template, and what moto has calls for.
type template interface {
	// makeFunction makes a function with one variable, AB=c, and a time-out of 30 s.
	makeFunction(ctx context.Context, name string) error
	// makeMapping makes an event source mapping of a queue, in batches of five.
	makeMapping(ctx context.Context, function, queueARN string) error
	// makeRule makes a rule with a schedule, without targets.
	makeRule(ctx context.Context, name, schedule string) error
	// makeTrail makes a trail that logs everything into a bucket.
	makeTrail(ctx context.Context, name string) error
	// makeKey makes a key and returns its id.
	makeKey(ctx context.Context) (string, error)
	// makeRole makes a role with one inline policy, makePolicy a managed policy that it attaches to the role.
	makeRole(ctx context.Context, name, policy, document string) error
	makePolicy(ctx context.Context, role, name, document string) (arn string, err error)
	// makeStack makes a stack with one queue, "Queue".
	makeStack(ctx context.Context, name string) error
}

// localTemplate is the [template] of the local AWS.
type localTemplate struct {
	functions *lambda.Host
	bus       *events.Bus
	keys      *kms.Service
	roles     *iam.Service
	stacks    *cloudformation.Service
}

func (l localTemplate) makeFunction(_ context.Context, name string) error {
	_, err := l.functions.Create(lambda.Function{
		Name: name, Bootstrap: "/nowhere/bootstrap", Role: roleARN("f"), Timeout: 30 * time.Second, Environment: map[string]string{"AB": "c"},
	})
	return err
}

func (l localTemplate) makeMapping(_ context.Context, function, queueARN string) error {
	return l.functions.Map(lambda.Mapping{ID: "7e0d3c1a-0000-4000-8000-000000000000", QueueARN: queueARN, Function: function, BatchSize: 5})
}

func (l localTemplate) makeRule(_ context.Context, name, schedule string) error {
	_, err := l.bus.PutRule(events.Rule{Name: name, Schedule: schedule})
	return err
}

func (l localTemplate) makeTrail(_ context.Context, name string) error {
	l.bus.PutTrail(events.Trail{Name: name, Bucket: name, Logging: true})
	return nil
}

func (l localTemplate) makeKey(context.Context) (string, error) {
	for n := 1; ; n++ {
		if id := fmt.Sprintf("7e0d3c1a-0000-4000-8000-%012d", n); l.keys.State(id) == "" {
			l.keys.Create(id)
			return id, nil
		}
	}
}

func (l localTemplate) makeRole(_ context.Context, name, policy, document string) error {
	_, err := l.roles.CreateRole(name, map[string]string{policy: document})
	return err
}

func (l localTemplate) makePolicy(_ context.Context, role, name, document string) (string, error) {
	arn, err := l.roles.PutManagedPolicy(name, document)
	if err != nil {
		return "", err
	}
	return arn, l.roles.AttachRolePolicy(role, arn)
}

func (l localTemplate) makeStack(_ context.Context, name string) error {
	l.stacks.PutStack(cloudformation.Stack{Name: name, Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "Queue", PhysicalID: "http://localhost/" + account + "/queue", Type: "AWS::SQS::Queue"},
	}})
	return nil
}

// noMessages is an SQS in which all queues are empty.
type noMessages struct{}

func (noMessages) VisibilityTimeout(lambda.Function, string) (time.Duration, error) {
	return time.Minute, nil
}

func (noMessages) Watch(string, func(time.Duration)) (stop func()) { return func() {} }

func (noMessages) Receive(lambda.Function, string, int) ([]lambda.QueueMessage, error) {
	return nil, nil
}

func (noMessages) Delete(lambda.Function, string, []string) error { return nil }

// motoTemplate is the [template] of moto.
type motoTemplate struct{ config aws.Config }

// trust lets Lambda assume a role.
const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

func roleARN(name string) string { return "arn:aws:iam::" + account + ":role/" + name }

func (m motoTemplate) makeFunction(ctx context.Context, name string) error {
	// moto wants the function's role to exist. It is the same one for all functions.
	_, _ = awsiam.NewFromConfig(m.config).CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("f"), AssumeRolePolicyDocument: aws.String(trust)})
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	if _, err := w.Create("bootstrap"); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err := awslambda.NewFromConfig(m.config).CreateFunction(ctx, &awslambda.CreateFunctionInput{
		FunctionName: &name, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Role: aws.String(roleARN("f")), Timeout: aws.Int32(30),
		Environment: &lambdatypes.Environment{Variables: map[string]string{"AB": "c"}}, Code: &lambdatypes.FunctionCode{ZipFile: archive.Bytes()},
	})
	return err
}

func (m motoTemplate) makeMapping(ctx context.Context, function, queueARN string) error {
	_, err := awslambda.NewFromConfig(m.config).CreateEventSourceMapping(ctx, &awslambda.CreateEventSourceMappingInput{
		FunctionName: &function, EventSourceArn: &queueARN, BatchSize: aws.Int32(5),
	})
	return err
}

func (m motoTemplate) makeRule(ctx context.Context, name, schedule string) error {
	_, err := eventbridge.NewFromConfig(m.config).PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, ScheduleExpression: &schedule})
	return err
}

func (m motoTemplate) makeTrail(ctx context.Context, name string) error {
	if err := makeBucket(ctx, s3.NewFromConfig(m.config), &name); err != nil {
		return err
	}
	trails := cloudtrail.NewFromConfig(m.config)
	if _, err := trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: &name, S3BucketName: &name}); err != nil {
		return err
	}
	_, err := trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: &name})
	return err
}

func (m motoTemplate) makeKey(ctx context.Context) (string, error) {
	out, err := awskms.NewFromConfig(m.config).CreateKey(ctx, &awskms.CreateKeyInput{})
	if err != nil {
		return "", err
	}
	return *out.KeyMetadata.KeyId, nil
}

func (m motoTemplate) makeRole(ctx context.Context, name, policy, document string) error {
	client := awsiam.NewFromConfig(m.config)
	if _, err := client.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		return err
	}
	_, err := client.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: &name, PolicyName: &policy, PolicyDocument: &document})
	return err
}

func (m motoTemplate) makePolicy(ctx context.Context, role, name, document string) (string, error) {
	client := awsiam.NewFromConfig(m.config)
	out, err := client.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document})
	if err != nil {
		return "", err
	}
	_, err = client.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: &role, PolicyArn: out.Policy.Arn})
	return *out.Policy.Arn, err
}

func (m motoTemplate) makeStack(ctx context.Context, name string) error {
	_, err := awscloudformation.NewFromConfig(m.config).CreateStack(ctx, &awscloudformation.CreateStackInput{
		StackName: &name, TemplateBody: aws.String(`{"Resources":{"Queue":{"Type":"AWS::SQS::Queue"}}}`),
	})
	return err
}
