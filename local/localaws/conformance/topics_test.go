package conformance_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// topicCases are the cases on SNS's topics and subscriptions. Where moto differs, these pages decide:
//
// https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html (attributes, InvalidParameter)
// https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html (numbers of subscriptions)
// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html (protocols, InvalidParameter)
func topicCases() []testCase {
	const (
		gone    = "NotFound"
		invalid = "InvalidParameter"
		me      = "me@example.com"
		policy  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}`
	)
	return []testCase{
		{name: "a topic is listed, and made once", ops: []op{topic(), topicListed(), topic(), topicListed()}},
		{name: "a topic's name has letters, digits, - and _, at most 256", ops: []op{
			refused(invalid, topicNamed("a b")), refused(invalid, topicNamed("a.b")), refused(invalid, topicNamed(strings.Repeat("x", 257))), topicNamed(strings.Repeat("x", 256)),
		}},
		{name: "a new topic has its owner's policy and no key", ops: []op{
			topic(), attribute("Owner", account), attribute("KmsMasterKeyId", ""), policyNames("__default_statement_ID"),
		}},
		{name: "a topic's policy is put and read", ops: []op{topic(), setAttribute("Policy", policy), attribute("Policy", policy)}},
		{name: "a topic's policy that is no JSON is refused", moto: "fails", ops: []op{
			topic(), refused(invalid, setAttribute("Policy", "no JSON")), policyNames("__default_statement_ID"),
		}},
		{name: "a topic's key is put, read and removed", ops: []op{
			topic(), setAttribute("KmsMasterKeyId", "7e0d3c1a-0000-4000-8000-000000000001"), attribute("KmsMasterKeyId", "7e0d3c1a-0000-4000-8000-000000000001"),
			setAttribute("KmsMasterKeyId", ""), attribute("KmsMasterKeyId", ""),
		}},
		{name: "a key is shown as it was put", ops: []op{topic(), setAttribute("KmsMasterKeyId", "arn:aws:kms:"+region+":"+account+":key/k"), attribute("KmsMasterKeyId", "arn:aws:kms:"+region+":"+account+":key/k")}},
		{name: "an attribute that there is not is refused", moto: "takes it", ops: []op{topic(), refused(invalid, setAttribute("None", "x"))}},
		{name: "a topic that there is not has no attributes and no subscriptions", ops: []op{
			note("topic", "arn:aws:sns:"+region+":"+account+":gone"), refused(gone, attribute("Owner", "")), refused(gone, setAttribute("Policy", policy)),
			refused(gone, subscriptions()), refused(gone, subscribe(me, "")),
		}},
		{name: "an address is subscribed and unsubscribed", ops: []op{
			topic(), subscriptions(), subscribe(me, ""), subscribe("you@example.com", ""), subscriptions("email "+me, "email you@example.com"),
			unsubscribe(me), subscriptions("email you@example.com"), unsubscribe(me),
		}},
		{name: "an address is subscribed once", ops: []op{topic(), subscribe(me, ""), subscribe(me, ""), subscriptions("email " + me)}},
		{name: "an address is not subscribed with two filters", moto: "keeps the latest", ops: []op{
			topic(), subscribe(me, `{"a":["b"]}`), refused(invalid, subscribe(me, `{"a":["c"]}`)), subscribe(me, `{"a":["b"]}`), subscriptions("email " + me),
		}},
		{name: "a filter that is no JSON is refused", moto: "fails", ops: []op{topic(), refused(invalid, subscribe(me, "no JSON"))}},
		{name: "a protocol that there is not is refused", moto: "takes it", ops: []op{topic(), refused(invalid, subscribeBy("pigeon", me, "")), subscriptions()}},
		{name: "a topic counts its subscriptions", moto: "counts none", ops: []op{topic(), subscribe(me, ""), attribute("SubscriptionsConfirmed", "1"), attribute("SubscriptionsPending", "0")}},
	}
}

func (s *scene) sns() *sns.Client { return sns.NewFromConfig(s.config) }

// topicNamed makes a topic.
func topicNamed(name string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.sns().CreateTopic(ctx, &sns.CreateTopicInput{Name: &name})
		return err
	}
}

// topicListed expects the topic among all topics, once.
func topicListed() op {
	return func(ctx context.Context, s *scene) error {
		n := 0
		for pages := sns.NewListTopicsPaginator(s.sns(), &sns.ListTopicsInput{}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, t := range page.Topics {
				if *t.TopicArn == s.notes["topic"] {
					n++
				}
			}
		}
		if n != 1 {
			return differs("number of topics", n, 1)
		}
		return nil
	}
}

func setAttribute(name, value string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.sns().SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: aws.String(s.notes["topic"]), AttributeName: &name, AttributeValue: &value})
		return err
	}
}

// attribute expects the value of an attribute of the topic, or "" for none.
func attribute(name, want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.sns().GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(s.notes["topic"])})
		if err == nil && out.Attributes["TopicArn"] != s.notes["topic"] {
			err = differs("TopicArn", out.Attributes["TopicArn"], s.notes["topic"])
		}
		if err == nil && out.Attributes[name] != want {
			err = differs(name, out.Attributes[name], want)
		}
		return err
	}
}

// policyNames expects the topic's policy to contain a text.
func policyNames(want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.sns().GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(s.notes["topic"])})
		if err == nil && !strings.Contains(out.Attributes["Policy"], want) {
			err = differs("Policy", out.Attributes["Policy"], want)
		}
		return err
	}
}

func subscribe(address, filter string) op { return subscribeBy("email", address, filter) }

func subscribeBy(protocol, endpoint, filter string) op {
	return func(ctx context.Context, s *scene) error {
		in := &sns.SubscribeInput{TopicArn: aws.String(s.notes["topic"]), Protocol: &protocol, Endpoint: &endpoint}
		if filter != "" {
			in.Attributes = map[string]string{"FilterPolicy": filter}
		}
		_, err := s.sns().Subscribe(ctx, in)
		return err
	}
}

// subscriptions expects protocol and endpoint of the topic's subscriptions, and notes their ARNs.
func subscriptions(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.sns().ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(s.notes["topic"])})
		if err != nil {
			return err
		}
		var got []string
		for _, one := range out.Subscriptions {
			got = append(got, *one.Protocol+" "+*one.Endpoint)
			s.notes[*one.Endpoint] = *one.SubscriptionArn
			if *one.TopicArn != s.notes["topic"] || *one.Owner != account || !strings.HasPrefix(*one.SubscriptionArn, s.notes["topic"]+":") {
				return differs("subscription", fmt.Sprint(*one.SubscriptionArn, " ", *one.Owner), s.notes["topic"])
			}
		}
		return sameSet("subscriptions", got, want)
	}
}

// unsubscribe ends the noted subscription of an address.
func unsubscribe(address string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.sns().Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: aws.String(s.notes[address])})
		return err
	}
}
