package healthcheck

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/internal/aws/putmetrics"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// idleEvery is the interval of the idle check. An endpoint becomes idle only after weeks.
const idleEvery = time.Hour

// watchEvery is the interval of the checks whose findings an event usually announces: the bucket, the workload's network and the
// deployment. They make twice as many calls as all others.
const watchEvery = 10 * time.Minute

// strangerAttempts is the number of attempts of the anonymous read when S3 fails; the next run is a minute later.
const strangerAttempts = 3

// New creates the function from its environment: it reads the configuration, creates each client once, and makes no
// network call. It prints nothing, so it ignores the writer that the New of each function gets.
func New(getenv func(string) string, log *slog.Logger, _ io.Writer) (*Function, error) {
	if getenv("VPC_ENDPOINT_IDS") != "" {
		return newFleet(getenv, log)
	}
	c, err := ReadConfig(getenv)
	sdk, sdkErr := awsconfig.Load(getenv)
	if err := errors.Join(err, sdkErr); err != nil {
		return nil, err
	}
	watch := cloudwatch.NewFromConfig(sdk)
	publisher := &putmetrics.Publisher{API: watch, Bucket: c.Setting.Bucket}
	f := &Function{Criteria: c.criteria(), Publish: publisher.Put, Log: log, Now: time.Now}
	buckets := s3.NewFromConfig(sdk)
	f.Checks.ofBucket(c, sdk, buckets)
	f.Checks.ofEndpoint(c, ec2.NewFromConfig(sdk))
	f.Checks.ofGuard(c, sdk, watch, buckets)
	return f, nil
}

// ofBucket sets the checks of the bucket. They use the guard's own resources, and make read calls only.
func (checks *Checks) ofBucket(c Config, sdk aws.Config, api *s3.Client) {
	bucket := s3bucket.Bucket{Name: c.Setting.Bucket, Account: c.Setting.Account}
	checks.BucketPolicy = property(&s3bucket.Policy{
		API: api, Bucket: bucket, Desired: c.BucketPolicy, Setting: c.Setting, Forbidden: guard.Lazily(iampolicy.ForbiddenOnBucket, c.Setting),
	})
	checks.PublicAccess = property(&s3bucket.PublicAccessBlock{API: api, Bucket: bucket})
	checks.Ownership = property(&s3bucket.Ownership{API: api, Bucket: bucket})
	checks.Public = (&s3bucket.Status{API: api, Bucket: bucket}).Read
	anonymous := s3.NewFromConfig(sdk, func(o *s3.Options) {
		o.Credentials, o.RetryMaxAttempts = aws.AnonymousCredentials{}, strangerAttempts
	})
	checks.Exits = Watched(checks, watchEvery, (&inspect.Exits{API: api, Bucket: bucket.Name, Account: bucket.Account}).Read)
	checks.AccessPoints = Watched(checks, watchEvery, (&inspect.AccessPoints{API: inspect.S3Control(sdk), Bucket: bucket.Name, Account: bucket.Account}).Read)
	checks.Answer = (&s3bucket.AnonymousReader{API: anonymous, Bucket: bucket.Name, Key: c.CanaryKey}).Read
}

// ofEndpoint sets the checks of the endpoint, depending on its type.
func (checks *Checks) ofEndpoint(c Config, api *ec2.Client) {
	endpoint := &vpcendpoint.Endpoint{
		API: api, ID: c.Setting.EndpointID, Gateway: c.Gateway,
		Policy: c.EndpointPolicy, Forbidden: guard.Lazily(iampolicy.ForbiddenThroughEndpoint, c.Setting),
		SubnetIDs: c.SubnetIDs, SecurityGroupIDs: c.SecurityGroupIDs, RouteTableIDs: c.RouteTableIDs,
	}
	checks.Endpoint = func(ctx context.Context) (health.Endpoint, error) {
		seen, err := endpoint.Read(ctx)
		return health.Endpoint{State: seen.State, Created: seen.Created, Findings: seen.Findings}, err
	}
	checks.Network = Watched(checks, watchEvery, (&inspect.Network{
		API: api, VPCID: c.Setting.VPCID, EndpointID: endpoint.ID, SubnetIDs: c.SubnetIDs,
		Services: vpcendpoint.ServiceNames(c.Setting.Region),
	}).Read)
	if c.Gateway {
		tables := &vpcendpoint.Associations{
			API: api, VPCID: c.Setting.VPCID, SubnetIDs: c.SubnetIDs, RouteTableIDs: c.RouteTableIDs,
		}
		checks.Routing = func(ctx context.Context) (health.Routing, error) { return tables.ReadRouting(ctx, endpoint.ID) }
		return
	}
	checks.GroupRules = property(&vpcendpoint.GroupRules{
		API: api, GroupIDs: c.SecurityGroupIDs, AllowedGroupIDs: c.AllowedGroupIDs,
	})
	checks.Interfaces = (&vpcendpoint.Interfaces{API: api, ID: endpoint.ID, VPCID: c.Setting.VPCID}).Read
}

// ofGuard sets the checks of what invokes the guard, of who could stop it, and of its cost.
func (checks *Checks) ofGuard(c Config, sdk aws.Config, watch *cloudwatch.Client, buckets *s3.Client) {
	checks.Trails = (&inspect.Trails{API: cloudtrail.NewFromConfig(sdk)}).Read
	checks.Rules = (&inspect.Rules{API: eventbridge.NewFromConfig(sdk), Names: c.Rules}).Read
	roles := iam.NewFromConfig(sdk)
	checks.Role = (&inspect.Role{API: roles, Name: path.Base(c.Setting.Workload)}).Read
	checks.Deployment = Watched(checks, watchEvery, (&comparison{
		criteria: c.criteria(), role: inspect.Role{API: roles, Name: path.Base(c.Setting.Guard)},
		deployment: inspect.Deployment{
			Stacks: cloudformation.NewFromConfig(sdk), Alarms: watch, Functions: lambda.NewFromConfig(sdk), Topics: sns.NewFromConfig(sdk),
			Keys: kms.NewFromConfig(sdk), StackID: c.StackID,
			TrailBucket: (&s3bucket.TrailBucket{API: buckets, Account: c.Setting.Account, Days: c.TrailDays}).Read,
		},
	}).read)
	statistics := &inspect.Statistics{
		API: watch, Bucket: c.Setting.Bucket, EndpointID: c.Setting.EndpointID, VPCID: c.Setting.VPCID,
		Service: vpcendpoint.ServiceName(c.Setting.Partition, c.Setting.Region),
	}
	checks.Sweeps = func(ctx context.Context, now time.Time) (health.SweepCount, error) {
		return statistics.ReadSweeps(ctx, now, c.criteria().SweepWithin)
	}
	if !c.Gateway {
		checks.Traffic = sparingly(idleEvery, func(ctx context.Context, now time.Time) (health.Volume, error) {
			return statistics.ReadVolume(ctx, now, c.IdleAfter)
		})
	}
}

// comparison reads what was deployed, and the policies of the guard's role.
type comparison struct {
	criteria   health.Criteria
	deployment inspect.Deployment
	role       inspect.Role
}

// read reads both at the same time.
func (c *comparison) read(ctx context.Context) (health.Deployment, error) {
	var found health.Deployment
	var role health.Reading[[]health.Document]
	err := parallel.All(
		func() (err error) { found, err = c.deployment.Read(ctx); return err },
		func() error { role.Value, role.Err = c.role.Read(ctx); return role.Err })
	return c.criteria.Compare(found, role, time.Now()), err
}
