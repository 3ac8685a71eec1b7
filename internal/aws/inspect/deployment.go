package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/stackresources"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// The calls that [Deployment] makes, by service.
type (
	// StackResourcesAPI lists what CloudFormation deployed.
	StackResourcesAPI interface {
		ListStackResources(context.Context, *cloudformation.ListStackResourcesInput, ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error)
	}
	// AlarmAPI describes alarms and dashboards.
	AlarmAPI interface {
		ListDashboards(context.Context, *cloudwatch.ListDashboardsInput, ...func(*cloudwatch.Options)) (*cloudwatch.ListDashboardsOutput, error)
		DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
	}
	// FunctionAPI describes functions.
	FunctionAPI interface {
		GetFunction(context.Context, *lambda.GetFunctionInput, ...func(*lambda.Options)) (*lambda.GetFunctionOutput, error)
		GetFunctionEventInvokeConfig(context.Context, *lambda.GetFunctionEventInvokeConfigInput, ...func(*lambda.Options)) (*lambda.GetFunctionEventInvokeConfigOutput, error)
		GetPolicy(context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error)
	}
	// TopicAPI describes a topic.
	TopicAPI interface {
		GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error)
		ListSubscriptionsByTopic(context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error)
	}
	// KeyAPI describes a key.
	KeyAPI interface {
		DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	}
)

// Deployment reads what CloudFormation deployed, and what is there of it.
type Deployment struct {
	Stacks    StackResourcesAPI
	Alarms    AlarmAPI
	Functions FunctionAPI
	Topics    TopicAPI
	Keys      KeyAPI
	// TrailBucket reads the bucket of the stack's own trail, by its name.
	TrailBucket func(context.Context, string) (health.TrailBucket, error)
	// StackID is the stack's ARN. The guard may be in a stack that is nested in it.
	StackID string

	// known are the stack's resources as last read.
	known map[string]health.Resource
}

// Read reads the stack's resources, a hundred in a round trip, and the live state of some of them. The error joins those of
// the parts, which the result has too. It must not be called by two goroutines at once.
//
// The first time the live state takes a further round trip, because the names are not known before. Later it is read at the same
// time, by the names of the last time: they only change with a deployment, after which it is read once more.
func (d *Deployment) Read(ctx context.Context) (health.Deployment, error) {
	var resources map[string]health.Resource
	var found health.Deployment
	var partsErr error
	err := parallel.All(
		func() (err error) { resources, err = d.resources(ctx); return err },
		func() error {
			if d.known != nil {
				found, partsErr = d.parts(ctx, d.known)
			}
			return nil
		})
	if err != nil {
		return health.Deployment{}, fmt.Errorf("stack %s: %w", d.StackID, err)
	}
	if !sameNames(d.known, resources) {
		found, partsErr = d.parts(ctx, resources)
	}
	d.known, found.Resources = resources, resources
	return found, partsErr
}

// sameNames reports whether two lists have the same resources.
func sameNames(a, b map[string]health.Resource) bool {
	return maps.EqualFunc(a, b, func(x, y health.Resource) bool { return x.PhysicalID == y.PhysicalID })
}

// parts reads the live state of the resources.
func (d *Deployment) parts(ctx context.Context, resources map[string]health.Resource) (health.Deployment, error) {
	var found health.Deployment
	guard := resources["RemediateFunction"].PhysicalID
	err := parallel.All(
		into(&found.Alarms, func() ([]health.Alarm, error) { return d.alarms(ctx) }),
		into(&found.Functions, func() ([]health.Function, error) { return d.functions(ctx, resources) }),
		into(&found.Failures, func() (health.Failures, error) { return d.failures(ctx, guard) }),
		into(&found.Invokers, func() (health.Invokers, error) { return d.invokers(ctx, guard) }),
		into(&found.Topic, func() (health.Topic, error) { return d.topic(ctx, resources["NotificationTopic"].PhysicalID) }),
		into(&found.Key, func() (string, error) { return d.key(ctx, resources["NotificationKey"].PhysicalID) }),
		into(&found.Dashboards, func() ([]health.Dashboard, error) { return d.dashboards(ctx, resources["Dashboard"].PhysicalID) }),
		into(&found.TrailBucket, func() (health.TrailBucket, error) { return d.trailBucket(ctx, resources["TrailBucket"].PhysicalID) }),
	)
	return found, err
}

// into returns a function that makes one read and keeps its result, or its error.
func into[T any](reading *health.Reading[T], read func() (T, error)) func() error {
	return func() error {
		reading.Value, reading.Err = read()
		return reading.Err
	}
}

// resources lists the resources of the stack and of those that are nested in it. Their logical ids differ (local/samtemplate).
func (d *Deployment) resources(ctx context.Context) (map[string]health.Resource, error) {
	resources := map[string]health.Resource{}
	for r, err := range stackresources.ListAll(ctx, d.Stacks, d.StackID) {
		if err != nil {
			return nil, err
		}
		resources[aws.ToString(r.LogicalResourceId)] = health.Resource{
			PhysicalID: aws.ToString(r.PhysicalResourceId), Type: aws.ToString(r.ResourceType),
			Changed: aws.ToTime(r.LastUpdatedTimestamp), Busy: strings.HasSuffix(string(r.ResourceStatus), "_IN_PROGRESS"),
		}
	}
	return resources, nil
}

// alarms describes the stack's alarms, which are fewer than the 100 of a page.
func (d *Deployment) alarms(ctx context.Context) ([]health.Alarm, error) {
	name := strings.Split(d.StackID, "/")[1]
	answer, err := d.Alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(name + "-"), MaxRecords: aws.Int32(100),
		AlarmTypes: []cloudwatchtypes.AlarmType{cloudwatchtypes.AlarmTypeMetricAlarm, cloudwatchtypes.AlarmTypeCompositeAlarm},
	})
	if err != nil {
		return nil, fmt.Errorf("alarms: %w", err)
	}
	var alarms []health.Alarm
	for _, a := range answer.MetricAlarms {
		alarms = append(alarms, health.Alarm{Name: aws.ToString(a.AlarmName), Changed: aws.ToTime(a.AlarmConfigurationUpdatedTimestamp), Silent: !aws.ToBool(a.ActionsEnabled)})
	}
	for _, a := range answer.CompositeAlarms {
		alarms = append(alarms, health.Alarm{Name: aws.ToString(a.AlarmName), Changed: aws.ToTime(a.AlarmConfigurationUpdatedTimestamp), Silent: !aws.ToBool(a.ActionsEnabled)})
	}
	return alarms, nil
}

// lambdaTime is the format of LastModified.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
const lambdaTime = "2006-01-02T15:04:05.999-0700"

func (d *Deployment) functions(ctx context.Context, resources map[string]health.Resource) ([]health.Function, error) {
	var names []string
	for _, r := range resources {
		if r.Type == "AWS::Lambda::Function" {
			names = append(names, r.PhysicalID)
		}
	}
	return parallel.Map(names, func(name string) (health.Function, error) {
		f := health.Function{Name: name}
		answer, err := d.Functions.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
		switch {
		case errorcode.Of(err) == "ResourceNotFoundException":
			f.Missing = true
			return f, nil
		case err != nil:
			return f, fmt.Errorf("function %s: %w", name, err)
		case answer.Configuration == nil:
			return f, fmt.Errorf("function %s: the answer has no configuration", name)
		}
		f.Changed, err = time.Parse(lambdaTime, aws.ToString(answer.Configuration.LastModified))
		if err != nil {
			return f, fmt.Errorf("function %s: %w", name, err)
		}
		f.Stopped = answer.Concurrency != nil && aws.ToInt32(answer.Concurrency.ReservedConcurrentExecutions) == 0
		return f, nil
	})
}

// The retries of failed runs and the age of their events that a configuration without them means.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	defaultRetries = 2
	defaultAge     = 6 * time.Hour
)

func (d *Deployment) failures(ctx context.Context, function string) (health.Failures, error) {
	answer, err := d.Functions.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &function})
	switch {
	case errorcode.Of(err) == "ResourceNotFoundException":
		return health.Failures{}, nil
	case err != nil:
		return health.Failures{}, fmt.Errorf("failed runs of %s: %w", function, err)
	}
	f := health.Failures{Retries: defaultRetries, Age: defaultAge}
	if n := answer.MaximumRetryAttempts; n != nil {
		f.Retries = *n
	}
	if n := answer.MaximumEventAgeInSeconds; n != nil {
		f.Age = time.Duration(*n) * time.Second
	}
	if c := answer.DestinationConfig; c != nil && c.OnFailure != nil {
		f.Queue = aws.ToString(c.OnFailure.Destination)
	}
	return f, nil
}

// invokers reads the function's policy: the rules for which EventBridge may invoke it, and the statements that allow
// anything else.
func (d *Deployment) invokers(ctx context.Context, function string) (health.Invokers, error) {
	answer, err := d.Functions.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &function})
	switch {
	case errorcode.Of(err) == "ResourceNotFoundException":
		return health.Invokers{}, nil
	case err != nil:
		return health.Invokers{}, fmt.Errorf("policy of %s: %w", function, err)
	}
	var policy struct{ Statement []json.RawMessage }
	if err := json.Unmarshal([]byte(aws.ToString(answer.Policy)), &policy); err != nil {
		return health.Invokers{}, fmt.Errorf("policy of %s: %w", function, err)
	}
	var found health.Invokers
	for _, raw := range policy.Statement {
		var s struct {
			Effect, Action string
			Principal      struct{ Service string }
			Condition      struct {
				ArnLike struct {
					SourceARN string `json:"AWS:SourceArn"`
				}
			}
		}
		err := json.Unmarshal(raw, &s)
		if rule := s.Condition.ArnLike.SourceARN; err == nil && s.Effect == "Allow" && s.Action == "lambda:InvokeFunction" &&
			s.Principal.Service == "events.amazonaws.com" && rule != "" {
			found.Rules = append(found.Rules, rule)
			continue
		}
		found.Others = append(found.Others, string(raw))
	}
	return found, nil
}

// topic reads the topic, and the first hundred of its subscriptions.
func (d *Deployment) topic(ctx context.Context, arn string) (health.Topic, error) {
	var topic health.Topic
	err := parallel.All(
		func() error {
			answer, err := d.Topics.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
			if err == nil {
				topic.Policy, topic.Key = answer.Attributes["Policy"], answer.Attributes["KmsMasterKeyId"]
			}
			return err
		},
		func() error {
			answer, err := d.Topics.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
			if err == nil {
				topic.Subscriptions = len(answer.Subscriptions)
			}
			return err
		})
	switch {
	case errorcode.Of(err) == "NotFound":
		return health.Topic{Missing: true}, nil
	case err != nil:
		return topic, fmt.Errorf("topic %s: %w", arn, err)
	}
	return topic, nil
}

// key reads the state of a key. One that does not exist any more has the state "deleted".
func (d *Deployment) key(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	answer, err := d.Keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	switch {
	case errorcode.Of(err) == "NotFoundException":
		return "deleted", nil
	case err != nil:
		return "", fmt.Errorf("key %s: %w", id, err)
	case answer.KeyMetadata == nil:
		return "", fmt.Errorf("key %s: the answer has no metadata", id)
	}
	return string(answer.KeyMetadata.KeyState), nil
}

// dashboards lists the dashboards whose names begin with that of the stack's, at most a page of 1,000.
func (d *Deployment) dashboards(ctx context.Context, name string) ([]health.Dashboard, error) {
	if name == "" {
		return nil, nil
	}
	answer, err := d.Alarms.ListDashboards(ctx, &cloudwatch.ListDashboardsInput{DashboardNamePrefix: &name})
	if err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", name, err)
	}
	var found []health.Dashboard
	for _, b := range answer.DashboardEntries {
		found = append(found, health.Dashboard{Name: aws.ToString(b.DashboardName), Changed: aws.ToTime(b.LastModified)})
	}
	return found, nil
}

func (d *Deployment) trailBucket(ctx context.Context, name string) (health.TrailBucket, error) {
	if name == "" {
		return health.TrailBucket{}, nil
	}
	return d.TrailBucket(ctx, name)
}
