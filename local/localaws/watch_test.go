package localaws_test

import (
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// The functions are processes with the real time, and the clock is advanced: their metrics must have the clock's time.
func TestAHealthyHourRingsNoAlarm(t *testing.T) {
	c, s := guarded(t, nil)
	if err := c.Pass(localtest.Context(t, "twelve minutes of the clock to pass"), 12*time.Minute); err != nil {
		t.Fatal(err)
	}
	for _, a := range c.CloudWatch.Alarms() {
		if a.State == cloudwatch.OK || a.ThresholdMetricID != "" {
			continue
		}
		t.Errorf("%s is %s: %s", a.Name, a.State, a.Reason)
	}
	for _, id := range []string{"HealthcheckFunction", "ProbeAFunction"} {
		for i, line := range c.Lambda.Logs(s.Physical(id)) {
			if t.Failed() && i < 20 {
				t.Log(line.Text)
			}
		}
	}
}
