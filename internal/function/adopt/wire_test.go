package adopt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/function/adopt"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
)

// function wires the function as Lambda does, and returns a call that sends it a request with a time and returns the answer that
// CloudFormation gets.
func (s *scene) function(status string) func(kind string, limit time.Duration) (answer struct {
	Status, Reason, PhysicalResourceID string
	Data                               map[string]string
}) {
	s.Helper()
	stacks := cloudformation.New(s.gate.Options())
	s.gate.Add(stacks)
	s.gate.Add(ssm.New(s.gate.Options()))
	stack := stacks.PutStack(cloudformation.Stack{ID: stackID, Name: "guard", Status: status})
	url := localtest.Must(s.gate.Open(api.Listener{SourceIP: "198.51.100.8"}))(s)
	policy := localtest.Must(iampolicy.Parse([]byte(everything)))(s)
	id, secret := s.gate.Credentials(api.Caller{
		Principal: "arn:aws:sts::111122223333:assumed-role/adopt/session", Account: account,
		Issuer: "arn:aws:iam::111122223333:role/adopt", Identity: func() []*iampolicy.Policy { return []*iampolicy.Policy{policy} },
	})
	environment := map[string]string{
		"AWS_REGION": region, "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_ENDPOINT_URL": url,
		"STACK_ID": stack.ID, "STATE_BUCKET": state, "GUARD_ROLE_ARN": guardRole,
	}
	serve, err := adopt.New(func(name string) string { return environment[name] }, slog.New(slog.DiscardHandler), io.Discard)
	s.must(err)
	return func(kind string, limit time.Duration) (answer struct {
		Status, Reason, PhysicalResourceID string
		Data                               map[string]string
	}) {
		s.Helper()
		cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
				s.Error(err)
			}
		}))
		defer cloudFormation.Close()
		properties, err := json.Marshal(s.properties())
		s.must(err)
		ctx, cancel := context.WithTimeout(s.Context(), limit)
		defer cancel()
		s.must(serve(ctx, json.RawMessage(fmt.Sprintf(`{"RequestType":%q,"ResponseURL":%q,"StackId":%q,"RequestId":"r","LogicalResourceId":"Adoption",
			"PhysicalResourceId":"p","ResourceProperties":%s}`, kind, cloudFormation.URL, stack.ID, properties))))
		return answer
	}
}

// reserve is the time that cfnresponse keeps for the answer.
const reserve = 20 * time.Second

func TestTheFunctionAnswersCloudFormation(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	before := s.configuration()
	call := s.function("DELETE_IN_PROGRESS")
	created := call("Create", time.Minute)
	if created.Status != "SUCCESS" || created.Data["Adopted"] != "3" || created.PhysicalResourceID != "adoption-of-stack/guard/0f0f0f0f-0000-4000-8000-000000000001" {
		t.Errorf("the answer to Create is %+v", created)
	}
	s.enforce()
	if deleted := call("Delete", time.Minute); deleted.Status != "SUCCESS" || deleted.PhysicalResourceID != "p" {
		t.Errorf("the answer to Delete is %+v", deleted)
	}
	if got := s.configuration()["data-open"]; got != before["data-open"] {
		t.Errorf("data-open is %s, want %s", got, before["data-open"])
	}
}

// TestTheDeadlineIsAnswered lets a call hang until the function's time is over. The next request finishes the work.
func TestTheDeadlineIsAnswered(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	before := s.configuration()
	call := s.function("DELETE_IN_PROGRESS")
	s.gate.Inject(api.Fault{Service: "s3", Operation: "GetBucketTagging", Hang: true})
	if got := call("Create", reserve+time.Second); got.Status != "FAILED" || !strings.Contains(got.Reason, "time of the function ran out") {
		t.Errorf("the answer to Create is %+v", got)
	}
	s.gate.ClearFaults()
	if got := call("Create", time.Minute); got.Status != "SUCCESS" {
		t.Fatalf("the answer to the second Create is %+v", got)
	}
	s.enforce()
	s.gate.Inject(api.Fault{Service: "s3", Operation: "DeleteBucketPolicy", Hang: true})
	got := call("Delete", reserve+5*time.Second)
	if want := "2 of 3 buckets and endpoints are as before; delete the stack again"; got.Status != "FAILED" || !strings.Contains(got.Reason, want) {
		t.Errorf("the answer to Delete is %+v, want %q", got, want)
	}
	s.gate.ClearFaults()
	if got := call("Delete", time.Minute); got.Status != "SUCCESS" {
		t.Errorf("the answer to the second Delete is %+v", got)
	}
	if after := s.configuration(); after["data-clean"] != before["data-clean"] || after["data-open"] != before["data-open"] {
		t.Errorf("after it: %v, want %v", after, before)
	}
}

func TestNewNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := adopt.New(func(string) string { return "" }, slog.New(slog.DiscardHandler), io.Discard)
	for _, want := range []string{"AWS_REGION", "STACK_ID", "STATE_BUCKET", "GUARD_ROLE_ARN"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want %s in it", err, want)
		}
	}
}
