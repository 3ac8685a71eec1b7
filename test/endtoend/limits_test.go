package endtoend_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

func TestWhoOnlyObservesWritesNothingAndTellsOnce(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p.and("Enforcement", "Observe"))
			s.guardOnly()
			s.Events.Hold()
			s.attackEverything(endpointType)
			attacked := s.live()
			first := s.watch(func() { s.Events.Release(latest) })
			first.runs(t, 1)
			first.wrote(t)
			if len(first.records) < 5 || len(first.messages) != len(first.records) {
				t.Errorf("%d messages for %d records, want one for each drifted property", len(first.messages), len(first.records))
			}
			for _, record := range first.records {
				if record.Message != "drift observed" || record.Attempts != 0 || record.Before == "" && record.Resource != "public-access-block" {
					t.Errorf("record %+v, want observed drift", record)
				}
			}
			if s.sum("DriftDetected") != float64(len(first.records)) || s.sum("CorrectionFailed")+s.sum("DriftCorrected") != 0 {
				t.Errorf("DriftDetected = %g, want %d, and nothing corrected or failed", s.sum("DriftDetected"), len(first.records))
			}
			next := s.watch(func() {
				for range 3 {
					s.Clock.Advance(time.Minute)
					s.rest() // otherwise they run at the same time, in processes that do not share state
				}
			})
			next.runs(t, 3)
			next.wrote(t)
			if len(next.messages) != 0 || s.sum("DriftDetected") != float64(3*len(first.records)) {
				t.Errorf("%d messages and DriftDetected = %g after three sweeps, want no message and %d",
					len(next.messages), s.sum("DriftDetected"), 3*len(first.records))
			}
			s.isNothingElseThan(attacked, attacked)
		})
	}
}

// TestALockoutIsRefused gives the function a desired policy that locks out all principals. The template cannot
// produce it, but a wrong template could.
func TestALockoutIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ policy, outcome string }{
		"that denies everybody everything": {`{"Version":"2012-10-17","Statement":[{"Sid":"DenyAll","Effect":"Deny","Principal":"*",
			"Action":"s3:*","Resource":["arn:aws:s3:::BUCKET","arn:aws:s3:::BUCKET/*"]}]}`, "lockout refused"},
		"that leaves the policy to nobody": {`{"Version":"2012-10-17","Statement":[{"Sid":"DenyPut","Effect":"Deny","Principal":"*",
			"Action":["s3:PutBucketPolicy","s3:DeleteBucketPolicy"],"Resource":"arn:aws:s3:::BUCKET"}]}`, "lockout refused"},
		"that is open": {`{"Version":"2012-10-17","Statement":[{"Sid":"Open","Effect":"Allow","Principal":"*",
			"Action":"s3:GetObject","Resource":"arn:aws:s3:::BUCKET/*"}]}`, "not corrected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.reconfigure(func(f *lambda.Function) {
				f.Environment["BUCKET_POLICY"] = strings.ReplaceAll(c.policy, "BUCKET", s.bucket)
			})
			r := s.watch(s.sweep)
			r.wrote(t)
			s.isDesired()
			if len(r.failures()) != 3 || len(r.letters) != 1 || len(r.messages) != 1 {
				t.Errorf("%d runs failed, %d were given up, %d messages, want 3, 1 and 1:\n%s",
					len(r.failures()), len(r.letters), len(r.messages), r.log())
			}
			for _, record := range r.records {
				if record.Message != c.outcome || record.Level != "ERROR" || !strings.Contains(record.Error, "docs/runbook.md#") {
					t.Errorf("record %+v, want %q, and where the remedy is", record, c.outcome)
				}
			}
			if s.sum("CorrectionFailed") != 3 {
				t.Errorf("CorrectionFailed = %g, want 3", s.sum("CorrectionFailed"))
			}
		})
	}
}

// TestWhatIsGoneIsReportedAtOnce covers resources that no write and no retry restores.
func TestWhatIsGoneIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do       func(*scene)
		resource string
		advice   string
	}{
		"the endpoint": {
			do: func(s *scene) {
				_, err := s.ec2.DeleteVpcEndpoints(s.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{s.endpoint}})
				s.must(err)
			},
			resource: "vpc-endpoint", advice: "see docs/runbook.md#the-endpoint-is-gone",
		},
		"the bucket": {
			do:       func(s *scene) { s.deletesBucket() },
			resource: "bucket-policy", advice: "see docs/runbook.md#the-bucket-is-gone",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			r := s.watch(func() { c.do(s) })
			r.wrote(t)
			if len(r.failures()) != 3 || len(r.letters) != 1 {
				t.Errorf("%d runs failed, %d were given up, want 3 and 1:\n%s", len(r.failures()), len(r.letters), r.log())
			}
			told := r.records[0]
			if told.Resource != c.resource || !told.Missing || !strings.Contains(told.Error, c.advice) {
				t.Errorf("record %+v, want that %s is missing, with the advice %s", told, c.resource, c.advice)
			}
			if s.sum("ResourceMissing") == 0 {
				t.Error("ResourceMissing = 0, want it counted")
			}
			for _, i := range r.invocations {
				if i.Duration > time.Second { // without retries
					t.Errorf("a run took %s, want it to give up at once", i.Duration)
				}
			}
			if got := len(r.calls); got > 3*(len(wave["Interface"])+3) { // a wave, and a message, an event and the stack's status
				t.Errorf("%d calls in three runs, want no storm of retries: %q", got, r.names())
			}
			// The message is sent once, not at each sweep.
			if again := s.watch(s.sweep); len(again.messages) != 0 {
				t.Errorf("%d more messages at the next sweep, want none", len(again.messages))
			}
		})
	}
}

// deletesBucket deletes the empty bucket as the administrator.
func (s *scene) deletesBucket() {
	s.Helper()
	_, err := s.s3.DeleteBucket(s.Context(), &s3.DeleteBucketInput{Bucket: &s.bucket})
	s.must(err)
}

// TestAnothersBucketOfOurNameIsNotTouched: after our bucket is deleted, another account can create one with its name.
func TestAnothersBucketOfOurNameIsNotTouched(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.Events.Disturb(lose)
	s.deletesBucket()
	s.must(s.S3.CreateBucket(s.bucket, "444455556666"))
	r := s.watch(s.sweep)
	r.wrote(t)
	if s.S3.Policy(s.bucket) != "" || len(r.failures()) == 0 {
		t.Errorf("the guard wrote to another account's bucket, or logged no error:\n%s", r.log())
	}
}

// TestAFunctionThatCannotStartIsNoticed checks that missing configuration is reported in one log line, and that the
// event is kept.
func TestAFunctionThatCannotStartIsNoticed(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.reconfigure(func(f *lambda.Function) {
		delete(f.Environment, "TOPIC")
		f.Environment["ENFORCEMENT"] = "Sometimes"
	})
	r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
	if len(r.letters) != 1 || len(r.failures()) != 3 || len(r.calls) != 0 {
		t.Fatalf("%d letters after %d failed runs with %d calls, want 1 after 3 with none", len(r.letters), len(r.failures()), len(r.calls))
	}
	if !strings.Contains(r.letters[0].Body, "DeleteBucketPolicy") {
		t.Errorf("the letter has no event: %s", r.letters[0].Body)
	}
	for _, line := range r.lines {
		text, _ := line.Fields["error"].(string)
		if line.Fields["message"] != "not started" || !strings.Contains(text, "TOPIC") || !strings.Contains(text, "ENFORCEMENT") {
			t.Errorf("line %s, want one that names both variables", line.Text)
		}
	}
}

// TestALetterTellsWhatFailed checks the record of a run that failed all its attempts.
func TestALetterTellsWhatFailed(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.Gate.Inject(denies(s, "s3", "PutBucketPolicy"))
	r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
	if len(r.letters) != 1 {
		t.Fatalf("%d letters, want 1", len(r.letters))
	}
	var letter struct {
		RequestContext struct {
			Condition              string
			ApproximateInvokeCount int
		}
		RequestPayload  struct{ Detail struct{ EventName string } }
		ResponsePayload struct{ ErrorMessage string }
	}
	s.must(json.Unmarshal([]byte(r.letters[0].Body), &letter))
	if letter.RequestContext.ApproximateInvokeCount != 3 || letter.RequestPayload.Detail.EventName != "DeleteBucketPolicy" ||
		!strings.Contains(letter.ResponsePayload.ErrorMessage, "AccessDenied") {
		t.Errorf("letter %+v, want the event and the error after three attempts", letter)
	}
	// The letter's text can be sent to the function without unpacking it.
	s.Gate.ClearFaults()
	s.watch(func() { s.invoke(r.letters[0].Body) }).wrote(t, "PutBucketPolicy")
	s.isDesired()
}
