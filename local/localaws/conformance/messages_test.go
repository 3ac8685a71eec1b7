package conformance_test

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// messageCases are the cases on messages of SNS and SQS.
func messageCases() []testCase {
	return []testCase{
		{name: "a message is published to a topic", ops: []op{
			topic(), publish("subject", "message"), publish(strings.Repeat("x", 100), "message"),
		}},
		{name: "a subject of more than 100 characters is refused", ops: []op{
			topic(), refused("InvalidParameter", publish(strings.Repeat("x", 101), "message")),
		}},
		{name: "a subject with a line break is refused", moto: "takes it", ops: []op{
			topic(), refused("InvalidParameter", publish("one\ntwo", "message")),
		}},
		{name: "a message of more than 256 KB is refused", ops: []op{
			topic(), refused("InvalidParameter", publish("subject", strings.Repeat("x", 256<<10+1))),
		}},
		{name: "a topic that there is not takes no message", ops: []op{
			note("topic", "arn:aws:sns:"+region+":"+account+":gone"), refused("NotFound", publish("subject", "message")),
		}},
		{name: "a message waits in its queue until it is deleted", ops: []op{
			queue(), send("one"), waiting("1"), receive("one"), waiting("0"), deleteReceived(), receive(""),
		}},
		{name: "each message of a batch waits for its delay", ops: []op{
			queue(), sendBatch(0, 900), waiting("1"), delayed("1"), receive("0"), receive(""),
		}},
		{name: "a delay of more than 15 minutes fails alone in its batch", moto: "refuses the whole batch", ops: []op{
			queue(), sendBatch(0, 901), waiting("1"), delayed("0"), receive("0"),
		}},
		{name: "a batch of more than ten messages is refused", ops: []op{
			queue(), refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", sendBatch(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)), waiting("0"),
		}},
		{name: "a batch that repeats an id is refused", ops: []op{
			queue(), refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", sendBatch(0, 0)), waiting("0"),
		}},
		{name: "a purged queue is empty", ops: []op{
			queue(), sendBatch(0, 900), purge(), waiting("0"), delayed("0"),
		}},
		{name: "a retention period of less than a minute is refused", moto: "takes it", ops: []op{
			refused("InvalidAttributeValue", queueWith(map[string]string{"MessageRetentionPeriod": "59"})),
		}},
		{name: "a queue that there is not takes no message", ops: []op{
			note("queue", "/"+account+"/gone"), refused("AWS.SimpleQueueService.NonExistentQueue", send("one")),
		}},
	}
}

func topic() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.sns().CreateTopic(ctx, &sns.CreateTopicInput{Name: &s.name})
		if err == nil {
			s.notes["topic"] = *out.TopicArn
		}
		return err
	}
}

func publish(subject, message string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.sns().Publish(ctx, &sns.PublishInput{TopicArn: aws.String(s.notes["topic"]), Subject: &subject, Message: &message})
		return err
	}
}

func (s *scene) sqs() *sqs.Client { return sqs.NewFromConfig(s.config) }

func queue() op {
	return func(ctx context.Context, s *scene) error {
		if _, err := s.sqs().CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &s.name}); err != nil {
			return err
		}
		out, err := s.sqs().GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &s.name})
		if err == nil {
			s.notes["queue"] = *out.QueueUrl
		}
		return err
	}
}

func send(body string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.sqs().SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(s.notes["queue"]), MessageBody: &body})
		return err
	}
}

// receive expects the next message to be want, or no message if it is "".
func receive(want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.sqs().ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(s.notes["queue"]), MaxNumberOfMessages: 10})
		if err != nil {
			return err
		}
		got := ""
		for _, m := range out.Messages {
			got += *m.Body
			s.notes["receipt"] = *m.ReceiptHandle
		}
		if got != want {
			return differs("message", got, want)
		}
		return nil
	}
}

// sendBatch sends a batch with a message for each delay in seconds, which is also its body and its id.
func sendBatch(delays ...int32) op {
	return func(ctx context.Context, s *scene) error {
		var entries []sqstypes.SendMessageBatchRequestEntry
		for _, delay := range delays {
			text := strconv.Itoa(int(delay))
			entries = append(entries, sqstypes.SendMessageBatchRequestEntry{Id: &text, MessageBody: &text, DelaySeconds: delay})
		}
		_, err := s.sqs().SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: aws.String(s.notes["queue"]), Entries: entries})
		return err
	}
}

func purge() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.sqs().PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: aws.String(s.notes["queue"])})
		return err
	}
}

func queueWith(attributes map[string]string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.sqs().CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &s.name, Attributes: attributes})
		return err
	}
}

func deleteReceived() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.sqs().DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(s.notes["queue"]), ReceiptHandle: aws.String(s.notes["receipt"])})
		return err
	}
}

// waiting expects this number of messages that can be received.
func waiting(want string) op { return counted("ApproximateNumberOfMessages", want) }

// delayed expects this number of messages whose delay has not ended.
func delayed(want string) op { return counted("ApproximateNumberOfMessagesDelayed", want) }

// counted expects this value of an attribute of the queue.
func counted(attribute sqstypes.QueueAttributeName, want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.sqs().GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: aws.String(s.notes["queue"]), AttributeNames: []sqstypes.QueueAttributeName{attribute},
		})
		if err != nil {
			return err
		}
		if got := out.Attributes[string(attribute)]; got != want {
			return differs(string(attribute), got, want)
		}
		return nil
	}
}
