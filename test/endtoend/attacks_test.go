package endtoend_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	localec2 "example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

// attack is one call of the administrator that makes one guarded property drift.
type attack struct {
	// property is the property that drifts, verdict how its drift is judged.
	property, verdict string
	// write is the one call that corrects it.
	write string
	// prepare sets up what the call needs, without trail events; nil if it needs nothing.
	prepare func(*scene) error
	do      func(*scene) error
}

// readOf are a run's reads of the attacked resource, by property; the read-back repeats them.
var readOf = map[string]string{
	"bucket-policy":            "GetBucketPolicy",
	"public-access-block":      "GetPublicAccessBlock",
	"ownership-controls":       "GetBucketOwnershipControls",
	"lifecycle-rules":          "GetBucketLifecycleConfiguration",
	"versioning":               "GetBucketVersioning",
	"encryption":               "GetBucketEncryption",
	"endpoint-policy":          "DescribeVpcEndpoints",
	"private-dns":              "DescribeVpcEndpoints",
	"subnets":                  "DescribeVpcEndpoints",
	"security-groups":          "DescribeVpcEndpoints",
	"route-tables":             "DescribeVpcEndpoints",
	"security-group-rules":     "DescribeSecurityGroupRules",
	"workload-group-rules":     "DescribeSecurityGroupRules",
	"route-table-associations": "DescribeRouteTables",
}

// wave are the reads of a run without drift, in alphabetical order. A sweep makes fewer: see [quiet].
var wave = map[string][]string{
	"Interface": {"DescribeSecurityGroupRules", "DescribeStacks", "DescribeVpcEndpoints",
		"GetBucketEncryption", "GetBucketLifecycleConfiguration", "GetBucketOwnershipControls", "GetBucketPolicy",
		"GetBucketVersioning", "GetParametersByPath", "GetPublicAccessBlock"},
	"Gateway": {"DescribeRouteTables", "DescribeSecurityGroupRules", "DescribeStacks", "DescribeVpcEndpoints",
		"GetBucketEncryption", "GetBucketLifecycleConfiguration", "GetBucketOwnershipControls", "GetBucketPolicy",
		"GetBucketVersioning", "GetParametersByPath", "GetPublicAccessBlock"},
}

// quiet returns the calls of a sweep that finds nothing. It does not ask what only a correction has to know.
func quiet(endpointType string) []string {
	return slices.DeleteFunc(slices.Clone(wave[endpointType]), func(name string) bool {
		return name == "DescribeStacks" || name == "GetParametersByPath"
	})
}

// attacks returns all attacks on a stack with an endpoint of that type, by name.
func attacks(endpointType string) map[string]attack {
	all := map[string]attack{}
	for _, some := range []map[string]attack{bucketAttacks, dataAttacks, policyAttacks, workloadAttacks, typeAttacks[endpointType]} {
		for name, a := range some {
			all[name] = a
		}
	}
	return all
}

// bucketAttacks change the bucket's configuration.
var bucketAttacks = map[string]attack{
	"bucket policy: deleted": {property: "bucket-policy", verdict: "open", write: "PutBucketPolicy", do: (*scene).deletesBucketPolicy},
	"bucket policy: opened to another account": {property: "bucket-policy", verdict: "open", write: "PutBucketPolicy",
		do: func(s *scene) error {
			return s.putsBucketPolicy(fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Sid":"Partner","Effect":"Allow",
				"Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"s3:*","Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}}`, s.bucket))
		}},
	"bucket policy: one statement taken out": {property: "bucket-policy", verdict: "open", write: "PutBucketPolicy",
		do: func(s *scene) error {
			return s.rewritesBucketPolicy(func(list []any) []any { return list[1:] })
		}},
	"bucket policy: one more thing denied": {property: "bucket-policy", verdict: "closed", write: "PutBucketPolicy",
		do: func(s *scene) error {
			return s.rewritesBucketPolicy(func(list []any) []any {
				return append(list, map[string]any{"Sid": "More", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::" + s.bucket + "/private/*"})
			})
		}},
	"public access block: one of four off": {property: "public-access-block", verdict: "open", write: "PutPublicAccessBlock",
		do: func(s *scene) error {
			on := aws.Bool(true)
			_, err := s.s3.PutPublicAccessBlock(s.Context(), &s3.PutPublicAccessBlockInput{
				Bucket: &s.bucket, PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
					BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: aws.Bool(false), RestrictPublicBuckets: on,
				},
			})
			return err
		}},
	"public access block: deleted": {property: "public-access-block", verdict: "open", write: "PutPublicAccessBlock",
		do: (*scene).deletesPublicAccessBlock},
	"ownership controls: access control lists on": {property: "ownership-controls", verdict: "open", write: "PutBucketOwnershipControls",
		do: (*scene).switchesListsOn},
	"ownership controls: deleted": {property: "ownership-controls", verdict: "open", write: "PutBucketOwnershipControls",
		do: func(s *scene) error {
			_, err := s.s3.DeleteBucketOwnershipControls(s.Context(), &s3.DeleteBucketOwnershipControlsInput{Bucket: &s.bucket})
			return err
		}},
}

// dataAttacks make the bucket lose data, now or later.
var dataAttacks = map[string]attack{
	"lifecycle rules: everything expires tomorrow": {property: "lifecycle-rules", verdict: "open", write: "PutBucketLifecycleConfiguration",
		do: (*scene).expiresEverything},
	"lifecycle rules: old versions kept for a day": {property: "lifecycle-rules", verdict: "open", write: "PutBucketLifecycleConfiguration",
		do: func(s *scene) error {
			return s.putsLifecycle(s3types.LifecycleRule{NoncurrentVersionExpiration: &s3types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1)}})
		}},
	"lifecycle rules: uploads aborted sooner": {property: "lifecycle-rules", verdict: "closed", write: "PutBucketLifecycleConfiguration",
		do: func(s *scene) error {
			return s.putsLifecycle(s3types.LifecycleRule{AbortIncompleteMultipartUpload: &s3types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(1)}})
		}},
	"lifecycle rules: deleted": {property: "lifecycle-rules", verdict: "closed", write: "PutBucketLifecycleConfiguration",
		do: func(s *scene) error {
			_, err := s.s3.DeleteBucketLifecycle(s.Context(), &s3.DeleteBucketLifecycleInput{Bucket: &s.bucket})
			return err
		}},
	"versioning: suspended": {property: "versioning", verdict: "open", write: "PutBucketVersioning",
		do: func(s *scene) error {
			_, err := s.s3.PutBucketVersioning(s.Context(), &s3.PutBucketVersioningInput{
				Bucket: &s.bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusSuspended},
			})
			return err
		}},
	"encryption: with the key of another account": {property: "encryption", verdict: "open", write: "PutBucketEncryption",
		do: func(s *scene) error {
			return s.encryptsWith(aws.String("arn:aws:kms:eu-central-1:444455556666:key/0f0f0f0f-0000-4000-8000-000000000001"))
		}},
	"encryption: with the account's default key": {property: "encryption", verdict: "closed", write: "PutBucketEncryption",
		do: func(s *scene) error { return s.encryptsWith(nil) }},
}

// policyAttacks change the endpoint's policy.
var policyAttacks = map[string]attack{
	"endpoint policy: full access": {property: "endpoint-policy", verdict: "open", write: "ModifyVpcEndpoint", do: (*scene).resetsEndpointPolicy},
	"endpoint policy: nothing allowed": {property: "endpoint-policy", verdict: "closed", write: "ModifyVpcEndpoint",
		do: func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PolicyDocument: aws.String(
				`{"Version":"2012-10-17","Statement":[{"Sid":"Nothing","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`)})
		}},
}

// workloadAttacks change the rules of the security groups of the app and the probe.
var workloadAttacks = map[string]attack{
	"workload group rules: everything reached": {property: "workload-group-rules", verdict: "open", write: "RevokeSecurityGroupEgress",
		do: func(s *scene) error {
			return s.reachesEverything("InstanceSecurityGroup")
		}},
	"workload group rules: a shell for everyone": {property: "workload-group-rules", verdict: "open", write: "RevokeSecurityGroupIngress",
		do: func(s *scene) error {
			return s.letsEveryoneIn("InstanceSecurityGroup", 22)
		}},
	"workload group rules: the app shut in": {property: "workload-group-rules", verdict: "closed", write: "AuthorizeSecurityGroupEgress",
		do: func(s *scene) error {
			return s.shutsIn("InstanceSecurityGroup")
		}},
}

// everywhere permits a protocol and port for all IPv4 addresses.
func everywhere(protocol string, port int32) ec2types.IpPermission {
	return ec2types.IpPermission{
		IpProtocol: &protocol, FromPort: &port, ToPort: &port, IpRanges: []ec2types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
	}
}

// typeAttacks change properties that only one type of endpoint has.
var typeAttacks = map[string]map[string]attack{
	"Interface": {
		"private DNS: off": {property: "private-dns", verdict: "closed", write: "ModifyVpcEndpoint", do: func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PrivateDnsEnabled: aws.Bool(false)})
		}},
		"private DNS: for inbound resolvers only": {property: "private-dns", verdict: "closed", write: "ModifyVpcEndpoint",
			prepare: func(s *scene) error { // EC2 allows this only next to a gateway endpoint
				_, err := s.EC2.CreateEndpoint(localec2.EndpointRequest{
					VPCID: s.stack.Physical("Vpc"), ServiceName: "com.amazonaws.eu-central-1.s3",
				})
				return err
			},
			do: func(s *scene) error {
				return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{DnsOptions: &ec2types.DnsOptionsSpecification{
					PrivateDnsOnlyForInboundResolverEndpoint: aws.Bool(true),
				}})
			}},
		"subnets: one taken away": {property: "subnets", verdict: "closed", write: "ModifyVpcEndpoint", do: func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{RemoveSubnetIds: []string{s.stack.Physical("SubnetB")}})
		}},
		"subnets: one more": {property: "subnets", verdict: "closed", write: "ModifyVpcEndpoint", do: func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{AddSubnetIds: []string{s.foreignSubnet("c")}})
		}},
		"security groups: one more": {property: "security-groups", verdict: "open", write: "ModifyVpcEndpoint", do: func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{AddSecurityGroupIds: []string{s.foreignGroup()}})
		}},
		"security groups: exchanged": {property: "security-groups", verdict: "open", write: "ModifyVpcEndpoint", do: func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{
				AddSecurityGroupIds: []string{s.foreignGroup()}, RemoveSecurityGroupIds: []string{s.stack.Physical("EndpointSecurityGroup")},
			})
		}},
		"security group rules: one more": {property: "security-group-rules", verdict: "open", write: "RevokeSecurityGroupIngress",
			do: (*scene).opensGroup},
		"security group rules: one taken away": {property: "security-group-rules", verdict: "closed", write: "AuthorizeSecurityGroupIngress",
			do: (*scene).shutsGroup},
	},
	"Gateway": {
		"route tables: one taken away": {property: "route-tables", verdict: "closed", write: "ModifyVpcEndpoint", do: func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{RemoveRouteTableIds: []string{s.stack.Physical("RouteTable")}})
		}},
		"route tables: one more": {property: "route-tables", verdict: "closed", write: "ModifyVpcEndpoint", do: func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{AddRouteTableIds: []string{s.foreignTable()}})
		}},
		"route table associations: a subnet on another table": {property: "route-table-associations", verdict: "closed",
			write: "ReplaceRouteTableAssociation", do: (*scene).reroutes},
		"route table associations: a subnet on the main table": {property: "route-table-associations", verdict: "closed",
			write: "AssociateRouteTable", do: (*scene).unroutes},
	},
}

// Changes by the administrator.

func (s *scene) deletesBucketPolicy() error {
	_, err := s.s3.DeleteBucketPolicy(s.Context(), &s3.DeleteBucketPolicyInput{Bucket: &s.bucket})
	return err
}

func (s *scene) putsBucketPolicy(document string) error {
	_, err := s.s3.PutBucketPolicy(s.Context(), &s3.PutBucketPolicyInput{Bucket: &s.bucket, Policy: &document})
	return err
}

// rewritesBucketPolicy sets the desired policy with other statements.
func (s *scene) rewritesBucketPolicy(rewrite func([]any) []any) error {
	return s.putsBucketPolicy(rewritten(s, s.stack.Attribute("BucketPolicyDocument", "Value"), rewrite))
}

func (s *scene) deletesPublicAccessBlock() error {
	_, err := s.s3.DeletePublicAccessBlock(s.Context(), &s3.DeletePublicAccessBlockInput{Bucket: &s.bucket})
	return err
}

// expiresEverything adds a rule that deletes all objects, and one that deletes what is left of them.
func (s *scene) expiresEverything() error {
	return s.putsLifecycle(
		s3types.LifecycleRule{Expiration: &s3types.LifecycleExpiration{Days: aws.Int32(1)}},
		s3types.LifecycleRule{NoncurrentVersionExpiration: &s3types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1)}})
}

// putsLifecycle replaces the lifecycle rules by enabled ones for all objects.
func (s *scene) putsLifecycle(rules ...s3types.LifecycleRule) error {
	for i := range rules {
		rules[i].Status, rules[i].Filter = s3types.ExpirationStatusEnabled, &s3types.LifecycleRuleFilter{Prefix: aws.String("")}
	}
	_, err := s.s3.PutBucketLifecycleConfiguration(s.Context(), &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &s.bucket, LifecycleConfiguration: &s3types.BucketLifecycleConfiguration{Rules: rules},
	})
	return err
}

// encryptsWith sets the default encryption to a KMS key, or to the one that AWS manages.
func (s *scene) encryptsWith(key *string) error {
	_, err := s.s3.PutBucketEncryption(s.Context(), &s3.PutBucketEncryptionInput{
		Bucket: &s.bucket, ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{
			Rules: []s3types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{
				SSEAlgorithm: s3types.ServerSideEncryptionAwsKms, KMSMasterKeyID: key,
			}}},
		},
	})
	return err
}

func (s *scene) switchesListsOn() error {
	_, err := s.s3.PutBucketOwnershipControls(s.Context(), &s3.PutBucketOwnershipControlsInput{
		Bucket: &s.bucket, OwnershipControls: &s3types.OwnershipControls{
			Rules: []s3types.OwnershipControlsRule{{ObjectOwnership: s3types.ObjectOwnershipObjectWriter}},
		},
	})
	return err
}

// opensByList makes the bucket's access control list public, which needs Block Public Access off and lists enabled.
func (s *scene) opensByList() error {
	err := errors.Join(s.deletesPublicAccessBlock(), s.switchesListsOn())
	_, aclErr := s.s3.PutBucketAcl(s.Context(), &s3.PutBucketAclInput{Bucket: &s.bucket, ACL: s3types.BucketCannedACLPublicRead})
	return errors.Join(err, aclErr)
}

// opensWithTheArticlesPolicy adds the article's public statement, which needs Block Public Access off.
func (s *scene) opensWithTheArticlesPolicy() error {
	return errors.Join(s.deletesPublicAccessBlock(), s.putsBucketPolicy(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Sid":"Access-from-everywhere","Effect":"Allow","Principal":"*","Action":"s3:*",
		"Resource":["arn:%[1]s:s3:::%[2]s","arn:%[1]s:s3:::%[2]s/*"]}]}`, s.Gate.Options().Partition, s.bucket)))
}

func (s *scene) resetsEndpointPolicy() error {
	return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{ResetPolicy: aws.Bool(true)})
}

func (s *scene) modifiesEndpoint(in *ec2.ModifyVpcEndpointInput) error {
	in.VpcEndpointId = &s.endpoint
	_, err := s.ec2.ModifyVpcEndpoint(s.Context(), in)
	return err
}

func (s *scene) opensGroup() error { return s.letsEveryoneIn("EndpointSecurityGroup", 443) }

// letsEveryoneIn allows ingress to a group of the stack from all IPv4 addresses.
func (s *scene) letsEveryoneIn(group string, port int32) error {
	_, err := s.ec2.AuthorizeSecurityGroupIngress(s.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: aws.String(s.stack.Physical(group)), IpPermissions: []ec2types.IpPermission{everywhere("tcp", port)},
	})
	return err
}

// reachesEverything allows a group of the stack all egress.
func (s *scene) reachesEverything(group string) error {
	_, err := s.ec2.AuthorizeSecurityGroupEgress(s.Context(), &ec2.AuthorizeSecurityGroupEgressInput{
		GroupId: aws.String(s.stack.Physical(group)), IpPermissions: []ec2types.IpPermission{everywhere("-1", -1)},
	})
	return err
}

// shutsIn removes all egress rules of a group of the stack.
func (s *scene) shutsIn(group string) error {
	var ids []string
	for _, r := range s.EC2.Rules(s.stack.Physical(group)) {
		if r.Egress {
			ids = append(ids, r.ID)
		}
	}
	_, err := s.ec2.RevokeSecurityGroupEgress(s.Context(), &ec2.RevokeSecurityGroupEgressInput{
		GroupId: aws.String(s.stack.Physical(group)), SecurityGroupRuleIds: ids,
	})
	return err
}

func (s *scene) shutsGroup() error {
	_, err := s.ec2.RevokeSecurityGroupIngress(s.Context(), &ec2.RevokeSecurityGroupIngressInput{
		GroupId: aws.String(s.stack.Physical("EndpointSecurityGroup")), IpPermissions: []ec2types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
			UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: aws.String(s.stack.Physical("InstanceSecurityGroup"))}},
		}},
	})
	return err
}

// reroutes associates a subnet with another route table.
func (s *scene) reroutes() error {
	_, err := s.ec2.ReplaceRouteTableAssociation(s.Context(), &ec2.ReplaceRouteTableAssociationInput{
		AssociationId: aws.String(s.stack.Physical("SubnetARoutes")), RouteTableId: aws.String(s.foreignTable()),
	})
	return err
}

// unroutes leaves a subnet with the VPC's main route table.
func (s *scene) unroutes() error {
	_, err := s.ec2.DisassociateRouteTable(s.Context(), &ec2.DisassociateRouteTableInput{
		AssociationId: aws.String(s.stack.Physical("SubnetBRoutes")),
	})
	return err
}

// foreignSubnet makes a subnet in a zone, outside the stack.
func (s *scene) foreignSubnet(zone string) string {
	s.Helper()
	n, err := s.EC2.CreateSubnet(localec2.Subnet{VPCID: s.stack.Physical("Vpc"), CIDR: "10.0.99.0/24", Zone: s.Gate.Options().Region + zone})
	s.must(err)
	return n.ID
}

// foreignGroup makes a security group outside the stack.
func (s *scene) foreignGroup() string {
	s.Helper()
	g, err := s.EC2.CreateSecurityGroup(localec2.SecurityGroup{VPCID: s.stack.Physical("Vpc"), Name: "other", Description: "other"})
	s.must(err)
	return g.ID
}

// foreignTable makes a route table outside the stack.
func (s *scene) foreignTable() string {
	s.Helper()
	t, err := s.EC2.CreateRouteTable(s.stack.Physical("Vpc"))
	s.must(err)
	return t.ID
}

// attack runs an attack with its preparation.
func (s *scene) attack(a attack) {
	s.Helper()
	if a.prepare != nil {
		s.must(a.prepare(s))
	}
	s.must(a.do(s))
}

// attackEverything makes all guarded properties drift at once.
func (s *scene) attackEverything(endpointType string) {
	s.Helper()
	s.must(s.opensWithTheArticlesPolicy())
	s.must(s.switchesListsOn())
	s.must(s.resetsEndpointPolicy())
	var others []attack
	if endpointType == "Gateway" {
		others = []attack{
			typeAttacks["Gateway"]["route tables: one taken away"],
			typeAttacks["Gateway"]["route table associations: a subnet on another table"],
			typeAttacks["Gateway"]["route table associations: a subnet on the main table"],
		}
	} else {
		others = []attack{
			typeAttacks["Interface"]["private DNS: off"],
			typeAttacks["Interface"]["subnets: one taken away"],
			typeAttacks["Interface"]["subnets: one more"],
			typeAttacks["Interface"]["security groups: exchanged"],
			typeAttacks["Interface"]["security group rules: one more"],
			typeAttacks["Interface"]["security group rules: one taken away"],
		}
	}
	for _, a := range others {
		s.attack(a)
	}
}

// with returns a sorted list with more names.
func with(list []string, more ...string) []string {
	return slices.Sorted(slices.Values(append(slices.Clone(list), more...)))
}

// zone returns the last letter of a subnet's Availability Zone.
func (s *scene) zone(logicalID string) string {
	n, _ := s.EC2.Subnet(s.stack.Physical(logicalID))
	return n.Zone[len(n.Zone)-1:]
}

func addsSubnet(id string) *ec2.ModifyVpcEndpointInput {
	return &ec2.ModifyVpcEndpointInput{AddSubnetIds: []string{id}}
}

// lose drops all events of a call.
var lose = events.Disturbance{Lose: true}

// rewritten returns a policy with other statements.
func rewritten(s *scene, policy string, rewrite func([]any) []any) string {
	s.Helper()
	var document map[string]any
	s.must(json.Unmarshal([]byte(policy), &document))
	list, _ := document["Statement"].([]any)
	document["Statement"] = rewrite(list)
	text, err := json.Marshal(document)
	s.must(err)
	return string(text)
}
