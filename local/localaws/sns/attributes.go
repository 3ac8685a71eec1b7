package sns

import (
	"encoding/json"
	"strconv"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// decodeGetAttributes answers with the attributes that the local AWS has.
// https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
func (s *Service) decodeGetAttributes(c call) *api.Operation {
	type entry struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}
	arn := c.params["TopicArn"]
	return &api.Operation{Needs: []api.Need{s.need("GetTopicAttributes", arn)}, Do: func() (*api.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		t := s.topics[arn]
		if t == nil {
			return nil, noTopic()
		}
		attributes := []entry{
			{"TopicArn", arn}, {"Owner", s.options.Account}, {"Policy", t.policy},
			{"SubscriptionsConfirmed", strconv.Itoa(len(t.subscriptions))}, {"SubscriptionsPending", "0"},
		}
		if t.key != "" {
			attributes = append(attributes, entry{"KmsMasterKeyId", t.key})
		}
		return c.answer(struct {
			Attributes []entry `xml:"Attributes>entry"`
		}{attributes})
	}}
}

// decodeSetAttributes sets the policy or the key. The local AWS has no other attributes.
func (s *Service) decodeSetAttributes(c call) *api.Operation {
	arn, name, value := c.params["TopicArn"], c.params["AttributeName"], c.params["AttributeValue"]
	trail := &api.Trail{RequestParameters: map[string]any{"topicArn": arn, "attributeName": name, "attributeValue": value}}
	return &api.Operation{Needs: []api.Need{s.need("SetTopicAttributes", arn)}, Trail: trail, Do: func() (*api.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		t := s.topics[arn]
		switch {
		case t == nil:
			return nil, noTopic()
		case name == "Policy" && !json.Valid([]byte(value)):
			return nil, invalid("Policy Error: the policy is no JSON")
		case name == "Policy":
			t.policy = value
		case name == "KmsMasterKeyId":
			t.key = value
		default:
			return nil, invalid("AttributeName: the local AWS has no attribute %q", name)
		}
		return c.answer(struct{}{})
	}}
}

// decodeListSubscriptions answers with all subscriptions, in one page.
func (s *Service) decodeListSubscriptions(c call) *api.Operation {
	type member struct{ SubscriptionArn, TopicArn, Protocol, Endpoint, Owner string }
	arn := c.params["TopicArn"]
	return &api.Operation{Needs: []api.Need{s.need("ListSubscriptionsByTopic", arn)}, Do: func() (*api.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		t := s.topics[arn]
		if t == nil {
			return nil, noTopic()
		}
		var members []member
		for _, one := range t.subscriptions {
			members = append(members, member{one.arn, arn, one.Protocol, one.Endpoint, s.options.Account})
		}
		return c.answer(struct {
			Subscriptions []member `xml:"Subscriptions>member"`
		}{members})
	}}
}

// decodeUnsubscribe removes a subscription.
func (s *Service) decodeUnsubscribe(c call) *api.Operation {
	arn := c.params["SubscriptionArn"]
	topic := arn[:max(strings.LastIndex(arn, ":"), 0)]
	trail := &api.Trail{RequestParameters: map[string]any{"subscriptionArn": arn}}
	return &api.Operation{Needs: []api.Need{s.need("Unsubscribe", topic)}, Trail: trail, Do: func() (*api.Response, error) {
		s.Unsubscribe(arn)
		return c.answer(struct{}{})
	}}
}
