// Package deployment is what the local AWS's CloudFormation does: it creates, updates and deletes the resources of a
// template on the other services.
//
// To let templates use another type of resource, write its [kind] into the file of its service, and add it to [kinds].
package deployment

import (
	"context"
	"sync"
	"time"

	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/local/localaws/api"
	"s3-endpoint-guard/local/localaws/clock"
	"s3-endpoint-guard/local/localaws/cloudformation"
	"s3-endpoint-guard/local/localaws/cloudwatch"
	"s3-endpoint-guard/local/localaws/ec2"
	"s3-endpoint-guard/local/localaws/events"
	"s3-endpoint-guard/local/localaws/iam"
	"s3-endpoint-guard/local/localaws/lambda"
	"s3-endpoint-guard/local/localaws/s3"
	"s3-endpoint-guard/local/localaws/sns"
	"s3-endpoint-guard/local/localaws/sqs"
	"s3-endpoint-guard/local/localaws/ssm"
	"s3-endpoint-guard/local/localaws/underway"
	"s3-endpoint-guard/local/localaws/vpcnet"
)

// Services are what stacks are deployed on. All methods of the services are safe for concurrent use.
type Services struct {
	Gate           *api.Gate
	Clock          *clock.Clock
	S3             *s3.Service
	EC2            *ec2.Service
	IAM            *iam.Service
	SNS            *sns.Service
	SQS            *sqs.Service
	SSM            *ssm.Service
	CloudFormation *cloudformation.Service
	CloudWatch     *cloudwatch.Service
	Lambda         *lambda.Host
	Events         *events.Bus
	// Network is the network inside the VPCs.
	Network *vpcnet.Network
	// Answers receives the answers of custom resources.
	Answers *cloudformation.Answers
}

// Options are how an [Engine] deploys.
type Options struct {
	// As is the caller that CloudTrail records for the engine's calls, and AccessKeyID its access key.
	As          api.Caller
	AccessKeyID string
	// SourceIP is the address that CloudTrail records.
	SourceIP string
	// FunctionsURL is the base URL at which deployed functions call AWS.
	FunctionsURL string
	// Patient makes the engine wait for custom resources until their time-out by the clock. Otherwise it waits only while
	// a function is running or about to run.
	Patient bool
	// Takes is how long the creation of a resource of a type takes; nil for no time at all.
	Takes func(resourceType string) time.Duration
	// Work counts what is under way in the local AWS.
	Work *underway.Count
}

// Engine deploys stacks on services. Its services and options are set before the first stack.
type Engine struct {
	Services
	Options Options

	mu            sync.Mutex
	names         names
	queuePolicies map[string]*iampolicy.Policy
}

// New makes an engine.
func New(s Services) *Engine {
	return &Engine{Services: s, names: names{}, queuePolicies: map[string]*iampolicy.Policy{}}
}

// QueuePolicy returns the policy of a queue; nil if it has none.
func (e *Engine) QueuePolicy(queueARN string) *iampolicy.Policy {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.queuePolicies[queueARN]
}

// quiesce waits until nothing is under way.
func (e *Engine) quiesce(ctx context.Context) error { return e.Options.Work.Wait(ctx) }
