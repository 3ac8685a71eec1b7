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

	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/function/adopt"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
)

// answer is what CloudFormation gets.
type answer struct {
	Status, Reason, PhysicalResourceID string
	Data                               map[string]string
}

// RoundTrip implements [http.RoundTripper]: it receives the answer.
func (a *answer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, json.NewDecoder(r.Body).Decode(a)
}

// request is CloudFormation's request, which wants the answer at a URL.
func (s *scene) request(kind, url string) json.RawMessage {
	s.Helper()
	properties, err := json.Marshal(s.properties())
	s.must(err)
	return json.RawMessage(fmt.Sprintf(`{"RequestType":%q,"ResponseURL":%q,"StackId":%q,"RequestId":"r","LogicalResourceId":"Adoption",
		"PhysicalResourceId":"p","ResourceProperties":%s}`, kind, url, stackID, properties))
}

// reserve is the time that cfnresponse keeps for the answer.
const reserve = 20 * time.Second

// answered sends a request to the custom resource, with a time for the work, and returns the answer. It needs no network.
func (s *scene) answered(kind string, work time.Duration) (got answer) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), work+reserve)
	defer cancel()
	responder := &cfnresponse.Responder{Handle: s.adoption.Handle, PhysicalID: adopt.PhysicalID, Client: &http.Client{Transport: &got}, Log: s.adoption.Log}
	s.must(responder.Serve(ctx, s.request(kind, "https://answers.example/")))
	return got
}

// function wires the function as Lambda does, and returns a call that sends it a request and returns the answer.
func (s *scene) function(status string) func(kind string) answer {
	s.Helper()
	stacks := cloudformation.New(s.gate.Options())
	s.gate.Add(stacks)
	s.gate.Add(ssm.New(s.gate.Options()))
	stacks.PutStack(cloudformation.Stack{ID: stackID, Name: "guard", Status: status})
	url := localtest.Must(s.gate.Open(api.Listener{SourceIP: "198.51.100.8"}))(s)
	policy := localtest.Must(iampolicy.Parse([]byte(everything)))(s)
	id, secret := s.gate.Credentials(api.Caller{
		Principal: "arn:aws:sts::111122223333:assumed-role/adopt/session", Account: account,
		Issuer: "arn:aws:iam::111122223333:role/adopt", Identity: func() []*iampolicy.Policy { return []*iampolicy.Policy{policy} },
	})
	environment := map[string]string{
		"AWS_REGION": region, "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_ENDPOINT_URL": url,
		"STACK_ID": stackID, "STATE_BUCKET": state, "GUARD_ROLE_ARN": guardRole,
	}
	serve, err := adopt.New(func(name string) string { return environment[name] }, slog.New(slog.DiscardHandler), io.Discard)
	s.must(err)
	return func(kind string) (got answer) {
		s.Helper()
		cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				s.Error(err)
			}
		}))
		defer cloudFormation.Close()
		s.must(serve(localtest.Context(s, "the answer to "+kind), s.request(kind, cloudFormation.URL)))
		return got
	}
}

func TestTheFunctionAnswersCloudFormation(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	before := s.configuration()
	call := s.function("DELETE_IN_PROGRESS")
	created := call("Create")
	if created.Status != "SUCCESS" || created.Data["Adopted"] != "3" || created.PhysicalResourceID != "adoption-of-stack/guard/0f0f0f0f-0000-4000-8000-000000000001" {
		t.Errorf("the answer to Create is %+v", created)
	}
	s.enforce()
	if deleted := call("Delete"); deleted.Status != "SUCCESS" || deleted.PhysicalResourceID != "p" {
		t.Errorf("the answer to Delete is %+v", deleted)
	}
	if got := s.configuration()["data-open"]; got != before["data-open"] {
		t.Errorf("data-open is %s, want %s", got, before["data-open"])
	}
}

// TestTheDeadlineIsAnswered lets a call hang until the function's time is over. The next request finishes the work.
func TestTheDeadlineIsAnswered(t *testing.T) {
	t.Parallel()
	withScene(t, everything, func(t *testing.T, s *scene) {
		before := s.configuration()
		s.gate.Inject(api.Fault{Service: "s3", Operation: "GetBucketTagging", Hang: true})
		if got := s.answered("Create", time.Second); got.Status != "FAILED" || !strings.Contains(got.Reason, "time of the function ran out") {
			t.Errorf("the answer to Create is %+v", got)
		}
		s.gate.ClearFaults()
		if got := s.answered("Create", time.Minute); got.Status != "SUCCESS" {
			t.Fatalf("the answer to the second Create is %+v", got)
		}
		s.enforce()
		s.status = "DELETE_IN_PROGRESS"
		s.gate.Inject(api.Fault{Service: "s3", Operation: "DeleteBucketPolicy", Hang: true})
		got := s.answered("Delete", 5*time.Second)
		if want := "2 of 3 buckets and endpoints are as before; delete the stack again"; got.Status != "FAILED" || !strings.Contains(got.Reason, want) {
			t.Errorf("the answer to Delete is %+v, want %q", got, want)
		}
		s.gate.ClearFaults()
		if got := s.answered("Delete", time.Minute); got.Status != "SUCCESS" {
			t.Errorf("the answer to the second Delete is %+v", got)
		}
		if after := s.configuration(); after["data-clean"] != before["data-clean"] || after["data-open"] != before["data-open"] {
			t.Errorf("after it: %v, want %v", after, before)
		}
	})
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
