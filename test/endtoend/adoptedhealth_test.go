package endtoend_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/local/cost"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

// TestTheHealthOfAnAdoptedEstate shows each problem that the health check of guard.yaml sees, alone.
func TestTheHealthOfAnAdoptedEstate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault func(*estate)
		want  board
		log   string
	}{
		"nothing": {func(*estate) {}, board{}, "healthy"},
		"an endpoint that is gone": {func(s *estate) { s.must(s.EC2.DeleteEndpoint(s.gateway)) },
			board{"EndpointAvailable guard": 0}, "its state is not found"},
		"an endpoint that is pending": {func(s *estate) { s.must(s.EC2.SetEndpointState(s.endpoint, "pending")) },
			board{"EndpointAvailable guard": 0}, "its state is pending"},
		"a trail that is off": {func(s *estate) { s.Events.PutTrail(events.Trail{Name: "organisation"}) },
			board{"TrailLogging guard": 0}, "trail organisation is switched off"},
		"a rule that is gone": {func(s *estate) { s.Events.RemoveRule(s.stack.Physical("EndpointRule")) },
			board{"RulesEnabled guard": 0}, "its state is not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := adopted(t, nil)
			c.fault(s)
			s.CloudWatch.Reset()
			s.Gate.ResetCalls()
			s.fires("HealthcheckRule")
			want := board{"EndpointAvailable guard": 1, "TrailLogging guard": 1, "RulesEnabled guard": 1, "CheckFailed guard": 0}
			for metric, value := range c.want {
				want[metric] = value
			}
			if diff := cmp.Diff(want, s.board()); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			var log []string
			for _, line := range s.Lambda.Logs(s.stack.Physical("HealthcheckFunction")) {
				log = append(log, line.Text)
			}
			if !strings.Contains(strings.Join(log, "\n"), c.log) {
				t.Errorf("the log is %q, want %q in it", log, c.log)
			}
			for _, call := range s.Gate.Calls() {
				if call.ErrorCode == "AccessDenied" || call.ErrorCode == "UnauthorizedOperation" {
					t.Errorf("%s was denied", call.Operation)
				}
			}
		})
	}
}

// The metrics in the bill of guard.yaml are those that its functions publish in quiet times.
func TestTheBillOfGuardYAMLCountsTheMetricsThatAreThere(t *testing.T) {
	t.Parallel()
	table, err := cost.Prices()
	if err != nil {
		t.Fatal(err)
	}
	s := enforced(t, nil)
	s.CloudWatch.Reset()
	s.sweep()
	s.fires("HealthcheckRule")
	var got []string
	for _, m := range s.CloudWatch.Metrics() {
		if m.Namespace == metrics.Namespace {
			got = append(got, m.Name)
		}
	}
	want := slices.Concat(table.Usage["remediate"].Metrics, table.Usage["remediate"].FleetMetrics, table.Usage["healthcheckOfFleet"].Metrics)
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Errorf("metrics that are billed (-want +got):\n%s", diff)
	}
}

// A rule as in docs/threat-model.md hears of each run of the health check, of either template's guard.
func TestTheHeartbeatIsSentByBothTemplates(t *testing.T) {
	t.Parallel()
	for name, deployed := range map[string]func(*testing.T) *scene{
		"guard.yaml":    func(t *testing.T) *scene { return adopted(t, nil).scene },
		"template.yaml": func(t *testing.T) *scene { return deploy(t, watching) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployed(t)
			_, err := s.Events.PutRule(events.Rule{Name: "alive", Targets: []events.Target{{ID: "far", ARN: s.topic}}, Pattern: map[string]any{
				"source": []any{"lambda"}, "detail-type": []any{"Lambda Function Invocation Result - Success"},
				"resources": []any{s.stack.Attribute("HealthcheckFunction", "Arn") + ":$LATEST"},
			}})
			s.must(err)
			s.fires("HealthcheckRule")
			if heard := s.deliveredBy("alive"); heard != 1 {
				t.Errorf("the rule heard of %d runs, want 1", heard)
			}
		})
	}
}
