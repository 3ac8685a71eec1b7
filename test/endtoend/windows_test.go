package endtoend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/pauses"
	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/internal/pause"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// pauses makes a maintenance window as guard pause does, and returns when it ends.
func (s *scene) pauses(target, reason string) time.Time {
	s.Helper()
	w := pause.Window{
		Target: target, Until: time.Now().Add(time.Hour).Truncate(time.Second), Reason: reason, By: "arn:aws:iam::111122223333:user/admin",
	}
	writer := pauses.Writer{SSM: awscall.New(s.Config(s.Admin(), s.Internet()), awscall.SSM), Path: pause.Path(s.stack.Name())}
	s.must(writer.Put(s.Context(), w))
	return w.Until
}

// paused stores a window as one that was made some time ago: the function's process has the real clock, which no test waits for.
func (s *scene) paused(target string, ago, lasts time.Duration) (made time.Time) {
	s.Helper()
	made = time.Now().Add(-ago).Truncate(time.Second)
	s.SSM.PutAt(pause.Path(s.stack.Name())+"/"+target, "String", pause.Window{Until: made.Add(lasts), Reason: "migration"}.Value(), made)
	return made
}

// standsDown fails the test unless the guard wrote nothing, made one record, and said these texts in its log.
func (r report) standsDown(t *testing.T, texts ...string) {
	t.Helper()
	r.wrote(t)
	if len(r.records) != 1 || r.records[0].Message != "standing down" || len(r.failures()) > 0 {
		t.Errorf("records %q and %d failed runs, want one record that stands down:\n%s", r.outcomes(), len(r.failures()), r.log())
	}
	for _, text := range texts {
		if !strings.Contains(r.log(), text) {
			t.Errorf("the log does not say %q:\n%s", text, r.log())
		}
	}
}

// guards are the deployments of both templates.
var guards = map[string]func(*testing.T) *scene{
	"template.yaml": func(t *testing.T) *scene { return deploy(t, nil) },
	"guard.yaml": func(t *testing.T) *scene {
		s := enforced(t, nil).scene
		s.reconfigure(func(*lambda.Function) {}) // a new process, which has not told of a correction in the last minute
		return s
	},
}

// Open access in a window is as loud as open access: it is an error in the log, a message with reason and end, and a metric of each
// sweep, which keeps the alarm on. It is told once, and corrected by the first sweep after the window.
func TestAWindowIsToldOnceAndEndsWithACorrection(t *testing.T) {
	t.Parallel()
	for name, deployed := range guards {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployed(t)
			end := s.pauses(s.bucket, "moving to the new VPC").UTC().Format(time.RFC3339)
			r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
			r.standsDown(t, "moving to the new VPC", end)
			if record := r.records[0]; record.Verdict != "open" || record.Level != "ERROR" || record.Allowed == "" {
				t.Errorf("record %+v, want open drift that is logged as an error", record)
			}
			if len(r.messages) != 1 {
				t.Fatalf("%d messages, want one:\n%s", len(r.messages), r.log())
			}
			for _, text := range []string{"UNWANTED ACCESS IS POSSIBLE", `"moving to the new VPC" until ` + end, "OPEN bucket-policy of " + s.bucket} {
				if !strings.Contains(r.messages[0].Subject+r.messages[0].Body, text) {
					t.Errorf("the message does not say %q: %s\n%s", text, r.messages[0].Subject, r.messages[0].Body)
				}
			}
			r = s.watch(s.sweep)
			r.standsDown(t)
			if len(r.messages) > 0 {
				t.Errorf("the next sweep sends %d messages, want none: it has been told", len(r.messages))
			}
			if name == "template.yaml" && s.sum(metrics.OpenDrift) != 1 {
				t.Errorf("OpenDrift = %g, want it counted in each sweep", s.sum(metrics.OpenDrift))
			}
			s.paused(s.bucket, time.Hour+time.Second, time.Hour)
			r = s.watch(s.sweep)
			r.wrote(t, "PutBucketPolicy")
			if len(r.messages) != 1 || !strings.Contains(r.messages[0].Subject, "corrected") {
				t.Errorf("%d messages after the window, want one about the correction:\n%s", len(r.messages), r.log())
			}
			s.watch(s.sweep).wrote(t)
		})
	}
}

// Whatever a window says, it ends a day after SSM stored it.
func TestAWindowLastsADayAtMost(t *testing.T) {
	t.Parallel()
	for name, deployed := range guards {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployed(t)
			made := s.paused(s.bucket, 23*time.Hour, 72*time.Hour)
			r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
			r.standsDown(t, made.Add(24*time.Hour).UTC().Format("2006-01-02T15:04:05"))
			s.paused(s.bucket, 24*time.Hour+time.Second, 72*time.Hour)
			s.watch(s.sweep).wrote(t, "PutBucketPolicy")
		})
	}
}

// A window is of the bucket, or of the endpoint with its groups' rules or its routes.
func TestAWindowIsOfTheBucketOrOfTheEndpoint(t *testing.T) {
	t.Parallel()
	network := map[string]attack{
		"Interface": typeAttacks["Interface"]["security group rules: one more"],
		"Gateway":   typeAttacks["Gateway"]["route table associations: a subnet on another table"],
	}
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			s.pauses(s.endpoint, "new routes")
			s.watch(func() { s.attack(network[endpointType]) }).standsDown(t, "new routes")
			s.watch(func() { s.must(s.deletesBucketPolicy()) }).wrote(t, "PutBucketPolicy")
			s.pauses(s.bucket, "new policy")
			s.paused(s.endpoint, 2*time.Hour, time.Hour)
			s.watch(s.sweep).wrote(t, network[endpointType].write)
			s.watch(func() { s.must(s.deletesBucketPolicy()) }).standsDown(t, "new policy")
		})
	}
}

// A window of one of many buckets is not of the others, and ends when it is ended.
func TestAWindowIsOfOneOfManyBuckets(t *testing.T) {
	t.Parallel()
	s := enforced(t, nil)
	s.pauses(clean, "migration")
	s.watch(func() { s.must(s.deletesBucketPolicy()) }).standsDown(t, "migration")
	s.watch(func() {
		_, err := s.s3.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(terraform)})
		s.must(err)
	}).wrote(t, "PutBucketPolicy")
	s.SSM.Delete(pause.Path(s.stack.Name()) + "/" + clean)
	s.sweep()
	s.allLocked()
}

// Windows that cannot be read are no windows: the drift is corrected, and the failure told.
func TestAWindowThatCannotBeReadKeepsNothingOpen(t *testing.T) {
	t.Parallel()
	for name, deployed := range guards {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployed(t)
			s.SSM.PutAt(fmt.Sprintf("%s/%s", pause.Path(s.stack.Name()), s.bucket), "String", "until tomorrow", time.Now())
			r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
			r.wrote(t, "PutBucketPolicy")
			if !strings.Contains(r.log(), "maintenance-windows") {
				t.Errorf("the log does not name the window:\n%s", r.log())
			}
		})
	}
}
