package localaws_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/sns"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// subscribed is a template with a topic and a subscription that has more properties.
func subscribed(t *testing.T, more string) *samtemplate.Plan {
	t.Helper()
	template, err := samtemplate.Parse([]byte(`
Resources:
  Topic: {Type: AWS::SNS::Topic}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Topic, Protocol: email, Endpoint: ops@example.com, ` + more + `}
`))
	if err != nil {
		t.Fatal(err)
	}
	return planned(t, template, nil)
}

func TestASubscriptionHasItsFilter(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, subscribed(t, `FilterPolicy: {verdict: [open, {exists: false}]}, FilterPolicyScope: MessageAttributes`))
	want := []sns.Subscription{{
		Protocol: "email", Endpoint: "ops@example.com",
		FilterPolicy: `{"verdict":["open",{"exists":false}]}`, FilterPolicyScope: "MessageAttributes",
	}}
	if diff := cmp.Diff(want, c.SNS.Subscriptions(s.Physical("Topic"))); diff != "" {
		t.Errorf("subscriptions (-want +got):\n%s", diff)
	}
}

func TestASubscriptionsFilterMustBeSupported(t *testing.T) {
	for name, more := range map[string]string{
		"scope":    `FilterPolicy: {verdict: [open]}, FilterPolicyScope: MessageBody`,
		"operator": `FilterPolicy: {verdict: [{suffix: n}]}`,
		"property": `RawMessageDelivery: true`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cloud(t).Deploy(t.Context(), subscribed(t, more), nil)
			if err == nil || !strings.Contains(err.Error(), "Subscription") {
				t.Errorf("Deploy = %v, want an error that names the subscription", err)
			}
		})
	}
}
