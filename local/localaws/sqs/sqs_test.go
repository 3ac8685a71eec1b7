package sqs_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/sqs"
)

// start makes an SQS with a clock that only the test advances, and a client with the permissions of a policy.
func start(t *testing.T, policy string) (s *sqs.Service, client *sdk.Client, forward func(time.Duration)) {
	t.Helper()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	gate := localtest.Gate(t, api.Options{Now: func() time.Time { return now }})
	s = sqs.New(gate.Options())
	gate.Add(s)
	return s, sdk.NewFromConfig(localtest.Config(t, gate, policy)), func(d time.Duration) { now = now.Add(d) }
}

func TestMessagesAreHiddenWhileSomebodyWorksOnThem(t *testing.T) {
	s, client, forward := start(t, localtest.Everything)
	s.CreateQueue("dead")
	url := localtest.Must(client.GetQueueUrl(t.Context(), &sdk.GetQueueUrlInput{QueueName: aws.String("dead")}))(t).QueueUrl
	localtest.Must(client.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: url, MessageBody: aws.String("lost event")}))(t)
	receive := func() []types.Message {
		return localtest.Must(client.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"},
		}))(t).Messages
	}
	first := receive()
	if len(first) != 1 || *first[0].Body != "lost event" {
		t.Fatalf("ReceiveMessage = %v, want the message", first)
	}
	if again := receive(); len(again) != 0 {
		t.Errorf("ReceiveMessage during the visibility time-out = %v, want no message", again)
	}
	forward(31 * time.Second)
	later := receive()
	if len(later) != 1 || later[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Fatalf("ReceiveMessage after the time-out = %v, want the message for the second time", later)
	}
	localtest.Must(client.DeleteMessage(t.Context(), &sdk.DeleteMessageInput{QueueUrl: url, ReceiptHandle: later[0].ReceiptHandle}))(t)
	if left := s.Messages("dead"); len(left) != 0 {
		t.Errorf("Messages after deletion = %v, want none", left)
	}
}

func TestQueueAttributesCountVisibleAndHiddenMessages(t *testing.T) {
	s, client, _ := start(t, localtest.Everything)
	s.CreateQueue("dead")
	for _, body := range []string{"one", "two", "three"} {
		localtest.Must(s.Send(s.ARN("dead"), body))(t)
	}
	url := s.URL("dead")
	localtest.Must(client.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: &url}))(t)
	out := localtest.Must(client.GetQueueAttributes(t.Context(), &sdk.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	}))(t)
	want := map[string]string{
		"QueueArn":                    "arn:aws:sqs:eu-central-1:111122223333:dead",
		"ApproximateNumberOfMessages": "2", "ApproximateNumberOfMessagesNotVisible": "1",
	}
	if diff := cmp.Diff(want, out.Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func TestSQSRefusals(t *testing.T) {
	s, client, _ := start(t, localtest.Everything)
	s.CreateQueue("dead")
	url, gone := s.URL("dead"), s.URL("gone")
	for name, v := range map[string]struct {
		call func() error
		want string
	}{
		"a queue that there is not": {func() error {
			_, err := client.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: &gone, MessageBody: aws.String("m")})
			return err
		}, "AWS.SimpleQueueService.NonExistentQueue"},
		"an empty message": {func() error {
			_, err := client.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("")})
			return err
		}, "MissingParameter"},
		"a receipt that is none": {func() error {
			_, err := client.DeleteMessage(t.Context(), &sdk.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: aws.String("x")})
			return err
		}, "ReceiptHandleIsInvalid"},
		"a call that there is not": {func() error {
			_, err := client.PurgeQueue(t.Context(), &sdk.PurgeQueueInput{QueueUrl: &url})
			return err
		}, "InvalidAction"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := v.call(); localtest.Code(err) != v.want {
				t.Errorf("got %v, want %s", err, v.want)
			}
		})
	}
}

func TestSQSAsksForPermissionOnTheQueue(t *testing.T) {
	s, client, _ := start(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-central-1:111122223333:dead"}]}`)
	s.CreateQueue("dead")
	s.CreateQueue("other")
	for queue, want := range map[string]string{"dead": "", "other": "AccessDenied"} {
		url := s.URL(queue)
		_, err := client.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
		if got := localtest.Code(err); got != want {
			t.Errorf("SendMessage(%s) = %q, want %q", queue, got, want)
		}
	}
}
