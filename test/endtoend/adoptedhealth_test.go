package endtoend_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
