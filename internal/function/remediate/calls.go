package remediate

import "slices"

// calls are the API calls that change each guarded resource, as in CloudTrail. Source: docs/facts.md, CloudTrail
// through EventBridge
var calls = map[string][]string{
	"bucket-policy":       {"PutBucketPolicy", "DeleteBucketPolicy", "CreateBucket"},
	"public-access-block": {"PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock", "CreateBucket"},
	"ownership-controls":  {"PutBucketOwnershipControls", "DeleteBucketOwnershipControls", "PutBucketAcl", "CreateBucket"},
	"lifecycle-rules":     {"PutBucketLifecycle", "DeleteBucketLifecycle"},
	"versioning":          {"PutBucketVersioning"},
	"encryption":          {"PutBucketEncryption", "DeleteBucketEncryption"},
	"vpc-endpoint":        {"ModifyVpcEndpoint", "DeleteVpcEndpoints"},
	"security-group-rules": {
		"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress",
		"ModifySecurityGroupRules",
	},
	"route-table-associations": {
		"AssociateRouteTable", "DisassociateRouteTable", "ReplaceRouteTableAssociation",
	},
}

// concerns reports whether a call changes a resource.
func concerns(call, resource string) bool { return slices.Contains(calls[resource], call) }
