package localaws

import (
	"errors"
	"path"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// target sends an event of a rule to a Lambda function, whose permissions must allow it.
func (c *Cloud) target(ruleARN, targetARN string, event []byte) error {
	source := lambda.Source{Service: "events.amazonaws.com", ARN: ruleARN, Account: c.Gate.Options().Account}
	_, err := c.Lambda.InvokeFrom(source, targetARN, event)
	refusal, ok := errors.AsType[*lambda.Error](err)
	switch {
	case !ok:
		return err
	case refusal.Status == 403:
		return &events.TargetError{Code: "NO_PERMISSIONS", Message: refusal.Message, Permanent: true}
	case refusal.Status == 404:
		return &events.TargetError{Code: "NO_RESOURCE", Message: refusal.Message, Permanent: true}
	}
	return &events.TargetError{Code: "ERROR_FROM_TARGET", Message: refusal.Error()}
}

// deadLetter sends an undelivered event to the rule's dead-letter queue, whose policy must allow it.
func (c *Cloud) deadLetter(queueARN string, m events.Message) error {
	request := iampolicy.Request{
		Principal: "events.amazonaws.com", Action: "sqs:SendMessage", Resource: queueARN, ResourceAccount: c.Gate.Options().Account,
		Context: map[string][]string{
			"aws:SourceArn": {m.Attributes["RULE_ARN"]}, "aws:SecureTransport": {"true"}, "aws:PrincipalIsAWSService": {"true"},
		},
	}
	return c.send(request, api.Caller{}, string(m.Body))
}

// destination sends the record of a function's invocation to a queue, a topic or the event bus. The function's role must allow it.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (c *Cloud) destination(f lambda.Function, arn string, record []byte) error {
	caller := c.IAM.Session(path.Base(f.Role), f.Name)
	request := iampolicy.Request{
		Principal: caller.Principal, Resource: arn, ResourceAccount: c.Gate.Options().Account, Action: "sqs:SendMessage",
		Context: map[string][]string{"aws:SecureTransport": {"true"}},
	}
	switch strings.Split(arn, ":")[2] {
	case "sqs":
		return c.send(request, caller, string(record))
	case "events":
		request.Action = "events:PutEvents"
		request.Context["events:source"] = []string{"lambda"}
		if !api.Allows(request, nil, caller) {
			return denied(request)
		}
		return c.Events.Concluded(f.ARN+":$LATEST", record)
	}
	request.Action = "sns:Publish"
	if !api.Allows(request, nil, caller) {
		return denied(request)
	}
	_, err := c.SNS.Publish(arn, nil, string(record), nil)
	return err
}

// send sends a message to a queue if the policies allow the request.
func (c *Cloud) send(r iampolicy.Request, caller api.Caller, body string) error {
	if !api.Allows(r, c.QueuePolicy(r.Resource), caller) {
		return denied(r)
	}
	_, err := c.SQS.Send(r.Resource, body)
	return err
}

// queues is SQS for Lambda's event source mappings.
type queues struct{ *Cloud }

var _ lambda.Queues = queues{}

// allowed returns an error if a function's role may not take an action on a queue.
func (q queues) allowed(f lambda.Function, action, queueARN string) error {
	caller := q.IAM.Session(path.Base(f.Role), f.Name)
	request := iampolicy.Request{
		Principal: caller.Principal, Action: "sqs:" + action, Resource: queueARN, ResourceAccount: q.Gate.Options().Account,
		Context: map[string][]string{"aws:SecureTransport": {"true"}, "aws:PrincipalArn": {f.Role}, "aws:PrincipalIsAWSService": {"false"}},
	}
	if !api.Allows(request, q.QueuePolicy(queueARN), caller) {
		return &lambda.Error{
			Status: 400, Code: "InvalidParameterValueException",
			Message: "The function execution role does not have permissions to call " + action + " on SQS",
		}
	}
	return nil
}

// VisibilityTimeout implements [lambda.Queues]. Lambda needs all three permissions when it creates a mapping.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
func (q queues) VisibilityTimeout(f lambda.Function, queueARN string) (time.Duration, error) {
	for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		if err := q.allowed(f, action, queueARN); err != nil {
			return 0, err
		}
	}
	return q.SQS.VisibilityTimeout(queueARN)
}

// Watch implements [lambda.Queues].
func (q queues) Watch(queueARN string, wake func(time.Duration)) (stop func()) {
	return q.SQS.Watch(queueARN, wake)
}

// Receive implements [lambda.Queues].
func (q queues) Receive(f lambda.Function, queueARN string, most int) ([]lambda.QueueMessage, error) {
	if err := q.allowed(f, "ReceiveMessage", queueARN); err != nil {
		return nil, err
	}
	received, err := q.SQS.Receive(queueARN, most, nil)
	var messages []lambda.QueueMessage
	for _, m := range received {
		messages = append(messages, lambda.QueueMessage{
			MessageID: m.ID, ReceiptHandle: m.Receipt(), Body: m.Body, Attributes: m.Attributes(), MD5OfBody: m.Digest(),
		})
	}
	return messages, err
}

// Delete implements [lambda.Queues].
func (q queues) Delete(f lambda.Function, queueARN string, receipts []string) error {
	if err := q.allowed(f, "DeleteMessage", queueARN); err != nil {
		return err
	}
	var errs []error
	for _, receipt := range receipts {
		errs = append(errs, q.SQS.Remove(queueARN, receipt))
	}
	return errors.Join(errs...)
}

func denied(r iampolicy.Request) error {
	return &api.Error{Status: 403, Code: "AccessDenied", Message: r.Principal + " may not " + r.Action + " on " + r.Resource}
}
