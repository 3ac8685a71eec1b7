package lock

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// statement is a policy statement to write.
type statement struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Principal string
	Action    oneOrMore
	Resource  oneOrMore
	Condition map[string]map[string]oneOrMore `json:",omitempty"`
}

// oneOrMore is a list that is written without brackets if it has one member.
type oneOrMore []string

// MarshalJSON implements [json.Marshaler].
func (l oneOrMore) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return encode(l[0])
	}
	return encode([]string(l))
}

// encode writes JSON without HTML escapes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

func deny(sid string, actions []string, conditions []Exception, resources ...string) statement {
	return statement{sid, "Deny", "*", actions, resources, conditionsOf(conditions)}
}

func allow(sid, action string, conditions []Exception, resources ...string) statement {
	return statement{sid, "Allow", "*", oneOrMore{action}, resources, conditionsOf(conditions)}
}

var everything = []string{"s3:*"}

func conditionsOf(list []Exception) map[string]map[string]oneOrMore {
	conditions := map[string]map[string]oneOrMore{}
	for _, e := range list {
		if conditions[e.Operator] == nil {
			conditions[e.Operator] = map[string]oneOrMore{}
		}
		conditions[e.Operator][e.Key] = e.Values
	}
	return conditions
}

func render(statements []statement, grants ...json.RawMessage) string {
	var list []json.RawMessage
	for _, s := range statements {
		text, err := encode(s)
		if err != nil {
			panic(err) // texts always encode
		}
		list = append(list, text)
	}
	return compose(append(list, grants...))
}

// compose returns a document with these statements.
func compose(statements []json.RawMessage) string {
	text, err := encode(struct {
		Version   string
		Statement []json.RawMessage
	}{"2012-10-17", statements})
	if err != nil {
		panic(err) // raw messages are statements that were parsed
	}
	return string(text)
}

// formation excepts what CloudFormation does in a caller's name. Source: docs/facts.md, S3
var formation = Exception{"StringNotEquals", "aws:CalledViaLast", []string{"cloudformation.amazonaws.com"}}

// bucketSids are the Sids of all statements that [Lock.BucketPolicy] renders, for any parameters of guard.yaml.
var bucketSids = []string{
	"DenyPlainHTTP", "DenyObjectsOutsideEndpoint", "DenyListingOutsideEndpoint", "DenyVersionsOutsideEndpoint",
	"DenyObjectsToStrangers", "DenyListingToStrangers", "DenyVersionsToStrangers",
}

// BucketPolicy renders the lock as the policy of a bucket. It has the statements of template.yaml's BucketPolicyDocument,
// except that the names of versions may be listed by the workload, through the endpoint.
func (l Lock) BucketPolicy(bucket string) string {
	l = l.WithDefaults()
	arn := l.arn(bucket)
	objects := arn + "/*"
	const listing = "s3:ListBucket"
	versions := slices.DeleteFunc(iampolicy.ListingActions(), func(a string) bool { return a == listing })
	outside := Merge([]Exception{l.Network()}, l.Exceptions...)
	outsideListing := Merge(outside, Merge(Roles(l.ManagementRoles...), formation)...)
	all := []statement{
		deny("DenyPlainHTTP", everything, []Exception{{"Bool", "aws:SecureTransport", []string{"false"}}}, arn, objects),
		deny("DenyObjectsOutsideEndpoint", everything, outside, objects),
		deny("DenyListingOutsideEndpoint", []string{listing}, outsideListing, arn),
		deny("DenyVersionsOutsideEndpoint", versions, outside, arn),
	}
	if len(l.Workloads) > 0 {
		strangers := Merge(l.Workloads, l.exceptedCallers()...)
		strangersListing := Merge(strangers, Merge(Roles(l.ManagementRoles...), formation)...)
		all = append(all,
			deny("DenyObjectsToStrangers", everything, strangers, objects),
			deny("DenyListingToStrangers", []string{listing}, strangersListing, arn),
			deny("DenyVersionsToStrangers", versions, strangers, arn))
	}
	return render(all, l.Grants...)
}

// exceptedCallers returns the exceptions that say who the caller is. An exception for a network, or for calls that a service makes for
// a caller, does not make a stranger a workload.
func (l Lock) exceptedCallers() []Exception {
	var callers []Exception
	for _, e := range l.Exceptions {
		if HasKey(IdentityKeys, e.Key) || strings.HasPrefix(e.Key, "aws:PrincipalIs") || strings.HasPrefix(e.Key, "aws:PrincipalService") {
			callers = append(callers, e)
		}
	}
	return callers
}

func (l Lock) arn(bucket string) string { return iampolicy.BucketARN(l.Partition, bucket) }

// arnsOf returns the ARNs of buckets and of their objects.
func (l Lock) arnsOf(buckets []string) []string {
	var arns []string
	for _, name := range buckets {
		arns = append(arns, l.arn(name), l.arn(name)+"/*")
	}
	return arns
}

// EndpointPolicy renders the lock as the policy of its endpoints, or returns the one that is kept. Two forms are equivalent: Allow statements with
// conditions, or with [Lock.ByDeny] an Allow of everything, and Deny statements.
func (l Lock) EndpointPolicy() string {
	if l.Kept != "" {
		return l.Kept
	}
	l = l.WithDefaults()
	owner := cmp.Or(l.OwnerKey, "aws:ResourceAccount")
	resources := []string{"*"}
	if len(l.OnlyBuckets) > 0 {
		resources = l.arnsOf(l.OnlyBuckets)
	}
	if l.ByDeny && len(l.OnlyBuckets) == 0 {
		not := func(key string) []Exception { return []Exception{{"StringNotEquals", key, []string{l.Account}}} }
		return render([]statement{
			allow("AllowAll", "*", nil, "*"),
			deny("DenyOtherAccountsBuckets", everything, not(owner), "*"),
			deny("DenyOtherAccountsCallers", everything, not("aws:PrincipalAccount"), "*"),
		})
	}
	equals := func(key, value string) Exception { return Exception{"StringEquals", key, []string{value}} }
	own := []Exception{equals(owner, l.Account), equals("aws:PrincipalAccount", l.Account)}
	all := []statement{allow("AllowOwnAccount", "s3:*", own, resources...)}
	if l.Organization != "" && len(l.OnlyBuckets) == 0 {
		all = append(all, allow("AllowOwnOrganization", "s3:*",
			[]Exception{equals("aws:ResourceOrgID", l.Organization), equals("aws:PrincipalOrgID", l.Organization)}, "*"))
	}
	if l.Services {
		services := Exception{"Bool", "aws:PrincipalIsAWSService", []string{"true"}}
		all = append(all, allow("AllowAWSServices", "s3:*", []Exception{services}, "*"))
	}
	if len(l.OnlyBuckets) > 0 && len(l.NotBuckets) > 0 {
		all = append(all, deny("DenyExcludedBuckets", everything, nil, l.arnsOf(l.NotBuckets)...))
	}
	return render(append(all, allow("AllowAWSBuckets", "s3:GetObject", nil, l.awsBuckets()...)))
}

// awsBuckets returns AWSBuckets with the repositories of Amazon Linux 2023. Source: docs/facts.md, VPC endpoints
func (l Lock) awsBuckets() []string {
	repositories := l.arn("al2023-repos-" + l.Region + "-de612dc2/*")
	if slices.Contains(l.AWSBuckets, repositories) {
		return l.AWSBuckets
	}
	return append([]string{repositories}, l.AWSBuckets...)
}
