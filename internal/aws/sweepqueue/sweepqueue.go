// Package sweepqueue sends delayed messages to the queue that starts the sweeps between two scheduled ones.
//
// It makes one SQS call.
package sweepqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// Batch is what SendMessageBatch takes, and Answer what it answers.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
type (
	Batch struct {
		QueueUrl string
		Entries  []Entry
	}
	Entry struct {
		Id, MessageBody string
		DelaySeconds    int
	}
	Answer struct {
		Failed []struct{ Id, Code, Message string }
	}
)

// Message is a message that can be received when its delay is over. SQS takes whole seconds, at most 15 minutes.
type Message struct {
	Body  string
	Delay time.Duration
}

// Queue is an SQS standard queue. Any number of goroutines may use it at the same time.
type Queue struct {
	// SQS makes the call SendMessageBatch.
	SQS awscall.Caller
	URL string
}

// URL returns the URL of a queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
func URL(partition, region, account, name string) string {
	return fmt.Sprintf("https://sqs.%s.%s/%s/%s", region, awscall.Domain(partition), account, name)
}

// maxBatch is the most messages of one call.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const maxBatch = 10

// Send sends messages, in as few calls as possible and all at once. The error joins those of the messages that SQS did not
// accept; the others are sent.
func (q *Queue) Send(ctx context.Context, messages []Message) error {
	_, err := parallel.Map(slices.Collect(slices.Chunk(messages, maxBatch)), func(batch []Message) (struct{}, error) {
		return struct{}{}, q.send(ctx, batch)
	})
	return err
}

func (q *Queue) send(ctx context.Context, batch []Message) error {
	in := Batch{QueueUrl: q.URL}
	for i, m := range batch {
		in.Entries = append(in.Entries, Entry{Id: strconv.Itoa(i), MessageBody: m.Body, DelaySeconds: int(m.Delay / time.Second)})
	}
	var out Answer
	if err := q.SQS.Call(ctx, "SendMessageBatch", in, &out); err != nil {
		return fmt.Errorf("queue %s: %w", q.URL, err)
	}
	var failures []error
	for _, f := range out.Failed {
		failures = append(failures, fmt.Errorf("queue %s: message %s: %s: %s", q.URL, f.Id, f.Code, f.Message))
	}
	return errors.Join(failures...)
}
