package teardown_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/function/teardown"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

// TestTheFunctionEmptiesABucketOfTheLocalAWS wires the function as Lambda does, with real clients: the first delete
// fails because of a legal hold and says so, the second succeeds.
func TestTheFunctionEmptiesABucketOfTheLocalAWS(t *testing.T) {
	gate := api.NewGate(api.Options{})
	defer gate.Close()
	store, stacks := s3.New(gate.Options()), cloudformation.New(gate.Options())
	gate.Add(store)
	gate.Add(stacks)
	url, err := gate.Open(api.Listener{SourceIP: "198.51.100.7"})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	id, secret := gate.Credentials(api.Caller{
		Principal: "arn:aws:sts::111122223333:assumed-role/teardown/session", Account: "111122223333",
		Issuer: "arn:aws:iam::111122223333:role/teardown", Identity: func() []*iampolicy.Policy { return []*iampolicy.Policy{policy} },
	})
	stack := stacks.PutStack(cloudformation.Stack{Name: "guard", Status: "DELETE_IN_PROGRESS"})
	fill(t, store, stack.ID)

	environment := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret,
		"AWS_ENDPOINT_URL": url, "AWS_LAMBDA_FUNCTION_NAME": "teardown",
		"TEARDOWN_ROLE_ARN": "arn:aws:iam::111122223333:role/teardown",
	}
	function, err := teardown.New(func(name string) string { return environment[name] }, slog.New(slog.DiscardHandler), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	deleted := func() (answer struct{ Status, Reason string }) {
		t.Helper()
		cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
				t.Error(err)
			}
		}))
		defer cloudFormation.Close()
		payload := fmt.Sprintf(`{"RequestType":"Delete","ResponseURL":%q,"StackId":%q,"RequestId":"r","LogicalResourceId":"Emptied",
			"PhysicalResourceId":"emptied-on-delete-docs","ResourceProperties":{"BucketName":"docs","EmptyBucketOnDelete":"true"}}`, cloudFormation.URL, stack.ID)
		if err := function(t.Context(), json.RawMessage(payload)); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if got := deleted(); got.Status != "FAILED" || !strings.Contains(got.Reason, "1 under a legal hold") || store.Versions("docs") != 1 {
		t.Errorf("first answer %+v with %d left, want FAILED because of one lock", got, store.Versions("docs"))
	}
	if err := store.SetHold("docs", "locked", s3.Hold{}); err != nil {
		t.Fatal(err)
	}
	if got := deleted(); got.Status != "SUCCESS" || store.Versions("docs") != 0 {
		t.Errorf("second answer %+v with %d left, want SUCCESS", got, store.Versions("docs"))
	}
	if !strings.Contains(store.Policy("docs"), "DenyObjectsToOthers") {
		t.Errorf("policy %s does not deny other principals", store.Policy("docs"))
	}
}

// fill creates a stack's bucket with 3,001 versions, one of them under a legal hold.
func fill(t *testing.T, store *s3.Service, stackID string) {
	t.Helper()
	for _, err := range []error{
		store.CreateBucket("docs", ""), store.EnableObjectLock("docs"),
		store.PutTags("docs", map[string]string{"aws:cloudformation:stack-id": stackID}),
		store.Fill("docs", 3000, func(i int) string { return fmt.Sprintf("logs/%06d", i) }),
		store.Put("docs", "locked", []byte("x")),
		store.SetHold("docs", "locked", s3.Hold{Legal: true, Mode: "GOVERNANCE", Until: time.Now().Add(-time.Hour)}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewNamesAllThatIsMissing(t *testing.T) {
	_, err := teardown.New(func(string) string { return "" }, slog.New(slog.DiscardHandler), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "AWS_REGION") || !strings.Contains(err.Error(), "TEARDOWN_ROLE_ARN") {
		t.Errorf("New = %v, want all missing variables in it", err)
	}
}
