package remediate

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/beforeimage"
	"example.com/s3-endpoint-guard/internal/aws/notify"
	"example.com/s3-endpoint-guard/internal/aws/pauses"
	"example.com/s3-endpoint-guard/internal/aws/recordevents"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/aws/securityhub"
	"example.com/s3-endpoint-guard/internal/aws/stack"
	"example.com/s3-endpoint-guard/internal/aws/sweepqueue"
	"example.com/s3-endpoint-guard/internal/aws/throttle"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/pace"
	"example.com/s3-endpoint-guard/internal/pause"
)

// New creates the function from its environment: it reads the configuration, creates each client once, and makes no
// network call. The function logs to log and writes its metrics to out. The error names all wrong variables.
func New(getenv func(string) string, log *slog.Logger, out io.Writer) (*Function, error) {
	c, err := ReadConfig(getenv)
	sdk, sdkErr := awsconfig.Load(getenv)
	if err := errors.Join(err, sdkErr); err != nil {
		return nil, err
	}
	topic := &notify.Topic{
		SNS: awscall.New(sdk, awscall.SNS), ARN: c.TopicARN, Format: c.Format, Origin: c.Origin, Now: time.Now,
	}
	return &Function{
		Bucket:  c.Setting.Bucket,
		Stack:   c.Origin.Stack,
		Guard:   newGuard(c, sdk),
		Notify:  topic,
		Senders: senders(c, sdk),
		Sweeps:  sweeps(c, sdk),
		Log:     log,
		Out:     out,
		Now:     time.Now,
		Role:    c.Setting.Guard,
	}, nil
}

func senders(c Config, sdk aws.Config) []Sender {
	list := []Sender{&recordevents.Bus{EventBridge: awscall.New(sdk, awscall.EventBridge), Setting: c.Setting, StackID: c.StackID}}
	if c.SecurityHub {
		list = append(list, &securityhub.Hub{
			SecurityHub: awscall.New(sdk, awscall.SecurityHub), Setting: c.Setting, StackID: c.StackID, Runbook: c.Origin.Runbook, Now: time.Now,
		})
	}
	return list
}

// sweeps returns nil if the schedule starts all sweeps.
func sweeps(c Config, sdk aws.Config) *Sweeps {
	if c.SweepQueue == "" {
		return nil
	}
	return &Sweeps{Every: c.SweepEvery, Queue: &sweepqueue.Queue{SQS: awscall.New(sdk, awscall.SQS), URL: c.SweepQueue}}
}

func newGuard(c Config, sdk aws.Config) *guard.Guard {
	stacks := awscall.New(sdk, awscall.CloudFormation)
	ownStack := &stack.Stack{CloudFormation: stacks, ID: c.StackID}
	g := &guard.Guard{
		Stack:    ownStack.Read,
		Observe:  c.Observe,
		Role:     c.Setting.Guard,
		Now:      time.Now,
		Concerns: concerns,
		Pauses:   inForce(&pauses.Reader{SSM: awscall.New(sdk, awscall.SSM), Path: pause.Path(c.Origin.Stack)}),
	}
	if c.Fleet != nil {
		g.Fleet = newFleet(c, sdk, stacks)
	} else {
		g.Members = []guard.Member{
			{Window: c.Setting.Bucket, Resources: bucketResources(c, s3.NewFromConfig(sdk))},
			{Window: c.Setting.EndpointID, Resources: endpointResources(c, ec2.NewFromConfig(sdk))},
		}
	}
	return g
}

// inForce returns a function that reads the maintenance windows that have not ended.
func inForce(reader *pauses.Reader) func(context.Context) (map[string]guard.Pause, error) {
	return func(ctx context.Context) (map[string]guard.Pause, error) {
		windows, err := reader.Read(ctx)
		active := map[string]guard.Pause{}
		for _, w := range windows {
			if w.Active(time.Now()) {
				active[w.Target] = guard.Pause{Until: w.Until, Reason: w.Reason, By: w.By}
			}
		}
		return active, err
	}
}

// newFleet wires guard.yaml's buckets and endpoints. The clients of the buckets use S3's path-style addresses: with a host name for
// each bucket, each call would need a TLS handshake, which takes longer and more processor time than the call itself.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html#path-style-access
func newFleet(c Config, sdk aws.Config, stacks awscall.Caller) *guard.Fleet {
	limit := pace.New(mostCalls)
	api := s3.NewFromConfig(awsconfig.Pooled(sdk, mostCalls), func(o *s3.Options) {
		o.UsePathStyle = true
		o.APIOptions = append(o.APIOptions, throttle.Note(limit))
	})
	f := &fleet{
		FleetConfig: *c.Fleet, s3: api, ec2: ec2.NewFromConfig(sdk),
		store:   &beforeimage.Store{API: s3.NewFromConfig(sdk), Bucket: c.Fleet.Adoption.Bucket, Account: c.Setting.Account},
		owners:  &stack.Owners{CloudFormation: stacks, Own: c.StackID},
		judging: judging{lock: c.Fleet.Lock, mode: c.Fleet.Mode, guard: c.Setting.Guard},
		now:     time.Now,
	}
	return f.guarded(limit)
}

func bucketResources(c Config, api *s3.Client) []guard.Resource {
	bucket := s3bucket.Bucket{Name: c.Setting.Bucket, Account: c.Setting.Account}
	return []guard.Resource{
		&s3bucket.Policy{
			API: api, Bucket: bucket, Desired: c.BucketPolicy,
			Setting: c.Setting, Forbidden: guard.Lazily(iampolicy.ForbiddenOnBucket, c.Setting),
		},
		&s3bucket.PublicAccessBlock{API: api, Bucket: bucket},
		&s3bucket.Ownership{API: api, Bucket: bucket},
		&s3bucket.Lifecycle{API: api, Bucket: bucket, OldVersionDays: c.OldVersionDays},
		&s3bucket.Versioning{API: api, Bucket: bucket},
		&s3bucket.Encryption{API: api, Bucket: bucket},
	}
}

func endpointResources(c Config, api *ec2.Client) []guard.Resource {
	endpoint := &vpcendpoint.Endpoint{
		API: api, ID: c.Setting.EndpointID, Gateway: c.Gateway,
		Policy: c.EndpointPolicy, Forbidden: guard.Lazily(iampolicy.ForbiddenThroughEndpoint, c.Setting),
		SubnetIDs: c.SubnetIDs, SecurityGroupIDs: c.SecurityGroupIDs, RouteTableIDs: c.RouteTableIDs,
	}
	resources := []guard.Resource{endpoint, &vpcendpoint.GroupRules{
		API: api, GroupIDs: c.SecurityGroupIDs, AllowedGroupIDs: c.AllowedGroupIDs, Workload: c.Workload,
	}}
	if c.Gateway {
		resources = append(resources, &vpcendpoint.Associations{
			API: api, VPCID: c.Setting.VPCID, SubnetIDs: c.SubnetIDs, RouteTableIDs: c.RouteTableIDs,
		})
	}
	return resources
}
