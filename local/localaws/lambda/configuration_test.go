package lambda_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

func TestOnlyChangesOfCodeAndConfigurationCountAsModifications(t *testing.T) {
	a := host(t, nil)
	client, f := behindGate(t, a, localtest.Everything), aws.String("f")
	modified := func() string {
		return *localtest.Must(client.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: f}))(t).Configuration.LastModified
	}
	first := modified()
	localtest.Must(client.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(5)}))(t)
	localtest.Must(client.PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{FunctionName: f, MaximumRetryAttempts: aws.Int32(1), MaximumEventAgeInSeconds: aws.Int32(60)}))(t)
	if got := modified(); got != first {
		t.Errorf("LastModified = %s after a change of the concurrency and of failed runs, want %s", got, first)
	}
	got := localtest.Must(client.GetFunctionEventInvokeConfig(t.Context(), &sdk.GetFunctionEventInvokeConfigInput{FunctionName: f}))(t)
	if *got.MaximumRetryAttempts != 1 || *got.MaximumEventAgeInSeconds != 60 {
		t.Errorf("failed runs: %d retries, %d s, want 1, 60 s", *got.MaximumRetryAttempts, *got.MaximumEventAgeInSeconds)
	}
	localtest.Must(client.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{
		FunctionName: f, Timeout: aws.Int32(7), Environment: &types.Environment{Variables: map[string]string{"AB": "c"}},
	}))(t)
	if now := modified(); now <= first {
		t.Errorf("LastModified = %s after a change of the configuration, want it after %s", now, first)
	}
	if f, _ := a.Function("f"); f.Environment["AB"] != "c" || f.Timeout.Seconds() != 7 {
		t.Errorf("environment %v, time-out %v, want those that were put", f.Environment, f.Timeout)
	}
	_, err := client.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: f, MemorySize: aws.Int32(512)})
	if got := localtest.Code(err); got != "InvalidParameterValueException" {
		t.Errorf("UpdateFunctionConfiguration of the memory = %v, want InvalidParameterValueException", err)
	}
}

func TestAFunctionsPolicyIsItsPermissions(t *testing.T) {
	client, f := behindGate(t, host(t, nil), localtest.Everything), aws.String("f")
	policy := func() (string, error) {
		got, err := client.GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: f})
		if err != nil {
			return "", err
		}
		return *got.Policy, nil
	}
	if _, err := policy(); localtest.Code(err) != "ResourceNotFoundException" {
		t.Errorf("GetPolicy without permissions = %v, want ResourceNotFoundException", err)
	}
	for id, principal := range map[string]string{"rule": "events.amazonaws.com", "account": "444455556666"} {
		localtest.Must(client.AddPermission(t.Context(), &sdk.AddPermissionInput{
			FunctionName: f, StatementId: &id, Action: aws.String("lambda:InvokeFunction"), Principal: &principal, SourceArn: aws.String("arn:aws:events:eu-central-1:111122223333:rule/r"),
		}))(t)
	}
	got, err := policy()
	for _, want := range []string{`"Service":"events.amazonaws.com"`, `"AWS":"arn:aws:iam::444455556666:root"`, `"AWS:SourceArn":"arn:aws:events:eu-central-1:111122223333:rule/r"`} {
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("GetPolicy = %s, %v, want %s in it", got, err, want)
		}
	}
	localtest.Must(client.RemovePermission(t.Context(), &sdk.RemovePermissionInput{FunctionName: f, StatementId: aws.String("account")}))(t)
	if got, err := policy(); err != nil || strings.Contains(got, "444455556666") {
		t.Errorf("GetPolicy after RemovePermission = %s, %v", got, err)
	}
}
