package environment

import "s3-endpoint-guard/internal/iampolicy"

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

// Guarded reads what is guarded. The partition is that of the guard's role, the Region that which Lambda sets.
func (r *Reader) Guarded() Guarded {
	role := ARN("iam", "role/")
	guardRole := r.Match("GUARD_ROLE_ARN", role)
	g := Guarded{
		Setting: iampolicy.Setting{
			Partition: Partition(guardRole), Region: r.getenv("AWS_REGION"),
			Account: r.Match("ACCOUNT_ID", Account), Bucket: r.Match("BUCKET", Name),
			EndpointID: r.Match("ENDPOINT_ID", ID("vpce")), VPCID: r.Match("VPC_ID", ID("vpc")),
			Guard: guardRole, Workload: r.Match("WORKLOAD_ROLE_ARN", role),
			ProbeRole: r.Optional("PROBE_ROLE_ARN", role), Teardown: r.Optional("TEARDOWN_ROLE_ARN", role),
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
