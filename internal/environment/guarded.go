package environment

import (
	"strings"

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

// Guarded reads the desired state. Partition, account and path come from the guard role's ARN, to save space in the
// environment; the other roles are given by name. Lambda sets the Region.
func (r *Reader) Guarded() Guarded {
	guardRole := r.Match("GUARD_ROLE_ARN", ARN("iam", "role/"))
	partition, account := split(guardRole)
	role := func(name string) string {
		if name == "" {
			return ""
		}
		return guardRole[:strings.LastIndex(guardRole, "/")+1] + name
	}
	g := Guarded{
		Setting: iampolicy.Setting{
			Partition: partition, Region: r.getenv("AWS_REGION"), Account: account, Bucket: r.Match("BUCKET", Name),
			EndpointID: r.Match("ENDPOINT_ID", ID("vpce")), VPCID: r.Match("VPC_ID", ID("vpc")),
			Guard: guardRole, Workload: role(r.Match("WORKLOAD_ROLE", Name)),
			ProbeRole: role(r.Optional("PROBE_ROLE", Name)), Teardown: role(r.Optional("TEARDOWN_ROLE", Name)),
		},
		BucketPolicy:   r.Policy("BUCKET_POLICY"),
		EndpointPolicy: r.Policy("ENDPOINT_POLICY"),
		Gateway:        r.Choice("ENDPOINT_TYPE", "Interface", "Gateway") == "Gateway",
		SubnetIDs:      r.List("SUBNET_IDS", ID("subnet")),
	}
	if g.Gateway {
		g.RouteTableIDs = r.List("ROUTE_TABLE_IDS", ID("rtb"))
	} else {
		g.SecurityGroupIDs = r.List("SECURITY_GROUP_IDS", ID("sg"))
		g.AllowedGroupIDs = r.List("ALLOWED_GROUP_IDS", ID("sg"))
	}
	return g
}
