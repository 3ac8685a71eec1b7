package endtoend_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"
)

// subscribes subscribes an address to the notification topic, with a filter policy.
func (s *scene) subscribes(address, filterPolicy string) {
	s.Helper()
	client := sns.NewFromConfig(s.Config(s.Admin(), s.Internet()))
	_, err := client.Subscribe(s.Context(), &sns.SubscribeInput{
		TopicArn: &s.topic, Protocol: aws.String("email"), Endpoint: &address,
		Attributes: map[string]string{"FilterPolicy": filterPolicy},
	})
	s.must(err)
}

// TestFiltersSelectMessages checks that subscriptions get the messages that their filter policies name.
func TestFiltersSelectMessages(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	for address, filterPolicy := range map[string]string{
		"all@example.com":     `{"bucket":["` + s.bucket + `"],"account":["111122223333"],"region":["eu-central-1"]}`,
		"open@example.com":    `{"verdict":["open"]}`,
		"failed@example.com":  `{"outcome":["not corrected"]}`,
		"policy@example.com":  `{"resource":[{"prefix":"bucket-"}],"outcome":[{"anything-but":"not corrected"}]}`,
		"nothing@example.com": `{"outcome":[{"exists":false}]}`,
	} {
		s.subscribes(address, filterPolicy)
	}
	s.watch(func() { s.must(s.deletesBucketPolicy()) })
	s.watch(func() {
		s.must(s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{RemoveSubnetIds: []string{s.stack.Physical("SubnetB")}}))
	})
	s.Gate.Inject(denies(s, "s3", "PutBucketPolicy"))
	s.watch(func() { s.must(s.deletesBucketPolicy()) })
	open, closed := "OPEN bucket-policy of "+s.bucket, "CLOSED subnets of "+s.endpoint
	for address, want := range map[string][]string{
		"all@example.com":     {open + ": corrected", closed + ": corrected", open + ": not corrected"},
		"open@example.com":    {open + ": corrected", open + ": not corrected"},
		"failed@example.com":  {open + ": not corrected"},
		"policy@example.com":  {open + ": corrected"},
		"nothing@example.com": nil,
	} {
		var got []string
		for _, m := range s.SNS.Delivered(s.topic, address) {
			got = append(got, strings.TrimPrefix(m.Subject, "[s3-endpoint-guard] "))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
}

// TestChatGetsCustomNotifications checks the messages of a stack with NotificationFormat AmazonQ.
func TestChatGetsCustomNotifications(t *testing.T) {
	t.Parallel()
	const runbook = "https://example.com/runbook.md"
	s := deploy(t, parameters{"NotificationFormat": "AmazonQ", "RunbookUrl": runbook})
	s.Gate.Inject(denies(s, "s3", "PutBucketPolicy"))
	r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
	s.Gate.ClearFaults()
	r.messages = append(r.messages, s.watch(s.sweep).messages...)
	if len(r.messages) != 2 {
		t.Fatalf("%d messages, want one about the failure and one about the correction", len(r.messages))
	}
	type notification struct {
		Version, Source string
		Content         struct {
			Title     string
			NextSteps []string
		}
		Metadata struct{ ThreadID string }
	}
	var told [2]notification
	for i, m := range r.messages {
		s.must(json.Unmarshal([]byte(m.Body), &told[i]))
	}
	failure, correction := told[0], told[1]
	if failure.Version != "1.0" || failure.Source != "custom" || failure.Metadata.ThreadID == "" || failure.Metadata.ThreadID != correction.Metadata.ThreadID {
		t.Errorf("messages %+v, want custom notifications of one thread", told)
	}
	want := ": bucket-policy of bucket " + s.bucket + " in eu-central-1, account 111122223333"
	if failure.Content.Title != "Open drift NOT CORRECTED"+want || correction.Content.Title != "Unwanted access closed"+want {
		t.Errorf("titles %q and %q, want %q in both", failure.Content.Title, correction.Content.Title, want)
	}
	steps := strings.Join(failure.Content.NextSteps, "\n")
	requestID, _ := r.lines[0].Fields["requestId"].(string)
	for _, want := range []string{runbook + "#access-is-denied", s.stack.Physical("RemediateLogGroup"), requestID} {
		if want == "" || !strings.Contains(steps, want) {
			t.Errorf("next steps without %q:\n%s", want, steps)
		}
	}
}
