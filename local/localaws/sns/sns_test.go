package sns_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"s3-endpoint-guard/local/localaws/api"
	"s3-endpoint-guard/local/localaws/localtest"
	"s3-endpoint-guard/local/localaws/sns"
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
