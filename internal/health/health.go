// Package health judges a snapshot of the guarded resources and of the guard itself: it turns what was read into metric
// data, and says why a datum is not as it should be.
//
// It makes no call and reads no clock; see healthcheck for who takes the snapshot. Each check stands on its own: one
// that could not be made is counted in CheckFailed, leaves the metrics out that depend on it, and hides no other.
//
//	check                                            | metric
//	vpc-endpoint                                     | EndpointAvailable, EndpointLocked, PrivateDNSOn
//	network-interfaces          (interface endpoint) | HealthyZones
//	route-tables                (gateway endpoint)   | RoutesPresent
//	vpc-endpoint, security-group-rules, route-tables | EndpointAsDeployed
//	bucket-policy, public-access-block,              |
//	ownership-controls, policy-status                | BucketLocked
//	anonymous-read                                   | ExposedToInternet
//	trail, rules, sweep                              | TrailLogging, RulesEnabled, SweepRecent
//	role-policies (and both guarded policies)        | RoleFindings
//	traffic                     (interface endpoint) | EndpointIdle
//
// To add a check, give it a field in [Snapshot], a name among the checks, and a method of [Terms] that judges it.
package health

import (
	"time"

	"s3-endpoint-guard/internal/guard"
	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/internal/metrics"
)

// Check names one check, in the log and as the dimension of CheckFailed.
type Check string

// The checks.
const (
	VPCEndpoint        Check = "vpc-endpoint"
	NetworkInterfaces  Check = "network-interfaces"
	SecurityGroupRules Check = "security-group-rules"
	RouteTables        Check = "route-tables"
	BucketPolicy       Check = "bucket-policy"
	PublicAccessBlock  Check = "public-access-block"
	OwnershipControls  Check = "ownership-controls"
	PolicyStatus       Check = "policy-status"
	AnonymousRead      Check = "anonymous-read"
	Trail              Check = "trail"
	Rules              Check = "rules"
	Sweep              Check = "sweep"
	RolePolicies       Check = "role-policies"
	Traffic            Check = "traffic"
)

// Reading is what one check read, or why it could not. Trails, rules and the role's policies have both where only some of
// them could be read.
type Reading[T any] struct {
	Value T
	Err   error
}

// Snapshot is what all checks read in one run.
type Snapshot struct {
	// Time is when it was taken.
	Time time.Time
	// Endpoint is the endpoint as EC2 describes it.
	Endpoint Reading[Endpoint]
	// Interfaces are an interface endpoint's network interfaces.
	Interfaces Reading[[]Interface]
	// GroupRules compares the rules of an interface endpoint's security groups.
	GroupRules Reading[guard.Finding]
	// Routing is about a gateway endpoint's route tables.
	Routing Reading[Routing]
	// BucketPolicy, PublicAccess and Ownership compare the bucket's configuration.
	BucketPolicy, PublicAccess, Ownership Reading[guard.Finding]
	// Public is whether S3 itself calls the bucket's policy public.
	Public Reading[bool]
	// Answer is what an anonymous read from the internet got; "" for the refusal that it must get.
	Answer Reading[string]
	// Trails are the trails that cover this Region.
	Trails Reading[[]CloudTrail]
	// Rules are the rules that must wake the guard.
	Rules Reading[[]Rule]
	// Sweeps is how many correction runs published their metrics within [Terms.SweepWithin].
	Sweeps Reading[int]
	// Role are the policies of the workload's role, inline and attached.
	Role Reading[[]Document]
	// Traffic is what passed the endpoint within [Terms.IdleAfter].
	Traffic Reading[Volume]
}

// Terms are what a snapshot is judged by.
type Terms struct {
	// Setting names what is guarded and who may do what.
	Setting iampolicy.Setting
	// Gateway is true for a gateway endpoint, false for an interface endpoint.
	Gateway bool
	// Function is the ARN of the function that corrects, the rules' target.
	Function string
	// SweepWithin is within what time there must have been a sweep.
	SweepWithin time.Duration
	// IdleAfter is for how long an endpoint must have been unused to be called idle.
	IdleAfter time.Duration
}

// Report is what a snapshot comes to.
type Report struct {
	// Data are the metrics to publish.
	Data []metrics.Datum
	// Problems says for each datum that is not as it should be, why; in the order of the data.
	Problems []Problem
	// Failures are the checks that could not be made.
	Failures []Failure
	// Findings are the grants behind RoleFindings.
	Findings []Grant
}

// Problem is one thing that is not as it should be.
type Problem struct {
	// Metric is the metric that tells of it.
	Metric metrics.Name `json:"metric"`
	// Why is for people, e.g. "its state is pending".
	Why string `json:"why"`
}

// Failure is a check that could not be made.
type Failure struct {
	Check Check
	Err   error
}

// Judge turns a snapshot into metrics.
func (t Terms) Judge(s Snapshot) Report {
	r := &Report{}
	t.judgeEndpoint(r, s)
	t.judgeLock(r, s)
	t.judgeTrigger(r, s)
	t.judgeGrants(r, s)
	t.judgeCost(r, s)
	r.count(metrics.CheckFailed, len(r.Failures))
	for _, f := range r.Failures {
		r.Data = append(r.Data, metrics.Datum{
			Name: metrics.CheckFailed, Unit: metrics.Count, Values: []float64{1},
			Detail: metrics.Detail{Name: metrics.ByCheck, Value: string(f.Check)},
		})
	}
	return *r
}

// made notes a check that could not be made, and reports whether it was.
func (r *Report) made(check Check, err error) bool {
	if err != nil {
		r.Failures = append(r.Failures, Failure{check, err})
	}
	return err == nil
}

// count adds a number.
func (r *Report) count(name metrics.Name, n int) {
	r.Data = append(r.Data, metrics.Datum{Name: name, Unit: metrics.Count, Values: []float64{float64(n)}})
}

// flag adds a 1 when there is nothing to object, else a 0 and each objection. Metrics that are 1 when something is
// wrong are the other way round: see [Report.alarm].
func (r *Report) flag(name metrics.Name, objections ...string) {
	r.count(name, 1-r.object(name, objections))
}

// alarm adds a 0 when there is nothing to object, else a 1 and each objection.
func (r *Report) alarm(name metrics.Name, objections ...string) {
	r.count(name, r.object(name, objections))
}

// object notes objections, and returns 1 if there are any, else 0.
func (r *Report) object(name metrics.Name, objections []string) int {
	for _, why := range objections {
		r.Problems = append(r.Problems, Problem{name, why})
	}
	return min(len(objections), 1)
}

// verdict is what several checks say together about one flag.
type verdict struct {
	objections []string
	// incomplete is true when one of the checks could not be made.
	incomplete bool
}

// hear adds one check's objections, or that it could not be made.
func (v *verdict) hear(known bool, objections ...string) {
	if !known {
		v.incomplete = true
		return
	}
	v.objections = append(v.objections, objections...)
}

// conclude adds the flag. What is known to be wrong is told also when other checks could not be made; that all is well
// only when every one could.
func (r *Report) conclude(name metrics.Name, v verdict) {
	if len(v.objections) > 0 || !v.incomplete {
		r.flag(name, v.objections...)
	}
}
