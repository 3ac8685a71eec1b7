package localaws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// functionWith is a template with a function that has more properties, and a permission that has these besides function and action.
func functionWith(more, permission string) string {
	return `
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {}}
  Q: {Type: AWS::SQS::Queue}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: bootstrap
      Runtime: provided.al2023
      Role: !GetAtt Role.Arn
` + more + `
  P:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref F
      Action: lambda:InvokeFunction
` + permission
}

const ofEvents = `      Principal: events.amazonaws.com
      SourceAccount: "111122223333"
`

// lambdaOf returns Lambda's client of an administrator.
func lambdaOf(c *localaws.Cloud) *sdk.Client {
	return sdk.NewFromConfig(c.Config(c.Admin(), c.Internet()))
}

func TestLambdaAnswersAsTheTemplateSays(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, inline(t, functionWith(`      Timeout: 20
      MemorySize: 256
      ReservedConcurrentExecutions: 3
      Environment: {Variables: {AB: c}}
      EventInvokeConfig: {MaximumRetryAttempts: 0, DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Q.Arn}}}
`, ofEvents)))
	f := aws.String(s.Physical("F"))
	whole := localtest.Must(lambdaOf(c).GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: f}))(t)
	if got := whole.Configuration; *got.Timeout != 20 || *got.MemorySize != 256 || got.Environment.Variables["AB"] != "c" || *got.Role != s.Attribute("Role", "Arn") {
		t.Errorf("GetFunction = %d s, %d MB, %v, %s", *got.Timeout, *got.MemorySize, got.Environment.Variables, *got.Role)
	}
	if got := *whole.Concurrency.ReservedConcurrentExecutions; got != 3 {
		t.Errorf("reserved concurrency = %d, want 3", got)
	}
	failures := localtest.Must(lambdaOf(c).GetFunctionEventInvokeConfig(t.Context(), &sdk.GetFunctionEventInvokeConfigInput{FunctionName: f}))(t)
	if *failures.MaximumRetryAttempts != 0 || failures.MaximumEventAgeInSeconds != nil || *failures.DestinationConfig.OnFailure.Destination != s.Attribute("Q", "Arn") {
		t.Errorf("failed runs: %d retries, age %v, want none, the default, and the queue", *failures.MaximumRetryAttempts, failures.MaximumEventAgeInSeconds)
	}
	policy := *localtest.Must(lambdaOf(c).GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: f}))(t).Policy
	for _, want := range []string{`"Sid":"` + s.Physical("P") + `"`, `"Service":"events.amazonaws.com"`, `"AWS:SourceAccount":"111122223333"`} {
		if !strings.Contains(policy, want) {
			t.Errorf("GetPolicy = %s, want %s in it", policy, want)
		}
	}
}

func TestAnUpdateOfTheStackPutsBackWhatLambdasCallsChanged(t *testing.T) {
	c := cloud(t)
	template := func(timeout string) string { return functionWith("      Timeout: "+timeout+"\n", ofEvents) }
	s := deploy(t, c, inline(t, template("20")))
	f := aws.String(s.Physical("F"))
	localtest.Must(lambdaOf(c).PutFunctionEventInvokeConfig(t.Context(), &sdk.PutFunctionEventInvokeConfigInput{FunctionName: f, MaximumRetryAttempts: aws.Int32(1)}))(t)
	localtest.Must(lambdaOf(c).PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(0)}))(t)
	if err := s.Update(t.Context(), inline(t, template("30"))); err != nil {
		t.Fatal(err)
	}
	got, _ := c.Lambda.Function(*f)
	if got.Timeout.Seconds() != 30 || got.ReservedConcurrency != nil {
		t.Errorf("%s with concurrency %v, want 30 s and none", got.Timeout, got.ReservedConcurrency)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := lambdaOf(c).GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: f})
	if code := localtest.Code(err); code != "ResourceNotFoundException" {
		t.Errorf("GetFunction after the stack's deletion = %v, want ResourceNotFoundException", err)
	}
}

func TestAFunctionThatLambdaRefusesFailsTheDeployment(t *testing.T) {
	const timeout = "Timeout: 20"
	for name, v := range map[string]struct{ old, new, want string }{
		"a role that there is not":           {"!GetAtt Role.Arn", "arn:aws:iam::111122223333:role/none", "cannot be assumed by Lambda"},
		"another runtime":                    {"provided.al2023", "nodejs22.x", "Runtime"},
		"a variable of Lambda's":             {timeout, "Environment: {Variables: {AWS_REGION: eu-west-1}}", "reserved keys"},
		"a time-out of 16 minutes":           {timeout, "Timeout: 960", "timeout"},
		"three retries":                      {timeout, "EventInvokeConfig: {MaximumRetryAttempts: 3}", "maximumRetryAttempts"},
		"an age of a second":                 {timeout, "EventInvokeConfig: {MaximumEventAgeInSeconds: 1}", "maximumEventAgeInSeconds"},
		"a network without a subnet":         {timeout, "VpcConfig: {SubnetIds: [], SecurityGroupIds: []}", "no subnet"},
		"a property that is not known":       {timeout, "SnapStart: {ApplyOn: PublishedVersions}", "SnapStart"},
		"a permission for another call":      {"lambda:InvokeFunction", "lambda:GetFunction", "Action"},
		"a permission for an organisation":   {"SourceAccount:", "PrincipalOrgID:", "PrincipalOrgID"},
		"a permission on a missing function": {"FunctionName: !Ref F", "FunctionName: none", "Function not found: none"},
	} {
		t.Run(name, func(t *testing.T) {
			template := functionWith("      "+timeout+"\n", ofEvents)
			if !strings.Contains(template, v.old) {
				t.Fatalf("the template has no %q", v.old)
			}
			c := cloud(t)
			_, err := c.Deploy(t.Context(), inline(t, strings.Replace(template, v.old, v.new, 1)), ending)
			if err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("Deploy = %v, want %q in it", err, v.want)
			}
			if left := c.Lambda.Functions(); len(left) > 0 {
				t.Errorf("the failed deployment left %q", left)
			}
		})
	}
}
