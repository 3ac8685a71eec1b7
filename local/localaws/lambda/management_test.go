package lambda_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// call makes a valid call about a function.
type call func(ctx context.Context, client *sdk.Client, function *string) error

// managementCalls are the calls about one function, by name, except Invoke; RemovePermission is about one that the function has.
var managementCalls = map[string]call{
	"GetFunction": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: f})
		return err
	},
	"GetFunctionConfiguration": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: f})
		return err
	},
	"UpdateFunctionConfiguration": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: f, Timeout: aws.Int32(5)})
		return err
	},
	"PutFunctionConcurrency": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(5)})
		return err
	},
	"DeleteFunctionConcurrency": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.DeleteFunctionConcurrency(ctx, &sdk.DeleteFunctionConcurrencyInput{FunctionName: f})
		return err
	},
	"GetFunctionEventInvokeConfig": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: f})
		return err
	},
	"PutFunctionEventInvokeConfig": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{FunctionName: f, MaximumRetryAttempts: aws.Int32(1)})
		return err
	},
	"GetPolicy": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: f})
		return err
	},
	"AddPermission": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.AddPermission(ctx, permission(f, "added", "s3.amazonaws.com"))
		return err
	},
	"RemovePermission": func(ctx context.Context, client *sdk.Client, f *string) error {
		_, err := client.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: f, StatementId: aws.String("first")})
		return err
	},
}

// permission permits a service to invoke a function.
func permission(function *string, id, service string) *sdk.AddPermissionInput {
	return &sdk.AddPermissionInput{FunctionName: function, StatementId: &id, Action: aws.String("lambda:InvokeFunction"), Principal: &service}
}

// configured has a permission and a configuration of failed runs.
func configured(t *testing.T) at {
	t.Helper()
	a := host(t, func(f *lambda.Function) { f.Async.OnFailure = "arn:aws:sqs:eu-central-1:111122223333:q" })
	if err := a.Permit("f", lambda.Permission{StatementID: "first", Service: "events.amazonaws.com"}); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCallsAboutNoFunctionAreRefused(t *testing.T) {
	client := behindGate(t, configured(t), localtest.Everything)
	for name, send := range managementCalls {
		for _, function := range []string{"g", "arn:aws:lambda:eu-central-1:111122223333:function:g"} {
			if code := localtest.Code(send(t.Context(), client, &function)); code != "ResourceNotFoundException" {
				t.Errorf("%s of %s = %s, want ResourceNotFoundException", name, function, code)
			}
		}
	}
}

func TestEachCallNeedsItsPermissionOnTheFunction(t *testing.T) {
	for name, send := range managementCalls {
		t.Run(name, func(t *testing.T) {
			policy := func(action, function string) string {
				return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:%s","Resource":"arn:aws:lambda:eu-central-1:111122223333:function:%s"}]}`, action, function)
			}
			a := configured(t)
			for denied, policy := range map[string]string{"another function": policy(name, "g"), "another call": policy("InvokeFunction", "f")} {
				if code := localtest.Code(send(t.Context(), behindGate(t, a, policy), aws.String("f"))); !strings.HasPrefix(code, "AccessDenied") {
					t.Errorf("%s with permission for %s = %s, want AccessDenied", name, denied, code)
				}
			}
			if err := send(t.Context(), behindGate(t, a, policy(name, "f")), aws.String("f")); err != nil {
				t.Errorf("%s with its permission = %v", name, err)
			}
		})
	}
}

// CloudTrail's names of the writes have a date. https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
func TestWritesAreRecordedByTheirNamesInCloudTrail(t *testing.T) {
	names := map[string]string{
		"UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2", "PutFunctionConcurrency": "PutFunctionConcurrency20171031",
		"DeleteFunctionConcurrency": "DeleteFunctionConcurrency20171031", "PutFunctionEventInvokeConfig": "PutFunctionEventInvokeConfig",
		"AddPermission": "AddPermission20150331v2", "RemovePermission": "RemovePermission20150331v2",
	}
	gate := localtest.Gate(t, api.Options{})
	gate.Add(configured(t).Service())
	recorded := ""
	gate.OnTrail(func(call api.TrailCall) {
		recorded = fmt.Sprint(call.Operation.Trail.EventName, " ", call.Operation.Trail.RequestParameters.(map[string]any)["functionName"])
	})
	client := sdk.NewFromConfig(localtest.Config(t, gate, localtest.Everything))
	for name, send := range managementCalls {
		recorded = ""
		if err := send(t.Context(), client, aws.String("f")); err != nil && name != "GetPolicy" { // RemovePermission may have been before
			t.Errorf("%s = %v", name, err)
		}
		want := ""
		if names[name] != "" {
			want = names[name] + " f"
		}
		if recorded != want {
			t.Errorf("%s was recorded as %q, want %q", name, recorded, want)
		}
	}
}

func TestWrongParametersAreRefusedAndChangeNothing(t *testing.T) {
	const invalid, outOfRange = "InvalidParameterValueException", "ValidationException"
	f := aws.String("f")
	update := func(in sdk.UpdateFunctionConfigurationInput) func(context.Context, *sdk.Client) error {
		return func(ctx context.Context, client *sdk.Client) error {
			in.FunctionName = f
			_, err := client.UpdateFunctionConfiguration(ctx, &in)
			return err
		}
	}
	variable := func(name, value string) func(context.Context, *sdk.Client) error {
		return update(sdk.UpdateFunctionConfigurationInput{Environment: &types.Environment{Variables: map[string]string{name: value}}})
	}
	failures := func(in sdk.PutFunctionEventInvokeConfigInput) func(context.Context, *sdk.Client) error {
		return func(ctx context.Context, client *sdk.Client) error {
			in.FunctionName = f
			_, err := client.PutFunctionEventInvokeConfig(ctx, &in)
			return err
		}
	}
	to := func(arn string) *types.DestinationConfig {
		return &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &arn}}
	}
	for name, c := range map[string]struct {
		call func(context.Context, *sdk.Client) error
		want string
	}{
		"a time-out of no second":              {update(sdk.UpdateFunctionConfigurationInput{Timeout: aws.Int32(0)}), outOfRange},
		"a time-out of more than 15 minutes":   {update(sdk.UpdateFunctionConfigurationInput{Timeout: aws.Int32(901)}), outOfRange},
		"a member that is not imitated":        {update(sdk.UpdateFunctionConfigurationInput{Description: aws.String("d")}), invalid},
		"a variable of Lambda's":               {variable("AWS_LAMBDA_RUNTIME_API", "x"), invalid},
		"a variable's name":                    {variable("1A", "x"), invalid},
		"4 KB of variables":                    {variable("AB", strings.Repeat("x", 4095)), invalid},
		"three retries":                        {failures(sdk.PutFunctionEventInvokeConfigInput{MaximumRetryAttempts: aws.Int32(3)}), outOfRange},
		"fewer retries than none":              {failures(sdk.PutFunctionEventInvokeConfigInput{MaximumRetryAttempts: aws.Int32(-1)}), outOfRange},
		"an age of less than a minute":         {failures(sdk.PutFunctionEventInvokeConfigInput{MaximumEventAgeInSeconds: aws.Int32(59)}), outOfRange},
		"an age of more than six hours":        {failures(sdk.PutFunctionEventInvokeConfigInput{MaximumEventAgeInSeconds: aws.Int32(21601)}), outOfRange},
		"a destination that is no ARN":         {failures(sdk.PutFunctionEventInvokeConfigInput{DestinationConfig: to("queue")}), outOfRange},
		"a negative concurrency":               {reserves(-1), outOfRange},
		"a concurrency that leaves 99":         {reserves(901), invalid},
		"the id of another permission":         {adds("first", "lambda:InvokeFunction"), "ResourceConflictException"},
		"a permission for another action":      {adds("other", "lambda:GetFunction"), invalid},
		"the removal of an unknown permission": {removes("other"), "ResourceNotFoundException"},
	} {
		t.Run(name, func(t *testing.T) {
			a := configured(t)
			before, _ := a.Function("f")
			permissions := a.Permissions("f")
			if code := localtest.Code(c.call(t.Context(), behindGate(t, a, localtest.Everything))); code != c.want {
				t.Errorf("refused with %s, want %s", code, c.want)
			}
			if after, _ := a.Function("f"); !reflect.DeepEqual(after, before) || !reflect.DeepEqual(a.Permissions("f"), permissions) {
				t.Errorf("the function is now %+v, want %+v", after, before)
			}
		})
	}
}

func reserves(n int32) func(context.Context, *sdk.Client) error {
	return func(ctx context.Context, client *sdk.Client) error {
		_, err := client.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: &n})
		return err
	}
}

func adds(id, action string) func(context.Context, *sdk.Client) error {
	return func(ctx context.Context, client *sdk.Client) error {
		in := permission(aws.String("f"), id, "s3.amazonaws.com")
		in.Action = &action
		_, err := client.AddPermission(ctx, in)
		return err
	}
}

func removes(id string) func(context.Context, *sdk.Client) error {
	return func(ctx context.Context, client *sdk.Client) error {
		_, err := client.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: &id})
		return err
	}
}

func TestAnUpdateAnswersWithTheNewConfiguration(t *testing.T) {
	client, f := behindGate(t, host(t, nil), localtest.Everything), aws.String("f")
	got := localtest.Must(client.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{
		FunctionName: f, Timeout: aws.Int32(7), Environment: &types.Environment{Variables: map[string]string{"AB": "c"}},
	}))(t)
	if *got.Timeout != 7 || got.Environment.Variables["AB"] != "c" || *got.MemorySize != 128 {
		t.Errorf("UpdateFunctionConfiguration = %d s, %v, %d MB, want 7 s, AB=c, 128 MB", *got.Timeout, got.Environment.Variables, *got.MemorySize)
	}
	read := localtest.Must(client.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: f}))(t)
	if *read.LastModified != *got.LastModified {
		t.Errorf("last changed at %s, want %s as the update answered", *read.LastModified, *got.LastModified)
	}
	got = localtest.Must(client.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{
		FunctionName: f, Environment: &types.Environment{Variables: map[string]string{}},
	}))(t)
	if got.Environment != nil || *got.Timeout != 7 {
		t.Errorf("UpdateFunctionConfiguration with no variables = %v, %d s, want no environment and the time-out as it was", got.Environment, *got.Timeout)
	}
}

func TestAFunctionIsRetriedTwiceUnlessItsConfigurationSaysOtherwise(t *testing.T) {
	a := host(t, nil)
	client, f := behindGate(t, a, localtest.Everything), aws.String("f")
	attempts := func() int {
		t.Helper()
		before := len(a.Invocations("f"))
		if _, err := a.InvokeAsync("f", []byte(`{"Do":"fail"}`)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			a.rest(t)
			a.clock.Advance(2 * time.Minute) // the longest pause before a retry
		}
		a.rest(t)
		return len(a.Invocations("f")) - before
	}
	put := func(in sdk.PutFunctionEventInvokeConfigInput) {
		t.Helper()
		in.FunctionName = f
		localtest.Must(client.PutFunctionEventInvokeConfig(t.Context(), &in))(t)
	}
	if got := attempts(); got != 3 {
		t.Errorf("%d attempts without a configuration, want 3", got)
	}
	_, err := client.GetFunctionEventInvokeConfig(t.Context(), &sdk.GetFunctionEventInvokeConfigInput{FunctionName: f})
	if code := localtest.Code(err); code != "ResourceNotFoundException" {
		t.Errorf("GetFunctionEventInvokeConfig without a configuration = %v, want ResourceNotFoundException", err)
	}
	put(sdk.PutFunctionEventInvokeConfigInput{MaximumRetryAttempts: aws.Int32(0)})
	if got := attempts(); got != 1 {
		t.Errorf("%d attempts with no retries, want 1", got)
	}
	put(sdk.PutFunctionEventInvokeConfigInput{MaximumEventAgeInSeconds: aws.Int32(21600)})
	if got := attempts(); got != 3 {
		t.Errorf("%d attempts after the retries were not put again, want 3", got)
	}
}

func TestAPermissionForAnAccountIsForThisAccountOnly(t *testing.T) {
	a := host(t, nil)
	client := behindGate(t, a, localtest.Everything)
	in := permission(aws.String("f"), "a", "s3.amazonaws.com")
	in.SourceAccount = aws.String("111122223333")
	added := localtest.Must(client.AddPermission(t.Context(), in))(t)
	if !strings.Contains(*added.Statement, `"AWS:SourceAccount":"111122223333"`) || !strings.Contains(*added.Statement, `"Sid":"a"`) {
		t.Errorf("AddPermission = %s, want the statement with its condition", *added.Statement)
	}
	for account, permitted := range map[string]bool{"111122223333": true, "444455556666": false} {
		_, err := a.InvokeFrom(lambda.Source{Service: "s3.amazonaws.com", ARN: "arn:aws:s3:::b", Account: account}, "f", []byte(`{}`))
		if (err == nil) != permitted {
			t.Errorf("InvokeFrom for %s = %v, want it permitted: %t", account, err, permitted)
		}
	}
	a.rest(t)
}

func TestAPolicysRevisionChangesWithIt(t *testing.T) {
	client, f := behindGate(t, host(t, nil), localtest.Everything), aws.String("f")
	seen := map[string]bool{}
	for _, id := range []string{"a", "b"} {
		localtest.Must(client.AddPermission(t.Context(), permission(f, id, "s3.amazonaws.com")))(t)
		revision := aws.ToString(localtest.Must(client.GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: f}))(t).RevisionId)
		if revision == "" || seen[revision] {
			t.Errorf("revision %q after permission %s, want a new one", revision, id)
		}
		seen[revision] = true
	}
}

func TestEventSourceMappingsAreListedByFunction(t *testing.T) {
	a := host(t, func(f *lambda.Function) { f.Timeout = time.Second })
	if _, err := a.Create(lambda.Function{Name: "g", Bootstrap: bootstrap, Timeout: time.Second}); err != nil {
		t.Fatal(err)
	}
	for _, function := range []string{"f", "g"} {
		queue := a.queues.CreateQueue(function)
		if err := a.Map(lambda.Mapping{ID: function, QueueARN: queue, Function: function}); err != nil {
			t.Fatal(err)
		}
	}
	client := behindGate(t, a, localtest.Everything)
	for function, want := range map[string]string{"": "f g ", "f": "f ", "arn:aws:lambda:eu-central-1:111122223333:function:g": "g ", "none": ""} {
		in := &sdk.ListEventSourceMappingsInput{}
		if function != "" {
			in.FunctionName = &function
		}
		got := ""
		for _, m := range localtest.Must(client.ListEventSourceMappings(t.Context(), in))(t).EventSourceMappings {
			got += *m.UUID + " "
		}
		if got != want {
			t.Errorf("mappings of %q = %q, want %q", function, got, want)
		}
	}
}
