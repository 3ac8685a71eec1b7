package endtoend_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
)

// watching are the parameters of a stack whose guard only observes, so that a fault remains until the health check
// has seen it, and that has no probe.
var watching = parameters{"Enforcement": "Observe", "CreateProbe": "false"}

// board maps each metric's name and second dimension, "CheckFailed" or "CheckFailed trail", to its latest value.
type board map[string]float64

// board reads the metrics published since the reset. Latencies and bytes vary between runs; they are replaced by 1.
func (s *scene) board() board {
	b := board{}
	now := s.Clock.Now()
	for _, m := range s.CloudWatch.Metrics() {
		if m.Namespace != metrics.Namespace {
			continue
		}
		name := m.Name
		for _, d := range m.Dimensions {
			if d.Name != metrics.Dimension {
				name += " " + d.Value
			}
		}
		for _, bucket := range s.CloudWatch.Statistics(cloudwatch.Query{
			Metric: m, Period: time.Minute, From: now.Add(-time.Hour), To: now.Add(time.Hour),
		}) {
			b[name], _ = bucket.Value("Minimum")
			if bucket.Unit != string(metrics.Count) {
				b[name] = 1
			}
		}
	}
	return b
}

// fires fires rules, one after another, and waits until their functions are idle.
func (s *scene) fires(rules ...string) {
	s.Helper()
	for _, rule := range rules {
		s.must(s.Events.Fire(s.stack.Physical(rule)))
		s.rest()
	}
}

// examine runs the guard's sweep and the health check, and reads what the health check published.
func (s *scene) examine() board {
	s.Helper()
	s.CloudWatch.Reset()
	s.fires("SweepRule")
	swept := s.board()
	s.fires("HealthcheckRule")
	b := s.board()
	maps.DeleteFunc(b, func(name string, _ float64) bool { _, sweeps := swept[name]; return sweeps })
	return b
}

// well are the metrics of a healthy stack.
var well = map[string]board{
	"Interface": {
		"EndpointAvailable": 1, "HealthyZones": 2, "PrivateDNSOn": 1, "EndpointAsDeployed": 1, "BucketLocked": 1,
		"EndpointLocked": 1, "ExposedToInternet": 0, "TrailLogging": 1, "RulesEnabled": 1, "SweepRecent": 1,
		"RoleFindings": 0, "SecurityFindings": 0, "EndpointIdle": 0, "CheckFailed": 0,
	},
	"Gateway": {
		"EndpointAvailable": 1, "RoutesPresent": 1, "EndpointAsDeployed": 1, "BucketLocked": 1,
		"EndpointLocked": 1, "ExposedToInternet": 0, "TrailLogging": 1, "RulesEnabled": 1, "SweepRecent": 1,
		"RoleFindings": 0, "SecurityFindings": 0, "CheckFailed": 0,
	},
}

// but returns a board with changes; a value below 0 removes a metric.
func (b board) but(changes board) board {
	changed := maps.Clone(b)
	for name, value := range changes {
		if changed[name] = value; value < 0 {
			delete(changed, name)
		}
	}
	return changed
}

// without returns changes that remove metrics.
func without(names ...string) board {
	b := board{}
	for _, name := range names {
		b[name] = -1
	}
	return b
}

func TestAHealthyStackIsSaidToBeHealthy(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p.and("CreateProbe", "false"))
			if diff := cmp.Diff(well[endpointType], s.examine()); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			if got := s.said("HealthcheckFunction"); !slices.Equal(got, []string{"healthy"}) {
				t.Errorf("the log has %q, want the message that all is healthy", got)
			}
		})
	}
}

// said returns the messages of a function's log.
func (s *scene) said(logicalID string) []string {
	var messages []string
	for _, line := range s.Lambda.Logs(s.stack.Physical(logicalID)) {
		if message, ok := line.Fields["message"].(string); ok {
			messages = append(messages, message)
		}
	}
	return messages
}

// otherBucket is a policy that allows reading from another bucket: open, but without a finding of the audit.
const otherBucket = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"}]}`

func TestEachThingThatIsWrongShowsInItsMetricAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		endpointType string
		wrong        func(*scene) error
		want         board
	}{
		"the endpoint is pending":    {"Interface", func(s *scene) error { return s.EC2.SetEndpointState(s.endpoint, "pending") }, board{"EndpointAvailable": 0}},
		"a zone's interface is lost": {"Interface", func(s *scene) error { return s.EC2.RemoveNetworkInterface(s.interfaces()[0]) }, board{"HealthyZones": 1}},
		"an interface is out of use": {"Interface", func(s *scene) error { return s.EC2.SetInterfaceStatus(s.interfaces()[1], "available") }, board{"HealthyZones": 1}},
		"private DNS is off": {"Interface", func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PrivateDnsEnabled: aws.Bool(false)})
		}, board{"PrivateDNSOn": 0}},
		"another group is attached": {"Interface", func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{AddSecurityGroupIds: []string{s.foreignGroup()}})
		}, board{"EndpointAsDeployed": 0}},
		"the group is open": {"Interface", (*scene).opensGroup, board{"EndpointAsDeployed": 0}},
		"the endpoint's policy is open": {"Interface", func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PolicyDocument: aws.String(otherBucket)})
		}, board{"EndpointLocked": 0}},
		"the bucket's policy is gone":  {"Interface", (*scene).deletesBucketPolicy, board{"BucketLocked": 0}},
		"public access is not blocked": {"Interface", (*scene).deletesPublicAccessBlock, board{"BucketLocked": 0}},
		"access control lists are on":  {"Interface", (*scene).switchesListsOn, board{"BucketLocked": 0}},
		"a stranger is not refused": {"Interface", func(s *scene) error {
			s.Gate.Inject(api.Fault{Service: "s3", Operation: "GetObject", Error: &api.Error{Status: 404, Code: "NoSuchKey"}})
			return nil
		}, board{"ExposedToInternet": 1}},
		"the trail is stopped": {"Interface", (*scene).stopsTrail, board{"TrailLogging": 0}},
		"a rule is disabled":   {"Interface", (*scene).disablesRule, board{"RulesEnabled": 0}},
		"a rule lost its target": {"Interface", func(s *scene) error {
			_, err := eventbridge.NewFromConfig(s.Config(s.Admin(), s.Internet())).RemoveTargets(s.Context(), &eventbridge.RemoveTargetsInput{
				Rule: aws.String(s.stack.Physical("EndpointRule")), Ids: []string{"remediate"},
			})
			return err
		}, board{"RulesEnabled": 0}},
		"a rule is gone": {"Interface", func(s *scene) error { s.Events.RemoveRule(s.stack.Physical("StackRule")); return nil }, board{"RulesEnabled": 0}},
		"the app may change the guard": {"Interface", func(s *scene) error {
			return s.IAM.PutRolePolicy(s.stack.Physical("InstanceRole"), "more", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
				"Action":"lambda:*","Resource":"arn:aws:lambda:eu-central-1:111122223333:function:*"}]}`)
		}, board{"RoleFindings": 1}},
		"the app has a wide managed policy": {"Interface", (*scene).attachesWidePolicy, board{"RoleFindings": 2}},
		"a subnet bypasses the endpoint":    {"Gateway", (*scene).unroutes, board{"EndpointAsDeployed": 0}},
		"a route table has no route": {"Gateway", func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{RemoveRouteTableIds: []string{s.stack.Physical("RouteTable")}})
		}, board{"RoutesPresent": 0, "EndpointAsDeployed": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, watching.and("EndpointType", c.endpointType))
			s.must(c.wrong(s))
			s.rest()
			if diff := cmp.Diff(well[c.endpointType].but(c.want), s.examine()); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			if got := s.said("HealthcheckFunction"); slices.Contains(got, "healthy") || len(got) == 0 {
				t.Errorf("the log has %q, want the fault", got)
			}
		})
	}
}

// interfaces returns the ids of the endpoint's network interfaces.
func (s *scene) interfaces() []string {
	var ids []string
	for _, n := range s.EC2.NetworkInterfaces(s.endpoint) {
		ids = append(ids, n.ID)
	}
	return ids
}

func (s *scene) stopsTrail() error {
	_, err := cloudtrail.NewFromConfig(s.Config(s.Admin(), s.Internet())).StopLogging(s.Context(), &cloudtrail.StopLoggingInput{
		Name: aws.String(s.stack.Physical("Trail")),
	})
	return err
}

func (s *scene) disablesRule() error {
	_, err := eventbridge.NewFromConfig(s.Config(s.Admin(), s.Internet())).DisableRule(s.Context(), &eventbridge.DisableRuleInput{
		Name: aws.String(s.stack.Physical("BucketRule")),
	})
	return err
}

// attachesWidePolicy attaches a managed policy with two unnecessary grants.
func (s *scene) attachesWidePolicy() error {
	arn, err := s.IAM.PutManagedPolicy("wide", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::mine/*"},
		{"Effect":"Allow","Action":"ec2:DescribeInstances","Resource":"*"}]}`)
	if err != nil {
		return err
	}
	return s.IAM.AttachRolePolicy(s.stack.Physical("InstanceRole"), arn)
}

func TestAnEndpointThatIsGoneIsTold(t *testing.T) {
	t.Parallel()
	s := deploy(t, watching)
	_, err := s.ec2.DeleteVpcEndpoints(t.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{s.endpoint}})
	s.must(err)
	s.rest()
	want := well["Interface"].but(board{"EndpointAvailable": 0, "HealthyZones": 0}).
		but(without("EndpointLocked", "EndpointAsDeployed", "PrivateDNSOn", "EndpointIdle"))
	if diff := cmp.Diff(want, s.examine()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestAGuardThatDoesNotSweepIsTold(t *testing.T) {
	t.Parallel()
	s := deploy(t, watching)
	s.CloudWatch.Reset()
	s.fires("HealthcheckRule")
	if diff := cmp.Diff(well["Interface"].but(board{"SweepRecent": 0}), s.board()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestAnEndpointThatNobodyUsesIsIdle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bytes float64
		want  float64
	}{"without traffic": {0, 1}, "with the probe's alone": {15000, 1}, "with the app's too": {100000, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, watching)
			at := s.Clock.Now().Add(-time.Hour)
			s.must(s.EC2.SetEndpointCreated(s.endpoint, at.AddDate(0, 0, -14)))
			s.must(s.CloudWatch.Put("AWS/PrivateLinkEndpoints", cloudwatch.Datum{Name: "BytesProcessed", Time: at, Values: []float64{c.bytes}, Dimensions: []cloudwatch.Dimension{
				{Name: "Endpoint Type", Value: "Interface"}, {Name: "Service Name", Value: "com.amazonaws.eu-central-1.s3"},
				{Name: "VPC Endpoint Id", Value: s.endpoint}, {Name: "VPC Id", Value: s.stack.Physical("Vpc")},
			}}))
			s.must(s.CloudWatch.Put(metrics.Namespace, cloudwatch.Datum{Name: string(metrics.ProbeBytes), Time: at, Values: []float64{10000},
				Dimensions: []cloudwatch.Dimension{{Name: metrics.Dimension, Value: s.bucket}}}))
			s.fires("HealthcheckRule")
			if got := s.board()["EndpointIdle"]; got != c.want {
				t.Errorf("EndpointIdle = %v after %v bytes, want %v", got, c.bytes, c.want)
			}
		})
	}
}

// alsoReads are the checks, of those that run less often, that make a call which another check makes too.
var alsoReads = map[string]string{
	"DescribeVpcEndpoints": "other-endpoints", "GetBucketPolicy": "trail-bucket",
	"GetRolePolicy": "guard-role", "ListAttachedRolePolicies": "guard-role",
}

func TestACheckThatAWSRefusesIsCountedAndHidesNoOther(t *testing.T) {
	t.Parallel()
	for call, c := range map[string]struct {
		endpointType, service, check string
		lost                         []string
	}{
		"DescribeVpcEndpoints":       {"Interface", "ec2", "vpc-endpoint", []string{"EndpointAvailable", "EndpointLocked", "EndpointAsDeployed", "PrivateDNSOn", "EndpointIdle"}},
		"DescribeNetworkInterfaces":  {"Interface", "ec2", "network-interfaces", []string{"HealthyZones"}},
		"DescribeSecurityGroupRules": {"Interface", "ec2", "security-group-rules", []string{"EndpointAsDeployed"}},
		"DescribeRouteTables":        {"Gateway", "ec2", "route-tables", []string{"EndpointAsDeployed", "RoutesPresent"}},
		"GetBucketPolicy":            {"Interface", "s3", "bucket-policy", []string{"BucketLocked"}},
		"GetPublicAccessBlock":       {"Interface", "s3", "public-access-block", []string{"BucketLocked"}},
		"GetBucketOwnershipControls": {"Interface", "s3", "ownership-controls", []string{"BucketLocked"}},
		"GetBucketPolicyStatus":      {"Interface", "s3", "policy-status", []string{"BucketLocked"}},
		"DescribeTrails":             {"Interface", "cloudtrail", "trail", []string{"TrailLogging"}},
		"GetTrailStatus":             {"Interface", "cloudtrail", "trail", []string{"TrailLogging"}},
		"GetEventSelectors":          {"Interface", "cloudtrail", "trail", []string{"TrailLogging"}},
		"DescribeRule":               {"Interface", "events", "rules", []string{"RulesEnabled"}},
		"ListTargetsByRule":          {"Interface", "events", "rules", []string{"RulesEnabled"}},
		"GetRolePolicy":              {"Interface", "iam", "role-policies", []string{"RoleFindings"}},
		"ListAttachedRolePolicies":   {"Interface", "iam", "role-policies", []string{"RoleFindings"}},
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, watching.and("EndpointType", c.endpointType))
			s.refuses(c.service, call)
			want := well[c.endpointType].but(without(c.lost...)).but(board{"CheckFailed": 1, "CheckFailed " + c.check: 1})
			said := []string{"check failed"}
			if also := alsoReads[call]; also != "" {
				want, said = want.but(board{"CheckFailed": 2, "CheckFailed " + also: 1}), append(said, said...)
			}
			if diff := cmp.Diff(want, s.examine()); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			if got := s.said("HealthcheckFunction"); !slices.Equal(got, said) {
				t.Errorf("the log has %q, want %q", got, said)
			}
		})
	}
}

// refuses makes AWS deny a call of the health check.
func (s *scene) refuses(service, operation string) {
	code := "AccessDenied"
	if service == "ec2" {
		code = "UnauthorizedOperation"
	}
	s.Gate.Inject(api.Fault{
		Service: service, Operation: operation, Caller: s.stack.Attribute("HealthcheckRole", "Arn"),
		Error: &api.Error{Status: http.StatusForbidden, Code: code, Message: "No."},
	})
}

// One call reads the policies of both roles.
func TestRefusedRolePoliciesFailTwoChecks(t *testing.T) {
	t.Parallel()
	s := deploy(t, watching)
	s.refuses("iam", "ListRolePolicies")
	want := well["Interface"].but(without("RoleFindings")).but(board{"CheckFailed": 2, "CheckFailed role-policies": 1, "CheckFailed guard-role": 1})
	if diff := cmp.Diff(want, s.examine()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// One call reads the metrics of both checks, so they cannot be denied separately.
func TestRefusedMetricsFailTwoChecks(t *testing.T) {
	t.Parallel()
	s := deploy(t, watching)
	s.refuses("monitoring", "GetMetricStatistics")
	want := well["Interface"].but(without("SweepRecent", "EndpointIdle")).
		but(board{"CheckFailed": 2, "CheckFailed sweep": 1, "CheckFailed traffic": 1})
	if diff := cmp.Diff(want, s.examine()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestAnS3ThatFailsIsNotReportedAsOpen(t *testing.T) {
	t.Parallel()
	s := deploy(t, watching)
	s.Gate.Inject(api.Fault{Service: "s3", Operation: "GetObject", Error: &api.Error{Status: 503, Code: "SlowDown"}})
	want := well["Interface"].but(without("ExposedToInternet")).but(board{"CheckFailed": 1, "CheckFailed anonymous-read": 1})
	if diff := cmp.Diff(want, s.examine()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestAnOpenBucketIsSeenFromTheInternet(t *testing.T) {
	t.Parallel()
	s := deploy(t, watching)
	s.must(s.deletesPublicAccessBlock())
	s.must(s.putsBucketPolicy(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}`, s.bucket)))
	s.must(s.S3.Put(s.bucket, ".s3-endpoint-guard/canary-eu-central-1a", []byte("canary")))
	if diff := cmp.Diff(well["Interface"].but(board{"BucketLocked": 0, "ExposedToInternet": 1}), s.examine()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestMetricsThatCannotBePublishedFailTheRun(t *testing.T) {
	t.Parallel()
	s := deploy(t, watching)
	s.refuses("monitoring", "PutMetricData")
	s.fires("HealthcheckRule")
	if got := len(s.SQS.Messages(s.stack.Attribute("DeadLetterQueue", "Arn"))); got != 1 {
		t.Errorf("%d failed runs were kept, want 1: %q", got, s.said("HealthcheckFunction"))
	}
}

// callsOf returns the calls of roles, and the anonymous calls of health checks.
func (s *scene) callsOf(roles ...string) []api.Call {
	var calls []api.Call
	for _, call := range s.Gate.Calls() {
		if call.Caller == "" || slices.ContainsFunc(roles, func(role string) bool { return strings.Contains(call.Caller, "/"+s.stack.Physical(role)+"/") }) {
			calls = append(calls, call)
		}
	}
	return calls
}

func TestAHealthRunIsThreeRoundTripsDeep(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p.and("CreateProbe", "false"))
			s.must(s.attachesWidePolicy())
			s.fires("SweepRule", "HealthcheckRule") // a warm process that has read the managed policy
			scheduled := func() { s.fires("HealthcheckRule") }
			for i, run := range []func(){s.looks, scheduled, s.looks, scheduled} { // s.looks makes all checks
				if got := roundTrips(3, func(latency time.Duration) []api.Call { return s.examinesOnce(latency, run) }); got > 3 {
					t.Errorf("run %d is %d round trips deep, want at most 3", i+1, got)
				}
			}
		})
	}
}

// examinesOnce makes a run of the health check with a latency of each call, fails the test unless it publishes all metrics in one call,
// and returns the calls.
func (s *scene) examinesOnce(latency time.Duration, run func()) []api.Call {
	s.Helper()
	s.Gate.SetLatency(latency)
	s.Gate.ResetCalls()
	run()
	calls, puts := s.callsOf("HealthcheckRole"), 0
	for _, call := range calls {
		if call.Operation == "PutMetricData" {
			puts++
		}
	}
	if puts != 1 {
		s.Errorf("%d calls of PutMetricData, want 1", puts)
	}
	runs := s.Lambda.Invocations(s.stack.Physical("HealthcheckFunction"))
	s.Logf("%d calls, %d deep, in %v with %v per call", len(calls), api.Depth(calls), runs[len(runs)-1].Duration, latency)
	return calls
}

// A managed policy's version that the process has not read takes one more round trip, once. A condition that takes
// weeks to become true is read once an hour.
func TestWhatIsKnownIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	s := deploy(t, watching)
	s.fires("SweepRule", "HealthcheckRule")
	s.must(s.attachesWidePolicy())
	for run, want := range []map[string]int{
		{"GetPolicyVersion": 1, "GetMetricStatistics": 1}, {"GetPolicyVersion": 0, "GetMetricStatistics": 1},
	} {
		s.Gate.ResetCalls()
		s.fires("HealthcheckRule")
		for operation, times := range want {
			got := 0
			for _, call := range s.callsOf("HealthcheckRole") {
				if call.Operation == operation {
					got++
				}
			}
			if got != times {
				t.Errorf("run %d: %s was called %d times, want %d", run+1, operation, got, times)
			}
		}
	}
}

// platform are the actions that Lambda itself performs with a function's role.
var platform = []string{
	"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces",
	"ec2:DescribeSubnets", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
}

// destinations are the actions that Lambda performs with the health check's role.
var destinations = append(slices.Clone(platform[:3]), "events:PutEvents")

func TestRolesAllowExactlyWhatTheirFunctionsCall(t *testing.T) {
	t.Parallel()
	for role, c := range map[string]struct {
		rules  []string
		unless []string
	}{
		"HealthcheckRole": {[]string{"SweepRule", "HealthcheckRule"}, destinations},
		"ProbeRole":       {[]string{"ProbeRule"}, platform},
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			called, allowed := map[string]bool{}, map[string]bool{}
			for _, p := range endpointTypes {
				s := deploy(t, p)
				s.must(s.attachesWidePolicy())
				s.Gate.ResetCalls()
				s.fires(c.rules...)
				for _, call := range s.callsOf(role) {
					for _, need := range call.Needs {
						if call.Caller != "" {
							called[need.Action] = true
						}
					}
				}
				for _, action := range s.allowedTo(role) {
					allowed[action] = true
				}
			}
			for _, action := range c.unless {
				called[action] = true
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(called)), slices.Sorted(maps.Keys(allowed))); diff != "" {
				t.Errorf("actions (-called +allowed):\n%s", diff)
			}
		})
	}
}

// allowedTo returns the actions that a role's policies allow.
func (s *scene) allowedTo(role string) []string {
	var actions []string
	for _, statement := range s.statements(role) {
		if statement.Effect != "Allow" {
			continue
		}
		for _, action := range list(statement.Action) {
			actions = append(actions, action.(string))
		}
	}
	return actions
}
