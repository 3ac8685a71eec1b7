// Package lock says who may have access to the data of buckets, and through which endpoints: as the policies of the buckets and
// of the endpoints (render.go), and as the requests that these deny. It judges policies against them (judge.go): `guard audit`,
// `guard check` and the running guard all use this judgement, so their verdicts cannot differ.
//
//	Parameters   the texts of guard.yaml's parameters
//	Lock         what they mean; guard audit also guesses one from the policies that it finds
//	Mode         whether a policy must be the lock, or must hold it
//	Judgement    the verdict of package iampolicy, and what would be written
//
// The package imports iampolicy, selection and the standard library only.
package lock

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Lock says who may have access to the data of buckets, and by which endpoints.
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
	// Grants are Allow statements that the bucket's policy may have, as JSON. See [Lock.GrantsIn].
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
	// OnlyBuckets limits the endpoints to buckets of the account by their names, which may have the wildcard *. Without names
	// they serve all buckets of the account.
	OnlyBuckets []string
	// NotBuckets are names that OnlyBuckets match, but that the endpoints do not serve.
	NotBuckets []string
	// Renewed is true if a statement with a Sid of the lock's is the lock's, so that one that differs was written for earlier
	// parameters. [Lock.Judge] then does not leave it alone, also if it denies more.
	Renewed bool
	// Keep is true if the policies of the endpoints are not rendered, but kept as they were found. Kept is the one of the endpoint that
	// [Lock.At] selected.
	Keep bool
	Kept string
}

// At returns the lock of one of the endpoints; found is the policy that it had when it was adopted, "" for the default one.
func (l Lock) At(endpointID, found string) Lock {
	l.EndpointIDs = []string{endpointID}
	if l.Keep {
		l.Kept = cmp.Or(found, FullAccess)
	}
	return l
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

// Invented names and ids, for what a lock does not name.
const (
	InventedEndpoint = "vpce-0dddddddddddddddd"
	InventedVPC      = "vpc-0dddddddddddddddd"
	InventedAccount  = "111122223333"
	InventedBucket   = "invented-bucket"
	inventedRole     = "role/invented/workload"
	inventedRegion   = "eu-central-1"
)

// Network returns the network condition of the lock: a request that fulfils it comes from outside.
func (l Lock) Network() Exception {
	switch {
	case len(l.EndpointIDs) > 0:
		return Exception{"StringNotEquals", "aws:SourceVpce", l.EndpointIDs}
	case len(l.VPCIDs) > 0:
		return Exception{"StringNotEquals", "aws:SourceVpc", l.VPCIDs}
	}
	return Exception{"StringNotEquals", "aws:SourceVpce", []string{InventedEndpoint}}
}

// LimitsNetworkOnly reports whether the lock has no endpoint and no VPC, but excepts networks.
func (l Lock) LimitsNetworkOnly() bool {
	network := func(e Exception) bool { return IsNetwork(e.Key) }
	return len(l.EndpointIDs)+len(l.VPCIDs) == 0 && slices.ContainsFunc(l.Exceptions, network)
}

// mostOthers is how many endpoints and workloads the judge tries beside the first one: its requests are examples, and do not decide.
const mostOthers = 4

// Setting returns the judge's setting for a bucket: the lock's first endpoints and workloads, and its first VPC, or invented ones.
func (l Lock) Setting(bucket string) iampolicy.Setting {
	l = l.WithDefaults()
	s := iampolicy.Setting{
		Partition: l.Partition, Region: l.Region, Account: l.Account, Bucket: cmp.Or(bucket, InventedBucket),
		VPCID: append(slices.Clone(l.VPCIDs), InventedVPC)[0],
	}
	exempt := arnsIn(l.Exceptions)
	workloads := slices.DeleteFunc(arnsIn(l.Workloads), func(arn string) bool { return slices.Contains(exempt, arn) })
	for i := range workloads {
		workloads[i] = Example(workloads[i])
	}
	first := func(list []string, otherwise string) (string, []string) {
		if len(list) == 0 {
			return otherwise, nil
		}
		return list[0], list[1:min(len(list), 1+mostOthers)]
	}
	s.EndpointID, s.MoreEndpointIDs = first(l.EndpointIDs, InventedEndpoint)
	s.Workload, s.MoreWorkloads = first(workloads, iampolicy.IAMARN(l.Partition, l.Account, inventedRole))
	return s
}

// arnsIn lists the principals that exceptions name by ARN, which may have wildcards.
func arnsIn(list []Exception) []string {
	var arns []string
	for _, e := range list {
		if e.Key == "aws:PrincipalArn" {
			arns = append(arns, e.Values...)
		}
	}
	return arns
}

// Example returns a text that a pattern with wildcards matches.
func Example(pattern string) string { return examples.Replace(pattern) }

var examples = strings.NewReplacer("*", "any", "?", "a")

// WithDefaults returns the lock with an invented account, and a partition and a Region that belong together, where it has none.
func (l Lock) WithDefaults() Lock {
	l.Partition = cmp.Or(l.Partition, PartitionOf(l.Region))
	first := map[string]string{"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
	l.Region = cmp.Or(l.Region, first[l.Partition], inventedRegion)
	l.Account = cmp.Or(l.Account, InventedAccount)
	return l
}

// PartitionOf returns the partition of a Region, by its name.
func PartitionOf(region string) string {
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

// ForbiddenThroughEndpoint lists the requests that the lock denies through its endpoints, of those that the judge tries; the
// bucket is one that the endpoint serves.
func (l Lock) ForbiddenThroughEndpoint(bucket string) []iampolicy.ForbiddenRequest {
	if len(l.OnlyBuckets) > 0 {
		bucket = Example(l.OnlyBuckets[0])
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

// Merge adds exceptions to a list: values for the same operator and key are joined.
func Merge(list []Exception, more ...Exception) []Exception {
	list = slices.Clone(list)
	for _, e := range more {
		i := slices.IndexFunc(list, func(o Exception) bool { return o.Operator == e.Operator && strings.EqualFold(o.Key, e.Key) })
		if i < 0 {
			list = append(list, Exception{e.Operator, e.Key, slices.Clone(e.Values)})
			continue
		}
		list[i].Values = Union(list[i].Values, e.Values)
	}
	return list
}

// Union returns the members of both lists, without duplicates, in their order.
func Union(a, b []string) []string {
	all := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// FullAccess is the effective policy of an endpoint without a policy.
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html#vpc-endpoint-policies-default
const FullAccess = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
