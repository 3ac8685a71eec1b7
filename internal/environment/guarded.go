package environment

import (
	"strings"

	"s3-endpoint-guard/internal/iampolicy"
)

// Guarded is what functions that compare the live state with the template's are told about it.
type Guarded struct {
	// Setting names what is guarded and who may do what.
	Setting iampolicy.Setting
	// BucketPolicy and EndpointPolicy are the desired documents.
	BucketPolicy, EndpointPolicy string
	// Gateway is true for a gateway endpoint, false for an interface endpoint.
	Gateway bool
	// SubnetIDs are the workload's subnets, and an interface endpoint's own.
	SubnetIDs []string
	// SecurityGroupIDs are an interface endpoint's groups, AllowedGroupIDs those whose members may reach it.
	SecurityGroupIDs, AllowedGroupIDs []string
	// RouteTableIDs are a gateway endpoint's route tables.
	RouteTableIDs []string
}

// Guarded reads what is guarded. Partition, account and path are those of the guard's role, the other roles are named; the
// Region is that which Lambda sets. The environment has room for little: one ARN has to do.
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
