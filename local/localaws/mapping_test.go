package localaws_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// queueFed is a template with a function that a queue's messages invoke; its role may take these actions on the queue.
func queueFed(actions, visibility string) string {
	return `
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: queue
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: [` + actions + `], Resource: !GetAtt Queue.Arn}]
  Queue:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: ` + visibility + `, MessageRetentionPeriod: 120, DelaySeconds: 5}
  F:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: ., Handler: bootstrap, Runtime: provided.al2023, Role: !GetAtt Role.Arn, Timeout: 50}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Queue.Arn
      FunctionName: !Ref F
      BatchSize: 10
      ScalingConfig: {MaximumConcurrency: 2}
`
}

const consume = "sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes"

func TestAQueueInvokesAFunctionAfterItsDelay(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, inline(t, queueFed(consume, "60")))
	localtest.Must(c.SQS.Send(s.Attribute("Queue", "Arn"), "hello"))(t)
	for _, v := range []struct {
		after time.Duration
		want  int
	}{{4 * time.Second, 0}, {time.Second, 1}, {59 * time.Second, 1}, {time.Second, 2}, {time.Minute, 2}} {
		c.Clock.Advance(v.after)
		rest(t, c)
		if got := len(c.Lambda.Invocations("")); got != v.want { // the bootstrap fails, so that the message comes back until it is too old
			t.Errorf("%d invocations after %s more, want %d", got, v.after, v.want)
		}
	}
	client := sdk.NewFromConfig(c.Config(c.Admin(), c.Internet()))
	listed := localtest.Must(client.ListEventSourceMappings(t.Context(), &sdk.ListEventSourceMappingsInput{FunctionName: aws.String(s.Physical("F"))}))(t)
	if got := listed.EventSourceMappings; len(got) != 1 || *got[0].EventSourceArn != s.Attribute("Queue", "Arn") || *got[0].UUID != s.Physical("Mapping") {
		t.Errorf("ListEventSourceMappings = %+v, want the one of the queue", got)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := c.Leftovers(); len(left) > 0 {
		t.Errorf("the deleted stack left %q", left)
	}
}

func TestAMappingThatLambdaRefusesFailsTheDeployment(t *testing.T) {
	for name, v := range map[string]struct{ actions, visibility, want string }{
		"no permission to receive":                  {"sqs:DeleteMessage, sqs:GetQueueAttributes", "60", "ReceiveMessage"},
		"no permission to delete":                   {"sqs:ReceiveMessage, sqs:GetQueueAttributes", "60", "DeleteMessage"},
		"a visibility timeout below the function's": {consume, "49", "Queue visibility timeout: 49 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cloud(t).Deploy(t.Context(), inline(t, queueFed(v.actions, v.visibility)), ending)
			if err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("Deploy = %v, want %q in it", err, v.want)
			}
		})
	}
}
