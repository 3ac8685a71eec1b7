package endtoend_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// somebody is an open endpoint policy.
const somebody = `{"Version":"2012-10-17","Statement":[{"Sid":"Somebody","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}`

// TestACorrectionIsTold checks the delivered notification and the log line of one correction, to which it links.
func TestACorrectionIsTold(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	r := s.watch(func() { s.must(s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PolicyDocument: aws.String(somebody)})) })
	if len(r.messages) != 1 || len(r.records) != 1 {
		t.Fatalf("%d messages and %d records, want one each:\n%s", len(r.messages), len(r.records), r.log())
	}
	message := r.messages[0]
	if want := "[s3-endpoint-guard] OPEN endpoint-policy of " + s.endpoint + ": corrected"; message.Subject != want {
		t.Errorf("Subject = %q, want %q", message.Subject, want)
	}
	line := lineOf(r, "corrected")
	var logged struct {
		guard.Record
		RequestID string
	}
	s.must(json.Unmarshal([]byte(line), &logged))
	for _, want := range []string{
		"Unwanted access was possible and has been closed.", s.endpoint, s.Admin().Principal, "198.51.100.7", "ModifyVpcEndpoint", "Somebody",
		s.bucket, "111122223333", "eu-central-1", "s3-endpoint-guard", s.stack.Physical("RemediateLogGroup"), logged.RequestID,
		"docs/runbook.md#unwanted-access-was-possible-and-has-been-closed",
	} {
		if want == "" || !strings.Contains(message.Body, want) {
			t.Errorf("the message lacks %q:\n%s", want, message.Body)
		}
	}
	// The log line has what a rollback by hand needs.
	if logged.After != s.stack.Attribute("EndpointPolicyDocument", "Value") || logged.Before != somebody {
		t.Errorf("before %s, after %s; want the replaced policy, and the template's", logged.Before, logged.After)
	}
	if logged.SinceEventMs <= 0 || logged.ElapsedMs > logged.SinceEventMs {
		t.Errorf("sinceEventMs = %d, elapsedMs = %d, want sinceEventMs positive and not below elapsedMs", logged.SinceEventMs, logged.ElapsedMs)
	}
}

func unexported(p cmp.Path) bool {
	field, ok := p.Last().(cmp.StructField)
	return ok && field.Name()[0] >= 'a'
}

// lineOf returns the text of the log line with that message.
func lineOf(r report, message string) string {
	for _, line := range r.lines {
		if line.Fields["message"] == message {
			return line.Text
		}
	}
	return ""
}

// TestARecordHasTheDocumentedFields allows the fields of [guard.Record] and of the logger, and no others.
func TestARecordHasTheDocumentedFields(t *testing.T) {
	t.Parallel()
	documented := []string{"timestamp", "level", "message", "requestId", "version"}
	for i, record := 0, reflect.TypeFor[guard.Record](); i < record.NumField(); i++ {
		if name, _, _ := strings.Cut(record.Field(i).Tag.Get("json"), ","); name != "" {
			documented = append(documented, name)
		}
	}
	s := deploy(t, nil)
	s.Events.Hold()
	s.attackEverything("Interface")
	r := s.watch(func() { s.Events.Release(latest) })
	s.Gate.Inject(denies(s, "s3", "PutBucketPolicy"))
	r.lines = append(r.lines, s.watch(func() { s.must(s.deletesBucketPolicy()) }).lines...)
	seen := map[string]bool{}
	for _, line := range r.lines {
		if line.Fields["resource"] == nil {
			continue
		}
		for field := range line.Fields {
			if seen[field] = true; !slices.Contains(documented, field) {
				t.Errorf("the field %q is not documented: %s", field, line.Text)
			}
		}
		for _, field := range []string{"timestamp", "level", "message", "requestId", "trigger", "resource", "before", "after", "elapsedMs", "attempts"} {
			if line.Fields[field] == nil {
				t.Errorf("the field %q is missing: %s", field, line.Text)
			}
		}
	}
	for _, field := range []string{"actor", "target", "verdict", "allowed", "diff", "stack", "sinceEventMs", "error"} {
		if !seen[field] {
			t.Errorf("no line has the field %q", field)
		}
	}
}

// TestMetricsArrive checks the metrics that CloudWatch received.
func TestMetricsArrive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(*scene)
		want map[metrics.Name]float64
	}{
		"of a quiet run": {(*scene).sweep, nil},
		"of open drift corrected": {func(s *scene) { s.must(s.deletesBucketPolicy()) },
			map[metrics.Name]float64{metrics.DriftDetected: 1, metrics.DriftCorrected: 1, metrics.OpenDrift: 1}},
		"of closed drift corrected": {func(s *scene) { s.attack(typeAttacks["Interface"]["private DNS: off"]) },
			map[metrics.Name]float64{metrics.DriftDetected: 1, metrics.DriftCorrected: 1, metrics.ClosedDrift: 1}},
		"of two corrections in one run": {
			func(s *scene) {
				s.Events.Hold()
				s.must(s.opensWithTheArticlesPolicy())
				s.Events.Release(latest)
			},
			map[metrics.Name]float64{metrics.DriftDetected: 2, metrics.DriftCorrected: 2, metrics.OpenDrift: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.watch(func() { c.do(s) })
			got := map[metrics.Name]float64{}
			for _, name := range counters {
				if always := name == metrics.OpenDrift || name == metrics.ClosedDrift; always && len(s.statistics(name)) == 0 {
					t.Errorf("%s has no data, want at least the value 0", name)
				}
				if sum := s.sum(name); sum != 0 {
					got[name] = sum
				}
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("metrics %v, want %v", got, c.want)
			}
			s.checkTimeToCorrect(c.want[metrics.DriftCorrected])
			if s.CloudWatch.EMFErrors() != 0 {
				t.Errorf("%d lines were not valid EMF", s.CloudWatch.EMFErrors())
			}
		})
	}
}

// counters are the metrics that count events of a run.
var counters = []metrics.Name{
	metrics.DriftDetected, metrics.DriftCorrected, metrics.CorrectionFailed, metrics.OpenDrift, metrics.ClosedDrift,
	metrics.StoodDown, metrics.ResourceMissing,
}

// checkTimeToCorrect fails the test unless there is one value for each correction, in milliseconds.
func (s *scene) checkTimeToCorrect(corrections float64) {
	s.Helper()
	count := 0.0
	for _, b := range s.statistics(metrics.TimeToCorrect) {
		count += b.SampleCount
		if b.Unit != string(metrics.Milliseconds) || b.Maximum > float64(time.Minute.Milliseconds()) {
			s.Errorf("TimeToCorrect has up to %g %s, want less than a minute in Milliseconds", b.Maximum, b.Unit)
		}
	}
	if count != corrections {
		s.Errorf("TimeToCorrect has %g values, want %g", count, corrections)
	}
}

// TestNothingSecretIsTold looks for the function's own credentials in all its output and messages, also when calls
// fail.
func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.endsAfter(impatience())
	var told strings.Builder
	for _, fault := range []api.Fault{
		{Operation: "none"}, denies(s, "s3", "PutBucketPolicy"), {Operation: "GetBucketPolicy", Caller: s.role, Reset: true},
	} {
		s.Gate.Inject(fault)
		r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
		s.Gate.ClearFaults()
		for _, line := range r.lines {
			told.WriteString(line.Text)
		}
		for _, m := range r.messages {
			told.WriteString(m.Subject + m.Body)
		}
		for _, l := range r.letters {
			told.WriteString(l.Body)
		}
		for _, i := range r.invocations {
			told.Write(i.Response)
		}
	}
	keys := s.ownKeys()
	if len(keys) == 0 || told.Len() < 1000 {
		t.Fatalf("%d keys to look for in %d bytes, want at least 1 of both", len(keys), told.Len())
	}
	for _, key := range keys { // the secret key and the session token contain the key's id
		if strings.Contains(told.String(), key) {
			t.Errorf("the output contains credentials with the key %s: %s", key, told.String())
		}
	}
}

// ownKeys returns the access key ids that the guard used.
func (s *scene) ownKeys() []string {
	var keys []string
	for _, record := range s.ownRecords() {
		identity, _ := record["userIdentity"].(map[string]any)
		if key, ok := identity["accessKeyId"].(string); ok {
			keys = append(keys, key)
		}
	}
	return keys
}
