package localaws

import (
	"errors"
	"path"
	"strings"

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

// destination sends the record of a function's invocation to a queue or topic. The function's role must allow it.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (c *Cloud) destination(f lambda.Function, arn string, record []byte) error {
	caller := c.IAM.Session(path.Base(f.Role), f.Name)
	request := iampolicy.Request{
		Principal: caller.Principal, Resource: arn, ResourceAccount: c.Gate.Options().Account, Action: "sqs:SendMessage",
		Context: map[string][]string{"aws:SecureTransport": {"true"}},
	}
	if !strings.HasPrefix(arn, "arn:"+c.Gate.Options().Partition+":sns:") {
		return c.send(request, caller, string(record))
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

func denied(r iampolicy.Request) error {
	return &api.Error{Status: 403, Code: "AccessDenied", Message: r.Principal + " may not " + r.Action + " on " + r.Resource}
}
