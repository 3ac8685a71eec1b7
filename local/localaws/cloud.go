// Package localaws is a local AWS of one account and one Region in this process: the gate with all services behind it,
// and a CloudFormation that deploys the project's own template on them.
//
// It is for tests and the demo, and is never linked into a function. It imports all sub-packages; their comments describe
// the supported calls and the supported part of each.
//
//	   listeners: internet ─┐                          ┌─ s3, ec2, sns, sqs, sts, iam …
//	through a VPC endpoint ─┴─► gate (caller, policy) ─┤
//	                              │ management writes  └─ lambda ─► bootstrap (child process) ─┐
//	                              ▼                         ▲                                  │
//	               events: trail, rules, schedules ─────────┘             internet ◄───────────┘
//
// The package deployment creates the resources of a template; its comment describes how to add a type of resource.
package localaws

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/clock"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/iam"
	"example.com/s3-endpoint-guard/local/localaws/kms"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/logs"
	"example.com/s3-endpoint-guard/local/localaws/s3"
	"example.com/s3-endpoint-guard/local/localaws/securityhub"
	"example.com/s3-endpoint-guard/local/localaws/sns"
	"example.com/s3-endpoint-guard/local/localaws/sqs"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
	"example.com/s3-endpoint-guard/local/localaws/sts"
	"example.com/s3-endpoint-guard/local/localaws/underway"
	"example.com/s3-endpoint-guard/local/localaws/vpcnet"
)

// Options configure a [Cloud]. The zero value of each field is valid and selects a default.
type Options struct {
	// Account, Region and Partition are 111122223333, eu-central-1 and aws when empty.
	Account, Region, Partition string
	// Clock fires schedules and delays events. If nil, it is a stepped clock, whose schedules fire when it is advanced.
	Clock *clock.Clock
	// Patient makes Lambda and EventBridge pause between attempts as AWS does, by the clock. Otherwise they retry at once.
	Patient bool
	// Watch evaluates the alarms once a minute by the clock. Without it, only [Cloud.Pass] evaluates them.
	Watch bool
	// Takes returns how long CloudFormation takes to create a resource of a type, by a stepped clock; nil means no time.
	// With it, the creation of a resource starts as soon as those that it depends on are done, as in CloudFormation.
	Takes func(resourceType string) time.Duration
	// Answer answers a request to a custom resource instead of its function, if it returns true; nil answers none.
	Answer func(cloudformation.CustomRequest) (cloudformation.CustomAnswer, bool)
	// Freeze stops idle functions, as Lambda does (on Linux only).
	Freeze bool
	// Log is called with each line that a function prints. It may be nil.
	Log func(function string, line lambda.Line)
	// Messages is called with each message published to a topic, and the subscriptions that get it. It may be nil.
	Messages func(topicARN string, m sns.Message, to []sns.Subscription)
	// Recorded and Delivered are those of [events.Options]. They may be nil.
	Recorded  func(e events.Event, rules []string)
	Delivered func(events.Delivery)
}

// Cloud is the whole local AWS. Its services may be read and configured directly, at any time and concurrently.
type Cloud struct {
	// Engine has the services, and deploys stacks on them.
	*deployment.Engine
	STS *sts.Service
	// SecurityHub is not enabled at first.
	SecurityHub *securityhub.Service

	admin  api.Caller
	work   underway.Count
	client *http.Client
	// internet, internetPlain and functions are the base URLs of the listeners for the internet and for Lambda functions.
	internet, internetPlain, functions string

	mu sync.Mutex
	// listeners are the base URLs of the listeners; keys are the access keys of callers.
	listeners map[api.Listener]string
	keys      map[string]accessKey
	// measured is the number of invocations that AWS/Lambda already contains, throttled the number of throttled ones by
	// function; passed is the traffic by VPC endpoint since the last measurement.
	measured  int
	throttled map[string]int
	passed    map[string]traffic
	closed    bool
}

// The source addresses of callers. All are reserved for documentation or private networks.
const (
	internetIP  = "198.51.100.7"
	functionsIP = "203.0.113.20"
	instanceIP  = "10.0.0.10"
)

// callLimit is the timeout of a call with [Cloud.Config]. Calls take milliseconds.
const callLimit = 45 * time.Second

// New returns a local AWS without resources of the account. It must be closed.
func New(o Options) (*Cloud, error) {
	if o.Clock == nil {
		o.Clock = clock.Stepped()
	}
	gate := api.NewGate(api.Options{Account: o.Account, Region: o.Region, Partition: o.Partition, Now: o.Clock.Now})
	base := gate.Options()
	messages := base
	messages.Now = o.Clock.Standing // a message can be received when the timer of its delay fires
	c := &Cloud{
		Engine: deployment.New(deployment.Services{
			Gate: gate, Clock: o.Clock, S3: s3.New(base), EC2: ec2.New(base), IAM: iam.New(base), SNS: sns.New(base), SQS: sqs.New(messages),
			SSM: ssm.New(base), KMS: kms.New(base), Logs: logs.New(base), CloudFormation: cloudformation.New(base), CloudWatch: cloudwatch.New(base),
			Answers: &cloudformation.Answers{},
		}),
		STS: sts.New(base), SecurityHub: securityhub.New(base),
		client:    &http.Client{Timeout: callLimit, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		listeners: map[api.Listener]string{}, keys: map[string]accessKey{}, passed: map[string]traffic{},
	}
	network, err := vpcnet.New(vpcnet.Options{Region: base.Region, EC2: c.EC2, Listener: c.listenerAddress})
	if err != nil {
		return nil, err
	}
	c.Network = network
	c.admin = c.IAM.CreateAdministrator("admin")
	c.Events = events.New(c.eventOptions(o))
	c.Lambda = lambda.New(c.lambdaOptions(o))
	c.wire()
	c.SNS.OnMessage(o.Messages)
	if err := errors.Join(c.furnish(), c.openListeners()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.Engine.Options = deployment.Options{
		As: c.Deployer(), AccessKeyID: c.accessKey(c.Deployer()).id, SourceIP: internetIP, FunctionsURL: c.functions,
		Patient: o.Patient, Takes: o.Takes, Answer: o.Answer, Work: &c.work,
	}
	if o.Watch {
		c.watch()
	}
	return c, nil
}

// wire connects the services to the gate and to each other.
func (c *Cloud) wire() {
	for _, service := range []api.Service{
		c.S3, c.EC2, c.IAM, c.STS, c.SNS, c.SQS, c.SSM, c.KMS, c.Logs, c.CloudFormation, c.CloudWatch, c.Lambda.Service(),
		c.Events.Service(), c.Events.TrailService(), c.SecurityHub,
	} {
		c.Gate.Add(service)
	}
	c.Gate.EndpointPolicy(c.EC2.Policy)
	c.S3.PrincipalExists(c.IAM.Exists)
	c.Gate.OnTrail(c.Events.Record)
	c.Gate.OnCall(c.count)
	c.CloudWatch.OnAlarm(c.tell)
	c.CloudWatch.Skew(c.Clock.Advanced)
	c.SecurityHub.OnImport(func(f securityhub.Finding) { c.Events.Imported(f) })
	c.CloudFormation.OnStatus(func(e cloudformation.StackEvent) {
		c.Events.StackStatus(e.Stack.ID, e.Stack.Status, e.Stack.Reason, e.Token)
	})
}

func (c *Cloud) eventOptions(o Options) events.Options {
	base := c.Gate.Options()
	options := events.Options{
		Account: base.Account, Region: base.Region, Partition: base.Partition, Clock: o.Clock, Work: &c.work,
		Target: c.target, DeadLetter: c.deadLetter, Recorded: o.Recorded, Delivered: o.Delivered,
	}
	if !o.Patient {
		options.RetryDelay = func(int) time.Duration { return 0 }
	}
	return options
}

func (c *Cloud) lambdaOptions(o Options) lambda.Options {
	base := c.Gate.Options()
	options := lambda.Options{
		Account: base.Account, Region: base.Region, Partition: base.Partition, Clock: o.Clock, Work: &c.work,
		Credentials: c.roleCredentials, Destination: c.destination, Queues: queues{c}, Log: o.Log, Freeze: o.Freeze,
		Group: func(group, function string, line lambda.Line) {
			c.Logs.Put(group, line.Time.Format("2006/01/02/")+function+"[$LATEST]", line.Time, line.Text)
		},
		Metrics: func(_ string, line []byte) { _ = c.CloudWatch.PutEMF(line) },
	}
	if !o.Patient {
		options.RetryDelay = func(int) time.Duration { return 0 }
	}
	return options
}

// Quiesce returns when no event is being delivered and no function is running or about to be retried, or with the
// context's error. It does not wait for work that waits for the clock, e.g. a delayed event: advance the clock.
func (c *Cloud) Quiesce(ctx context.Context) error { return c.work.Wait(ctx) }

// Close ends all functions and closes all listeners.
func (c *Cloud) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	err := errors.Join(c.Events.Close(), c.Lambda.Close(), c.Network.Close(), c.Answers.Close(), c.Gate.Close())
	c.client.CloseIdleConnections()
	return err
}
