package health_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/health"
)

// deployed is when CloudFormation last changed everything.
var deployed = time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)

// stack returns a deployment with one alarm and one function, as they were deployed. All else could not be read.
func stack() health.Deployment {
	d := health.Deployment{Resources: map[string]health.Resource{
		"OpenDriftAlarm":    {PhysicalID: "guard-OpenDrift", Type: "AWS::CloudWatch::Alarm", Changed: deployed},
		"RemediateFunction": {PhysicalID: "guard-RemediateFunction", Type: "AWS::Lambda::Function", Changed: deployed},
	}}
	d.Alarms.Value = []health.Alarm{{Name: "guard-OpenDrift", Changed: deployed.Add(-time.Second)}, {Name: "guard-other", Silent: true}}
	d.Functions.Value = []health.Function{{Name: "guard-RemediateFunction", Changed: deployed.Add(-time.Second)}}
	refused := errors.New("refused")
	d.Failures.Err, d.Invokers.Err, d.Topic.Err, d.Key.Err, d.Dashboards.Err, d.TrailBucket.Err, d.LostRights.Err = refused, refused, refused, refused, refused, refused, refused
	return d
}

// found returns the findings about a deployment, and the failed checks.
func found(d health.Deployment, err error, now time.Time) (findings []string, failed []health.Check) {
	s := healthySnapshot()
	s.Time, s.Deployment = now, health.Reading[health.Deployment]{Value: d, Err: err}
	s.Rules.Value = nil
	r := terms().Judge(s)
	for _, p := range r.Problems {
		if p.Finding != "" {
			findings = append(findings, p.Finding)
		}
	}
	for _, f := range r.Failures {
		failed = append(failed, f.Check)
	}
	return findings, failed
}

func TestWhatWasChangedAfterTheDeploymentIsFound(t *testing.T) {
	later := deployed.Add(11 * time.Second)
	for name, c := range map[string]struct {
		change func(*health.Deployment)
		want   []string
	}{
		"nothing":                    {func(*health.Deployment) {}, nil},
		"within the clocks' margin":  {func(d *health.Deployment) { d.Functions.Value[0].Changed = deployed.Add(10 * time.Second) }, nil},
		"a function":                 {func(d *health.Deployment) { d.Functions.Value[0].Changed = later }, []string{"function-changed"}},
		"a function, which is gone":  {func(d *health.Deployment) { d.Functions.Value[0].Missing = true }, []string{"function-deleted"}},
		"a function, which may not":  {func(d *health.Deployment) { d.Functions.Value[0].Stopped = true }, []string{"function-stopped"}},
		"an alarm":                   {func(d *health.Deployment) { d.Alarms.Value[0].Changed = later }, []string{"alarm-changed"}},
		"an alarm, which is silent":  {func(d *health.Deployment) { d.Alarms.Value[0].Silent = true }, []string{"alarm-silenced"}},
		"an alarm, which is gone":    {func(d *health.Deployment) { d.Alarms.Value = d.Alarms.Value[1:] }, []string{"alarm-deleted"}},
		"another's alarm is no part": {func(d *health.Deployment) { d.Alarms.Value = d.Alarms.Value[:1] }, nil},
		"while the stack is updated": {func(d *health.Deployment) {
			d.Functions.Value[0].Changed = later
			d.Resources["BucketRule"] = health.Resource{Busy: true, Changed: deployed.Add(time.Minute)}
		}, nil},
		"while an update hangs for an hour": {func(d *health.Deployment) {
			d.Functions.Value[0].Changed = later
			d.Resources["BucketRule"] = health.Resource{Busy: true, Changed: deployed}
		}, []string{"function-changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := stack()
			c.change(&d)
			got, failed := found(d, errors.New("refused"), deployed.Add(time.Hour))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			want := []health.Check{"failed-runs", "function-policy", "notification-topic", "notification-key", "dashboard", "trail-bucket", "guard-role"}
			if diff := cmp.Diff(want, failed); diff != "" {
				t.Errorf("failed checks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAStackThatCannotBeListedIsOneFailedCheck(t *testing.T) {
	findings, failed := found(health.Deployment{}, errors.New("refused"), deployed)
	if diff := cmp.Diff([]health.Check{"stack-resources"}, failed); diff != "" || len(findings) > 0 {
		t.Errorf("findings %v, failed checks (-want +got):\n%s", findings, diff)
	}
}
