package audit

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Lock says who may have access to a bucket's data, and by which endpoints. Fields that are not given are guessed from the
// policies that were found, see [Lock.Guess].
type Lock struct {
	// Partition, Region and Account are those of the buckets.
	Partition, Region, Account string
	// EndpointIDs are the endpoints through which the data may be reached. Without them VPCIDs are the VPCs from which it
	// may be reached, through all their endpoints.
	EndpointIDs, VPCIDs []string
	// Workloads are the callers that may reach the data: a request is denied if all these conditions are true. Without
	// conditions these are all principals of the account that IAM allows.
	Workloads []Exception
	// Exceptions permit requests from everywhere: a request from outside is denied only if all these conditions are also true.
	Exceptions []Exception
	// ManagementRoles may list the objects' names from everywhere, which HeadBucket needs. CloudFormation always may.
	ManagementRoles []string
	// Grants are Allow statements that the bucket's policy may have, as JSON: access to its data for single principals of the
	// account, and for services that Exceptions let in.
	Grants []json.RawMessage
	// Organization is the id of the organisation whose principals and buckets the endpoints serve, in addition to the
	// account's.
	Organization string
	// Services lets requests of AWS services pass through the endpoints.
	Services bool
	// OwnerKey is the condition key for the account of a bucket: aws:ResourceAccount, or s3:ResourceAccount, which has the same
	// value. ByDeny is the form of the rendered endpoint policy.
	OwnerKey string
	ByDeny   bool
	// AWSBuckets are resources in buckets of AWS from which the endpoints may read, e.g. those of Amazon Linux's packages.
	AWSBuckets []string
	// OnlyBuckets limits the endpoints to the named buckets. Without names they serve all buckets of the account.
	OnlyBuckets []string
	// Exact is true if the policy must be the rendered lock, and false if it may also have other statements, or say the same
	// in other words, as long as it allows nothing that the lock denies.
	Exact bool
}

// Exception is a negated condition of a Deny statement, which excepts requests from it.
type Exception struct {
	// Operator, Key and Values are as in a policy, e.g. "ArnNotEquals", "aws:PrincipalArn", and ARNs.
	Operator string   `json:"operator"`
	Key      string   `json:"key"`
	Values   []string `json:"values"`
}

// Roles returns the exception for the roles of these ARNs, which may have wildcards; nil if there are none.
func Roles(arns ...string) []Exception {
	if len(arns) == 0 {
		return nil
	}
	return []Exception{{"ArnNotEquals", "aws:PrincipalArn", arns}}
}

func (e Exception) String() string {
	return e.Operator + " " + e.Key + " " + strings.Join(e.Values, ", ")
}

// Invented ids, for a lock without an endpoint or without a VPC.
const (
	inventedEndpoint = "vpce-0dddddddddddddddd"
	inventedVPC      = "vpc-0dddddddddddddddd"
	inventedRole     = "role/invented/workload"
	inventedAccount  = "111122223333"
	inventedRegion   = "eu-central-1"
	inventedBucket   = "invented-bucket"
)

// door returns the network condition of the lock: a request that fulfils it comes from outside.
func (l Lock) door() Exception {
	switch {
	case len(l.EndpointIDs) > 0:
		return Exception{"StringNotEquals", "aws:SourceVpce", l.EndpointIDs}
	case len(l.VPCIDs) > 0:
		return Exception{"StringNotEquals", "aws:SourceVpc", l.VPCIDs}
	}
	return Exception{"StringNotEquals", "aws:SourceVpce", []string{inventedEndpoint}}
}

// limitsNetworkOnly reports whether the lock has no endpoint and no VPC, but excepts networks.
func (l Lock) limitsNetworkOnly() bool {
	network := func(e Exception) bool { return isNetwork(e.Key) }
	return len(l.EndpointIDs)+len(l.VPCIDs) == 0 && slices.ContainsFunc(l.Exceptions, network)
}

// Setting returns the judge's setting for a bucket: the lock's first endpoint, VPC and workload, or invented ones.
func (l Lock) Setting(bucket string) iampolicy.Setting {
	first := func(list []string, otherwise string) string {
		if len(list) == 0 {
			return otherwise
		}
		return list[0]
	}
	l = l.withDefaults()
	s := iampolicy.Setting{
		Partition: l.Partition, Region: l.Region, Account: l.Account, Bucket: cmp.Or(bucket, inventedBucket),
		EndpointID: first(l.EndpointIDs, inventedEndpoint), VPCID: first(l.VPCIDs, inventedVPC),
		Workload: "arn:" + l.Partition + ":iam::" + l.Account + ":" + inventedRole,
	}
	for _, w := range l.Workloads {
		if w.Key == "aws:PrincipalArn" && len(w.Values) > 0 {
			s.Workload = example(w.Values[0])
		}
	}
	return s
}

// example returns a text that a pattern with wildcards matches.
func example(pattern string) string {
	return strings.NewReplacer("*", "any", "?", "a").Replace(pattern)
}

func (l Lock) withoutGrants() Lock {
	l.Grants = nil
	return l
}

func (l Lock) withDefaults() Lock {
	l.Partition = cmp.Or(l.Partition, partitionOf(l.Region))
	first := map[string]string{"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
	l.Region = cmp.Or(l.Region, first[l.Partition], inventedRegion)
	l.Account = cmp.Or(l.Account, inventedAccount)
	return l
}

func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// ForbiddenOnBucket lists the requests that the lock denies on a bucket, of those that the judge tries.
func (l Lock) ForbiddenOnBucket(bucket string) []iampolicy.ForbiddenRequest {
	return deniedBy(l.BucketPolicy(bucket), iampolicy.ForbiddenOnBucket(l.Setting(bucket)))
}

// forbiddenThroughEndpoint lists the requests that the lock denies through its endpoints, of those that the judge tries; the
// bucket is one that the endpoint serves.
func (l Lock) forbiddenThroughEndpoint(bucket string) []iampolicy.ForbiddenRequest {
	if len(l.OnlyBuckets) > 0 {
		bucket = l.OnlyBuckets[0]
	}
	return deniedBy(l.EndpointPolicy(), iampolicy.ForbiddenThroughEndpoint(l.Setting(bucket)))
}

// deniedBy returns the requests that a document certainly denies.
func deniedBy(document string, forbidden []iampolicy.ForbiddenRequest) []iampolicy.ForbiddenRequest {
	breaches, err := iampolicy.Breaches([]byte(document), forbidden)
	if err != nil {
		return forbidden // Judge says that the lock cannot be judged
	}
	allowed := make(map[int]bool, len(breaches))
	for _, b := range breaches {
		allowed[b.Index] = true
	}
	denied := make([]iampolicy.ForbiddenRequest, 0, len(forbidden)-len(allowed))
	for i, f := range forbidden {
		if !allowed[i] {
			denied = append(denied, f)
		}
	}
	return denied
}

// merge adds exceptions to a list: values for the same operator and key are joined.
func merge(list []Exception, more ...Exception) []Exception {
	list = slices.Clone(list)
	for _, e := range more {
		i := slices.IndexFunc(list, func(o Exception) bool { return o.Operator == e.Operator && strings.EqualFold(o.Key, e.Key) })
		if i < 0 {
			list = append(list, Exception{e.Operator, e.Key, slices.Clone(e.Values)})
			continue
		}
		list[i].Values = union(list[i].Values, e.Values)
	}
	return list
}

// union returns the members of both lists, without duplicates, in their order.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}
