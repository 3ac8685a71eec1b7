package conformance_test

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// messageCases are the cases on SNS, SQS, CloudFormation, CloudWatch and IAM.
func messageCases() []testCase {
	const noCBOR = "does not speak CBOR"
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
		{name: "a stack that there is not is a validation error", ops: []op{
			refused("ValidationError", describeStack("gone")),
		}},
		{name: "a role that there is not is no entity", ops: []op{
			refused("NoSuchEntity", describeRole("gone")),
		}},
		{name: "metric data are stored and summed up", moto: noCBOR, ops: []op{
			measure("Conformance", 1), measure("Conformance", 2), summed(3),
		}},
		{name: "AWS's own namespaces take no metric data", moto: noCBOR, ops: []op{
			refused("InvalidParameterValue", measure("AWS/S3", 1)),
		}},
	}
}

func topic() op {
	return func(ctx context.Context, s *scene) error {
		out, err := sns.NewFromConfig(s.config).CreateTopic(ctx, &sns.CreateTopicInput{Name: &s.name})
		if err == nil {
			s.notes["topic"] = *out.TopicArn
		}
		return err
	}
}

func publish(subject, message string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := sns.NewFromConfig(s.config).Publish(ctx, &sns.PublishInput{TopicArn: aws.String(s.notes["topic"]), Subject: &subject, Message: &message})
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

func describeStack(name string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := cloudformation.NewFromConfig(s.config).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
		return err
	}
}

func describeRole(name string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := iam.NewFromConfig(s.config).GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		return err
	}
}

// measure publishes one value, named after the scene.
func measure(namespace string, value float64) op {
	return func(ctx context.Context, s *scene) error {
		_, err := cloudwatch.NewFromConfig(s.config).PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
			Namespace: &namespace, MetricData: []cwtypes.MetricDatum{{MetricName: &s.name, Value: &value}},
		})
		return err
	}
}

// summed expects the sum of the recently published values.
func summed(want float64) op {
	return func(ctx context.Context, s *scene) error {
		out, err := cloudwatch.NewFromConfig(s.config).GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("Conformance"), MetricName: &s.name, Period: aws.Int32(3600), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
			StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Hour)),
		})
		if err != nil {
			return err
		}
		got := 0.0
		for _, point := range out.Datapoints {
			got += *point.Sum
		}
		if got != want {
			return differs("sum", got, want)
		}
		return nil
	}
}
