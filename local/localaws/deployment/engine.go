// Package deployment is the engine of the local AWS's CloudFormation: it creates, updates and deletes the resources of a
// template on the other services.
//
// To support another type of resource, write its [kind] in the file of its service, and add it to that file's table in
// [kinds].
package deployment

import (
	"context"
	"slices"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/clock"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/iam"
	"example.com/s3-endpoint-guard/local/localaws/kms"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/logs"
	"example.com/s3-endpoint-guard/local/localaws/s3"
	"example.com/s3-endpoint-guard/local/localaws/sns"
	"example.com/s3-endpoint-guard/local/localaws/sqs"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
	"example.com/s3-endpoint-guard/local/localaws/underway"
	"example.com/s3-endpoint-guard/local/localaws/vpcnet"
)

// Services are the services on which stacks are deployed. All methods of the services are safe for concurrent use.
type Services struct {
	Gate           *api.Gate
	Clock          *clock.Clock
	S3             *s3.Service
	EC2            *ec2.Service
	IAM            *iam.Service
	SNS            *sns.Service
	SQS            *sqs.Service
	SSM            *ssm.Service
	KMS            *kms.Service
	Logs           *logs.Service
	CloudFormation *cloudformation.Service
	CloudWatch     *cloudwatch.Service
	Lambda         *lambda.Host
	Events         *events.Bus
	// Network is the network inside the VPCs.
	Network *vpcnet.Network
	// Answers receives the answers of custom resources.
	Answers *cloudformation.Answers
}

// Options configure an [Engine].
type Options struct {
	// As is the caller that CloudTrail records for the engine's calls, and AccessKeyID its access key.
	As          api.Caller
	AccessKeyID string
	// SourceIP is the address that CloudTrail records.
	SourceIP string
	// FunctionsURL is the base URL at which deployed functions call AWS.
	FunctionsURL string
	// Patient makes the engine wait for custom resources until their timeout by the clock. Otherwise it waits only while a
	// function is running or about to run.
	Patient bool
	// Takes returns how long the creation of a resource of a type takes; nil means no time.
	Takes func(resourceType string) time.Duration
	// Answer answers a request to a custom resource instead of its function, if it returns true; nil answers none.
	Answer func(cloudformation.CustomRequest) (cloudformation.CustomAnswer, bool)
	// Work counts the unfinished work in the local AWS.
	Work *underway.Count
}

// Engine deploys stacks on services. Set its services and options before it deploys the first stack.
type Engine struct {
	Services
	Options Options

	mu            sync.Mutex
	stacks        []*Stack // also those that were deleted
	names         names
	queuePolicies map[string]*iampolicy.Policy
}

// New returns an engine without stacks.
func New(s Services) *Engine {
	return &Engine{Services: s, names: names{}, queuePolicies: map[string]*iampolicy.Policy{}}
}

// register adds a new stack to those of the engine, and returns it.
func (e *Engine) register(s *Stack) *Stack {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stacks = append(e.stacks, s)
	return s
}

// activeStacks returns the stacks that are not deleted. The resources that a deleted one left are in no stack.
func (e *Engine) activeStacks() []*Stack {
	e.mu.Lock()
	all := slices.Clone(e.stacks)
	e.mu.Unlock()
	return slices.DeleteFunc(all, func(s *Stack) bool { return s.Status() == "DELETE_COMPLETE" })
}

// QueuePolicy returns the policy of a queue; nil if it has none.
func (e *Engine) QueuePolicy(queueARN string) *iampolicy.Policy {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.queuePolicies[queueARN]
}

// quiesce waits until the local AWS has no unfinished work, or returns the context's error.
func (e *Engine) quiesce(ctx context.Context) error { return e.Options.Work.Wait(ctx) }
