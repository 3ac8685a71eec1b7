// Package sns is the local AWS's SNS: topics whose messages tests can read, over the query protocol (version
// 2010-03-31). It passes messages only to the functions set in this process ([Service.OnMessage]).
//
// Filter policies of subscriptions apply to message attributes of type String. They can have exact strings, anything-but
// (one string, a list, or a prefix), prefix, and exists. The local AWS refuses other operators, other types of attributes,
// and filters on the message body.
//
// To add a call, write a decoder for it and name it in [Service.Decode].
package sns

import (
	"fmt"
	"net/http"
	"regexp"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
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
		"CreateTopic":              s.decodeCreateTopic,
		"GetTopicAttributes":       s.decodeGetAttributes,
		"ListSubscriptionsByTopic": s.decodeListSubscriptions,
		"ListTopics":               s.decodeListTopics,
		"Publish":                  s.decodePublish,
		"SetTopicAttributes":       s.decodeSetAttributes,
		"Subscribe":                s.decodeSubscribe,
		"Unsubscribe":              s.decodeUnsubscribe,
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
	"CreateTopic":              {"Name", "Attributes.entry.key", "Attributes.entry.value"},
	"GetTopicAttributes":       {"TopicArn"},
	"ListSubscriptionsByTopic": {"TopicArn"},
	"ListTopics":               {},
	"SetTopicAttributes":       {"TopicArn", "AttributeName", "AttributeValue"},
	"Unsubscribe":              {"SubscriptionArn"},
	"Publish": {
		"TopicArn", "Subject", "Message",
		"MessageAttributes.entry.Name", "MessageAttributes.entry.Value.DataType", "MessageAttributes.entry.Value.StringValue",
	},
	"Subscribe": {"TopicArn", "Protocol", "Endpoint", "Attributes.entry.key", "Attributes.entry.value"},
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

// attributes returns the map in the parameter Attributes.
func (c call) attributes() map[string]string {
	attributes := map[string]string{}
	for _, entry := range c.params.Structs("Attributes.entry") {
		attributes[entry["key"]] = entry["value"]
	}
	return attributes
}

// topicName matches the name of a topic; FIFO topics are not imitated.
// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

func (s *Service) decodeCreateTopic(c call) *api.Operation {
	name, attributes := c.params["Name"], c.attributes()
	trail := &api.Trail{RequestParameters: map[string]any{"name": name}}
	return &api.Operation{Needs: []api.Need{s.need("CreateTopic", s.arn(name))}, Trail: trail, Do: func() (*api.Response, error) {
		if !topicName.MatchString(name) {
			return nil, invalid("Topic Name")
		}
		for attribute := range attributes {
			if attribute != "KmsMasterKeyId" {
				return nil, invalid("Attributes: the local AWS has no attribute %q", attribute)
			}
		}
		arn := s.CreateTopic(name, attributes["KmsMasterKeyId"])
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
	arn, attributes := c.params["TopicArn"], c.attributes()
	subscription := Subscription{
		Protocol: c.params["Protocol"], Endpoint: c.params["Endpoint"],
		FilterPolicy: attributes["FilterPolicy"], FilterPolicyScope: attributes["FilterPolicyScope"],
	}
	trail := &api.Trail{RequestParameters: map[string]any{
		"topicArn": arn, "protocol": subscription.Protocol, "endpoint": subscription.Endpoint,
	}}
	return &api.Operation{Needs: []api.Need{s.need("Subscribe", arn)}, Trail: trail, Do: func() (*api.Response, error) {
		for name := range attributes {
			if name != "FilterPolicy" && name != "FilterPolicyScope" {
				return nil, invalid("Attributes: the local AWS has no attribute %q", name)
			}
		}
		if err := s.Subscribe(arn, subscription); err != nil {
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
		attributes, refusal := c.messageAttributes()
		if refusal != nil {
			return nil, refusal
		}
		id, err := s.Publish(arn, subject, c.params["Message"], attributes)
		if err != nil {
			return nil, err
		}
		return c.answer(struct{ MessageId string }{id})
	}}
}

// messageAttributes returns the values of a message's attributes, which must be of type String.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func (c call) messageAttributes() (map[string]string, *api.Error) {
	attributes := map[string]string{}
	for _, entry := range c.params.Structs("MessageAttributes.entry") {
		name, kind, value := entry["Name"], entry["Value.DataType"], entry["Value.StringValue"]
		_, twice := attributes[name]
		switch {
		case !attributeName.MatchString(name) || twice:
			return nil, invalid("The message attribute name %q is invalid or not unique", name)
		case kind != "String":
			return nil, invalid("MessageAttributes: the local AWS has attributes of type String only, not %q", kind)
		case value == "":
			return nil, invalid("The message attribute %q must contain non-empty message attribute value for message attribute type %q",
				name, kind)
		}
		attributes[name] = value
	}
	return attributes, nil
}

// attributeName matches the name of a message attribute.
var attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
