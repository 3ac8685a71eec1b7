package lambda_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/underway"
)

// behindGate registers a host at a gate, and returns a client whose caller has the given policy.
func behindGate(t *testing.T, a at, policy string) *sdk.Client {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	gate.Add(a.Service())
	return sdk.NewFromConfig(localtest.Config(t, gate, policy))
}

const mayInvoke = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction",
	"Resource":"arn:aws:lambda:eu-central-1:111122223333:function:f"}]}`

func TestTheSDKInvokesFunctions(t *testing.T) {
	a := host(t, nil)
	client := behindGate(t, a, mayInvoke)
	for name, c := range map[string]struct {
		function, event string
		kind            types.InvocationType
		status          int32
		failure         string
	}{
		"by name and waits":   {"f", `{}`, types.InvocationTypeRequestResponse, 200, ""},
		"by ARN":              {"arn:aws:lambda:eu-central-1:111122223333:function:f", `{}`, "", 200, ""},
		"and learns it fails": {"f", `{"Do":"fail"}`, types.InvocationTypeRequestResponse, 200, "Unhandled"},
		"and does not wait":   {"f", `{}`, types.InvocationTypeEvent, 202, ""},
		"only to try":         {"f", `{}`, types.InvocationTypeDryRun, 204, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := client.Invoke(t.Context(), &sdk.InvokeInput{
				FunctionName: &c.function, InvocationType: c.kind, Payload: []byte(c.event),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.StatusCode != c.status || aws.ToString(got.FunctionError) != c.failure {
				t.Errorf("Invoke(%s, %s) = %d, %q, want %d, %q", c.function, c.event, got.StatusCode, aws.ToString(got.FunctionError), c.status, c.failure)
			}
			if c.failure != "" && !strings.Contains(string(got.Payload), "as told") {
				t.Errorf("Invoke(%s, %s) answered %s, want the function's error", c.function, c.event, got.Payload)
			}
		})
	}
	a.rest(t)
}

func TestTheSDKIsRefused(t *testing.T) {
	none := 0
	for name, c := range map[string]struct {
		change                 func(*lambda.Function)
		policy, function, want string
	}{
		"an unknown function":    {nil, mayInvoke, "g", "ResourceNotFoundException"},
		"without permission":     {nil, strings.Replace(mayInvoke, "InvokeFunction", "GetFunction", 1), "f", "AccessDenied"},
		"beyond the concurrency": {func(f *lambda.Function) { f.ReservedConcurrency = &none }, mayInvoke, "f", "TooManyRequestsException"},
	} {
		t.Run(name, func(t *testing.T) {
			client := behindGate(t, host(t, c.change), c.policy)
			_, err := client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: &c.function})
			if refusal, ok := errors.AsType[smithy.APIError](err); !ok || !strings.HasPrefix(refusal.ErrorCode(), c.want) {
				t.Errorf("Invoke(%s) = %v, want %s", c.function, err, c.want)
			}
		})
	}
}

// TestTheOffSwitch switches a function off and on as operators do: aws lambda put-function-concurrency.
func TestTheOffSwitch(t *testing.T) {
	client := behindGate(t, host(t, nil), localtest.Everything)
	f, none, all := aws.String("f"), aws.Int32(0), aws.Int32(901)
	put, err := client.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: none})
	if err != nil || aws.ToInt32(put.ReservedConcurrentExecutions) != 0 {
		t.Fatalf("PutFunctionConcurrency = %+v, %v, want 0", put, err)
	}
	_, err = client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: f})
	if code := localtest.Code(err); code != "TooManyRequestsException" {
		t.Errorf("Invoke of a switched-off function = %s, want TooManyRequestsException", code)
	}
	got, err := client.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: f})
	if err != nil || got.Configuration.State != types.StateActive || aws.ToInt32(got.Concurrency.ReservedConcurrentExecutions) != 0 {
		t.Errorf("GetFunction = %+v, %v, want it active, with concurrency 0", got, err)
	}
	configuration, err := client.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: f})
	if err != nil || *configuration.FunctionName != *f || configuration.State != "Active" {
		t.Errorf("GetFunctionConfiguration = %+v, %v, want the function's", configuration, err)
	}
	if _, err := client.DeleteFunctionConcurrency(t.Context(), &sdk.DeleteFunctionConcurrencyInput{FunctionName: f}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: f, Payload: []byte("{}")}); err != nil {
		t.Errorf("Invoke of a function that was switched on again = %v", err)
	}
	_, err = client.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: all})
	if code := localtest.Code(err); code != "InvalidParameterValueException" {
		t.Errorf("reserving 901 of 1000 = %s, want InvalidParameterValueException", code)
	}
	settings, err := client.GetAccountSettings(t.Context(), &sdk.GetAccountSettingsInput{})
	if err != nil || settings.AccountLimit.ConcurrentExecutions != 1000 || aws.ToInt32(settings.AccountLimit.UnreservedConcurrentExecutions) != 1000 {
		t.Errorf("GetAccountSettings = %+v, %v, want 1000 of 1000 unreserved", settings, err)
	}
}

func TestAnUpdateTakesEffectWithTheNextInvocation(t *testing.T) {
	a := host(t, nil)
	a.invoke(t, `{}`)
	if err := a.Permit("f", lambda.Permission{Service: "s"}); err != nil {
		t.Fatal(err)
	}
	if err := a.Update(lambda.Function{Name: "f", Bootstrap: bootstrap, Environment: map[string]string{"NEW": "yes"}}); err != nil {
		t.Fatal(err)
	}
	i := a.invoke(t, `{}`)
	if !i.Cold || !strings.Contains(strings.Join(decoded(t, i).Environment, " "), "NEW=yes") {
		t.Errorf("the invocation after an update was cold: %v, with %s", i.Cold, i.Response)
	}
	if _, err := a.InvokeFrom(lambda.Source{Service: "s"}, "f", []byte(`{}`)); err != nil {
		t.Errorf("InvokeFrom = %v, want the permission kept", err)
	}
	a.rest(t)
	if err := a.Update(lambda.Function{Name: "g", Bootstrap: bootstrap}); err == nil {
		t.Error("Update of an unknown function = nil, want an error")
	}
}

func TestARemovedFunctionIsGone(t *testing.T) {
	a := host(t, nil)
	a.invoke(t, `{}`)
	if err := a.Remove("f"); err != nil {
		t.Fatal(err)
	}
	_, err := a.InvokeAsync("f", nil)
	if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Code != "ResourceNotFoundException" {
		t.Errorf("InvokeAsync = %v, want ResourceNotFoundException", err)
	}
	if err := a.Permit("f", lambda.Permission{}); err == nil {
		t.Error("Permit for a removed function = nil, want an error")
	}
}

func TestASuccessGoesToItsDestinationToo(t *testing.T) {
	a := host(t, func(f *lambda.Function) { f.Async.OnSuccess = "arn:aws:sqs:eu-central-1:111122223333:q" })
	if _, err := a.InvokeAsync("f", []byte(`not JSON`)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.InvokeAsync("f", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	a.rest(t)
	if got := len(a.records); got != 1 {
		t.Fatalf("the destination got %d records, want 1 for the success", got)
	}
	var record struct {
		RequestContext struct{ Condition string }
	}
	if err := json.Unmarshal(localtest.Receive(t, a.records, "the record of an invocation"), &record); err != nil || record.RequestContext.Condition != "Success" {
		t.Errorf("record = %+v, %v, want Success", record, err)
	}
}

func TestARecordThatNobodyTakesIsLost(t *testing.T) {
	work := new(underway.Count)
	h := lambda.New(lambda.Options{Work: work, RetryDelay: func(int) time.Duration { return 0 }})
	defer func() { _ = h.Close() }()
	f := lambda.Function{Name: "f", Bootstrap: "/nowhere/bootstrap", Async: lambda.Async{OnFailure: "arn:aws:sqs:eu-central-1:111122223333:q"}}
	if _, err := h.Create(f); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Create(f); err == nil {
		t.Error("Create of a second f = nil, want an error")
	}
	if _, err := h.InvokeAsync("f", []byte("no JSON")); err != nil {
		t.Fatal(err)
	}
	if err := work.Wait(localtest.Context(t, "the host to rest")); err != nil {
		t.Fatal(err)
	}
	lost := h.LostRecords()
	if len(lost) != 1 || !strings.Contains(string(lost[0].Record), `"requestPayload":"no JSON"`) {
		t.Errorf("LostRecords = %+v, want the record of the failed event", lost)
	}
}
