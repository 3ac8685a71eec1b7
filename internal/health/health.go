// Package health judges a snapshot of the guarded resources and of the guard itself: it converts what was read to
// metric data, and gives the reason for each value that reports a problem.
//
// It makes no calls and reads no clock; package healthcheck takes the snapshot. Checks are independent: a failed check
// is counted in CheckFailed and suppresses only the metrics that depend on it.
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
//	bucket-exits, access-points, stack-resources,    |
//	alarms, dashboard, functions, failed-runs,       |
//	function-policy, guard-role, notification-topic, |
//	notification-key, trail-bucket (and rules and    |
//	trail), network-acls,                            |
//	dhcp-options, other-endpoints, vpc-dns           | SecurityFindings
//
// To add a check, add a field to [Snapshot], a name to the checks, and a method of [Criteria] that judges it.
package health

import (
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/metrics"
)

// Check is the name of a check, in the log and as the dimension of CheckFailed.
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
	BucketExits        Check = "bucket-exits"
	OtherEndpoints     Check = "other-endpoints"
	VPCDNS             Check = "vpc-dns"
	StackResources     Check = "stack-resources"
	Alarms             Check = "alarms"
	Functions          Check = "functions"
	FailedRuns         Check = "failed-runs"
	FunctionPolicy     Check = "function-policy"
	NotificationTopic  Check = "notification-topic"
	GuardRole          Check = "guard-role"
	RuleTargets        Check = "rule-targets"
	NotificationKey    Check = "notification-key"
	Dashboards         Check = "dashboard"
	TrailBucketCheck   Check = "trail-bucket"
	OwnTrail           Check = "own-trail"
	AccessPoints       Check = "access-points"
	NetworkACLs        Check = "network-acls"
	DHCPSet            Check = "dhcp-options"
)

// Reading is the result of one check, or its error. Checks of several things have both if only some of them could be
// read.
type Reading[T any] struct {
	Value T
	Err   error
}

// Snapshot contains the results of all checks in one run.
type Snapshot struct {
	// Time is when the snapshot was taken.
	Time time.Time
	// Endpoint is the endpoint as EC2 describes it.
	Endpoint Reading[Endpoint]
	// Endpoints are the states of the endpoints of a guard of many buckets.
	Endpoints Reading[[]EndpointState]
	// Interfaces are an interface endpoint's network interfaces.
	Interfaces Reading[[]Interface]
	// GroupRules compares the rules of an interface endpoint's security groups.
	GroupRules Reading[guard.Finding]
	// Routing describes a gateway endpoint's route tables.
	Routing Reading[Routing]
	// BucketPolicy, PublicAccess and Ownership compare the bucket's configuration.
	BucketPolicy, PublicAccess, Ownership Reading[guard.Finding]
	// Public is whether S3 reports the bucket's policy as public.
	Public Reading[bool]
	// Answer is what an anonymous read from the internet returned; "" if S3 refused it, as it must.
	Answer Reading[string]
	// Trails are the trails that cover this Region.
	Trails Reading[[]CloudTrail]
	// Rules are the EventBridge rules that must invoke the guard.
	Rules Reading[[]Rule]
	// Sweeps counts the correction runs that published metrics within [Criteria.SweepWithin].
	Sweeps Reading[SweepCount]
	// Role are the policies of the workload's role, inline and attached.
	Role Reading[[]Document]
	// Traffic is the traffic through the endpoint within [Criteria.IdleAfter].
	Traffic Reading[Volume]
	// Exits are the parts of the bucket's configuration by which S3 carries data out of it.
	Exits Reading[[]Exit]
	// Network is the workload's network.
	Network Reading[Network]
	// AccessPoints are the names of the bucket's access points.
	AccessPoints Reading[[]string]
	// Deployment is what was deployed, and what is there of it.
	Deployment Reading[Deployment]
}

// SweepCount counts correction runs by minutes.
type SweepCount struct {
	// Minutes is the number of minutes with at least one run, Busiest the most runs of a minute.
	Minutes, Busiest int
}

// Criteria are the settings and limits for judging a snapshot.
type Criteria struct {
	// Fleet is true for a guard of many buckets: only its endpoints' states and what invokes it are judged. The guard itself sees
	// each other drift at each sweep.
	Fleet bool
	// Setting names the guarded resources and the roles with access.
	Setting iampolicy.Setting
	// Gateway is true for a gateway endpoint, false for an interface endpoint.
	Gateway bool
	// Function is the ARN of the function that corrects drift, the rules' target.
	Function string
	// StackID is the stack's ARN, SweepEvery the interval of the sweeps.
	StackID    string
	SweepEvery time.Duration
	// EndpointGroups are the security groups of an interface endpoint.
	EndpointGroups []string
	// SweepWithin is the period in which there must have been a minute with at least SweepsAMinute correction runs.
	SweepWithin   time.Duration
	SweepsAMinute int
	// IdleAfter is the time without traffic after which an endpoint counts as idle.
	IdleAfter time.Duration
}

// Report is the result of judging a snapshot.
type Report struct {
	// Data are the metrics to publish.
	Data []metrics.Datum
	// Problems contains the reasons for the data that report a problem, in the order of the data.
	Problems []Problem
	// Failures are the failed checks.
	Failures []Failure
	// Findings are the grants behind RoleFindings.
	Findings []Grant
}

// Problem is one reason why a metric reports a problem.
type Problem struct {
	// Metric is the metric that reports it.
	Metric metrics.Name `json:"metric"`
	// Finding names what SecurityFindings counts; "" for other metrics.
	Finding string `json:"finding,omitempty"`
	// Why is for messages, e.g. "its state is pending".
	Why string `json:"why"`
}

// Failure is a check that failed.
type Failure struct {
	Check Check
	Err   error
}

// Judge converts a snapshot to metrics.
func (t Criteria) Judge(s Snapshot) Report {
	r := &Report{}
	if t.Fleet {
		r.judgeStates(s.Endpoints)
		t.judgeInvocation(r, s)
		r.countFailures()
		return *r
	}
	t.judgeEndpoint(r, s)
	t.judgeLock(r, s)
	t.judgeTrigger(r, s)
	t.judgeGrants(r, s)
	t.judgeCost(r, s)
	t.judgeWatch(r, s)
	r.countFailures()
	return *r
}

// countFailures adds the metrics of failed checks.
func (r *Report) countFailures() {
	r.count(metrics.CheckFailed, len(r.Failures))
	for _, f := range r.Failures {
		r.Data = append(r.Data, metrics.Datum{
			Name: metrics.CheckFailed, Unit: metrics.Count, Values: []float64{1},
			Detail: metrics.Detail{Name: metrics.ByCheck, Value: string(f.Check)},
		})
	}
}

// made records a failed check, and reports whether the check succeeded.
func (r *Report) made(check Check, err error) bool {
	if err != nil {
		r.Failures = append(r.Failures, Failure{check, err})
	}
	return err == nil
}

// count adds a metric with a number.
func (r *Report) count(name metrics.Name, n int) {
	r.Data = append(r.Data, metrics.Datum{Name: name, Unit: metrics.Count, Values: []float64{float64(n)}})
}

// flag adds a 1 if there are no objections, else a 0 and the objections. Use [Report.alarm] for metrics that are 1 when
// there is a problem.
func (r *Report) flag(name metrics.Name, objections ...string) {
	r.count(name, 1-r.object(name, objections))
}

// alarm adds a 0 if there are no objections, else a 1 and the objections.
func (r *Report) alarm(name metrics.Name, objections ...string) {
	r.count(name, r.object(name, objections))
}

// object records objections, and returns 1 if there are objections, else 0.
func (r *Report) object(name metrics.Name, objections []string) int {
	for _, why := range objections {
		r.Problems = append(r.Problems, Problem{Metric: name, Why: why})
	}
	return min(len(objections), 1)
}

// verdict combines the results of several checks for one flag.
type verdict struct {
	objections []string
	// incomplete is true when one of the checks failed.
	incomplete bool
}

// hear adds one check's objections, or its failure.
func (v *verdict) hear(known bool, objections ...string) {
	if !known {
		v.incomplete = true
		return
	}
	v.objections = append(v.objections, objections...)
}

// conclude adds the flag: 0 if there is an objection, even if other checks failed; 1 only if all checks succeeded; else
// nothing.
func (r *Report) conclude(name metrics.Name, v verdict) {
	if len(v.objections) > 0 || !v.incomplete {
		r.flag(name, v.objections...)
	}
}
