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
			_, err := client.ListQueues(t.Context(), &sdk.ListQueuesInput{})
			return err
		}, "InvalidAction"},
		"a delay of more than 15 minutes": {func() error {
			_, err := client.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m"), DelaySeconds: 901})
			return err
		}, "InvalidParameterValue"},
		"a batch for a queue that there is not": {func() error { return sendBatch(t, client, gone, "1") }, "AWS.SimpleQueueService.NonExistentQueue"},
		"a batch without messages": {func() error {
			_, err := client.SendMessageBatch(t.Context(), &sdk.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{}})
			return err
		}, "AWS.SimpleQueueService.EmptyBatchRequest"},
		"a batch of eleven": {func() error {
			return sendBatch(t, client, url, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
		}, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
		"a batch that repeats an id":         {func() error { return sendBatch(t, client, url, "1", "1") }, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
		"a batch with an id that is invalid": {func() error { return sendBatch(t, client, url, "a b") }, "AWS.SimpleQueueService.InvalidBatchEntryId"},
		"an attribute that has no effect here": {func() error {
			_, err := client.CreateQueue(t.Context(), &sdk.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"KmsMasterKeyId": "k"}})
			return err
		}, "InvalidAttributeName"},
		"a retention period below a minute": {func() error {
			_, err := client.CreateQueue(t.Context(), &sdk.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"MessageRetentionPeriod": "59"}})
			return err
		}, "InvalidAttributeValue"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := v.call(); localtest.Code(err) != v.want {
				t.Errorf("got %v, want %s", err, v.want)
			}
		})
	}
}

// sendBatch sends a batch of messages with these ids.
func sendBatch(t *testing.T, client *sdk.Client, url string, ids ...string) error {
	t.Helper()
	var entries []types.SendMessageBatchRequestEntry
	for _, id := range ids {
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: aws.String("m")})
	}
	_, err := client.SendMessageBatch(t.Context(), &sdk.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
	return err
}

// receives returns the bodies of the messages that can be received.
func receives(t *testing.T, client *sdk.Client, url string) []string {
	t.Helper()
	out := localtest.Must(client.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10}))(t)
	var bodies []string
	for _, m := range out.Messages {
		bodies = append(bodies, *m.Body)
	}
	return bodies
}

func TestEachMessageOfABatchHasItsDelay(t *testing.T) {
	s, client, forward := start(t, localtest.Everything)
	s.CreateQueue("sweeps")
	url := s.URL("sweeps")
	var entries []types.SendMessageBatchRequestEntry
	for id, delay := range map[string]int32{"now": 0, "five": 5, "ten": 10, "too-late": 901} {
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &id, DelaySeconds: delay})
	}
	out := localtest.Must(client.SendMessageBatch(t.Context(), &sdk.SendMessageBatchInput{QueueUrl: &url, Entries: entries}))(t)
	if len(out.Successful) != 3 || len(out.Failed) != 1 || *out.Failed[0].Id != "too-late" || !out.Failed[0].SenderFault {
		t.Errorf("SendMessageBatch = %+v, failed %+v, want three successes and too-late as the caller's fault", out.Successful, out.Failed)
	}
	attributes := localtest.Must(client.GetQueueAttributes(t.Context(), &sdk.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessagesDelayed"},
	}))(t).Attributes
	if got := attributes["ApproximateNumberOfMessagesDelayed"]; got != "2" {
		t.Errorf("ApproximateNumberOfMessagesDelayed = %s, want 2", got)
	}
	var got [][]string
	for range 4 {
		got = append(got, receives(t, client, url))
		forward(5 * time.Second)
	}
	if diff := cmp.Diff([][]string{{"now"}, {"five"}, {"ten"}, nil}, got); diff != "" {
		t.Errorf("received at 0, 5, 10 and 15 s (-want +got):\n%s", diff)
	}
}

func TestAQueuesAttributesApply(t *testing.T) {
	_, client, forward := start(t, localtest.Everything)
	url := *localtest.Must(client.CreateQueue(t.Context(), &sdk.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{
		"DelaySeconds": "10", "VisibilityTimeout": "50", "MessageRetentionPeriod": "120",
	}}))(t).QueueUrl
	localtest.Must(client.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")}))(t)
	var got []int
	for _, step := range []time.Duration{9, 1, 49, 1, 59, 1} { // 9, 10, 59, 60, 119 and 120 s
		forward(step * time.Second)
		got = append(got, len(receives(t, client, url)))
	}
	if diff := cmp.Diff([]int{0, 1, 0, 1, 1, 0}, got); diff != "" {
		t.Errorf("messages received at 9, 10, 59, 60, 119 and 120 s (-want +got):\n%s", diff)
	}
}

func TestAPurgedQueueIsEmpty(t *testing.T) {
	s, client, _ := start(t, localtest.Everything)
	s.CreateQueue("q")
	url := s.URL("q")
	if err := sendBatch(t, client, url, "1", "2"); err != nil {
		t.Fatal(err)
	}
	localtest.Must(client.PurgeQueue(t.Context(), &sdk.PurgeQueueInput{QueueUrl: &url}))(t)
	if left := s.Messages("q"); len(left) != 0 {
		t.Errorf("Messages after PurgeQueue = %v, want none", left)
	}
}

func TestMessagesCanBeLostLateAndDoubled(t *testing.T) {
	s, client, forward := start(t, localtest.Everything)
	s.CreateQueue("q")
	s.Disturb(func(body string) []time.Duration {
		return map[string][]time.Duration{"late": {5 * time.Second}, "doubled": {0, 0}}[body]
	})
	for _, body := range []string{"lost", "late", "doubled"} {
		localtest.Must(s.Send("q", body))(t)
	}
	got := [][]string{receives(t, client, s.URL("q"))}
	forward(5 * time.Second)
	got = append(got, receives(t, client, s.URL("q")))
	if diff := cmp.Diff([][]string{{"doubled", "doubled"}, {"late"}}, got); diff != "" {
		t.Errorf("received at 0 and 5 s (-want +got):\n%s", diff)
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
