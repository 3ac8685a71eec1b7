// Package sqs is the local AWS's SQS, over its JSON protocol: standard queues, for dead letters and for delayed messages.
//
// To add a call, write a decoder for it and add it to [Service.Decode].
package sqs

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// target is the prefix of the operation in the header X-Amz-Target.
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
const target = "AmazonSQS."

var (
	_ api.Service = (*Service)(nil)
	_ api.Refuser = (*Service)(nil)
)

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "sqs" }

// input contains the parameters of all calls.
type input struct {
	QueueName, QueueUrl, MessageBody, ReceiptHandle string
	Attributes                                      map[string]string
	AttributeNames, MessageSystemAttributeNames     []string
	MaxNumberOfMessages                             int
	VisibilityTimeout, DelaySeconds                 *int
	Entries                                         []entry
}

// seconds returns a number of seconds as a duration; nil for nil.
func seconds(n *int) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(*n) * time.Second
	return &d
}

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), target)
	decoders := map[string]func(*api.Request, input) *api.Operation{
		"CreateQueue":        s.decodeCreateQueue,
		"DeleteMessage":      s.decodeDeleteMessage,
		"GetQueueAttributes": s.decodeGetQueueAttributes,
		"GetQueueUrl":        s.decodeGetQueueURL,
		"PurgeQueue":         s.decodePurgeQueue,
		"ReceiveMessage":     s.decodeReceiveMessage,
		"SendMessage":        s.decodeSendMessage,
		"SendMessageBatch":   s.decodeSendMessageBatch,
	}
	decode, ok := decoders[name]
	if !ok {
		return nil, jsonrpc.Refuse("InvalidAction", "The action or operation requested is invalid: "+name)
	}
	var in input
	if err := jsonrpc.Decode(r.Body, &in); err != nil {
		return nil, jsonrpc.Refuse("SerializationException", err.Error())
	}
	operation := decode(r, in)
	operation.Name = name
	return operation, nil
}

// queryCodes are the codes of the older query protocol that differ from JSON's. Clients of the JSON protocol also
// check them.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
var queryCodes = map[string]string{
	"QueueDoesNotExist":            "AWS.SimpleQueueService.NonExistentQueue",
	"EmptyBatchRequest":            "AWS.SimpleQueueService.EmptyBatchRequest",
	"TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"BatchEntryIdsNotDistinct":     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"InvalidBatchEntryId":          "AWS.SimpleQueueService.InvalidBatchEntryId",
	"BatchRequestTooLong":          "AWS.SimpleQueueService.BatchRequestTooLong",
}

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response {
	// Encoding a map of two strings cannot fail.
	body, _ := json.Marshal(map[string]string{"__type": "com.amazonaws.sqs#" + e.Code, "message": e.Message})
	response := &api.Response{Status: e.Status, Header: header(r), Body: body}
	if code, ok := queryCodes[e.Code]; ok {
		response.Header.Set("X-Amzn-Query-Error", code+";Sender")
	}
	for name, values := range e.Header {
		response.Header[name] = values
	}
	return response
}

// Denied implements [api.Refuser].
func (s *Service) Denied(r *api.Request, need api.Need, d iampolicy.Decision) *api.Error {
	return &api.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: api.DeniedMessage(r, need, d)}
}

// UnknownKey implements [api.Refuser].
func (s *Service) UnknownKey(*api.Request) *api.Error {
	return &api.Error{Status: http.StatusForbidden, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."}
}

// header returns the headers of all answers.
func header(r *api.Request) http.Header {
	return http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {r.ID}}
}

// answer encodes the result of a call.
func answer(r *api.Request, result any) (*api.Response, error) {
	body, err := json.Marshal(result)
	return &api.Response{Status: http.StatusOK, Header: header(r), Body: body}, err
}

// needs returns the permission for an action on the queue of a URL.
func (s *Service) needs(action, url string) []api.Need {
	return []api.Need{{Action: "sqs:" + action, Resource: s.ARN(url[strings.LastIndex(url, "/")+1:]), ResourceAccount: s.options.Account}}
}

func (s *Service) decodeCreateQueue(r *api.Request, in input) *api.Operation {
	trail := &api.Trail{RequestParameters: map[string]any{"queueName": in.QueueName, "attributes": in.Attributes}}
	return &api.Operation{Needs: s.needs("CreateQueue", in.QueueName), Trail: trail, Do: func() (*api.Response, error) {
		s.CreateQueue(in.QueueName)
		if err := s.SetAttributes(in.QueueName, in.Attributes); err != nil {
			return nil, err
		}
		url := s.url(r, in.QueueName)
		trail.ResponseElements = map[string]any{"queueUrl": url}
		return answer(r, map[string]any{"QueueUrl": url})
	}}
}

func (s *Service) decodeGetQueueURL(r *api.Request, in input) *api.Operation {
	return &api.Operation{Needs: s.needs("GetQueueUrl", in.QueueName), Do: func() (*api.Response, error) {
		if !s.exists(in.QueueName) {
			return nil, noQueue()
		}
		return answer(r, map[string]any{"QueueUrl": s.url(r, in.QueueName)})
	}}
}

func (s *Service) decodeSendMessage(r *api.Request, in input) *api.Operation {
	return &api.Operation{Needs: s.needs("SendMessage", in.QueueUrl), Do: func() (*api.Response, error) {
		m, err := s.SendLater(in.QueueUrl, in.MessageBody, seconds(in.DelaySeconds))
		if err != nil {
			return nil, err
		}
		return answer(r, map[string]any{"MessageId": m.ID, "MD5OfMessageBody": m.Digest()})
	}}
}

// received is a message in the answer of ReceiveMessage.
type received struct {
	MessageId, ReceiptHandle, Body, MD5OfBody string
	Attributes                                map[string]string `json:",omitempty"`
}

func (s *Service) decodeReceiveMessage(r *api.Request, in input) *api.Operation {
	return &api.Operation{Needs: s.needs("ReceiveMessage", in.QueueUrl), Do: func() (*api.Response, error) {
		messages, err := s.Receive(in.QueueUrl, max(in.MaxNumberOfMessages, 1), seconds(in.VisibilityTimeout))
		if err != nil {
			return nil, err
		}
		wanted := append(in.AttributeNames, in.MessageSystemAttributeNames...)
		var list []received
		for _, m := range messages {
			list = append(list, received{m.ID, m.Receipt(), m.Body, m.Digest(), selected(m.Attributes(), wanted)})
		}
		return answer(r, map[string]any{"Messages": list})
	}}
}

func (s *Service) decodeDeleteMessage(r *api.Request, in input) *api.Operation {
	return &api.Operation{Needs: s.needs("DeleteMessage", in.QueueUrl), Do: func() (*api.Response, error) {
		if err := s.Remove(in.QueueUrl, in.ReceiptHandle); err != nil {
			return nil, err
		}
		return answer(r, map[string]any{})
	}}
}

// decodePurgeQueue deletes the messages at once. SQS takes up to a minute, and refuses a second purge in that time.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
func (s *Service) decodePurgeQueue(r *api.Request, in input) *api.Operation {
	trail := &api.Trail{RequestParameters: map[string]any{"queueUrl": in.QueueUrl}}
	return &api.Operation{Needs: s.needs("PurgeQueue", in.QueueUrl), Trail: trail, Do: func() (*api.Response, error) {
		if err := s.Purge(in.QueueUrl); err != nil {
			return nil, err
		}
		return answer(r, map[string]any{})
	}}
}

func (s *Service) decodeGetQueueAttributes(r *api.Request, in input) *api.Operation {
	return &api.Operation{Needs: s.needs("GetQueueAttributes", in.QueueUrl), Do: func() (*api.Response, error) {
		attributes, err := s.attributes(in.QueueUrl, in.AttributeNames)
		if err != nil {
			return nil, err
		}
		return answer(r, map[string]any{"Attributes": attributes})
	}}
}
