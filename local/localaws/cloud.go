// Package localaws is an AWS of one account and one Region in this process: the gate with all services behind it, and
// a CloudFormation that deploys the project's own template onto them.
//
// It is a double for tests and the demo, and is never linked into a function. It imports every sub-package; which calls
// there are, and what of each, the sub-packages' comments tell.
//
//	       doors: internet ─┐                          ┌─ s3, ec2, sns, sqs, sts, iam …
//	through a VPC endpoint ─┴─► gate (who? may they?) ─┤
//	                              │ management writes  └─ lambda ─► bootstrap (child process) ─┐
//	                              ▼                         ▲                                  │
//	               events: trail, rules, schedules ─────────┘             internet ◄───────────┘
//
// The package deployment creates the resources of a template: it says how to add a type of resource.
package localaws

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"s3-endpoint-guard/local/localaws/api"
	"s3-endpoint-guard/local/localaws/clock"
	"s3-endpoint-guard/local/localaws/cloudformation"
	"s3-endpoint-guard/local/localaws/cloudwatch"
	"s3-endpoint-guard/local/localaws/deployment"
	"s3-endpoint-guard/local/localaws/ec2"
	"s3-endpoint-guard/local/localaws/events"
	"s3-endpoint-guard/local/localaws/iam"
	"s3-endpoint-guard/local/localaws/lambda"
	"s3-endpoint-guard/local/localaws/s3"
	"s3-endpoint-guard/local/localaws/sns"
	"s3-endpoint-guard/local/localaws/sqs"
	"s3-endpoint-guard/local/localaws/ssm"
	"s3-endpoint-guard/local/localaws/sts"
	"s3-endpoint-guard/local/localaws/underway"
	"s3-endpoint-guard/local/localaws/vpcnet"
)

// Options are what a [Cloud] is made with. The zero value of each field has a default.
type Options struct {
	// Account, Region and Partition are 111122223333, eu-central-1 and aws when empty.
	Account, Region, Partition string
	// Clock fires schedules and delays events. When nil it is a stepped one, whose schedules fire when it is advanced.
	Clock *clock.Clock
	// Patient makes Lambda and EventBridge pause between attempts as AWS does, by the clock. Otherwise they do not.
	Patient bool
	// Watch lets alarms be evaluated once a minute by the clock, as in an AWS that runs by itself. Without it they are
	// evaluated by [Cloud.Pass] only.
	Watch bool
	// Takes is how long CloudFormation takes to create a resource of a type, by a clock that is stepped; nil for no time at
	// all. With it a stack is created as CloudFormation does: each resource as soon as those that it depends on are done.
	Takes func(resourceType string) time.Duration
	// Freeze stops idle functions, as Lambda does (on Linux only).
	Freeze bool
	// Log gets every line that a function prints; nil for nobody.
	Log func(function string, line lambda.Line)
	// Messages gets every message that is published to a topic, with the subscriptions that it goes to; nil for nobody.
	Messages func(topicARN string, m sns.Message, to []sns.Subscription)
}

// Cloud is the whole of it. Its services may be looked at and set up directly, at any time and concurrently.
type Cloud struct {
	// Engine has the services, and deploys stacks on them.
	*deployment.Engine
	STS *sts.Service

	admin  api.Caller
	work   underway.Count
	client *http.Client
	// internet and functions are the doors of people and of Lambda functions.
	internet, internetPlain, functions string

	mu sync.Mutex
	// doors are the base URLs of the doors behind VPC endpoints; keys the access keys of callers.
	doors map[api.Door]string
	keys  map[string]accessKey
	// measured is how many invocations AWS/Lambda has seen, throttled how many refused ones of each function; passed is
	// what went through which endpoint.
	measured  int
	throttled map[string]int
	passed    map[string]traffic
	closed    bool
}

// The addresses from which callers seem to come. All are set aside for documentation or private networks.
const (
	internetIP  = "198.51.100.7"
	functionsIP = "203.0.113.20"
	instanceIP  = "10.0.0.10"
)

// callLimit is how long a call with [Cloud.Config] may take: they take milliseconds.
const callLimit = 45 * time.Second

// New makes an AWS with nothing in it. It must be closed.
func New(o Options) (*Cloud, error) {
	if o.Clock == nil {
		o.Clock = clock.Stepped()
	}
	gate := api.NewGate(api.Options{Account: o.Account, Region: o.Region, Partition: o.Partition, Now: o.Clock.Now})
	base := gate.Options()
	c := &Cloud{
		Engine: deployment.New(deployment.Services{
			Gate: gate, Clock: o.Clock, S3: s3.New(base), EC2: ec2.New(base), IAM: iam.New(base), SNS: sns.New(base), SQS: sqs.New(base),
			SSM: ssm.New(base), CloudFormation: cloudformation.New(base), CloudWatch: cloudwatch.New(base),
			Answers: &cloudformation.Answers{},
		}),
		STS:    sts.New(base),
		client: &http.Client{Timeout: callLimit, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		doors:  map[api.Door]string{}, keys: map[string]accessKey{}, passed: map[string]traffic{},
	}
	network, err := vpcnet.New(vpcnet.Options{Region: base.Region, EC2: c.EC2, Door: c.doorAddress})
	if err != nil {
		return nil, err
	}
	c.Network = network
	c.admin = c.IAM.CreateAdministrator("admin")
	c.Events = events.New(c.eventOptions(o))
	c.Lambda = lambda.New(c.lambdaOptions(o))
	c.wire()
	c.SNS.OnMessage(o.Messages)
	if err := errors.Join(c.furnish(), c.openDoors()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.Engine.Options = deployment.Options{
		As: c.Deployer(), AccessKeyID: c.accessKey(c.Deployer()).id, SourceIP: internetIP, FunctionsURL: c.functions,
		Patient: o.Patient, Takes: o.Takes, Work: &c.work,
	}
	if o.Watch {
		c.watch()
	}
	return c, nil
}

// wire ties the services to the gate and to each other.
func (c *Cloud) wire() {
	for _, service := range []api.Service{
		c.S3, c.EC2, c.IAM, c.STS, c.SNS, c.SQS, c.SSM, c.CloudFormation, c.CloudWatch, c.Lambda.Service(),
		c.Events.Service(), c.Events.TrailService(),
	} {
		c.Gate.Add(service)
	}
	c.Gate.EndpointPolicy(c.EC2.Policy)
	c.S3.PrincipalExists(c.IAM.Exists)
	c.Gate.OnTrail(c.Events.Record)
	c.Gate.OnCall(c.count)
	c.CloudWatch.OnAlarm(c.tell)
	c.CloudWatch.Skew(c.Clock.Advanced)
	c.CloudFormation.OnStatus(func(e cloudformation.StackEvent) {
		c.Events.StackStatus(e.Stack.ID, e.Stack.Status, e.Stack.Reason, e.Token)
	})
}

func (c *Cloud) eventOptions(o Options) events.Options {
	base := c.Gate.Options()
	options := events.Options{
		Account: base.Account, Region: base.Region, Partition: base.Partition, Clock: o.Clock, Work: &c.work,
		Target: c.target, DeadLetter: c.deadLetter,
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
		Credentials: c.roleCredentials, Destination: c.destination, Log: o.Log, Freeze: o.Freeze,
		Metrics: func(_ string, line []byte) { _ = c.CloudWatch.PutEMF(line) },
	}
	if !o.Patient {
		options.RetryDelay = func(int) time.Duration { return 0 }
	}
	return options
}

// Quiesce returns when no event is being delivered and no function runs or is about to be tried again, or with the
// context's error. What waits for the clock, as a delayed event does, is not waited for: advance the clock.
func (c *Cloud) Quiesce(ctx context.Context) error { return c.work.Wait(ctx) }

// Close ends all functions and closes all doors.
func (c *Cloud) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	err := errors.Join(c.Events.Close(), c.Lambda.Close(), c.Network.Close(), c.Answers.Close(), c.Gate.Close())
	c.client.CloseIdleConnections()
	return err
}
