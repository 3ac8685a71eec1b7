package endtoend_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

// critical is one AWS call of the correction of an attack.
type critical struct {
	endpointType, attack string
	service, operation   string
	// kind is the purpose of the call.
	kind kind
}

// kind is the purpose of a call. It decides the effect of its failure.
type kind string

const (
	// reads of the attacked resource, to find the drift and then to verify the correction.
	reads kind = "read"
	// writes that correct it.
	writes kind = "write"
	// others are reads of other resources.
	others kind = "read of something else"
	// status reads what makes the guard stand down: the stack's status, or the maintenance windows.
	status kind = "status"
	// tells sends the notification.
	tells kind = "notification"
	// sends passes the record on to another system.
	sends kind = "record to another system"
)

// criticals are all calls of all corrections.
var criticals = []critical{
	{"Interface", "bucket policy: deleted", "s3", "GetBucketPolicy", reads},
	{"Interface", "bucket policy: deleted", "s3", "PutBucketPolicy", writes},
	{"Interface", "bucket policy: deleted", "s3", "GetPublicAccessBlock", others},
	{"Interface", "bucket policy: deleted", "s3", "GetBucketOwnershipControls", others},
	{"Interface", "bucket policy: deleted", "ec2", "DescribeVpcEndpoints", others},
	{"Interface", "bucket policy: deleted", "ec2", "DescribeSecurityGroupRules", others},
	{"Interface", "bucket policy: deleted", "cloudformation", "DescribeStacks", status},
	{"Interface", "bucket policy: deleted", "ssm", "GetParametersByPath", status},
	{"Interface", "bucket policy: deleted", "sns", "Publish", tells},
	{"Interface", "bucket policy: deleted", "events", "PutEvents", sends},
	{"Interface", "bucket policy: deleted", "securityhub", "BatchImportFindings", sends},
	{"Interface", "public access block: deleted", "s3", "GetPublicAccessBlock", reads},
	{"Interface", "public access block: deleted", "s3", "PutPublicAccessBlock", writes},
	{"Interface", "ownership controls: deleted", "s3", "GetBucketOwnershipControls", reads},
	{"Interface", "ownership controls: deleted", "s3", "PutBucketOwnershipControls", writes},
	{"Interface", "ownership controls: a public list", "s3", "PutBucketAcl", writes},
	{"Interface", "lifecycle rules: everything expires tomorrow", "s3", "GetBucketLifecycleConfiguration", reads},
	{"Interface", "lifecycle rules: everything expires tomorrow", "s3", "PutBucketLifecycleConfiguration", writes},
	{"Interface", "versioning: suspended", "s3", "GetBucketVersioning", reads},
	{"Interface", "versioning: suspended", "s3", "PutBucketVersioning", writes},
	{"Interface", "encryption: with the key of another account", "s3", "GetBucketEncryption", reads},
	{"Interface", "encryption: with the key of another account", "s3", "PutBucketEncryption", writes},
	{"Interface", "endpoint policy: full access", "ec2", "DescribeVpcEndpoints", reads},
	{"Interface", "endpoint policy: full access", "ec2", "ModifyVpcEndpoint", writes},
	{"Interface", "security group rules: one more", "ec2", "DescribeSecurityGroupRules", reads},
	{"Interface", "security group rules: one more", "ec2", "RevokeSecurityGroupIngress", writes},
	{"Interface", "security group rules: one taken away", "ec2", "AuthorizeSecurityGroupIngress", writes},
	{"Interface", "workload group rules: everything reached", "ec2", "RevokeSecurityGroupEgress", writes},
	{"Gateway", "workload group rules: the app shut in", "ec2", "AuthorizeSecurityGroupEgress", writes},
	{"Gateway", "endpoint policy: full access", "ec2", "ModifyVpcEndpoint", writes},
	{"Gateway", "route table associations: a subnet on another table", "ec2", "DescribeRouteTables", reads},
	{"Gateway", "route table associations: a subnet on another table", "ec2", "ReplaceRouteTableAssociation", writes},
	{"Gateway", "route table associations: a subnet on the main table", "ec2", "AssociateRouteTable", writes},
}

// listAttack is not among the attacks that take one write: the list has to be restored before lists are disabled.
var listAttack = attack{property: "ownership-controls", do: (*scene).opensByList}

// attackOf returns the attack whose drift the call corrects.
func (c critical) attackOf() attack {
	if c.attack == "ownership controls: a public list" {
		return listAttack
	}
	return attacks(c.endpointType)[c.attack]
}

func TestEveryCallOfEveryCorrectionIsMadeToFail(t *testing.T) {
	t.Parallel()
	for endpointType := range endpointTypes {
		calls := with(wave[endpointType], "PutBucketAcl", "Publish", "PutEvents", "BatchImportFindings")
		for _, a := range attacks(endpointType) {
			calls = append(calls, a.write)
		}
		for _, call := range calls {
			if !slices.ContainsFunc(criticals, func(c critical) bool { return c.operation == call }) {
				t.Errorf("no test makes %s fail", call)
			}
		}
	}
}

// answers are the error answers of the services.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
var answers = map[string]map[string]api.Error{
	"s3": {
		"throttled": {Status: 503, Code: "SlowDown"}, "500": {Status: 500, Code: "InternalError"},
		"503": {Status: 503, Code: "ServiceUnavailable"}, "denied": {Status: 403, Code: "AccessDenied"},
		"409": {Status: 409, Code: "OperationAborted"},
	},
	"ec2": {
		"throttled": {Status: 503, Code: "RequestLimitExceeded"}, "500": {Status: 500, Code: "InternalError"},
		"503": {Status: 503, Code: "Unavailable"}, "denied": {Status: 403, Code: "UnauthorizedOperation"},
		"409": {Status: 400, Code: "OperationInProgress"},
	},
	"cloudformation": {
		"throttled": {Status: 400, Code: "Throttling"}, "500": {Status: 500, Code: "InternalFailure"},
		"503": {Status: 503, Code: "ServiceUnavailable"}, "denied": {Status: 403, Code: "AccessDenied"},
	},
	"ssm": {
		"throttled": {Status: 400, Code: "ThrottlingException"}, "500": {Status: 500, Code: "InternalServerError"},
		"503": {Status: 503, Code: "ServiceUnavailable"}, "denied": {Status: 403, Code: "AccessDeniedException"},
	},
	"sns": {
		"throttled": {Status: 400, Code: "KMSThrottling"}, "500": {Status: 500, Code: "InternalError"},
		"503": {Status: 503, Code: "ServiceUnavailable"}, "denied": {Status: 403, Code: "AuthorizationError"},
	},
	"sqs": {
		"throttled": {Status: 403, Code: "RequestThrottled"}, "500": {Status: 500, Code: "InternalError"},
		"503": {Status: 503, Code: "ServiceUnavailable"}, "denied": {Status: 403, Code: "AccessDenied"},
	},
	"events": {
		"throttled": {Status: 400, Code: "ThrottlingException"}, "500": {Status: 500, Code: "InternalException"},
		"503": {Status: 503, Code: "ServiceUnavailable"}, "denied": {Status: 403, Code: "AccessDeniedException"},
	},
	"securityhub": {
		"throttled": {Status: 429, Code: "LimitExceededException"}, "500": {Status: 500, Code: "InternalException"},
		"503": {Status: 503, Code: "ServiceUnavailable"}, "denied": {Status: 403, Code: "AccessDeniedException"},
	},
}

// denies returns a fault with which a service denies the guard each call.
func denies(s *scene, service, operation string) api.Fault {
	answer := answers[service]["denied"]
	return api.Fault{Service: service, Operation: operation, Caller: s.role, Error: &answer}
}

// faults returns the ways in which a call can fail, by name.
func (c critical) faults() map[string]api.Fault {
	all := map[string]api.Fault{"reset": {Reset: true}, "hanging": {Hang: true}}
	for name, answer := range answers[c.service] {
		if name != "409" || c.kind == writes {
			answer.Message = "injected: " + name
			all[name] = api.Fault{Error: &answer}
		}
	}
	if c.kind == writes || c.kind == tells || c.kind == sends {
		all["carried out, but the answer lost"] = api.Fault{Reset: true, After: true}
	}
	return all
}

// moment is when a fault occurs. An operation that is called once is called a second time only after a failure.
type moment struct{ skip, times int }

func (c critical) moments(f api.Fault) map[string]moment {
	all := map[string]moment{"the first time": {0, 1}, "every time": {0, 0}}
	switch {
	case c.kind == reads:
		all["the second time"] = moment{1, 1}
	case !f.Hang: // each time takes until the call's time-out
		all["the first two times"] = moment{0, 2}
	}
	return all
}

// TestFaults makes each call of a correction fail in all ways. Afterwards the live state is the desired one, or the
// run has failed with an error. When the fault is gone, the next sweep corrects the rest.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range criticals {
		lasting, passing := c.cases()
		of := fmt.Sprintf("%s/%s/%s/", c.endpointType, c.attack, c.operation)
		for name, f := range lasting {
			t.Run(of+name, func(t *testing.T) {
				if testing.Short() {
					t.Skip("takes until the time-out")
				}
				t.Parallel()
				c.survives(c.deploy(t), f)
			})
		}
		t.Run(of+"one after the other", func(t *testing.T) {
			t.Parallel()
			c.survivesAll(t, passing)
		})
	}
}

// cases returns the faults of the call, with their moments, by name: those that take until a time-out, and those that pass.
func (c critical) cases() (lasting, passing map[string]api.Fault) {
	lasting, passing = map[string]api.Fault{}, map[string]api.Fault{}
	for fault, f := range c.faults() {
		for when, m := range c.moments(f) {
			f.Service, f.Operation, f.Skip, f.Times = c.service, c.operation, m.skip, m.times
			name := fault + " " + when
			if f.Hang || f.Times == 0 {
				lasting[name] = f
			} else {
				passing[name] = f
			}
		}
	}
	return lasting, passing
}

// survivesAll makes the call fail in one way after the other, in one scene until a test fails: after each, the live state is the desired
// one. Each attack meets a new process of the function, which remembers no message, so that it sends one. An association that was
// restored has a new ID, which the rule does not know, so each attack on one has its own scene.
func (c critical) survivesAll(t *testing.T, faults map[string]api.Fault) {
	s := c.deploy(t)
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		s.must(s.Lambda.Shutdown(s.function))
		if !t.Run(name, func(t *testing.T) { c.survives(s.in(t), faults[name]) }) || strings.Contains(c.attack, "associations") {
			s = c.deploy(t)
		}
	}
}

// in returns the scene for a subtest.
func (s *scene) in(t testing.TB) *scene {
	in := *s
	in.TB = t
	return &in
}

// impatience is a time-out of the function for faults that do not end. On a busy machine it is longer.
func impatience() time.Duration { return time.Duration(slowness() * float64(6*time.Second)) }

// endsAfter changes the function's time-out, and returns the one before. The next invocation is as warm as it would be otherwise.
func (s *scene) endsAfter(timeout time.Duration) (before time.Duration) {
	s.Helper()
	f, _ := s.Lambda.Function(s.function)
	s.must(s.Lambda.SetTimeout(s.function, timeout))
	return f.Timeout
}

// slowness is how many times longer than usual the functions may take now, from 1 to 2. The tests that run at the same time
// make a computation take up to twenty times as long as on an idle machine; that is usual. It is measured once a second.
func slowness() float64 {
	measured.Lock()
	defer measured.Unlock()
	if time.Since(measured.at) > time.Second {
		measured.slowness, measured.at = min(max(1, contention()/20), 2), time.Now()
	}
	return measured.slowness
}

// measured is the latest slowness.
var measured struct {
	sync.Mutex
	at       time.Time
	slowness float64
}

// deploy makes a scene in which the correction makes the call.
func (c critical) deploy(t *testing.T) *scene {
	t.Helper()
	if c.service == "securityhub" {
		return deployHub(t, hubType)
	}
	return deploy(t, endpointTypes[c.endpointType])
}

// survives attacks, injects the fault, and checks the result.
func (c critical) survives(s *scene, f api.Fault) {
	s.Helper()
	lasting := f.Times == 0
	var patience time.Duration
	if lasting {
		patience = s.endsAfter(impatience())
	}
	recorded := len(s.Events.Records())
	s.Events.Hold()
	s.attack(c.attackOf())
	attacked := s.live()
	f.Caller = s.role
	s.Gate.Inject(f)
	r := s.watch(func() { s.Events.Release(latest) })
	c.checkRuns(s, r, f)
	s.isNothingElseThan(s.desired, attacked)
	s.writesOnlyWhatIsDesired(s.Events.Records()[recorded:])
	s.Gate.ClearFaults()
	if lasting {
		c.checkLasting(s, r, f)
		s.endsAfter(patience)
		r = s.watch(s.sweep)
	}
	s.isDesired()
	if len(r.invocations) == 0 || r.invocations[len(r.invocations)-1].Failure != nil {
		s.Errorf("the last run failed:\n%s", r.log())
	}
}

// latest returns the last of the held events.
func latest(held []events.Event) []events.Event { return held[len(held)-1:] }

// checkRuns fails the test unless the right runs failed: none for a fault that ends within one run, otherwise at
// least one, with an error.
func (c critical) checkRuns(s *scene, r report, f api.Fault) {
	s.Helper()
	blind := f.Error != nil && f.Error.Status == 403 && slices.Contains(writtenUnread, c.operation)
	denied := f.Error != nil && f.Error.Status == 403 && !blind
	switch struck := r.struck(c, f); {
	case f.Hang && r.invocations[0].Duration < time.Second/2, !f.Hang && struck == 0: // a hanging call is counted when its caller is found to be gone
		s.Errorf("the fault struck no call: %q", r.names())
	case denied && struck > len(r.invocations):
		s.Errorf("the denied call was made %d times in %d runs, want once in each", struck, len(r.invocations))
	}
	// The time-out of these reads is shorter than that of a hanging call: open access has priority over the
	// truce.
	hurried := c.kind == status && f.Hang
	switch failed := len(r.failures()); {
	case f.Times > 0 && !denied && !hurried:
		if failed > 0 || len(r.invocations) != 1 {
			s.Errorf("%d of %d runs failed, want one that succeeds:\n%s", failed, len(r.invocations), r.log())
		}
	case c.kind == writes && f.After:
		// Carried out: the read-back shows the desired state if the retries end before the time does.
	case failed == 0:
		s.Errorf("no run failed, want at least one:\n%s", r.log())
	}
	if f.Times > 0 && len(r.letters) > 0 {
		s.Errorf("%d runs were given up, want none", len(r.letters))
	}
	if len(r.messages) == 0 && !(c.kind == tells && f.Times == 0) {
		s.Errorf("no message was sent:\n%s", r.log())
	}
}

// writtenUnread are the reads after whose denial the guard writes without a read, and then tries the read again.
var writtenUnread = []string{
	"GetBucketPolicy", "GetPublicAccessBlock", "GetBucketOwnershipControls", "GetBucketLifecycleConfiguration", "GetBucketVersioning",
	"GetBucketEncryption", "DescribeVpcEndpoints",
}

// struck counts the calls that got the fault.
func (r report) struck(c critical, f api.Fault) int {
	n := 0
	for _, call := range r.calls {
		if call.Operation == c.operation && call.ErrorCode == code(f) {
			n++
		}
	}
	return n
}

// code returns the error code with which the gate records a call that got the fault.
func code(f api.Fault) string {
	switch {
	case f.Reset:
		return "(reset)"
	case f.Hang:
		return "(hang)"
	}
	return f.Error.Code
}

// checkLasting fails the test unless a lasting fault was reported in log, metric and dead letter, and blocked no
// other correction.
func (c critical) checkLasting(s *scene, r report, f api.Fault) {
	s.Helper()
	if c.kind == status || c.kind == writes && f.After { // corrected nevertheless, so the next run has nothing to do
		if s.drifted() || len(r.letters) > 0 {
			s.Errorf("%d runs were given up, want it corrected by the first:\n%s", len(r.letters), r.log())
		}
		return
	}
	if len(r.failures()) != 3 || len(r.letters) != 1 {
		s.Errorf("%d runs failed and %d were given up, want 3 and 1:\n%s", len(r.failures()), len(r.letters), r.log())
	}
	reports := c.kind == tells || c.kind == sends
	if (c.kind == others || reports) && s.drifted() {
		s.Errorf("a failure of another call stopped the correction:\n%s", r.log())
	}
	if reports {
		return
	}
	if last := r.records[len(r.records)-1]; last.Message != "not corrected" || last.Level != "ERROR" || last.Error == "" {
		s.Errorf("the last line is %+v, want an error with the property that was not corrected", last)
	}
	if s.sum("CorrectionFailed") == 0 {
		s.Error("CorrectionFailed = 0, want it counted")
	}
}

// writesOnlyWhatIsDesired fails the test if the guard, by CloudTrail's records, wrote a policy that is not the template's.
func (s *scene) writesOnlyWhatIsDesired(recorded []events.Event) {
	s.Helper()
	for _, record := range recorded {
		text, _ := json.Marshal(record)
		var call struct {
			EventName, ErrorCode string
			UserIdentity         struct {
				SessionContext struct{ SessionIssuer struct{ ARN string } }
			}
			RequestParameters struct {
				BucketPolicy             json.RawMessage
				ModifyVpcEndpointRequest struct{ PolicyDocument string }
			}
		}
		_ = json.Unmarshal(text, &call) // other calls have other types in this field
		if call.UserIdentity.SessionContext.SessionIssuer.ARN != s.role || call.ErrorCode != "" {
			continue
		}
		for document, written := range map[string]string{
			"BucketPolicyDocument":   string(call.RequestParameters.BucketPolicy),
			"EndpointPolicyDocument": call.RequestParameters.ModifyVpcEndpointRequest.PolicyDocument,
		} {
			if desired := s.stack.Attribute(document, "Value"); written != "" && s.asDesired(document, written) != desired {
				s.Errorf("the guard wrote %s, want only %s", written, desired)
			}
		}
	}
}

// TestStaleReads covers reads of S3 and EC2 that return the state before the latest write (docs/facts.md, S3).
func TestStaleReads(t *testing.T) {
	t.Parallel()
	for _, c := range criticals {
		if c.kind != reads {
			continue
		}
		stale := func(skip, times int) api.Fault {
			return api.Fault{Service: c.service, Operation: c.operation, Stale: true, Skip: skip, Times: times}
		}
		name := fmt.Sprintf("%s/%s/%s", c.endpointType, c.attack, c.operation)
		t.Run(name+"/once after the write", func(t *testing.T) {
			t.Parallel()
			c.verifies(t, stale(1, 1), 2)
		})
		t.Run(name+"/three times after the write", func(t *testing.T) {
			t.Parallel()
			c.verifies(t, stale(1, 3), 4)
		})
		t.Run(name+"/before the write", func(t *testing.T) {
			t.Parallel()
			c.isFoundByTheNextSweep(t, stale(0, 1))
		})
	}
}

// verifies checks that the guard reads back until it sees its own write, without a second write.
func (c critical) verifies(t *testing.T, f api.Fault, readBacks int) {
	t.Helper()
	s := deploy(t, endpointTypes[c.endpointType])
	s.Events.Hold()
	s.attack(c.attackOf())
	f.Caller = s.role
	s.Gate.Inject(f)
	r := s.watch(func() { s.Events.Release(nil) })
	s.isDesired()
	want := with(wave[c.endpointType], c.attackOf().write, "Publish", "PutEvents")
	for range readBacks {
		want = with(want, c.operation)
	}
	if diff := cmp.Diff(want, r.names()); diff != "" || len(r.failures()) > 0 {
		t.Errorf("calls (-want +got):\n%s\n%s", diff, r.log())
	}
}

// isFoundByTheNextSweep checks that drift that a stale read hides is corrected by the first run that sees it.
func (c critical) isFoundByTheNextSweep(t *testing.T, f api.Fault) {
	t.Helper()
	s := deploy(t, endpointTypes[c.endpointType])
	s.Events.Hold()
	s.attack(c.attackOf())
	f.Caller = s.role
	s.Gate.Inject(f)
	if r := s.watch(func() { s.Events.Release(nil) }); len(r.writes()) > 0 {
		t.Errorf("writes %q by a run that saw no drift", r.writes())
	}
	s.watch(s.sweep)
	s.isDesired()
}
