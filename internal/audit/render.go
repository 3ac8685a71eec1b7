package audit

import (
	"bytes"
	"encoding/json"
	"slices"
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

func deny(sid, action string, conditions []Exception, resources ...string) statement {
	return statement{sid, "Deny", "*", oneOrMore{action}, resources, conditionsOf(conditions)}
}

func allow(sid, action string, conditions []Exception, resources ...string) statement {
	return statement{sid, "Allow", "*", oneOrMore{action}, resources, conditionsOf(conditions)}
}

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

// formation excepts what CloudFormation does in a caller's name. Source: docs/facts.md, S3
var formation = Exception{"StringNotEquals", "aws:CalledViaLast", []string{"cloudformation.amazonaws.com"}}

// BucketPolicy renders the lock as the policy of a bucket. It has the statements of template.yaml's BucketPolicyDocument,
// except that the names of versions may be listed by the workload, through the endpoint.
func (l Lock) BucketPolicy(bucket string) string {
	l = l.withDefaults()
	arn := l.arn(bucket)
	objects := arn + "/*"
	const listing, versions = "s3:ListBucket", "s3:ListBucket?*"
	outside := merge([]Exception{l.door()}, l.Exceptions...)
	outsideListing := merge(outside, merge(Roles(l.ManagementRoles...), formation)...)
	all := []statement{
		deny("DenyPlainHTTP", "s3:*", []Exception{{"Bool", "aws:SecureTransport", []string{"false"}}}, arn, objects),
		deny("DenyObjectsOutsideEndpoint", "s3:*", outside, objects),
		deny("DenyListingOutsideEndpoint", listing, outsideListing, arn),
		deny("DenyVersionsOutsideEndpoint", versions, outside, arn),
	}
	if len(l.Workloads) > 0 {
		strangers := merge(l.Workloads, l.Exceptions...)
		strangersListing := merge(strangers, merge(Roles(l.ManagementRoles...), formation)...)
		all = append(all,
			deny("DenyObjectsToStrangers", "s3:*", strangers, objects),
			deny("DenyListingToStrangers", listing, strangersListing, arn),
			deny("DenyVersionsToStrangers", versions, strangers, arn))
	}
	return render(all, l.Grants...)
}

func (l Lock) arn(bucket string) string { return "arn:" + l.Partition + ":s3:::" + bucket }

// EndpointPolicy renders the lock as the policy of its endpoints.
func (l Lock) EndpointPolicy() string {
	l = l.withDefaults()
	equals := func(key string, values ...string) Exception { return Exception{"StringEquals", key, values} }
	resources := []string{"*"}
	if len(l.OnlyBuckets) > 0 {
		resources = nil
		for _, name := range l.OnlyBuckets {
			resources = append(resources, l.arn(name), l.arn(name)+"/*")
		}
	}
	all := []statement{allow("AllowOwnAccount", "s3:*",
		[]Exception{equals("aws:ResourceAccount", l.Account), equals("aws:PrincipalAccount", l.Account)}, resources...)}
	if l.Organization != "" && len(l.OnlyBuckets) == 0 {
		all = append(all, allow("AllowOwnOrganization", "s3:*",
			[]Exception{equals("aws:ResourceOrgID", l.Organization), equals("aws:PrincipalOrgID", l.Organization)}, "*"))
	}
	if buckets := l.awsBuckets(); len(buckets) > 0 {
		all = append(all, allow("AllowAWSBuckets", "s3:GetObject", nil, buckets...))
	}
	return render(all)
}

// awsBuckets returns AWSBuckets with the repositories of Amazon Linux 2023. Source: docs/facts.md, VPC endpoints
func (l Lock) awsBuckets() []string {
	repositories := l.arn("al2023-repos-" + l.Region + "-de612dc2/*")
	if slices.Contains(l.AWSBuckets, repositories) {
		return l.AWSBuckets
	}
	return append([]string{repositories}, l.AWSBuckets...)
}
