package remediate

import (
	"net/netip"
	"path"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/notify"
	"example.com/s3-endpoint-guard/internal/aws/sweepqueue"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/environment"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/internal/selection"
)

// Config is the function's configuration from its environment, all of which guard.yaml sets: for one bucket and endpoint if
// template.yaml contains it, otherwise for a fleet.
type Config struct {
	// Guarded is what is guarded. With a fleet it has only the Setting, without a bucket and an endpoint.
	environment.Guarded
	// Fleet is the configuration of guard.yaml alone; nil as a part of template.yaml.
	Fleet *FleetConfig
	// StackID and TopicARN are the ARNs of the guard's stack (the one of template.yaml, if it contains guard.yaml's) and of its
	// notification topic.
	StackID, TopicARN string
	// Format is the format of the messages, Origin what they say beyond the records.
	Format notify.Format
	Origin notify.Origin
	// Workload are the security groups of template.yaml's app and, if there is one, probe.
	Workload []vpcendpoint.WorkloadGroup
	// OldVersionDays is the number of days for which template.yaml's bucket keeps old versions of objects.
	OldVersionDays int32
	// Observe makes the guard report drift and write nothing.
	Observe bool
	// SweepQueue is the URL of the queue for the messages of the sweeps between two scheduled ones, which are SweepEvery apart; ""
	// if the schedule starts all sweeps. The template names the queue after the stack's id.
	SweepQueue string
	SweepEvery time.Duration
	// SecurityHub makes it import findings into Security Hub.
	SecurityHub bool
}

// FleetConfig is what the parameters of guard.yaml say of the fleet.
type FleetConfig struct {
	Selection selection.Selection
	Lock      lock.Lock
	Mode      lock.Mode
	// Adoption is the adoption document, whose text is Document.
	Adoption adoption.Reference
	Document string
}

// ReadConfig reads the environment. The error names all wrong variables. Stack and topic are given without the beginning of
// their ARNs, to save space in the environment; the topic's is given if it is not of the stack. Lambda sets the log group.
func ReadConfig(getenv func(string) string) (Config, error) {
	r := environment.New(getenv)
	c := Config{
		Observe: r.Choice("ENFORCEMENT", "Enforce", "Observe") == "Observe",
		Format:  notify.Format(r.Choice("FORMAT", string(notify.Text), string(notify.AmazonQ))),

		SecurityHub: r.Optional("HUB", environment.Yes) != "",
	}
	if getenv("BUCKET_NAMES") == "" {
		c.Guarded, c.OldVersionDays = r.Guarded(), int32(r.Number("OLD_DAYS"))
		c.Workload = readWorkload(r, c.Guarded)
	} else {
		c.Setting = r.Guard()
		c.Fleet = readFleet(r, getenv, c)
	}
	stack, s := r.Match("STACK", environment.Stack), c.Setting
	arn := func(service, resource string) string {
		return strings.Join([]string{"arn", s.Partition, service, s.Region, s.Account, resource}, ":")
	}
	c.StackID = arn("cloudformation", stack)
	if getenv("SWEEP") != "" {
		c.SweepEvery = time.Duration(r.Number("SWEEP")) * time.Second
		c.SweepQueue = sweepqueue.URL(s.Partition, s.Region, s.Account, "s3-endpoint-guard-"+path.Base(stack))
	}
	if strings.HasPrefix(getenv("TOPIC"), "arn:") {
		c.TopicARN = r.Match("TOPIC", environment.ARN("sns", ""))
	} else {
		c.TopicARN = arn("sns", r.Match("TOPIC", environment.Name))
	}
	c.Origin = notify.Origin{
		Partition: s.Partition, Region: s.Region, Account: s.Account, Bucket: s.Bucket, Stack: path.Base(path.Dir(stack)),
		LogGroup: getenv("AWS_LAMBDA_LOG_GROUP_NAME"), Runbook: r.Optional("RUNBOOK", environment.Address),
	}
	return c, r.Err()
}

// readWorkload reads the IPv4 ranges of the VPC and of the app's clients, if there may be any. EC2 keeps ranges without their host
// bits. The first of the allowed groups is the app's, and the second the probe's if there is a probe: the others belong to workloads
// of which the template does not declare the rules. Guarded reads the groups only for an interface endpoint: with another one, the
// health check needs none.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html
func readWorkload(r *environment.Reader, g environment.Guarded) []vpcendpoint.WorkloadGroup {
	ranges := make([]string, 2)
	for i, text := range r.List("CIDRS", environment.CIDR) {
		if block, err := netip.ParsePrefix(text); err == nil && i < len(ranges) {
			ranges[i] = block.Masked().String()
		}
	}
	toS3, clients, ids := ranges[0], ranges[1], g.AllowedGroupIDs
	if g.Gateway { // S3 keeps its public addresses
		toS3, ids = "0.0.0.0/0", r.List("CLIENT_GROUPS", environment.ID("sg"))
	}
	var groups []vpcendpoint.WorkloadGroup
	for i, id := range ids {
		switch {
		case i == 0:
			groups = append(groups, vpcendpoint.WorkloadGroup{ID: id, Name: "app", ToS3: toS3, Clients: clients})
		case i == 1 && g.Setting.ProbeRole != "":
			groups = append(groups, vpcendpoint.WorkloadGroup{ID: id, Name: "probe", ToS3: toS3})
		}
	}
	return groups
}

// readFleet reads the texts of guard.yaml's parameters.
func readFleet(r *environment.Reader, getenv func(string) string, c Config) *FleetConfig {
	p := lock.Parameters{
		BucketNames: getenv("BUCKET_NAMES"), ExcludedBucketNames: getenv("EXCLUDED_BUCKET_NAMES"),
		VPCEndpointIDs: getenv("VPC_ENDPOINT_IDS"), WorkloadRoleARNs: getenv("WORKLOAD_ROLE_ARNS"),
		ManagementRoleARNs: getenv("MANAGEMENT_ROLE_ARNS"), ExemptRoleARNs: getenv("EXEMPT_ROLE_ARNS"),
		AllowedCIDRs: getenv("ALLOWED_CIDRS"), AllowAWSServices: getenv("ALLOW_AWS_SERVICES"),
		EndpointPolicy: getenv("ENDPOINT_POLICY"), PolicyMode: getenv("POLICY_MODE"),
	}
	f := &FleetConfig{Mode: lock.Mode(p.PolicyMode), Document: getenv("ADOPTION")}
	var err error
	f.Lock, err = p.Lock(c.Setting.Partition, c.Setting.Region, c.Setting.Account)
	r.Refuse(err)
	f.Adoption, err = adoption.ParseReference(f.Document)
	r.Refuse(err)
	guarded, _ := p.Selection() // Lock has checked it
	f.Selection = guarded.Without(f.Adoption.Bucket)
	return f
}
