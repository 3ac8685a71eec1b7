package iampolicy

import (
	"slices"
	"strings"
	"sync"
)

// Setting contains the resources and roles of the two guarded policies.
type Setting struct {
	Partition, Region, Account, Bucket, EndpointID, VPCID string
	// Workload, ProbeRole, Teardown and Guard are role ARNs. ProbeRole, Teardown and Guard may be "".
	Workload, ProbeRole, Teardown, Guard string
	// MoreEndpointIDs and MoreWorkloads are endpoints and roles with the same access as EndpointID and Workload.
	MoreEndpointIDs, MoreWorkloads []string
}

// Standpoint is a combination of a caller and a network path to S3.
type Standpoint struct {
	// Caller and Path (the network path) are names for messages, e.g. "anonymous caller" and "from the internet".
	Caller, Path string
	// Principal is the caller, as in [Request].
	Principal string
	// Context contains the condition keys that the network path adds to a request.
	Context map[string][]string
}

// ForbiddenRequest is one request that must be denied. The judge assumes the worst case for all but the judged document: the caller's
// identity policies and the other documents allow everything.
//
// There are thousands of them, so each consists of two parts that it shares with many others.
type ForbiddenRequest struct {
	scene  *scene
	target *target
}

// Forbid returns the request of a caller who was not invented here, but found, e.g. in a policy. Unlike the requests of
// [ForbiddenOnBucket] it does not count when [Judge] determines what is denied to all outsiders.
func Forbid(at Standpoint, action, resource, resourceAccount string) ForbiddenRequest {
	return ForbiddenRequest{&scene{from: at, account: resourceAccount}, newTarget(action, resource)}
}

// Name is for messages, e.g. "anonymous caller from the internet: s3:GetObject on arn:aws:s3:::docs/thankyou.txt".
func (p ForbiddenRequest) Name() string {
	return p.scene.from.Caller + " " + p.scene.from.Path + ": " + p.target.action + " on " + p.target.resource
}

// Request returns the request as AWS evaluates it.
func (p ForbiddenRequest) Request() Request { return p.scene.request(p.target) }

// OfEndpoint reports whether an endpoint's policy must deny the request, and not a bucket's.
func (p ForbiddenRequest) OfEndpoint() bool { return p.scene.ofEndpoint }

// From returns the standpoint from which the request is made.
func (p ForbiddenRequest) From() Standpoint { return p.scene.from }

// scene is shared by many forbidden requests: a standpoint, and the account that owns the bucket. Its context is set to the
// target of each of them in turn.
type scene struct {
	from       Standpoint
	account    string
	ofEndpoint bool
	context    *requestContext // nil for a request of [Forbid], whose principal may be none
}

func (s *scene) request(t *target) Request {
	return Request{Principal: s.from.Principal, Action: t.action, Resource: t.resource, ResourceAccount: s.account, Context: s.from.Context}
}

type target struct {
	action, resource string
	lowerAction      string
	class            actionClass
	id               int // its index among the targets of a probe set
}

// Invented names and addresses outside the setting; IP addresses come from reserved ranges.
const (
	strangerIP     = "198.51.100.7"
	privateIP      = "10.0.0.7"
	otherEndpoint  = "vpce-0ffffffffffffffff"
	siblingID      = "vpce-0eeeeeeeeeeeeeeee"
	otherVPC       = "vpc-0ffffffffffffffff"
	objectKey      = "thankyou.txt"
	foreignBucket  = "somebody-elses-bucket"
	ownOtherBucket = "another-bucket-of-ours"
	administrators = "role/invented/administrators" // invented, because the policy may name a real one
)

type networkPath struct {
	name    string
	context map[string][]string
}

func (s Setting) internet() networkPath {
	return networkPath{"from the internet", map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceIp": {strangerIP}}}
}

// through returns the network path through a VPC endpoint. Requests through an endpoint have no aws:SourceIp.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip
func through(name, endpoint, vpc, tls string) networkPath {
	return networkPath{name, map[string][]string{
		"aws:SecureTransport": {tls}, "aws:SourceVpce": {endpoint}, "aws:SourceVpc": {vpc}, "aws:VpcSourceIp": {privateIP},
	}}
}

func (s Setting) ours() networkPath {
	return through("through the endpoint", s.EndpointID, s.VPCID, "true")
}

func (s Setting) paths() []networkPath {
	all := []networkPath{
		s.internet(),
		through("through an endpoint of another VPC", otherEndpoint, otherVPC, "true"),
		through("through another endpoint of the same VPC", siblingID, s.VPCID, "true"),
		s.ours(),
		through("over plain HTTP through the endpoint", s.EndpointID, s.VPCID, "false"),
	}
	for _, id := range s.MoreEndpointIDs {
		all = append(all, through("through the endpoint "+id, id, s.VPCID, "true"))
	}
	return all
}

type namedCaller struct{ name, principal string }

// isInsider reports whether a caller belongs to the account, except the administrator user, the workload and the probe.
func (c namedCaller) isInsider() bool {
	return slices.Contains([]string{"administrators' role of the account", "root user of the account", "guard", "teardown"}, c.name)
}

func (s Setting) callers() []namedCaller {
	all := []namedCaller{
		{"anonymous caller", ""},
		{"user of another account", s.iam(s.otherAccount(), "user/stranger")},
		{"AWS service", "logging.s3.amazonaws.com"},
		{"administrator of the account", s.iam(s.Account, "user/administrator")},
		{"administrators' role of the account", s.iam(s.Account, administrators)},
		{"root user of the account", s.iam(s.Account, "root")},
		{"guard", s.Guard},
		{"workload", s.Workload},
		{"probe", s.ProbeRole},
		{"teardown", s.Teardown},
	}
	for _, arn := range s.MoreWorkloads {
		all = append(all, namedCaller{"workload " + arn[strings.LastIndex(arn, "/")+1:], arn})
	}
	return slices.DeleteFunc(all, func(c namedCaller) bool { return c.principal == "" && c.name != "anonymous caller" })
}

func (s Setting) iam(account, resource string) string {
	return IAMARN(s.Partition, account, resource)
}

// IAMARN returns the ARN of a resource of IAM, such as role/app.
func IAMARN(partition, account, resource string) string {
	return "arn:" + partition + ":iam::" + account + ":" + resource
}

// BucketARN returns the ARN of a bucket.
func BucketARN(partition, name string) string { return "arn:" + partition + ":s3:::" + name }

// BucketARN returns the ARN of the guarded bucket.
func (s Setting) BucketARN() string { return s.bucketARN(s.Bucket) }

// EndpointARN returns the ARN of the guarded VPC endpoint.
func (s Setting) EndpointARN() string {
	return "arn:" + s.Partition + ":ec2:" + s.Region + ":" + s.Account + ":vpc-endpoint/" + s.EndpointID
}

func (s Setting) bucketARN(name string) string { return BucketARN(s.Partition, name) }

// otherAccount returns the id of a different account.
func (s Setting) otherAccount() string {
	if s.Account == "444455556666" {
		return "777788889999"
	}
	return "444455556666"
}

// Standpoints lists all combinations of caller and network path. Callers: anonymous, another account, an AWS service, the
// account's root user and administrators, and the setting's roles. Network paths: from the internet, through other
// endpoints, through the setting's endpoint, and over plain HTTP through that endpoint.
func (s Setting) Standpoints() []Standpoint { return s.standpointsOn(s.paths()...) }

// standpointsOn lists the combinations of all callers and some network paths. Those of one path share its context.
func (s Setting) standpointsOn(paths ...networkPath) []Standpoint {
	callers := s.callers()
	all := make([]Standpoint, 0, len(callers)*len(paths))
	for _, c := range callers {
		for _, d := range paths {
			all = append(all, Standpoint{c.name, d.name, c.principal, d.context})
		}
	}
	return all
}

// ForbiddenOnBucket lists requests that the bucket policy must deny: all object, listing and configuration actions from all
// standpoints, except those that permitsOnBucket permits.
func ForbiddenOnBucket(s Setting) []ForbiddenRequest {
	targets, standpoints := targetsOn(s.BucketARN(), 0), s.Standpoints()
	forbidden := make([]ForbiddenRequest, 0, len(targets)*len(standpoints))
	for _, at := range standpoints {
		forbidden = appendForbidden(forbidden, &scene{from: at, account: s.Account}, targets, s.permitsOnBucket)
	}
	return forbidden
}

// permitsOnBucket returns whether the bucket policy may allow a scene's requests: the workload, the probe and teardown through
// the setting's endpoint, emptying by teardown from all networks, and configuration by principals of the account, which IAM
// controls so that no one is locked out. Object requests over plain HTTP are never permitted.
func (s Setting) permitsOnBucket(c *requestContext) func(*target) bool {
	isOurs := c.caller.account == s.Account
	isSecure, isTeardown := c.is("aws:securetransport", "true"), c.is("aws:principalarn", s.Teardown)
	isInside := s.isThroughEndpoint(c) && (isTeardown || s.isTenant(c))
	return func(t *target) bool {
		switch t.class {
		case configurationAction:
			return isOurs
		case emptyingAction, listingAction:
			return isSecure && (isTeardown || isInside)
		}
		return isSecure && isInside
	}
}

// isThroughEndpoint reports whether a request comes through one of the setting's endpoints.
func (s Setting) isThroughEndpoint(c *requestContext) bool {
	return c.is("aws:sourcevpce", s.EndpointID) || c.isOneOf("aws:sourcevpce", s.MoreEndpointIDs)
}

// isTenant reports whether a request comes from a workload or the probe.
func (s Setting) isTenant(c *requestContext) bool {
	return c.is("aws:principalarn", s.Workload) || c.is("aws:principalarn", s.ProbeRole) || c.isOneOf("aws:principalarn", s.MoreWorkloads)
}

// ForbiddenThroughEndpoint lists requests through the setting's endpoint that its policy must deny: requests to other buckets
// of this or another account, or to a bucket of the same name in another account; callers other than the workload and the
// probe, with credentials of this or another account; requests from another VPC.
func ForbiddenThroughEndpoint(s Setting) []ForbiddenRequest {
	type owned struct{ bucket, account string }
	places := []owned{
		{s.Bucket, s.Account}, {s.Bucket, s.otherAccount()},
		{ownOtherBucket, s.Account}, {foreignBucket, s.otherAccount()}, {s.packageBucket(), s.otherAccount()},
	}
	ours, foreign := s.ours(), through("through the endpoint from another VPC", s.EndpointID, otherVPC, "true")
	callers := s.callers()
	forbidden := make([]ForbiddenRequest, 0, (len(places)+1)*len(callers)*len(bucketActions))
	for i, p := range places {
		targets := targetsOn(s.bucketARN(p.bucket), i*len(bucketActions))
		for _, c := range callers {
			paths := []networkPath{ours}
			if i == 0 {
				paths = append(paths, foreign)
			} else if c.isInsider() {
				continue // on other buckets they are equivalent to other callers
			}
			for _, d := range paths {
				sc := &scene{from: Standpoint{c.name, d.name, c.principal, d.context}, account: p.account, ofEndpoint: true}
				forbidden = appendForbidden(forbidden, sc, targets, s.permitsOnEndpoint)
			}
		}
	}
	return forbidden
}

// packageBucket holds the packages of Amazon Linux 2023 in the Region. Source: docs/facts.md, VPC endpoints
func (s Setting) packageBucket() string { return "al2023-repos-" + s.Region + "-de612dc2" }

// permitsOnEndpoint returns whether the endpoint's policy may allow a scene's requests: the workload and the probe on the setting's
// bucket from its VPC, and reads of Amazon Linux's packages, which need no credentials.
func (s Setting) permitsOnEndpoint(c *requestContext) func(*target) bool {
	packages, own := s.bucketARN(s.packageBucket())+"/", s.BucketARN()
	object, isTenant := own+"/", c.resourceAccount == s.Account && c.is("aws:sourcevpc", s.VPCID) && s.isTenant(c)
	return func(t *target) bool {
		if strings.HasPrefix(t.resource, packages) {
			return t.lowerAction == "s3:getobject"
		}
		return isTenant && (t.resource == own || strings.HasPrefix(t.resource, object))
	}
}

// triedActions are all actions, in the order in which they are tried. The most informative ones are first, because an alarm names
// the first one that is open.
var triedActions = sync.OnceValue(func() []target {
	first := []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
	others := slices.DeleteFunc(slices.Clone(objectActions), func(action string) bool { return slices.Contains(first, action) })
	var all []target
	for _, action := range slices.Concat(first, listingActions, others, configurationActions) {
		all = append(all, *newTarget(action, ""))
	}
	return all
})

// targetsOn lists all actions with their resources in one bucket. Their ids begin at firstID.
func targetsOn(bucketARN string, firstID int) []*target {
	all, object := slices.Clone(triedActions()), bucketARN+"/"+objectKey
	list := make([]*target, len(all))
	for i := range all {
		t := &all[i]
		t.id, t.resource = firstID+i, object
		if t.class == listingAction || t.class == configurationAction {
			t.resource = bucketARN
		}
		list[i] = t
	}
	return list
}

// appendForbidden appends the forbidden requests of one scene.
func appendForbidden(list []ForbiddenRequest, sc *scene, targets []*target, permits func(*requestContext) func(*target) bool) []ForbiddenRequest {
	var err error
	if sc.context, err = sc.newContext(targets[0]); err != nil {
		return list // the setting has no such caller, e.g. its role is not an ARN
	}
	permitted := permits(sc.context)
	for _, t := range targets {
		if !permitted(t) {
			list = append(list, ForbiddenRequest{sc, t})
		}
	}
	return list
}

func newTarget(action, resource string) *target {
	lower := strings.ToLower(action)
	return &target{action: action, resource: resource, lowerAction: lower, class: actionClasses()[lower]}
}

// newContext prepares the context that all requests of a scene share. The target can be any one.
func (s *scene) newContext(t *target) (*requestContext, error) {
	c, err := newContext(s.request(t))
	if err != nil {
		return nil, err
	}
	c.worst = true
	return c, nil
}

// aim sets the target of a context.
func (c *requestContext) aim(t *target) {
	c.action, c.class, c.resource = t.lowerAction, t.class, t.resource
}

func (c *requestContext) isOneOf(key string, values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return c.is(key, v) })
}

func (c *requestContext) is(key, value string) bool {
	values := c.values(key)
	return value != "" && len(values) == 1 && values[0] == value
}
