package endtoend_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.com/s3-endpoint-guard/internal/aws/recordevents"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

// sent returns the guard's events on the bus, which must have the published form.
func (s *scene) sent() (all []events.Event, details []recordevents.Detail) {
	s.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("../../docs/record.schema.json")
	s.must(err)
	for _, e := range s.Events.Custom() {
		if e["source"] != "s3-endpoint-guard" || e["detail-type"] != "S3 Endpoint Guard Record" {
			s.Errorf("an event has the source %v and the detail-type %v", e["source"], e["detail-type"])
		}
		if err := schema.Validate(e["detail"]); err != nil {
			s.Errorf("an event is not as docs/record.schema.json says: %v", err)
		}
		text, err := json.Marshal(e["detail"])
		s.must(err)
		var d recordevents.Detail
		s.must(json.Unmarshal(text, &d))
		all, details = append(all, e), append(details, d)
	}
	return all, details
}

// TestACorrectionIsAnEvent checks the event of one correction on the bus: it has the log line's record, and reaches a
// user's rule.
func TestACorrectionIsAnEvent(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	pattern := map[string]any{"source": []any{"s3-endpoint-guard"}, "detail": map[string]any{"verdict": []any{"open"}}}
	_, err := s.Events.PutRule(events.Rule{Name: "users-rule", Pattern: pattern, Targets: []events.Target{{ID: "a", ARN: "arn:a"}}})
	s.must(err)
	r := s.watch(func() { s.must(s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PolicyDocument: aws.String(somebody)})) })
	all, details := s.sent()
	if len(details) != 1 || len(r.records) != 1 {
		t.Fatalf("%d events and %d records, want one each:\n%s", len(details), len(r.records), r.log())
	}
	var logged guard.Record
	s.must(json.Unmarshal([]byte(lineOf(r, "corrected")), &logged))
	if diff := cmp.Diff(logged, details[0].Record, cmp.FilterPath(unexported, cmp.Ignore())); diff != "" {
		t.Errorf("the event differs from the log line (-logged +sent):\n%s", diff)
	}
	got := []string{details[0].Account, details[0].Region, details[0].StackID, details[0].Bucket}
	if want := []string{"111122223333", "eu-central-1", s.stack.ID(), s.bucket}; !slices.Equal(got, want) {
		t.Errorf("account, region, stackId, bucket = %q, want %q", got, want)
	}
	if line := lineOf(r, "corrected"); !strings.Contains(line, `"requestId":"`+details[0].RequestID+`"`) {
		t.Errorf("requestId = %q, want that of the log line: %s", details[0].RequestID, line)
	}
	arns := []any{"arn:aws:s3:::" + s.bucket, "arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/" + s.endpoint}
	if diff := cmp.Diff(arns, all[0]["resources"]); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	if delivered := s.deliveredBy("users-rule"); delivered != 1 {
		t.Errorf("the user's rule got %d events, want 1", delivered)
	}
	s.restsNow()
	if _, again := s.sent(); len(again) != 1 {
		t.Errorf("%d events after two more sweeps, want 1", len(again))
	}
}

// Drift that is only observed is sent once, and again when it changes.
func TestDriftThatStaysIsOneEvent(t *testing.T) {
	t.Parallel()
	s := deploy(t, interfaceType.and("Enforcement", "Observe"))
	s.guardOnly()
	s.must(s.deletesBucketPolicy())
	s.rest()
	for range 5 { // one after another: a second process would send the state again
		s.Clock.Advance(time.Minute)
		s.rest()
	}
	s.Events.Hold()
	s.must(s.opensWithTheArticlesPolicy())
	s.Events.Release(latest)
	s.rest()
	_, details := s.sent()
	var got []string
	for _, d := range details {
		got = append(got, d.Resource+" "+string(d.Outcome)+" "+string(d.Verdict))
	}
	want := []string{"bucket-policy drift observed open", "bucket-policy drift observed open", "public-access-block drift observed open"}
	if !slices.Equal(got, want) {
		t.Errorf("events %q, want one of the deletion, and one of each property that the article's policy changed", got)
	}
}

// TestFaults makes the call fail in other ways.
func TestAnEventThatIsRefusedDelaysNothingElse(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.Gate.Inject(denies(s, "events", "PutEvents"))
	r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
	s.isDesired()
	if len(r.messages) != 1 || len(r.records) != 1 || s.sum("DriftCorrected") != 1 {
		t.Errorf("%d messages, %d records, DriftCorrected %g; want 1 of each:\n%s",
			len(r.messages), len(r.records), s.sum("DriftCorrected"), r.log())
	}
	if len(r.failures()) != 3 || len(r.letters) != 1 || !strings.Contains(r.letters[0].Body, "sending the events of bucket-policy") {
		t.Errorf("%d failed runs, dead letters %+v; want 3, and one letter that names the event:\n%s", len(r.failures()), r.letters, r.log())
	}
	s.Gate.ClearFaults()
	s.watch(s.sweep)
	if _, details := s.sent(); len(details) != 1 || details[0].Outcome != guard.Corrected {
		t.Errorf("events %+v after the fault, want the one of the correction", details)
	}
}
