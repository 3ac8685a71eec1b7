package endtoend_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/local/cost"
	"example.com/s3-endpoint-guard/local/dashboard"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/vpcnet"
)

// minutes advances the clock minute by minute: rules fire, functions run, and alarms are evaluated.
func (s *scene) minutes(n int) {
	s.Helper()
	for range n {
		s.must(s.Pass(localtest.Context(s, "a minute of the clock to pass"), time.Minute))
	}
}

// ringing returns the alarms in ALARM, without the stack's name.
func (s *scene) ringing() string {
	var names []string
	for _, a := range s.CloudWatch.Alarms() {
		if a.State == cloudwatch.Alarming {
			names = append(names, strings.TrimPrefix(a.Name, s.stack.Name()+"-"))
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// observing are the parameters of a stack whose guard only observes, without a probe: a fault remains, and exactly
// one check detects it.
func observing(more ...string) parameters {
	p := watching
	for i := 0; i < len(more); i += 2 {
		p = p.and(more[i], more[i+1])
	}
	return p
}

// removes deletes a rule.
func removes(rule string) func(*scene) error {
	return func(s *scene) error { s.Events.RemoveRule(s.stack.Physical(rule)); return nil }
}

func TestEachThingThatIsWrongRingsItsAlarm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parameters
		wrong   func(*scene) error
		minutes int
		want    string
	}{
		"the endpoint is pending": {nil, func(s *scene) error { return s.EC2.SetEndpointState(s.endpoint, "pending") }, 2, "EndpointDown Guard"},
		"a zone's interface is lost": {nil, func(s *scene) error { return s.EC2.SetInterfaceStatus(s.interfaces()[1], "available") }, 1,
			"Guard ZoneLost"},
		"private DNS is off": {observing(), func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PrivateDnsEnabled: aws.Bool(false)})
		}, 2, "Guard PrivateDnsOff"},
		"and stays off": {observing(), func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PrivateDnsEnabled: aws.Bool(false)})
		}, 6, "ClosedDrift Guard PrivateDnsOff"},
		"a subnet bypasses the endpoint": {observing("EndpointType", "Gateway"), (*scene).unroutes, 2, "EndpointChanged Guard"},
		"the group is open":              {observing(), (*scene).opensGroup, 2, "EndpointChanged Guard OpenDrift"},
		"the endpoint's policy is open":  {probing, (*scene).resetsEndpointPolicy, 1, "DataCanLeave Guard OpenDrift RoleFindings"},
		"the bucket's policy is gone":    {nil, (*scene).deletesBucketPolicy, 1, "Guard OpenDrift"},
		"and it cannot be put back": {nil, func(s *scene) error {
			s.Gate.Inject(api.Fault{Service: "s3", Operation: "PutBucketPolicy", Caller: s.role, Error: &api.Error{Status: 403, Code: "AccessDenied"}})
			return s.deletesBucketPolicy()
		}, 3, "BucketNotLocked CorrectionFailed DeadLetters FunctionErrors Guard OpenDrift"},
		"the guard is switched off": {nil, func(s *scene) error {
			none := 0
			s.reconfigure(func(f *lambda.Function) { f.ReservedConcurrency = &none })
			return nil
		}, 3, "DeadLetters FunctionThrottles Guard"},
		"a stranger is not refused": {observing(), func(s *scene) error {
			s.Gate.Inject(api.Fault{Service: "s3", Operation: "GetObject", Error: &api.Error{Status: 404, Code: "NoSuchKey"}})
			return nil
		}, 1, "Exposed Guard"},
		"the trail is stopped":               {nil, (*scene).stopsTrail, 1, "Guard TrailOff"},
		"a rule is disabled":                 {nil, (*scene).disablesRule, 1, "Guard RuleOff"},
		"the sweep is off":                   {nil, removes("SweepRule"), 12, "Guard RuleOff SweepLate"},
		"the app has a wide managed policy":  {nil, (*scene).attachesWidePolicy, 1, "RoleFindings"},
		"AWS refuses a check":                {nil, func(s *scene) error { s.refuses("cloudtrail", "DescribeTrails"); return nil }, 2, "CheckFailed Guard"},
		"the health check does not run":      {nil, removes("HealthcheckRule"), 11, "Guard HealthDataMissing"},
		"the probes do not run":              {nil, removes("ProbeRule"), 11, "Guard ProbeDataMissing"},
		"the name leads to the internet":     {nil, func(s *scene) error { s.Network.Lie(s.host(), vpcnet.S3Addresses...); return nil }, 2, "Guard ProbeFailing"},
		"the name leads elsewhere (gateway)": {gatewayType, func(s *scene) error { s.Network.Lie(s.host(), netip.MustParseAddr("10.9.9.9")); return nil }, 2, "Guard ProbeFailing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployWhole(t, c.parameters.and("ProbeLatencyMs", "60000")) // because on a busy machine the latency is high
			s.minutes(3)
			if got := s.ringing(); got != "" {
				t.Errorf("before the fault these alarms are in ALARM: %q", got)
			}
			s.must(c.wrong(s))
			s.minutes(c.minutes)
			if got := s.ringing(); got != c.want {
				t.Errorf("after %d minutes these alarms are in ALARM: %q, want %q", c.minutes, got, c.want)
			}
		})
	}
}

// takes returns how long CloudFormation takes for a slow resource type, measured from stack events.
func takes(resourceType string) time.Duration {
	if d, ok := map[string]time.Duration{
		"AWS::Events::Rule": time.Minute, "AWS::EC2::VPCEndpoint": 90 * time.Second, "AWS::EC2::Instance": 40 * time.Second,
		"AWS::IAM::Role": 18 * time.Second, "AWS::IAM::InstanceProfile": 2 * time.Minute, "AWS::S3::Bucket": 20 * time.Second,
		"AWS::KMS::Key": 15 * time.Second, "Custom::EmptyBucket": 5 * time.Second,
	}[resourceType]; ok {
		return d
	}
	return 8 * time.Second
}

// An alarm exists long before the source of its data, and CloudWatch evaluates it at once (docs/facts.md,
// CloudFormation).
func TestAFirstDeploymentRingsNothing(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]parameters{"by default": nil, "gateway": gatewayType} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployInto(t, localaws.Options{Watch: true, Takes: takes}, p.and("ProbeLatencyMs", "60000"))
			for range 15 * 4 {
				s.Clock.Advance(15 * time.Second)
				s.rest()
			}
			var rang []string
			for _, m := range s.SNS.Messages(s.topic) {
				if strings.HasPrefix(m.Subject, "ALARM") {
					rang = append(rang, m.Subject)
				}
			}
			if len(rang) > 0 || s.ringing() != "" {
				t.Errorf("in ALARM during the first quarter of an hour: %q; in ALARM now: %q; want none", rang, s.ringing())
			}
			if got := s.CloudWatch.Alarms(); !slices.ContainsFunc(got, func(a cloudwatch.Condition) bool {
				return strings.HasSuffix(a.Name, "HealthDataMissing") && a.State == cloudwatch.OK
			}) {
				t.Error("HealthDataMissing is not OK: no data arrived, so this test proves nothing")
			}
		})
	}
}

// The metrics in the stack's bill are those that its functions publish.
func TestTheBillCountsTheMetricsThatAreThere(t *testing.T) {
	t.Parallel()
	table, err := cost.Prices()
	if err != nil {
		t.Fatal(err)
	}
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deployWhole(t, p)
			s.minutes(2)
			var got, want []string
			for _, m := range s.CloudWatch.Metrics() {
				if m.Namespace == metrics.Namespace {
					got = append(got, m.Name)
				}
			}
			for part, u := range table.Usage {
				if strings.HasSuffix(part, "OfFleet") { // guard.yaml's
					continue
				}
				want = append(want, u.Metrics...)
				want = append(want, map[string][]string{"Interface": u.InterfaceMetrics, "Gateway": u.GatewayMetrics}[endpointType]...)
				if part == "probe" { // there are two probes
					want = append(want, slices.Concat(u.ZonalMetrics, u.ZonalMetrics)...)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("metrics that are billed (-want +got):\n%s", diff)
			}
		})
	}
}

// rare are the metrics that are published only on certain events.
var rare = []string{"DriftCorrected", "CorrectionFailed", "Contested", "StoodDown", "ResourceMissing", "TimeToCorrect"}

func TestTheDashboardShowsDataOfEveryMetric(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deployWhole(t, p)
			s.minutes(2)
			body, _ := s.CloudWatch.Dashboard(s.stack.Physical("Dashboard"))
			board, err := dashboard.Parse([]byte(body))
			s.must(err)
			there := map[string]bool{}
			for _, m := range s.CloudWatch.Metrics() {
				there[identity(m)] = true
			}
			for _, w := range board.Widgets {
				for _, m := range w.Metrics {
					metric := cloudwatch.Metric{Namespace: m.Namespace, Name: m.Name}
					for _, d := range m.Dimensions {
						metric.Dimensions = append(metric.Dimensions, cloudwatch.Dimension(d))
					}
					if m.Expression == "" && !there[identity(metric)] && !slices.Contains(rare, m.Name) {
						t.Errorf("%q shows %v, which has no data", w.Title, metric)
					}
				}
			}
		})
	}
}

// identity is equal for equal metrics, independent of the order of their dimensions.
func identity(m cloudwatch.Metric) string {
	dimensions := slices.Clone(m.Dimensions)
	slices.SortFunc(dimensions, func(a, b cloudwatch.Dimension) int { return strings.Compare(a.Name, b.Name) })
	return fmt.Sprint(m.Namespace, m.Name, dimensions)
}
