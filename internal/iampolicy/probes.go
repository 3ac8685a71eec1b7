package iampolicy

import (
	"slices"
	"strings"
)

// Setting names the things that the two guarded policies are about.
type Setting struct {
	Partition, Region, Account, Bucket, EndpointID, VPCID string
	// Workload, ProbeRole, Teardown and Guard are role ARNs. ProbeRole, Teardown and Guard may be "".
	Workload, ProbeRole, Teardown, Guard string
}

// Standpoint is somebody somewhere: who makes a request, and through which door it comes to S3.
type Standpoint struct {
	// Caller and Door are names for people, e.g. "anonymous caller" and "from the internet".
	Caller, Door string
	// Principal is the caller as in [Request].
	Principal string
	// Context holds the condition keys that the door gives a request.
	Context map[string][]string
}

// Probe is one request that must be denied. Everything but the judged document is assumed at its worst: the
// caller's identity policies allow everything, and so do the other documents that apply.
type Probe struct {
	// Name is for people, e.g. "anonymous caller from the internet: s3:GetObject on arn:aws:s3:::docs/thankyou.txt".
	Name    string
	Request Request
	// OfEndpoint is true when the probe is for an endpoint's policy, false for a bucket's.
	OfEndpoint bool

	scene  *scene  // nil for probes that were not made here
	target *target // the same for all probes about the same action and resource
}

// scene is what many probes have in common: the standpoint, and whose bucket they are about.
type scene struct {
	standpoint Standpoint
	account    string // that owns the resource
	context    *requestContext
	permits    func(*requestContext) bool
}

type target struct {
	action, resource string
	lowerAction      string
}

// The invented rest of the world, from the ranges reserved for documentation.
const (
	strangerIP     = "198.51.100.7"
	privateIP      = "10.0.0.7"
	otherEndpoint  = "vpce-0ffffffffffffffff"
	siblingID      = "vpce-0eeeeeeeeeeeeeeee"
	otherVPC       = "vpc-0ffffffffffffffff"
	objectKey      = "thankyou.txt"
	foreignBucket  = "somebody-elses-bucket"
	ownOtherBucket = "another-bucket-of-ours"
)

type door struct {
	name    string
	context map[string][]string
}

func (s Setting) internet() door {
	return door{"from the internet", map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceIp": {strangerIP}}}
}

// through is a door by a VPC endpoint. Such requests carry no aws:SourceIp.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip
func through(name, endpoint, vpc, tls string) door {
	return door{name, map[string][]string{
		"aws:SecureTransport": {tls}, "aws:SourceVpce": {endpoint}, "aws:SourceVpc": {vpc}, "aws:VpcSourceIp": {privateIP},
	}}
}

func (s Setting) ours() door {
	return through("through the endpoint", s.EndpointID, s.VPCID, "true")
}

func (s Setting) doors() []door {
	return []door{
		s.internet(),
		through("through an endpoint of another VPC", otherEndpoint, otherVPC, "true"),
		through("through another endpoint of the same VPC", siblingID, s.VPCID, "true"),
		s.ours(),
		through("over plain HTTP through the endpoint", s.EndpointID, s.VPCID, "false"),
	}
}

type namedCaller struct{ name, principal string }

func (s Setting) callers() []namedCaller {
	all := []namedCaller{
		{"anonymous caller", ""},
		{"user of another account", s.iam(s.otherAccount(), "user/stranger")},
		{"AWS service", "logging.s3.amazonaws.com"},
		{"root user of the account", s.iam(s.Account, "root")},
		{"administrator of the account", s.iam(s.Account, "user/administrator")},
		{"administrators' role of the account", s.iam(s.Account, "role/administrators")},
		{"guard", s.Guard},
		{"workload", s.Workload},
		{"probe", s.ProbeRole},
		{"teardown", s.Teardown},
	}
	return slices.DeleteFunc(all, func(c namedCaller) bool { return c.principal == "" && c.name != "anonymous caller" })
}

func (s Setting) iam(account, resource string) string {
	return "arn:" + s.Partition + ":iam::" + account + ":" + resource
}

func (s Setting) bucketARN(name string) string { return "arn:" + s.Partition + ":s3:::" + name }

// otherAccount is an account that is not ours.
func (s Setting) otherAccount() string {
	if s.Account == "444455556666" {
		return "777788889999"
	}
	return "444455556666"
}

// Standpoints lists every caller at every door: anonymous, another account, an AWS service, the account's root user
// and administrators, and the roles of the setting; from the internet, through other endpoints, through ours, and
// over plain HTTP through ours.
func (s Setting) Standpoints() []Standpoint {
	var all []Standpoint
	for _, c := range s.callers() {
		for _, d := range s.doors() {
			all = append(all, Standpoint{c.name, d.name, c.principal, d.context})
		}
	}
	return all
}

// BucketProbes lists requests that the bucket policy must deny: every object, listing and configuration action from
// every standpoint, except what [Setting.permitsOnBucket] permits.
func BucketProbes(s Setting) []Probe {
	targets := targetsOn(s.bucketARN(s.Bucket))
	var probes []Probe
	for _, at := range s.Standpoints() {
		probes = append(probes, probesFrom(at, s.Account, targets, s.permitsOnBucket)...)
	}
	return probes
}

// permitsOnBucket tells what the bucket policy need not deny: the workload and the probe through our endpoint,
// emptying by teardown, and configuration by principals of the account, which stays with IAM so that nobody is
// locked out. Nothing goes over plain HTTP.
func (s Setting) permitsOnBucket(c *requestContext) bool {
	if slices.ContainsFunc(configurationActions, c.isAction) {
		return c.caller.account == s.Account
	}
	if !c.is("aws:securetransport", "true") {
		return false
	}
	if c.is("aws:principalarn", s.Teardown) && slices.ContainsFunc(slices.Concat(emptyingActions, listingActions), c.isAction) {
		return true
	}
	return c.is("aws:sourcevpce", s.EndpointID) && s.isTenant(c)
}

// isTenant tells whether a request is the workload's or the probe's.
func (s Setting) isTenant(c *requestContext) bool {
	return c.is("aws:principalarn", s.Workload) || c.is("aws:principalarn", s.ProbeRole)
}

// EndpointProbes lists requests through our endpoint that its policy must deny: data leaving for other people's or
// our own other buckets, or for a bucket of the same name in another account; callers that are not the workload or
// the probe, with credentials of this or another account; requests from another VPC.
func EndpointProbes(s Setting) []Probe {
	type place struct{ bucket, account string }
	places := []place{
		{s.Bucket, s.Account}, {s.Bucket, s.otherAccount()},
		{ownOtherBucket, s.Account}, {foreignBucket, s.otherAccount()}, {s.packageBucket(), s.otherAccount()},
	}
	elsewhere := through("through the endpoint from another VPC", s.EndpointID, otherVPC, "true")
	var probes []Probe
	for _, p := range places {
		targets := targetsOn(s.bucketARN(p.bucket))
		for _, c := range s.callers() {
			at := Standpoint{c.name, s.ours().name, c.principal, s.ours().context}
			probes = append(probes, probesFrom(at, p.account, targets, s.permitsOnEndpoint)...)
			if c.principal == s.Workload && p.bucket == s.Bucket {
				at = Standpoint{c.name, elsewhere.name, c.principal, elsewhere.context}
				probes = append(probes, probesFrom(at, p.account, targets, s.permitsOnEndpoint)...)
			}
		}
	}
	for i := range probes {
		probes[i].OfEndpoint = true
	}
	return probes
}

// packageBucket holds the packages of Amazon Linux 2023 in the Region. FACTS: VPC endpoints
func (s Setting) packageBucket() string { return "al2023-repos-" + s.Region + "-de612dc2" }

// permitsOnEndpoint tells what the endpoint's policy need not deny: the workload and the probe on our bucket from our
// VPC, and reads of Amazon Linux's packages, which need no credentials.
func (s Setting) permitsOnEndpoint(c *requestContext) bool {
	if glob(s.bucketARN(s.packageBucket())+"/"+string([]byte{anyText}), c.resource) {
		return c.isAction("s3:GetObject")
	}
	ours := c.resource == s.bucketARN(s.Bucket) || glob(s.bucketARN(s.Bucket)+"/"+string([]byte{anyText}), c.resource)
	return ours && c.resourceAccount == s.Account && c.is("aws:sourcevpc", s.VPCID) && s.isTenant(c)
}

// targetsOn lists every action with its resource in one bucket.
func targetsOn(bucketARN string) []*target {
	var all []*target
	for _, a := range objectActions {
		all = append(all, newTarget(a, bucketARN+"/"+objectKey))
	}
	for _, a := range slices.Concat(listingActions, configurationActions) {
		all = append(all, newTarget(a, bucketARN))
	}
	return all
}

// probesFrom makes the probes of one scene.
func probesFrom(at Standpoint, account string, targets []*target, permits func(*requestContext) bool) []Probe {
	sc, err := newScene(at, account, targets[0])
	if err != nil {
		return nil // a setting without such a caller, e.g. a role that is not an ARN
	}
	sc.permits = permits
	probes := make([]Probe, 0, len(targets))
	for _, t := range targets {
		if c := sc.contextOf(t); !permits(&c) {
			r := Request{Principal: at.Principal, Action: t.action, Resource: t.resource, ResourceAccount: account, Context: at.Context}
			probes = append(probes, Probe{Name: at.name(t), Request: r, scene: sc, target: t})
		}
	}
	return probes
}

func newTarget(action, resource string) *target {
	return &target{action: action, resource: resource, lowerAction: strings.ToLower(action)}
}

// newScene prepares what all requests of a standpoint have in common; any target will do.
func newScene(at Standpoint, account string, t *target) (*scene, error) {
	c, err := newContext(Request{
		Principal: at.Principal, Action: t.action, Resource: t.resource, ResourceAccount: account, Context: at.Context,
	})
	if err != nil {
		return nil, err
	}
	c.worst = true
	return &scene{standpoint: at, account: account, context: c}, nil
}

// contextOf is the context of a request about a target.
func (s *scene) contextOf(t *target) requestContext {
	c := *s.context
	c.action, c.resource = t.lowerAction, t.resource
	return c
}

// complete prepares a probe that was not made here.
func (p *Probe) complete() (err error) {
	if p.scene != nil {
		return nil
	}
	r := p.Request
	p.target = newTarget(r.Action, r.Resource)
	p.scene, err = newScene(Standpoint{Principal: r.Principal, Context: r.Context}, r.ResourceAccount, p.target)
	return err
}

func (at Standpoint) name(t *target) string {
	return at.Caller + " " + at.Door + ": " + t.action + " on " + t.resource
}

func (c *requestContext) is(key, value string) bool {
	values := c.values(key)
	return value != "" && len(values) == 1 && values[0] == value
}

func (c *requestContext) isAction(name string) bool { return spelling[c.action] == name }
