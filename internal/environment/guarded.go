package environment

import (
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Guarded is the desired state of the guarded resources, as in the template.
type Guarded struct {
	// Setting names the guarded resources and the roles with access.
	Setting iampolicy.Setting
	// BucketPolicy and EndpointPolicy are the desired documents.
	BucketPolicy, EndpointPolicy string
	// Gateway is true for a gateway endpoint, false for an interface endpoint.
	Gateway bool
	// SubnetIDs are the workload's subnets, which are also an interface endpoint's own.
	SubnetIDs []string
	// SecurityGroupIDs are an interface endpoint's groups, AllowedGroupIDs the groups whose members may reach it.
	SecurityGroupIDs, AllowedGroupIDs []string
	// RouteTableIDs are a gateway endpoint's route tables.
	RouteTableIDs []string
}

// Guard reads the guard's own role, and from its ARN the partition and the account. Lambda sets the Region.
func (r *Reader) Guard() iampolicy.Setting {
	role := r.Match("GUARD_ROLE_ARN", ARN("iam", "role/"))
	partition, account := split(role)
	return iampolicy.Setting{Partition: partition, Region: r.getenv("AWS_REGION"), Account: account, Guard: role}
}

// Guarded reads the desired state. To save space in the environment, the path of the roles comes from the guard role's ARN, the
// other roles are given by name, and only a gateway endpoint has route tables.
func (r *Reader) Guarded() Guarded {
	s := r.Guard()
	guardRole := s.Guard
	role := func(name string) string {
		if name == "" {
			return ""
		}
		return guardRole[:strings.LastIndex(guardRole, "/")+1] + name
	}
	s.Bucket, s.EndpointID, s.VPCID = r.Match("BUCKET", Name), r.Match("ENDPOINT_ID", ID("vpce")), r.Match("VPC_ID", ID("vpc"))
	s.Workload = role(r.Match("WORKLOAD_ROLE", Name))
	s.ProbeRole, s.Teardown = role(r.Optional("PROBE_ROLE", Name)), role(r.Optional("TEARDOWN_ROLE", Name))
	g := Guarded{
		Setting:        s,
		BucketPolicy:   r.Policy("BUCKET_POLICY"),
		EndpointPolicy: r.Policy("ENDPOINT_POLICY"),
		SubnetIDs:      r.List("SUBNET_IDS", ID("subnet")),
	}
	if g.Gateway = r.getenv("TABLES") != ""; g.Gateway {
		g.RouteTableIDs = r.List("TABLES", ID("rtb"))
	} else {
		g.SecurityGroupIDs = r.List("GROUPS", ID("sg"))
		g.AllowedGroupIDs = r.List("CLIENT_GROUPS", ID("sg"))
	}
	return g
}

// SchedulePeriod is the shortest period of a schedule of EventBridge. Sweeps that are more frequent start from messages that
// the scheduled run sends. docs/design.md: The sweep between two schedules
const SchedulePeriod = time.Minute
