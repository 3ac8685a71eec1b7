package endtoend_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// hubType is a stack that imports findings.
var hubType = interfaceType.and("SecurityHub", "true")

// deployHub makes a scene with the parameters in an account with Security Hub. The guard has run once.
func deployHub(t *testing.T, p parameters) *scene {
	t.Helper()
	s := deploy(t, p)
	s.SecurityHub.Enable()
	s.reconfigure(func(*lambda.Function) {}) // a new process: that of the deployment's end could not import findings
	s.sweep()
	return s
}

// found returns the state, compliance and severity of a property's finding; "" if there is none.
func (s *scene) found(property string) string {
	for _, f := range s.SecurityHub.Findings() {
		if f["Id"] == "s3-endpoint-guard/eu-central-1/111122223333/"+s.bucket+"/"+property {
			provided := f["FindingProviderFields"].(map[string]any)
			return strings.Join([]string{f["RecordState"].(string), f["Compliance"].(map[string]any)["Status"].(string),
				provided["Severity"].(map[string]any)["Label"].(string)}, " ")
		}
	}
	return ""
}

func (s *scene) finds(property, want string) {
	s.Helper()
	if got := s.found(property); got != want {
		s.Errorf("the finding of %s is %q, want %q", property, got, want)
	}
}

// TestAFindingIsOpenUntilTheGuardCorrects observes drift, and then enforces.
func TestAFindingIsOpenUntilTheGuardCorrects(t *testing.T) {
	t.Parallel()
	s := deployHub(t, hubType.and("Enforcement", "Observe"))
	s.finds("bucket-policy", "ARCHIVED PASSED INFORMATIONAL")
	s.watch(func() { s.must(s.deletesBucketPolicy()) })
	s.finds("bucket-policy", "ACTIVE FAILED HIGH")
	s.finds("endpoint-policy", "ARCHIVED PASSED INFORMATIONAL")
	for range 3 {
		if calls := s.watch(s.sweep).names(); slices.Contains(calls, "BatchImportFindings") {
			t.Errorf("calls %q, want no import of unchanged findings", calls)
		}
	}
	s.must(s.stack.Update(t.Context(), plan(t, hubType)))
	s.rest()
	s.watch(s.sweep)
	s.isDesired()
	// Another process may have imported the finding after that, without knowing how severe it was.
	if got := s.found("bucket-policy"); !strings.HasPrefix(got, "ARCHIVED PASSED ") {
		t.Errorf("the finding of bucket-policy is %q, want it resolved", got)
	}
}

// An administrator undoes drift that the guard only observes: there is no record of that.
func TestAFindingIsResolvedWhenAnotherPartyEndsTheDrift(t *testing.T) {
	t.Parallel()
	s := deployHub(t, hubType.and("Enforcement", "Observe"))
	s.watch(func() { s.must(s.deletesBucketPolicy()) })
	s.finds("bucket-policy", "ACTIVE FAILED HIGH")
	s.watch(func() { s.must(s.putsBucketPolicy(s.stack.Attribute("BucketPolicyDocument", "Value"))) })
	s.finds("bucket-policy", "ARCHIVED PASSED HIGH")
}

// Without Security Hub, the guard corrects and sends messages, and fails once an hour.
func TestWithoutSecurityHubTheGuardFailsOnceAnHour(t *testing.T) {
	t.Parallel()
	s := deploy(t, hubType) // the run at the end of the deployment fails
	letters := s.SQS.Messages(s.queue)
	if len(letters) != 1 || !strings.Contains(letters[0].Body, "not subscribed to AWS Security Hub") {
		t.Errorf("dead letters %+v, want one that gives the reason", letters)
	}
	s.guardOnly()
	r := s.watch(func() {
		s.must(s.deletesBucketPolicy())
		for range 3 {
			s.rest()
			s.Clock.Advance(time.Minute)
		}
	})
	s.isDesired()
	if len(r.messages) != 1 || len(r.failures()) != 0 || len(r.letters) != 0 {
		t.Errorf("%d messages, %d failed runs, %d dead letters; want 1, and none within the hour:\n%s",
			len(r.messages), len(r.failures()), len(r.letters), r.log())
	}
	s.SecurityHub.Enable()
	s.watch(s.sweep)
	s.finds("bucket-policy", "ARCHIVED PASSED INFORMATIONAL")
}

// Nothing that the guard sends starts a run of the guard.
func TestFindingsAndEventsStartNoRun(t *testing.T) {
	t.Parallel()
	s := deployHub(t, hubType)
	before := len(s.Events.Deliveries())
	r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
	r.runs(t, 1)
	if got := len(s.Events.Deliveries()) - before; got != 1 || len(s.Events.Custom()) != 1 {
		t.Errorf("%d deliveries and %d events, want one delivery, of the attack, and one event", got, len(s.Events.Custom()))
	}
	if calls := r.names(); !slices.Contains(calls, "BatchImportFindings") || !slices.Contains(calls, "PutEvents") {
		t.Errorf("calls %q, want the import and the event", calls)
	}
}
