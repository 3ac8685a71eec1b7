package notify_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.com/s3-endpoint-guard/internal/aws/notify"
	"example.com/s3-endpoint-guard/internal/guard"
)

// customNotification has the fields of a custom notification that tests check.
type customNotification struct {
	ID      string
	Content struct {
		Title, Description  string
		NextSteps, Keywords []string
	}
	Metadata struct {
		ThreadID, Summary, EventType string
		RelatedResources             []string
		AdditionalContext            map[string]string
	}
}

func notificationOf(t *testing.T, m notify.Message) customNotification {
	t.Helper()
	var n customNotification
	if err := json.Unmarshal([]byte(m.Body(notify.AmazonQ)), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// longOrigin is an origin with the longest names that AWS and the template allow.
func longOrigin() notify.Origin {
	stack := strings.Repeat("s", 128)
	return notify.Origin{
		Partition: "aws-us-gov", Region: "us-gov-west-1", Account: "111122223333", Stack: stack, Bucket: strings.Repeat("b", 63),
		LogGroup: stack + "-RemediateLogGroup-0123456789AB", Runbook: "https://" + strings.Repeat("r", 142),
	}
}

// The schema says where its rules come from.
func TestChatMessagesAreValidCustomNotifications(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/custom-notification.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(records)
	all["the longest"] = longest()
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			m := message(r)
			if name == "the longest" {
				m.Origin, m.Thread = longOrigin(), strings.Repeat("b", 63)+"/security-group-rules/2026-03-02T09:01:08.123456789Z"
			}
			body := m.Body(notify.AmazonQ)
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(body)))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("%v:\n%s", err, body)
			}
		})
	}
}

func TestTheTitleSaysWhatHappenedAndWhere(t *testing.T) {
	for name, want := range map[string]string{
		"corrected-open":      "Unwanted access closed",
		"corrected-closed":    "Change taken back",
		"contested":           "CONTESTED: Change taken back",
		"observed":            "Open drift observed",
		"standing-down":       "Drift left to CloudFormation",
		"gone":                "Deleted and NOT CORRECTED",
		"lockout-refused":     "Open drift NOT CORRECTED (lockout refused)",
		"unread-not-verified": "Open drift NOT CORRECTED",
		"ended":               "Open drift ended",
		"not-corrected":       "Drift NOT CORRECTED",
	} {
		r := records[name]
		want += ": " + r.Resource + " of bucket docs-example in eu-central-1, account 111122223333"
		n := notificationOf(t, message(r))
		if n.Content.Title != want || n.Metadata.Summary != want {
			t.Errorf("%s: title %q, summary %q, want %q", name, n.Content.Title, n.Metadata.Summary, want)
		}
	}
}

func TestChatMessagesNameTheResourcesThatDrifted(t *testing.T) {
	for target, want := range map[string]string{
		"docs-example": "",
		"vpce-0a1b":    "arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/vpce-0a1b",
		"sg-0a1b":      "arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0a1b",
		"sg-0a, sg-0b": "arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0a arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0b",
		"sg-0a, sg-0b, sg-0c, sg-0d, sg-0e": "arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0a arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0b " +
			"arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0c arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0d",
	} {
		n := notificationOf(t, message(guard.Record{Outcome: guard.Corrected, Resource: "x", Target: target}))
		if got := strings.Join(n.Metadata.RelatedResources, " "); got != strings.TrimSpace("arn:aws:s3:::docs-example "+want) {
			t.Errorf("%s: related resources %s, want the bucket and %s", target, got, want)
		}
		if got := n.Metadata.AdditionalContext["target"]; got != target {
			t.Errorf("%s: additional context has the target %q", target, got)
		}
	}
}
