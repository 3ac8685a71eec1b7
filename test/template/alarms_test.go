package template_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// well are the values of all metrics per minute on a healthy stack. Missing metrics are published only on a fault.
var well = map[string]float64{
	"EndpointAvailable": 1, "HealthyZones": 2, "PrivateDNSOn": 1, "RoutesPresent": 1, "EndpointAsDeployed": 1,
	"BucketLocked": 1, "EndpointLocked": 1, "ExposedToInternet": 0, "TrailLogging": 1, "RulesEnabled": 1, "SweepRecent": 1,
	"RoleFindings": 0, "SecurityFindings": 0, "EndpointIdle": 0, "CheckFailed": 0, "OpenDrift": 0, "ClosedDrift": 0,
	"ProbeSucceeded": 1, "ResolvedToEndpoint": 1, "ProbeLatency": 40, "ForeignBucketRefused": 1,
	"BytesProcessed": 1e6, "PacketsDropped": 0, "RstPacketsReceived": 0,
	"ApproximateNumberOfMessagesVisible": 0, "Errors": 0, "Throttles": 0,
}

// silence is the value of a metric that is not published.
var silence = math.NaN()

// trouble is a fault of one metric: it has a value for some minutes.
type trouble struct {
	metric  string
	value   float64
	minutes int
}

// troubles has for each alarm a trouble that is just enough for ALARM, and one that is just not enough. If an alarm
// uses a metric with several sets of dimensions, only the first has the trouble.
var troubles = map[string]struct{ rings, silent trouble }{
	"EndpointDown":      {trouble{"EndpointAvailable", 0, 2}, trouble{"EndpointAvailable", 0, 1}},
	"ZoneLost":          {trouble{"HealthyZones", 1, 1}, trouble{"HealthyZones", 2, 9}},
	"PrivateDnsOff":     {trouble{"PrivateDNSOn", 0, 2}, trouble{"PrivateDNSOn", 0, 1}},
	"RoutesMissing":     {trouble{"RoutesPresent", 0, 2}, trouble{"RoutesPresent", 0, 1}},
	"EndpointChanged":   {trouble{"EndpointAsDeployed", 0, 2}, trouble{"EndpointAsDeployed", 0, 1}},
	"ResourceGone":      {trouble{"ResourceMissing", 1, 1}, trouble{"ResourceMissing", silence, 9}},
	"ProbeFailing":      {trouble{"ProbeSucceeded", 0, 2}, trouble{"ProbeSucceeded", 0, 1}},
	"ProbeSlow":         {trouble{"ProbeLatency", 1001, 12}, trouble{"ProbeLatency", 1001, 11}},
	"DataCanLeave":      {trouble{"ForeignBucketRefused", 0, 1}, trouble{"ForeignBucketRefused", silence, 1}},
	"Exposed":           {trouble{"ExposedToInternet", 1, 1}, trouble{"ExposedToInternet", silence, 9}},
	"OpenDrift":         {trouble{"OpenDrift", 1, 1}, trouble{"OpenDrift", silence, 9}},
	"ClosedDrift":       {trouble{"ClosedDrift", 1, 5}, trouble{"ClosedDrift", 1, 4}},
	"CorrectionFailed":  {trouble{"CorrectionFailed", 1, 1}, trouble{"CorrectionFailed", silence, 9}},
	"Contested":         {trouble{"DriftCorrected", 3, 3}, trouble{"DriftCorrected", 3, 2}},
	"BucketNotLocked":   {trouble{"BucketLocked", 0, 2}, trouble{"BucketLocked", 0, 1}},
	"EndpointNotLocked": {trouble{"EndpointLocked", 0, 2}, trouble{"EndpointLocked", 0, 1}},
	"HealthDataMissing": {trouble{"CheckFailed", silence, 10}, trouble{"CheckFailed", silence, 9}},
	"ProbeDataMissing":  {trouble{"ResolvedToEndpoint", silence, 10}, trouble{"ResolvedToEndpoint", silence, 9}},
	"CheckFailed":       {trouble{"CheckFailed", 1, 2}, trouble{"CheckFailed", 1, 1}},
	"DeadLetters":       {trouble{"ApproximateNumberOfMessagesVisible", 1, 1}, trouble{"ApproximateNumberOfMessagesVisible", silence, 9}},
	"FunctionErrors":    {trouble{"Errors", 1, 3}, trouble{"Errors", 1, 2}},
	"FunctionThrottles": {trouble{"Throttles", 1, 1}, trouble{"Throttles", silence, 9}},
	"NotDelivered":      {trouble{"NumberOfNotificationsFailed", 1, 1}, trouble{"NumberOfNotificationsFailed", silence, 9}},
	"TrailOff":          {trouble{"TrailLogging", 0, 1}, trouble{"TrailLogging", silence, 9}},
	"RuleOff":           {trouble{"RulesEnabled", 0, 1}, trouble{"RulesEnabled", silence, 9}},
	"SweepLate":         {trouble{"SweepRecent", 0, 4}, trouble{"SweepRecent", 0, 3}},
	"IdleEndpoint":      {trouble{"EndpointIdle", 1, 1}, trouble{"EndpointIdle", silence, 9}},
	"SecurityFinding":   {trouble{"SecurityFindings", 1, 1}, trouble{"SecurityFindings", silence, 9}},
	"RoleFindings":      {trouble{"RoleFindings", 2, 1}, trouble{"RoleFindings", silence, 9}},
	"PacketsDropped":    {trouble{"PacketsDropped", 21, 15}, trouble{"PacketsDropped", 21, 14}},
	"ConnectionsReset":  {trouble{"RstPacketsReceived", 21, 15}, trouble{"RstPacketsReceived", 20, 30}},
}

// informational are the alarms that do not page.
var informational = []string{"IdleEndpoint", "RoleFindings", "PacketsDropped", "ConnectionsReset", "UnusualTraffic"}

// watched is a CloudWatch with the template's alarms, and a fake clock.
type watched struct {
	*testing.T
	cloud *localaws.Cloud
	stack *deployment.Stack
	// zones is the number of zones from which the probe publishes.
	zones int
}

// watch deploys the template without its rules, so that no function runs.
func watch(t *testing.T, p parameters) watched {
	t.Helper()
	cloud, stack := local(t, p)
	for _, r := range planned(t, p).Resources() {
		if r.Type == "AWS::Events::Rule" {
			cloud.Events.RemoveRule(stack.Physical(r.LogicalID))
		}
	}
	if err := cloud.Quiesce(localtest.Context(t, "the local AWS to rest")); err != nil {
		t.Fatal(err)
	}
	cloud.CloudWatch.Reset()
	return watched{t, cloud, stack, 2}
}

// short returns an alarm's name without the stack's.
func (w watched) short(name string) string { return strings.TrimPrefix(name, w.stack.Name()+"-") }

// minutes advances the clock by n minutes. In each, all metrics of all alarms have their good value, except the one
// in trouble.
func (w watched) minutes(n int, in *trouble) {
	w.Helper()
	for range n {
		w.cloud.Clock.Advance(time.Minute)
		for m, isFirst := range w.metrics() {
			value, ok := well[m.Name]
			if in != nil && in.metric == m.Name && isFirst {
				value, ok = in.value, !math.IsNaN(in.value)
			}
			if !ok {
				continue
			}
			datum := cloudwatch.Datum{Name: m.Name, Dimensions: m.Dimensions, Values: []float64{value}}
			if m.Name == "ResolvedToEndpoint" && w.zones == 2 { // from both zones
				datum.Values = append(datum.Values, value)
			}
			if err := w.cloud.CloudWatch.Put(m.Namespace, datum); err != nil {
				w.Fatal(err)
			}
		}
		w.cloud.CloudWatch.Evaluate()
	}
}

// metrics iterates over the metrics of all alarms, each once, and whether it is the first of its name in an alarm.
func (w watched) metrics() func(yield func(cloudwatch.Metric, bool) bool) {
	return func(yield func(cloudwatch.Metric, bool) bool) {
		seen := map[string]bool{}
		for _, a := range w.cloud.CloudWatch.Alarms() {
			first := true
			for _, q := range a.Queries {
				if key := fmt.Sprint(q.Metric); q.Expression == "" && !seen[key] {
					seen[key] = true
					if !yield(q.Metric, first) {
						return
					}
					first = false
				}
			}
		}
	}
}

// ringing returns the alarms in ALARM, sorted by name.
func (w watched) ringing() []string {
	var names []string
	for _, a := range w.cloud.CloudWatch.Alarms() {
		if a.State == cloudwatch.Alarming {
			names = append(names, w.short(a.Name))
		}
	}
	slices.Sort(names)
	return names
}

// alarmNames returns the short names of the template's alarms, without the composite one.
func alarmNames(t *testing.T, p parameters) []string {
	t.Helper()
	s := deploy(t, p)
	var names []string
	for _, r := range s.ofType("AWS::CloudWatch::Alarm") {
		names = append(names, strings.TrimSuffix(r.LogicalID, "Alarm"))
	}
	return names
}

// gateway are the parameters of a stack with a gateway endpoint.
var gateway = parameters{"EndpointType": "Gateway"}

func TestEachAlarmRingsAloneAndNotTooSoon(t *testing.T) {
	for _, p := range []parameters{nil, gateway, {"CreateProbe": "false"}} {
		w := watch(t, p)
		for _, name := range alarmNames(t, p) {
			v, ok := troubles[name]
			if !ok {
				if name != "UnusualTraffic" { // the local AWS has no anomaly detection
					t.Errorf("%s has no test", name)
				}
				continue
			}
			t.Run(name, func(t *testing.T) {
				w := watched{t, w.cloud, w.stack, 2}
				w.cloud.CloudWatch.Reset()
				w.minutes(20, nil)
				w.expect("while all is well")
				w.minutes(v.silent.minutes, &v.silent)
				w.expect(fmt.Sprintf("after %+v", v.silent))
				w.minutes(50, nil)
				w.minutes(v.rings.minutes, &v.rings)
				want := []string{name}
				if !slices.Contains(informational, name) {
					want = append(want, "Guard")
				}
				w.expect(fmt.Sprintf("after %+v", v.rings), want...)
				w.minutes(50, nil)
				w.expect("when it is over")
			})
		}
	}
}

// One zone's probe continues while the other's is silent.
func TestAProbeThatIsSilentInOneZoneRings(t *testing.T) {
	w := watch(t, nil)
	w.minutes(20, nil)
	w.zones = 1
	w.minutes(7, nil)
	w.expect("after seven minutes with one zone")
	w.minutes(1, nil)
	w.expect("after eight", "ProbeDataMissing", "Guard")
}

// expect compares the alarms in ALARM with the expected ones.
func (w watched) expect(when string, want ...string) {
	w.Helper()
	slices.Sort(want)
	if got := w.ringing(); !slices.Equal(got, want) {
		w.Errorf("%s these alarms are in ALARM: %q, want %q", when, got, want)
	}
}

// The topic gets a message for ALARM and for the return to OK.
func TestAlarmsTellTheTopicOfBothEnds(t *testing.T) {
	w := watch(t, parameters{"PagingTopicArn": "arn:aws:sns:eu-central-1:111122223333:pager"})
	pager := w.cloud.SNS.CreateTopic("pager", "")
	w.minutes(5, nil)
	topic := w.stack.Physical("NotificationTopic")
	before, paged := len(w.cloud.SNS.Messages(topic)), len(w.cloud.SNS.Messages(pager))
	w.minutes(1, &trouble{"ExposedToInternet", 1, 1})
	w.minutes(1, nil)
	var got []string
	for _, m := range w.cloud.SNS.Messages(topic)[before:] {
		got = append(got, w.short(m.Subject))
	}
	for _, m := range w.cloud.SNS.Messages(pager)[paged:] {
		got = append(got, m.Subject)
	}
	var want []string
	for _, name := range []string{"Exposed", "Guard"} {
		for _, state := range []string{"ALARM", "OK"} {
			want = append(want, fmt.Sprintf("%s: %q in eu-central-1", state, w.stack.Name()+"-"+name))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
}

// CloudWatch does not check permissions when an alarm is created, and reports no missing one.
func TestCloudWatchMayPublishToTheTopic(t *testing.T) {
	s := deploy(t, nil)
	topic, _ := s.Ref("NotificationTopic")
	for id, v := range map[string]struct{ property, action string }{
		"NotificationTopicPolicy": {"PolicyDocument", "sns:Publish"},
		"NotificationKey":         {"KeyPolicy", "kms:GenerateDataKey"},
	} {
		document, err := json.Marshal(s.properties(id)[v.property])
		if err != nil {
			t.Fatal(err)
		}
		policy, err := iampolicy.Parse(document)
		if err != nil {
			t.Fatal(err)
		}
		request := iampolicy.Request{
			Principal: "cloudwatch.amazonaws.com", Action: v.action, Resource: topic, ResourceAccount: account,
			Context: map[string][]string{"aws:SourceAccount": {account}, "aws:SecureTransport": {"true"}},
		}
		if d := iampolicy.Evaluate(request, iampolicy.Policies{Resource: policy}); d.Effect != iampolicy.Allow {
			t.Errorf("%s does not let CloudWatch %s: %v", id, v.action, d)
		}
	}
}

// switches returns all combinations of the parameters that disable parts of the monitoring.
func switches() []parameters {
	return mixes(map[string][]string{
		"EndpointType": {"Interface", "Gateway"}, "Enforcement": {"Enforce", "Observe"},
		"CreateProbe": {"true", "false"}, "CreateDashboard": {"true", "false"},
	})
}

func TestEveryMixOfWhatIsLeftOutResolves(t *testing.T) {
	for _, p := range switches() {
		s := deploy(t, p)
		for _, r := range s.Resources() {
			s.properties(r.LogicalID)
		}
		if _, err := s.Outputs(s); err != nil {
			t.Errorf("Outputs of %v: %v", p, err)
		}
	}
}

func TestProbeAndDashboardCanBeLeftOut(t *testing.T) {
	if got := deploy(t, parameters{"CreateDashboard": "false"}).ofType("AWS::CloudWatch::Dashboard"); len(got) > 0 {
		t.Errorf("CreateDashboard=false creates %v", got)
	}
	for _, name := range alarmNames(t, parameters{"CreateProbe": "false"}) {
		if strings.HasPrefix(name, "Probe") || name == "DataCanLeave" {
			t.Errorf("there is a %s without a probe", name)
		}
	}
	for _, name := range alarmNames(t, parameters{"Enforcement": "Observe"}) {
		if strings.HasSuffix(name, "NotLocked") {
			t.Errorf("there is a %s although the guard only observes", name)
		}
	}
}

// The alarms on missing data count a run of TeardownFunction as data, so that they stay OK until the first run of a
// new function. An update runs TeardownFunction if a property of EmptyBucket changes.
func TestAnUpdateThatBeginsToWatchRunsTheTeardownFunction(t *testing.T) {
	properties := func(p parameters) string { return fmt.Sprint(deploy(t, p).properties("EmptyBucket")) }
	for _, before := range []parameters{{"CreateProbe": "false"}, {"HealthRate": "60"}} {
		if properties(before) == properties(nil) {
			t.Errorf("an update from %v changes no property of EmptyBucket: an alarm on missing data would go to ALARM at once", before)
		}
	}
}
