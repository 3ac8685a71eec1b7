package healthcheck_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/function/healthcheck"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/metrics"
)

const denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`

// variables returns the template's environment variables for an interface endpoint, with changes.
func variables(changes map[string]string) func(string) string {
	template := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"BUCKET": "docs-example", "BUCKET_POLICY": denyAll, "ENDPOINT_ID": "vpce-1", "ENDPOINT_POLICY": denyAll,
		"VPC_ID": "vpc-1", "SUBNET_IDS": "subnet-1,subnet-2", "GROUPS": "sg-1", "CLIENT_GROUPS": "sg-2,sg-3",
		"GUARD_ROLE_ARN": "arn:aws:iam::111122223333:role/guard", "WORKLOAD_ROLE": "app", "FUNCTION": "remediate",
		"RULES": "s-Bucket~1,s-Sweep~2", "STACK": "stack/guard/0f0f0f0f-0000-4000-8000-000000000001", "TIMES": "300,14,90", "ZONE": "eu-central-1a",
	}
	return func(name string) string {
		if value, ok := changes[name]; ok {
			return value
		}
		return template[name]
	}
}

func TestReadConfigReadsWhatTheTemplateSets(t *testing.T) {
	c, err := healthcheck.ReadConfig(variables(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Function != "arn:aws:lambda:eu-central-1:111122223333:function:remediate" || c.Setting.Workload != "arn:aws:iam::111122223333:role/app" {
		t.Errorf("function %s, workload %s, want their ARNs", c.Function, c.Setting.Workload)
	}
	if strings.Join(c.Rules, " ") != "s-BucketRule-1 s-SweepRule-2" || c.SweepEvery != 5*time.Minute || c.IdleAfter != 14*24*time.Hour || c.TrailDays != 90 || c.CanaryKey != ".s3-endpoint-guard/canary-eu-central-1a" {
		t.Errorf("configuration = %+v, want the values from the environment", c)
	}
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	wrong := map[string]string{
		"AWS_REGION": "", "BUCKET": "", "FUNCTION": "a:b", "RULES": "", "TIMES": "300,14", "ZONE": "",
	}
	_, err := healthcheck.New(variables(wrong), slog.New(slog.DiscardHandler), io.Discard)
	for name := range wrong {
		if err == nil || !strings.Contains(err.Error(), name+" ") {
			t.Errorf("New = %v, want an error that names %s", err, name)
		}
	}
}

func TestNewMakesTheChecksOfEachEndpointType(t *testing.T) {
	for tables, gateway := range map[string]bool{"": false, "rtb-1": true} {
		f, err := healthcheck.New(variables(map[string]string{"TABLES": tables}), slog.New(slog.DiscardHandler), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		c := f.Checks
		ofInterface := c.Interfaces != nil && c.GroupRules != nil && c.Traffic != nil
		if ofInterface == gateway || (c.Routing != nil) != gateway || f.Criteria.Gateway != gateway {
			t.Errorf("route tables %q: checks of interfaces %t, of routes %t", tables, ofInterface, c.Routing != nil)
		}
		if want := 15 * time.Minute; f.Criteria.SweepWithin != want {
			t.Errorf("a sweep is recent within %v, want %v for one every 5 minutes", f.Criteria.SweepWithin, want)
		}
	}
}

// Watched checks are made at their own pace, and at once after a call's event. Failures are repeated at the next run.
func TestWatchedChecksAreMadeAtTheirPaceAndAfterAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := healthcheck.New(variables(nil), slog.New(slog.DiscardHandler), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		looks := 0
		f.Checks = healthcheck.Checks{}
		f.Publish = func(context.Context, time.Time, ...metrics.Datum) error { return nil }
		var failure error
		f.Checks.Exits = healthcheck.Watched(&f.Checks, 5*time.Minute, func(context.Context) ([]health.Exit, error) { looks++; return nil, failure })
		const schedule, event = `{"source":"aws.events","detail-type":"Scheduled Event"}`, `{"source":"aws.s3","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"PutBucketReplication"}}`
		for i, step := range []struct {
			after   time.Duration
			payload string
			failure error
			looks   int
		}{
			{0, schedule, nil, 1}, {time.Minute, schedule, nil, 1}, {3 * time.Minute, schedule, nil, 1}, {time.Minute, schedule, nil, 2},
			{time.Second, event, nil, 3}, {time.Second, `{}`, nil, 4}, {4 * time.Minute, schedule, nil, 4}, {time.Minute, schedule, errors.New("refused"), 5},
			{time.Minute, schedule, nil, 6}, {time.Minute, schedule, nil, 6},
		} {
			time.Sleep(step.after) // synthetic time
			failure = step.failure
			if _, err := f.Invoke(t.Context(), []byte(step.payload)); err != nil {
				t.Fatal(err)
			}
			if looks != step.looks {
				t.Errorf("after step %d there were %d looks, want %d", i, looks, step.looks)
			}
		}
	})
}

func TestTheSweepsThatMustHaveRunFollowTheirInterval(t *testing.T) {
	for seconds, want := range map[string]struct {
		within    time.Duration
		inAMinute int
	}{
		// More than the schedule's own sweep, which runs each minute even if no message arrives.
		"5": {7 * time.Minute, 7}, "10": {7 * time.Minute, 4}, "15": {7 * time.Minute, 3}, "20": {7 * time.Minute, 2}, "30": {7 * time.Minute, 2},
		"60": {7 * time.Minute, 1}, "3600": {125 * time.Minute, 1},
	} {
		f, err := healthcheck.New(variables(map[string]string{"TIMES": seconds + ",14,90"}), slog.New(slog.DiscardHandler), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if f.Criteria.SweepWithin != want.within || f.Criteria.SweepsAMinute != want.inAMinute {
			t.Errorf("every %s s: %d sweeps in a minute within %s, want %+v", seconds, f.Criteria.SweepsAMinute, f.Criteria.SweepWithin, want)
		}
	}
}

func TestAFleetsConfigurationNamesEverythingThatIsWrong(t *testing.T) {
	right := map[string]string{
		"VPC_ENDPOINT_IDS": "vpce-1,vpce-2", "STACK": "stack/guard/0f0f", "FUNCTION": "remediate", "RULES": "one,two",
	}
	if _, err := healthcheck.New(variables(right), slog.New(slog.DiscardHandler), io.Discard); err != nil {
		t.Errorf("New = %v, want the configuration accepted", err)
	}
	wrong := map[string]string{"VPC_ENDPOINT_IDS": "vpc-1", "STACK": "guard", "FUNCTION": "a:b", "RULES": "", "GUARD_ROLE_ARN": "guard"}
	_, err := healthcheck.New(variables(wrong), slog.New(slog.DiscardHandler), io.Discard)
	for name := range wrong {
		if err == nil || !strings.Contains(err.Error(), name+" ") {
			t.Errorf("New = %v, want an error that names %s", err, name)
		}
	}
}
