// Package sns is the local AWS's SNS: topics whose messages tests can read, over the query protocol (version
// 2010-03-31). It passes messages only to the functions set in this process ([Service.OnMessage]).
//
// To add a call, write a decoder for it and add it to [Service.Decode].
// To add a call, write a decoder for it and name it in [Service.Decode].
package sns

import (
	"fmt"
	"net/http"

	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/local/localaws/api"
	"s3-endpoint-guard/local/localaws/query"
)

// protocol encodes this service's answers.
var protocol = query.Protocol{Namespace: "http://sns.amazonaws.com/doc/2010-03-31/"}

var (
	_ api.Service = (*Service)(nil)
	_ api.Refuser = (*Service)(nil)
)

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "sns" }

// call is one decoded request.
type call struct {
	request *api.Request
	params  query.Params
}

// answer encodes the result of the call.
func (c call) answer(result any) (*api.Response, error) {
	return protocol.Answer(c.request, c.params["Action"], result)
}

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	params, err := query.Parse(r)
	if err != nil {
		return nil, err
	}
	decoders := map[string]func(call) *api.Operation{
		"CreateTopic": s.decodeCreateTopic,
		"ListTopics":  s.decodeListTopics,
		"Publish":     s.decodePublish,
		"Subscribe":   s.decodeSubscribe,
	}
	decode, ok := decoders[params["Action"]]
	if !ok {
		return nil, params.Unknown()
	}
	if err := params.Only(imitated[params["Action"]]...); err != nil {
		return nil, err
	}
	operation := decode(call{r, params})
	operation.Name = params["Action"]
	return operation, nil
}

// imitated are the supported parameters of each call.
var imitated = map[string][]string{
	"CreateTopic": {"Name", "Attributes.entry.key", "Attributes.entry.value"},
	"ListTopics":  {},
	"Publish":     {"TopicArn", "Subject", "Message"},
	"Subscribe":   {"TopicArn", "Protocol", "Endpoint"},
}

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response {
	return protocol.Error(r, e)
}

// Denied implements [api.Refuser]. A caller who may publish but not use the topic's key gets a different code.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
func (s *Service) Denied(r *api.Request, need api.Need, d iampolicy.Decision) *api.Error {
	message := api.DeniedMessage(r, need, d)
	if need.Action == generateDataKey || need.Action == decrypt {
		return &api.Error{Status: http.StatusBadRequest, Code: "KMSAccessDenied", Message: message + " (Service: AWSKMS)"}
	}
	return &api.Error{Status: http.StatusForbidden, Code: "AuthorizationError", Message: message}
}

// UnknownKey implements [api.Refuser].
func (s *Service) UnknownKey(*api.Request) *api.Error {
	return &api.Error{Status: http.StatusForbidden, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."}
}

// need returns the permission for an action on a topic.
func (s *Service) need(action, topicARN string) api.Need {
	return api.Need{Action: "sns:" + action, Resource: topicARN, ResourceAccount: s.options.Account}
}

// invalid returns the error for an invalid parameter.
func invalid(format string, details ...any) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: "InvalidParameter", Message: "Invalid parameter: " + fmt.Sprintf(format, details...)}
}

func (s *Service) decodeCreateTopic(c call) *api.Operation {
	name := c.params["Name"]
	keyID := ""
	for i := 1; c.params.Has(fmt.Sprintf("Attributes.entry.%d", i)); i++ {
		entry := c.params.Struct(fmt.Sprintf("Attributes.entry.%d", i))
		if entry["key"] == "KmsMasterKeyId" {
			keyID = entry["value"]
		}
	}
	trail := &api.Trail{RequestParameters: map[string]any{"name": name}}
	return &api.Operation{Needs: []api.Need{s.need("CreateTopic", s.arn(name))}, Trail: trail, Do: func() (*api.Response, error) {
		arn := s.CreateTopic(name, keyID)
		trail.ResponseElements = map[string]any{"topicArn": arn}
		return c.answer(struct{ TopicArn string }{arn})
	}}
}

func (s *Service) decodeListTopics(c call) *api.Operation {
	type topic struct{ TopicArn string }
	return &api.Operation{Needs: []api.Need{s.need("ListTopics", "*")}, Do: func() (*api.Response, error) {
		var topics []topic
		for _, arn := range s.Topics() {
			topics = append(topics, topic{arn})
		}
		return c.answer(struct {
			Topics []topic `xml:"Topics>member"`
		}{topics})
	}}
}

func (s *Service) decodeSubscribe(c call) *api.Operation {
	arn, protocolName, endpoint := c.params["TopicArn"], c.params["Protocol"], c.params["Endpoint"]
	trail := &api.Trail{RequestParameters: map[string]any{"topicArn": arn, "protocol": protocolName, "endpoint": endpoint}}
	return &api.Operation{Needs: []api.Need{s.need("Subscribe", arn)}, Trail: trail, Do: func() (*api.Response, error) {
		if err := s.Subscribe(arn, protocolName, endpoint); err != nil {
			return nil, err
		}
		return c.answer(struct{ SubscriptionArn string }{"pending confirmation"})
	}}
}

func (s *Service) decodePublish(c call) *api.Operation {
	arn := c.params["TopicArn"]
	needs := append([]api.Need{s.need("Publish", arn)}, s.keyNeeds(arn)...)
	return &api.Operation{Needs: needs, Do: func() (*api.Response, error) {
		var subject *string
		if text, ok := c.params["Subject"]; ok {
			subject = &text
		}
		id, err := s.Publish(arn, subject, c.params["Message"])
		if err != nil {
			return nil, err
		}
		return c.answer(struct{ MessageId string }{id})
	}}
}
