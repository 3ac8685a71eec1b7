package ssm_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
)

// answer is the answer of SSM, including errors.
type answer struct {
	Parameter struct {
		Name, Type, Value, ARN string
		Version                int
	}
	Error string `json:"__type"`
}

func TestParametersAreRead(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	s := ssm.New(gate.Options())
	gate.Add(s)
	config := localtest.Config(t, gate, localtest.Everything)
	keys := localtest.Must(config.Credentials.Retrieve(t.Context()))(t)
	get := func(operation, name string) (a answer) {
		t.Helper()
		r := localtest.Must(http.NewRequestWithContext(t.Context(), "POST", *config.BaseEndpoint, strings.NewReader(`{"Name":"`+name+`"}`)))(t)
		r.Header = http.Header{
			"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AmazonSSM." + operation},
			"Authorization": {"AWS4-HMAC-SHA256 Credential=" + keys.AccessKeyID + "/20260101/eu-central-1/ssm/aws4_request, SignedHeaders=host, Signature=00"},
		}
		response := localtest.Must(localtest.Client.Do(r))(t)
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	s.Put("policy", "String", "one")
	s.Put("policy", "String", "two")
	got := get("GetParameter", "policy").Parameter
	if got.Name != "policy" || got.Type != "String" || got.Value != "two" || got.Version != 2 || !strings.HasSuffix(got.ARN, ":parameter/policy") {
		t.Errorf("GetParameter = %+v, want the second version", got)
	}
	s.Delete("policy")
	if got := get("GetParameter", "policy").Error; got != "ParameterNotFound" {
		t.Errorf("GetParameter after Delete = %s, want ParameterNotFound", got)
	}
	if got := get("PutParameter", "policy").Error; got != "UnknownOperationException" {
		t.Errorf("PutParameter = %s, want UnknownOperationException", got)
	}
}
