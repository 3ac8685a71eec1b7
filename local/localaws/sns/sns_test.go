package sns_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/sns"
)

// start makes an SNS and a client with the permissions of a policy.
func start(t *testing.T, policy string) (*sns.Service, *sdk.Client) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	s := sns.New(gate.Options())
	gate.Add(s)
	return s, sdk.NewFromConfig(localtest.Config(t, gate, policy))
}

func TestPublishKeepsTheMessage(t *testing.T) {
	s, client := start(t, localtest.Everything)
	topic := s.CreateTopic("alerts", "")
	out := localtest.Must(client.Publish(t.Context(), &sdk.PublishInput{TopicArn: &topic, Subject: aws.String("Open drift"), Message: aws.String("line 1\nline 2 & <more>")}))(t)
	messages := s.Messages(topic)
	if len(messages) != 1 || messages[0].Subject != "Open drift" || messages[0].Body != "line 1\nline 2 & <more>" || messages[0].ID != *out.MessageId {
		t.Errorf("Messages = %+v, want the published one, %s", messages, *out.MessageId)
	}
}

func TestPublishRefusesWhatSNSRefuses(t *testing.T) {
	s, client := start(t, localtest.Everything)
	topic := s.CreateTopic("alerts", "")
	for name, v := range map[string]struct {
		topic, subject, message, want string
	}{
		"the longest subject":           {topic, strings.Repeat("x", 100), "m", ""},
		"a subject that is longer":      {topic, strings.Repeat("x", 101), "m", "InvalidParameter"},
		"a subject with a line break":   {topic, "one\ntwo", "m", "InvalidParameter"},
		"a subject that is not ASCII":   {topic, "Größe", "m", "InvalidParameter"},
		"a subject that begins blank":   {topic, " x", "m", "InvalidParameter"},
		"the longest message":           {topic, "s", strings.Repeat("x", 256<<10), ""},
		"a message that is longer":      {topic, "s", strings.Repeat("x", 256<<10+1), "InvalidParameter"},
		"an empty message":              {topic, "s", "", "InvalidParameter"},
		"a topic that there is not":     {topic + "x", "s", "m", "NotFound"},
		"a message in another alphabet": {topic, "s", "日本語", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Publish(t.Context(), &sdk.PublishInput{TopicArn: &v.topic, Subject: &v.subject, Message: &v.message})
			if got := localtest.Code(err); got != v.want {
				t.Errorf("Publish = %q, want %q", got, v.want)
			}
		})
	}
}

func TestPublishToAnEncryptedTopicTakesItsKeyToo(t *testing.T) {
	const key = "arn:aws:kms:eu-central-1:111122223333:key/k"
	const publish = `{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}`
	allow := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	use := func(action string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + key + `"}`
	}
	for name, v := range map[string]struct{ policy, want string }{
		"with the key":            {allow(publish, use("kms:GenerateDataKey"), use("kms:Decrypt")), ""},
		"without the key":         {allow(publish), "KMSAccessDenied"},
		"without decrypting":      {allow(publish, use("kms:GenerateDataKey")), "KMSAccessDenied"},
		"without publishing":      {allow(use("kms:*")), "AuthorizationError"},
		"with everything allowed": {localtest.Everything, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, client := start(t, v.policy)
			topic := s.CreateTopic("alerts", "k")
			_, err := client.Publish(t.Context(), &sdk.PublishInput{TopicArn: &topic, Message: aws.String("m")})
			if got := localtest.Code(err); got != v.want {
				t.Errorf("Publish = %v, want %q", err, v.want)
			}
		})
	}
}

func TestTopicsAreCreatedListedAndSubscribedTo(t *testing.T) {
	s, client := start(t, localtest.Everything)
	out := localtest.Must(client.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("alerts"), Attributes: map[string]string{"KmsMasterKeyId": "k"}}))(t)
	localtest.Must(client.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: out.TopicArn, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")}))(t)
	list := localtest.Must(client.ListTopics(t.Context(), &sdk.ListTopicsInput{}))(t)
	if len(list.Topics) != 1 || *list.Topics[0].TopicArn != "arn:aws:sns:eu-central-1:111122223333:alerts" {
		t.Errorf("ListTopics = %v, want alerts", list.Topics)
	}
	if diff := cmp.Diff([]sns.Subscription{{Protocol: "email", Endpoint: "ops@example.com"}}, s.Subscriptions(*out.TopicArn)); diff != "" {
		t.Errorf("subscriptions (-want +got):\n%s", diff)
	}
	s.DeleteTopic(*out.TopicArn)
	if got := s.Topics(); len(got) != 0 {
		t.Errorf("Topics after deletion = %v, want none", got)
	}
}

// receives publishes messages with attributes and returns those that a subscription with a filter gets.
func receives(t *testing.T, filterPolicy string, messages ...map[string]string) []map[string]string {
	t.Helper()
	s, client := start(t, localtest.Everything)
	topic := s.CreateTopic("alerts", "")
	localtest.Must(client.Subscribe(t.Context(), &sdk.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com"),
		Attributes: map[string]string{"FilterPolicy": filterPolicy, "FilterPolicyScope": "MessageAttributes"},
	}))(t)
	for _, attributes := range messages {
		in := &sdk.PublishInput{TopicArn: &topic, Message: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{}}
		for name, value := range attributes {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
		localtest.Must(client.Publish(t.Context(), in))(t)
	}
	got := []map[string]string{}
	for _, m := range s.Delivered(topic, "ops@example.com") {
		got = append(got, m.Attributes)
	}
	if n := len(s.Messages(topic)); n != len(messages) {
		t.Errorf("the topic has %d messages, want all %d", n, len(messages))
	}
	return got
}

func TestFiltersLetPassWhatTheyName(t *testing.T) {
	open := map[string]string{"verdict": "open", "outcome": "corrected"}
	failed := map[string]string{"verdict": "open", "outcome": "not corrected"}
	closed := map[string]string{"verdict": "closed", "outcome": "corrected"}
	alarm := map[string]string{} // as CloudWatch's messages
	for policy, want := range map[string][]map[string]string{
		"":                              {open, failed, closed, alarm},
		`{}`:                            {open, failed, closed, alarm},
		`{"verdict":["open"]}`:          {open, failed},
		`{"verdict":["open","closed"]}`: {open, failed, closed},
		`{"verdict":["open"],"outcome":["not corrected"]}`:                                 {failed},
		`{"verdict":["OPEN"]}`:                                                             {},
		`{"outcome":[{"anything-but":"corrected"}]}`:                                       {failed},
		`{"outcome":[{"anything-but":["corrected","not corrected"]}]}`:                     {},
		`{"outcome":[{"anything-but":{"prefix":"not"}}]}`:                                  {open, closed},
		`{"outcome":[{"prefix":"not "}]}`:                                                  {failed},
		`{"verdict":[{"exists":true}]}`:                                                    {open, failed, closed},
		`{"verdict":[{"exists":false}]}`:                                                   {},
		`{"x":[{"exists":false}]}`:                                                         {open, failed, closed},
		`{"verdict":["open",{"exists":false}]}`:                                            {open, failed},
		`{"verdict":[{"exists":false}],"outcome":[{"exists":false}],"x":["y"]}`:            {},
		`{"outcome":[{"prefix":"cor"},{"prefix":"not"}],"verdict":[{"anything-but":"x"}]}`: {open, failed, closed},
	} {
		t.Run(policy, func(t *testing.T) {
			if diff := cmp.Diff(want, receives(t, policy, open, failed, closed, alarm), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSubscribeRefusesFiltersThatItDoesNotHave(t *testing.T) {
	var many []string
	for i := range 13 {
		many = append(many, fmt.Sprintf("%q", fmt.Sprint(i)))
	}
	values := "[" + strings.Join(many, ",") + "]"
	for name, attributes := range map[string]map[string]string{
		"the message's body":     {"FilterPolicy": `{"a":["b"]}`, "FilterPolicyScope": "MessageBody"},
		"another attribute":      {"RawMessageDelivery": "true"},
		"no JSON":                {"FilterPolicy": `{`},
		"no list":                {"FilterPolicy": `{"a":"b"}`},
		"an empty list":          {"FilterPolicy": `{"a":[]}`},
		"a nested policy":        {"FilterPolicy": `{"a":{"b":["c"]}}`},
		"a number":               {"FilterPolicy": `{"a":[1]}`},
		"null":                   {"FilterPolicy": `{"a":[null]}`},
		"numeric":                {"FilterPolicy": `{"a":[{"numeric":[">",1]}]}`},
		"suffix":                 {"FilterPolicy": `{"a":[{"suffix":"b"}]}`},
		"$or":                    {"FilterPolicy": `{"$or":[{"a":["b"]},{"c":["d"]}]}`},
		"two operators":          {"FilterPolicy": `{"a":[{"prefix":"b","exists":true}]}`},
		"anything-but a number":  {"FilterPolicy": `{"a":[{"anything-but":[1]}]}`},
		"anything-but a suffix":  {"FilterPolicy": `{"a":[{"anything-but":{"suffix":"b"}}]}`},
		"anything-but nothing":   {"FilterPolicy": `{"a":[{"anything-but":[]}]}`},
		"exists with a text":     {"FilterPolicy": `{"a":[{"exists":"true"}]}`},
		"exists with null":       {"FilterPolicy": `{"a":[{"exists":null}]}`},
		"six keys":               {"FilterPolicy": `{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"]}`},
		"more than 150 together": {"FilterPolicy": `{"a":` + values + `,"b":` + values + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			s, client := start(t, localtest.Everything)
			topic := s.CreateTopic("alerts", "")
			_, err := client.Subscribe(t.Context(), &sdk.SubscribeInput{
				TopicArn: &topic, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com"), Attributes: attributes,
			})
			if got := localtest.Code(err); got != "InvalidParameter" || len(s.Subscriptions(topic)) != 0 {
				t.Errorf("Subscribe = %v and %d subscriptions, want InvalidParameter and none", err, len(s.Subscriptions(topic)))
			}
		})
	}
}

func TestPublishRefusesAttributesThatSNSRefuses(t *testing.T) {
	s, client := start(t, localtest.Everything)
	topic := s.CreateTopic("alerts", "")
	for name, v := range map[string]struct{ name, kind, value, want string }{
		"an attribute":                  {"verdict", "String", "open", ""},
		"an empty value":                {"verdict", "String", "", "InvalidParameter"},
		"a name with a space":           {"a b", "String", "open", "InvalidParameter"},
		"a name that ends in a period":  {"a.", "String", "open", "InvalidParameter"},
		"a type that is not here":       {"n", "Number", "1", "InvalidParameter"},
		"one that is too long together": {"n", "String", strings.Repeat("x", 256<<10), "InvalidParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Publish(t.Context(), &sdk.PublishInput{TopicArn: &topic, Message: aws.String("m"),
				MessageAttributes: map[string]types.MessageAttributeValue{v.name: {DataType: &v.kind, StringValue: &v.value}}})
			if got := localtest.Code(err); got != v.want {
				t.Errorf("Publish = %v, want %q", err, v.want)
			}
		})
	}
}

// The examples of the documentation select the messages that they are for.
func TestDocumentedFiltersSelectMessages(t *testing.T) {
	text := localtest.Must(os.ReadFile("../../../docs/notifications.md"))(t)
	examples := regexp.MustCompile("(?s)```json\n(.*?)\n```").FindAllStringSubmatch(string(text), -1)
	message := func(outcome, verdict string) map[string]string {
		return map[string]string{"outcome": outcome, "verdict": verdict, "bucket": "docs-example"}
	}
	alarm, corrected, ended := map[string]string{}, message("corrected", "open"), message("drift ended", "closed")
	failed, unread := message("not corrected", "closed"), map[string]string{"outcome": "not corrected", "bucket": "docs-example"}
	wants := [][]map[string]string{{corrected, unread}, {failed, unread}, {corrected, failed, unread}}
	if len(examples) != len(wants) {
		t.Fatalf("%d examples, want %d", len(examples), len(wants))
	}
	for i, example := range examples {
		if diff := cmp.Diff(wants[i], receives(t, example[1], alarm, corrected, ended, failed, unread), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s selects (-want +got):\n%s", example[1], diff)
		}
	}
}

func TestAttributesAndSubscriptionsAreReadAndChanged(t *testing.T) {
	s, client := start(t, localtest.Everything)
	topic := s.CreateTopic("alerts", "k")
	read := func() map[string]string {
		return localtest.Must(client.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: &topic}))(t).Attributes
	}
	if got := read()["KmsMasterKeyId"]; got != "k" {
		t.Errorf("key = %q, want k", got)
	}
	for name, value := range map[string]string{"Policy": `{"Statement":[]}`, "KmsMasterKeyId": "other"} {
		localtest.Must(client.SetTopicAttributes(t.Context(), &sdk.SetTopicAttributesInput{TopicArn: &topic, AttributeName: &name, AttributeValue: &value}))(t)
		if got := read()[name]; got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
	localtest.Must(client.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: &topic, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")}))(t)
	list := func() []types.Subscription {
		return localtest.Must(client.ListSubscriptionsByTopic(t.Context(), &sdk.ListSubscriptionsByTopicInput{TopicArn: &topic}))(t).Subscriptions
	}
	all := list()
	if len(all) != 1 || *all[0].Endpoint != "ops@example.com" {
		t.Fatalf("subscriptions = %v, want one", all)
	}
	localtest.Must(client.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: all[0].SubscriptionArn}))(t)
	if got := list(); len(got) != 0 {
		t.Errorf("subscriptions = %v after Unsubscribe, want none", got)
	}
	s.DeleteTopic(topic)
	_, err := client.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: &topic})
	if code := localtest.Code(err); code != "NotFound" {
		t.Errorf("GetTopicAttributes of a topic that is gone = %v, want NotFound", err)
	}
}
