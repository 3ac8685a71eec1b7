package samtemplate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

const globals = `
Transform: AWS::Serverless-2016-10-31
Parameters: {Timeout: {Type: Number, Default: 60}}
Conditions: {IsOn: !Equals [a, a]}
Globals:
  Function:
    Runtime: provided.al2023
    MemorySize: 256
    Layers: [one]
    Tags: {a: 1}
    Environment: {Variables: {A: global, B: global}}
    EventInvokeConfig: {MaximumRetryAttempts: 1}
Resources:
  Role: {Type: AWS::IAM::Role}
  Queue: {Type: AWS::SQS::Queue}
  Own:
    Type: AWS::Serverless::Function
    Properties:
      Role: !If [IsOn, !GetAtt Role.Arn, x]
      Timeout: !Ref Timeout
      MemorySize: 512
      Layers: [two]
      Tags: [b]
      Environment: {Variables: {B: own, C: 3, D: !GetAtt Queue.Arn}}
      EventInvokeConfig:
        MaximumEventAgeInSeconds: 120
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Queue.Arn}}
  Plain: {Type: AWS::Serverless::Function, Properties: {Role: "arn:aws:iam::1:role/x", Environment: !Ref AWS::NoValue, EventInvokeConfig: !Ref AWS::NoValue}}
  Bare: {Type: AWS::Serverless::Function}
  Other: {Type: AWS::Lambda::Function}
`

// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
func TestGlobalsAreMerged(t *testing.T) {
	p := plan(t, globals, samtemplate.Options{})
	got, err := p.Properties("Own", named{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"Runtime": "provided.al2023", "MemorySize": 512, "Timeout": "60", "Role": "att:Role:Arn",
		"Layers": []any{"one", "two"}, "Tags": []any{"b"},
		"Environment": map[string]any{"Variables": map[string]any{
			"A": "global", "B": "own", "C": 3, "D": "att:Queue:Arn",
		}},
		"EventInvokeConfig": map[string]any{"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 120,
			"DestinationConfig": map[string]any{"OnFailure": map[string]any{"Type": "SQS", "Destination": "att:Queue:Arn"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Properties(Own) (-want +got):\n%s", diff)
	}
	if bare, err := p.Properties("Bare", named{}); err != nil || bare["MemorySize"] != 256 {
		t.Errorf("Properties(Bare) = %v, %v, want Globals", bare, err)
	}
	if other, err := p.Properties("Other", named{}); err != nil || len(other) != 0 {
		t.Errorf("Properties(Other) = %v, %v, want nothing of Globals", other, err)
	}
}

func TestFunctionIsReadWithDefaults(t *testing.T) {
	p := plan(t, globals, samtemplate.Options{})
	for id, want := range map[string]samtemplate.Function{
		"Own": {
			LogicalID: "Own", Name: "ref:Own", ARN: "att:Own:Arn", Role: "att:Role:Arn", RoleLogicalID: "Role",
			Environment: map[string]string{"A": "global", "B": "own", "C": "3", "D": "att:Queue:Arn"},
			Timeout:     time.Minute, MemoryMB: 512,
			EventInvoke: samtemplate.EventInvoke{MaximumRetryAttempts: 1, MaximumEventAge: 2 * time.Minute, OnFailure: "att:Queue:Arn"},
		},
		"Plain": {
			LogicalID: "Plain", Name: "ref:Plain", ARN: "att:Plain:Arn", Role: "arn:aws:iam::1:role/x",
			Environment: map[string]string{}, Timeout: 3 * time.Second, MemoryMB: 256,
			EventInvoke: samtemplate.EventInvoke{MaximumRetryAttempts: 2, MaximumEventAge: 6 * time.Hour},
		},
	} {
		got, err := p.Function(id, named{})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Function(%s) = %v (-want +got):\n%s", id, err, diff)
		}
	}
}

func TestFunctionRefusesWhatSAMWouldMakeUp(t *testing.T) {
	for properties, want := range map[string]string{
		`{}`:                                  "function F: no Role",
		`{Role: x, Policies: [a]}`:            "Policies: would make SAM create",
		`{Role: x, Events: {E: {Type: Api}}}`: "Events: would make SAM create",
		`{Role: x, Timeout: soon}`:            `Timeout: "soon", want a whole number`,
		`{Role: [x]}`:                         "Role: want text",
		`{Role: x, Environment: [a]}`:         "Environment.Variables: want a mapping",
		`{Role: x, Environment: {Variables: {A: [b]}}}`:                               "A: want text",
		`{Role: x, EventInvokeConfig: {Retries: 1}}`:                                  "Retries: not understood here",
		`{Role: x, EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS}}}}`: "no Destination",
	} {
		p := plan(t, `Resources: {F: {Type: AWS::Serverless::Function, Properties: `+properties+`}}`, samtemplate.Options{})
		if _, err := p.Function("F", named{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Function of %s = %v, want an error with %q", properties, err, want)
		}
	}
	p := plan(t, `Resources: {Odd: {Type: AWS::Serverless::Function, Properties: {Role: x}}, B: {Type: AWS::S3::Bucket}}`, samtemplate.Options{})
	for id, want := range map[string]string{
		"Odd": "its Ref is not known", "B": "B is an AWS::S3::Bucket, want", "C": "no resource C",
	} {
		if _, err := p.Function(id, named{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Function(%s) = %v, want an error with %q", id, err, want)
		}
	}
}

func TestRulesAreReadAndCompiled(t *testing.T) {
	p := plan(t, `
Resources:
  Function: {Type: AWS::Serverless::Function, Properties: {Role: x}}
  Bucket: {Type: AWS::S3::Bucket}
  Queue: {Type: AWS::SQS::Queue}
  Changed:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [aws.s3], detail: {requestParameters: {bucketName: [!Ref Bucket]}, n: [{numeric: [">", 1.5]}]}}
      Targets:
        - Id: one
          Arn: !GetAtt Function.Arn
          DeadLetterConfig: {Arn: !GetAtt Queue.Arn}
          RetryPolicy: {MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 60}
          Input: '{"a":1}'
  Sweep:
    Type: AWS::Events::Rule
    Properties: {ScheduleExpression: rate(1 minute), State: DISABLED, Targets: [{Id: one, Arn: !GetAtt Function.Arn}]}
`, samtemplate.Options{})
	got, err := p.Rules(named{})
	if err != nil || len(got) != 2 {
		t.Fatalf("Rules() = %v, %v, want two", got, err)
	}
	ok, why := got[0].Pattern.Match(map[string]any{"source": "aws.s3", "detail": map[string]any{
		"n": 2, "requestParameters": map[string]any{"bucketName": "ref:Bucket"}}})
	if !ok {
		t.Errorf("the pattern of Changed: %s, want a match", why)
	}
	got[0].Pattern = nil
	want := []samtemplate.Rule{
		{LogicalID: "Changed", Name: "ref:Changed", ARN: "att:Changed:Arn", Enabled: true, Targets: []samtemplate.Target{{
			ID: "one", ARN: "att:Function:Arn", DeadLetterARN: "att:Queue:Arn", Input: `{"a":1}`,
			MaximumRetryAttempts: 3, MaximumEventAge: time.Minute}}},
		{LogicalID: "Sweep", Name: "ref:Sweep", ARN: "att:Sweep:Arn", Schedule: "rate(1 minute)", Targets: []samtemplate.Target{{
			ID: "one", ARN: "att:Function:Arn", MaximumRetryAttempts: 185, MaximumEventAge: 24 * time.Hour}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Rules() (-want +got):\n%s", diff)
	}
}

func TestRulesRefuse(t *testing.T) {
	const targets = `Targets: [{Id: a, Arn: b}]`
	for properties, want := range map[string]string{
		`{` + targets + `}`: "rule R: want an EventPattern or a ScheduleExpression",
		`{EventPattern: {a: [b]}, ScheduleExpression: rate(1 day), ` + targets + `}`: "not both",
		`{EventPattern: {a: b}, ` + targets + `}`:                                    "rule R: EventPattern: a: a string, want a list",
		`{EventPattern: text, ` + targets + `}`:                                      "EventPattern: want a mapping",
		`{EventPattern: {a: [b]}}`:                                                   "Targets: want a list",
		`{EventPattern: {a: [b]}, Targets: [x]}`:                                     "Targets: want mappings",
		`{EventPattern: {a: [b]}, Targets: [{Id: a, Arn: b, InputPath: $.x}]}`:       "InputPath: not understood",
		`{EventPattern: {a: [b]}, State: MAYBE, ` + targets + `}`:                    "unknown state MAYBE",
		`{EventPattern: {a: [b]}, EventBusName: mine, ` + targets + `}`:              "want the default event bus",
		`{EventPattern: {a: [!Ref Odd]}, ` + targets + `}`:                           "Ref of Odd",
	} {
		p := plan(t, `Resources: {Odd: {Type: T}, R: {Type: AWS::Events::Rule, Properties: `+properties+`}}`, samtemplate.Options{})
		if _, err := p.Rules(named{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Rules of %s = %v, want an error with %q", properties, err, want)
		}
	}
}
