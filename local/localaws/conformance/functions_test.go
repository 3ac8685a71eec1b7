package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// functionCases are the cases on Lambda. Where moto differs, these pages decide:
//
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (4 KB of variables, 15 minutes)
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (names that are reserved)
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html, API_PutFunctionConcurrency.html (a concurrency of 0)
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html (ranges; replaced as a whole; $LATEST)
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html (a statement's id)
// https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-cross-account.html (accounts)
func functionCases() []testCase {
	const (
		gone   = "ResourceNotFoundException"
		events = "events.amazonaws.com"
		rule   = "arn:aws:events:" + region + ":" + account + ":rule/r"
		queue  = "arn:aws:sqs:" + region + ":" + account + ":q"
		latest = "ends the ARN without $LATEST"
	)
	return []testCase{
		{name: "a function is described as it was made", ops: []op{function(), configured("c", 30)}},
		{name: "a function is found by its ARN", ops: []op{function(), byARN(), configured("c", 30)}},
		{name: "a function's variables and time-out are changed", ops: []op{function(), configure("d", 60), configured("d", 60)}},
		{name: "a variable that Lambda sets cannot be set", moto: "takes it", ops: []op{
			function(), refused("InvalidParameterValueException", setVariable("AWS_REGION", "eu-west-1")), configured("c", 30),
		}},
		{name: "variables of more than 4 KB are refused", moto: "takes them", ops: []op{
			function(), refused("InvalidParameterValueException", setVariable("LONG", string(make([]byte, 4097)))), configured("c", 30),
		}},
		{name: "a time-out of more than 15 minutes is refused", moto: "takes it", ops: []op{
			function(), refused("ValidationException", configure("c", 901)), configured("c", 30),
		}},
		{name: "a function that there is not is not described, changed or invoked", ops: []op{
			refused(gone, configured("c", 30)), refused(gone, configure("d", 60)), refused(gone, reserve(1)), refused(gone, unreserve()),
			refused(gone, failures("")), refused(gone, putFailures(aws.Int32(1), nil, "")), refused(gone, permissions()),
			refused(gone, permit("a", events, rule)), refused(gone, forbid("a")), refused(gone, invoke(types.InvocationTypeDryRun)),
		}},
		{name: "concurrency is reserved, and freed", ops: []op{
			function(), reserved("none"), reserve(5), reserved("5"), reserve(6), reserved("6"), unreserve(), reserved("none"), unreserve(),
		}},
		{name: "a function is switched off", moto: "does not show a reservation of 0", ops: []op{function(), reserve(0), reserved("0")}},
		{name: "a hundred concurrent runs stay for other functions", ops: []op{
			function(), refused("InvalidParameterValueException", reserve(901)), reserved("none"),
		}},
		{name: "no negative concurrency is reserved", moto: "takes it", ops: []op{function(), refused("ValidationException", reserve(-1)), reserved("none")}},
		{name: "a function has no configuration of failed runs until it is put", ops: []op{function(), refused(gone, failures(""))}},
		{name: "the configuration of failed runs is put and read", ops: []op{
			function(), putFailures(aws.Int32(1), aws.Int32(60), queue), failures("1 60 " + queue),
		}},
		{name: "no retry is not the default", ops: []op{function(), putFailures(aws.Int32(0), aws.Int32(60), ""), failures("0 60 ")}},
		{name: "what is not put is not configured", ops: []op{
			function(), putFailures(nil, aws.Int32(60), ""), failures("default 60 "),
		}},
		{name: "the configuration of failed runs is replaced as a whole", moto: "goes on with the first one", ops: []op{
			function(), putFailures(aws.Int32(1), aws.Int32(60), queue), putFailures(nil, aws.Int32(120), ""), failures("default 120 "),
		}},
		{name: "the configuration of failed runs is that of the latest version", moto: latest, ops: []op{
			function(), putFailures(aws.Int32(1), aws.Int32(60), ""), failuresOf("$LATEST"),
		}},
		{name: "more than two retries are refused", ops: []op{
			function(), refused("ValidationException", putFailures(aws.Int32(3), nil, "")), refused(gone, failures("")),
		}},
		{name: "a negative number of retries is refused", moto: "takes it", ops: []op{
			function(), refused("ValidationException", putFailures(aws.Int32(-1), nil, "")),
		}},
		{name: "an event older than six hours is not retried", ops: []op{
			function(), refused("ValidationException", putFailures(nil, aws.Int32(21601), "")),
		}},
		{name: "an event is retried for a minute at least", moto: "takes less", ops: []op{
			function(), refused("ValidationException", putFailures(nil, aws.Int32(59), "")),
		}},
		{name: "a destination that is no ARN is refused", ops: []op{
			function(), refused("ValidationException", putFailures(nil, nil, "queue")),
		}},
		{name: "a function has no policy until a permission is added", ops: []op{function(), refused(gone, permissions())}},
		{name: "permissions are added, shown in their order, and removed", ops: []op{
			function(), permit("a", events, rule), permit("b", "s3.amazonaws.com", ""),
			permissions("a Service="+events+" "+rule, "b Service=s3.amazonaws.com "),
			forbid("a"), permissions("b Service=s3.amazonaws.com "), forbid("b"), refused(gone, permissions()),
		}},
		{name: "a permission shows its statement when it is added", ops: []op{function(), permitted("a", events, rule)}},
		{name: "a permission's source can be limited to an account", ops: []op{
			function(), permitOf("a", events, account), permissions("a Service=" + events + " " + account),
		}},
		{name: "an account is shown as its root user", moto: "shows it as it was put", ops: []op{
			function(), permit("a", "444455556666", ""), permissions("a AWS=arn:aws:iam::444455556666:root "),
		}},
		{name: "a statement's id is not taken twice", moto: "adds a second one", ops: []op{
			function(), permit("a", events, rule), refused("ResourceConflictException", permit("a", events, "")), permissions("a Service=" + events + " " + rule),
		}},
		{name: "a permission that there is not cannot be removed", ops: []op{function(), refused(gone, forbid("a"))}},
		{name: "a function's event source mappings are listed", ops: []op{
			function(), mappings(), queueOp(), mapped(), mappings("5 Enabled"),
		}},
		{name: "a dry run starts nothing", ops: []op{function(), invoke(types.InvocationTypeDryRun)}},
		{name: "the account has a thousand concurrent runs", moto: "does not know the call", ops: []op{accountConcurrency(1000)}},
	}
}

func (s *scene) lambda() *lambda.Client { return lambda.NewFromConfig(s.config) }

// function makes a function with the name of the scene.
func function() op {
	return func(ctx context.Context, s *scene) error { return s.makeFunction(ctx, s.name) }
}

// function returns the name with which a call names the function.
func (s *scene) function() *string {
	if arn, ok := s.notes["function"]; ok {
		return &arn
	}
	return &s.name
}

func (s *scene) functionARN() string {
	return "arn:aws:lambda:" + region + ":" + account + ":function:" + s.name
}

// byARN makes later calls name the function by its ARN.
func byARN() op {
	return func(_ context.Context, s *scene) error {
		s.notes["function"] = s.functionARN()
		return nil
	}
}

// configured expects a value of the variable AB and a time-out in the two calls that show them.
func configured(variable string, timeout int32) op {
	return func(ctx context.Context, s *scene) error {
		whole, err := s.lambda().GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: s.function()})
		if err != nil {
			return err
		}
		part, err := s.lambda().GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: s.function()})
		if err != nil {
			return err
		}
		want := fmt.Sprint(s.name, " ", s.functionARN(), " ", variable, " ", timeout, " bootstrap Active Successful ", roleARN("f"), " 128")
		c := whole.Configuration
		got := fmt.Sprint(*c.FunctionName, " ", *c.FunctionArn, " ", c.Environment.Variables["AB"], " ", *c.Timeout, " ", *c.Handler, " ", c.State, " ", c.LastUpdateStatus, " ", *c.Role, " ", *c.MemorySize)
		if got != want {
			return differs("GetFunction", got, want)
		}
		got = fmt.Sprint(*part.FunctionName, " ", *part.FunctionArn, " ", part.Environment.Variables["AB"], " ", *part.Timeout, " ", *part.Handler, " ", part.State, " ", part.LastUpdateStatus, " ", *part.Role, " ", *part.MemorySize)
		if got != want {
			return differs("GetFunctionConfiguration", got, want)
		}
		if *c.LastModified != *part.LastModified {
			return differs("last change", *part.LastModified, *c.LastModified)
		}
		return nil
	}
}

// configure changes the variables and the time-out, and expects both in the answer.
func configure(variable string, timeout int32) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.lambda().UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: s.function(), Timeout: &timeout, Environment: &types.Environment{Variables: map[string]string{"AB": variable}},
		})
		if err != nil {
			return err
		}
		if out.Timeout == nil || *out.Timeout != timeout || out.Environment == nil || out.Environment.Variables["AB"] != variable {
			return differs("answer", out, fmt.Sprint(variable, " ", timeout))
		}
		return nil
	}
}

func setVariable(name, value string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.lambda().UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: s.function(), Environment: &types.Environment{Variables: map[string]string{name: value}},
		})
		return err
	}
}

func reserve(n int32) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.lambda().PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: s.function(), ReservedConcurrentExecutions: &n})
		if err == nil && *out.ReservedConcurrentExecutions != n {
			err = differs("answer", *out.ReservedConcurrentExecutions, n)
		}
		return err
	}
}

func unreserve() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.lambda().DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: s.function()})
		return err
	}
}

// reserved expects the reserved concurrency, or "none".
func reserved(want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.lambda().GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: s.function()})
		if err != nil {
			return err
		}
		got := "none"
		if out.Concurrency != nil {
			got = fmt.Sprint(*out.Concurrency.ReservedConcurrentExecutions)
		}
		if got != want {
			return differs("reserved concurrency", got, want)
		}
		return nil
	}
}

// putFailures puts retries, maximum age and destination of failed runs; nil and "" are not put.
func putFailures(retries, age *int32, destination string) op {
	return func(ctx context.Context, s *scene) error {
		in := &lambda.PutFunctionEventInvokeConfigInput{FunctionName: s.function(), MaximumRetryAttempts: retries, MaximumEventAgeInSeconds: age}
		if destination != "" {
			in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &destination}}
		}
		out, err := s.lambda().PutFunctionEventInvokeConfig(ctx, in)
		if err == nil && (out.FunctionArn == nil || !same(out.MaximumRetryAttempts, retries) || !same(out.MaximumEventAgeInSeconds, age)) {
			err = differs("answer", out, in)
		}
		return err
	}
}

// same compares the values of pointers; nil is only the same as nil.
func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// failures expects retries, maximum age and destination.
func failures(want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.lambda().GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: s.function()})
		if err != nil {
			return err
		}
		retries := "default"
		if out.MaximumRetryAttempts != nil {
			retries = fmt.Sprint(*out.MaximumRetryAttempts)
		}
		got := fmt.Sprint(retries, " ", aws.ToInt32(out.MaximumEventAgeInSeconds), " ")
		if d := out.DestinationConfig; d != nil && d.OnFailure != nil {
			got += aws.ToString(d.OnFailure.Destination)
		}
		if got != want {
			return differs("failed runs", got, want)
		}
		return nil
	}
}

// failuresOf expects the version that the configuration is for.
func failuresOf(version string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.lambda().GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: s.function()})
		if err != nil {
			return err
		}
		if want := s.functionARN() + ":" + version; *out.FunctionArn != want {
			return differs("ARN", *out.FunctionArn, want)
		}
		return nil
	}
}

func permit(id, principal, source string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.permit(ctx, &lambda.AddPermissionInput{StatementId: &id, Principal: &principal}, source)
		return err
	}
}

func (s *scene) permit(ctx context.Context, in *lambda.AddPermissionInput, source string) (*lambda.AddPermissionOutput, error) {
	in.FunctionName, in.Action = s.function(), aws.String("lambda:InvokeFunction")
	if source != "" {
		in.SourceArn = &source
	}
	return s.lambda().AddPermission(ctx, in)
}

// permitOf permits a service what it does for an account.
func permitOf(id, principal, of string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.permit(ctx, &lambda.AddPermissionInput{StatementId: &id, Principal: &principal, SourceAccount: &of}, "")
		return err
	}
}

// permitted adds a permission for a service, and expects its statement in the answer.
func permitted(id, service, source string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.permit(ctx, &lambda.AddPermissionInput{StatementId: &id, Principal: &service}, source)
		if err != nil {
			return err
		}
		var added statement
		if err := json.Unmarshal([]byte(aws.ToString(out.Statement)), &added); err != nil {
			return err
		}
		if got, want := added.String(), id+" Service="+service+" "+source; got != want {
			return differs("statement", got, want)
		}
		return nil
	}
}

func forbid(id string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.lambda().RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: s.function(), StatementId: &id})
		return err
	}
}

// statement is a statement of a function's policy.
type statement struct {
	Sid, Effect, Action, Resource string
	Principal                     map[string]string
	Condition                     map[string]map[string]string
}

// String returns id, principal and source; and what is not as it must be.
func (st statement) String() string {
	text := st.Sid
	for kind, principal := range st.Principal {
		text += " " + kind + "=" + principal
	}
	text += " " + st.Condition["ArnLike"]["AWS:SourceArn"] + st.Condition["StringEquals"]["AWS:SourceAccount"]
	if st.Effect != "Allow" || st.Action != "lambda:InvokeFunction" {
		text += " " + st.Effect + " " + st.Action
	}
	return text
}

// permissions expects the statements of the function's policy.
func permissions(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.lambda().GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: s.function()})
		if err != nil {
			return err
		}
		var policy struct{ Statement []statement }
		if err := json.Unmarshal([]byte(*out.Policy), &policy); err != nil {
			return err
		}
		var got []string
		for _, st := range policy.Statement {
			got = append(got, st.String())
			if want := s.functionARN(); st.Resource != want {
				return differs("resource", st.Resource, want)
			}
		}
		if !slices.Equal(got, want) {
			return differs("statements", got, want)
		}
		if aws.ToString(out.RevisionId) == "" {
			return differs("revision", "none", "an id")
		}
		return nil
	}
}

// queueOp makes a queue that hides messages for longer than the function runs.
func queueOp() op { return queueWith(map[string]string{"VisibilityTimeout": "60"}) }

func (s *scene) queueARN() string { return "arn:aws:sqs:" + region + ":" + account + ":" + s.name }

// mapped makes an event source mapping of the scene's queue.
func mapped() op {
	return func(ctx context.Context, s *scene) error {
		return s.makeMapping(ctx, s.name, s.queueARN())
	}
}

// mappings expects batch sizes and states of the function's event source mappings.
func mappings(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.lambda().ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: s.function()})
		if err != nil {
			return err
		}
		var got []string
		for _, m := range out.EventSourceMappings {
			got = append(got, fmt.Sprint(*m.BatchSize, " ", *m.State))
			if *m.EventSourceArn != s.queueARN() || *m.UUID == "" {
				return differs("mapping", *m.EventSourceArn, "that of the queue")
			}
		}
		return sameList("mappings", got, want)
	}
}

func invoke(kind types.InvocationType) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.lambda().Invoke(ctx, &lambda.InvokeInput{FunctionName: s.function(), InvocationType: kind})
		if err == nil && out.StatusCode != 204 {
			err = differs("status", out.StatusCode, 204)
		}
		return err
	}
}

// accountConcurrency expects this number of concurrent runs of the account.
func accountConcurrency(want int32) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.lambda().GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
		if err == nil && out.AccountLimit.ConcurrentExecutions != want {
			err = differs("concurrency", out.AccountLimit.ConcurrentExecutions, want)
		}
		return err
	}
}
