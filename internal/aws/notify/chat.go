package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// notification is a custom notification of Amazon Q Developer in chat applications. Limits of its texts: docs/facts.md,
// SNS and chat.
// https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html#event-schema
type notification struct {
	Version  string   `json:"version"`
	Source   string   `json:"source"`
	ID       string   `json:"id,omitempty"`
	Content  content  `json:"content"`
	Metadata metadata `json:"metadata"`
}

type content struct {
	TextType    string   `json:"textType"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	NextSteps   []string `json:"nextSteps"`
	Keywords    []string `json:"keywords"`
}

type metadata struct {
	ThreadID          string            `json:"threadId,omitempty"`
	Summary           string            `json:"summary"`
	EventType         string            `json:"eventType"`
	RelatedResources  []string          `json:"relatedResources"`
	AdditionalContext map[string]string `json:"additionalContext"`
}

// amazonQ returns the message as a custom notification, with <, > and & unescaped.
func (m Message) amazonQ() string {
	r := m.Record
	n := notification{
		Version: "1.0", Source: "custom", ID: joined("/", r.RequestID, r.Resource),
		Content: content{
			TextType: "client-markdown", Title: m.title(), Description: m.description(),
			NextSteps: []string{"What to do: " + m.runbookURL(), recordIs + ": " + m.recordURL()},
			Keywords:  m.keywords(),
		},
		Metadata: metadata{
			ThreadID: m.Thread, Summary: m.title(), EventType: eventType(r.Outcome),
			RelatedResources: m.related(), AdditionalContext: m.context(),
		},
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(n); err != nil { // it has only texts
		panic(err)
	}
	return b.String()
}

// title says what happened, to which bucket, in which account and Region.
func (m Message) title() string {
	r, o := m.Record, m.Origin
	of := "the guard " + o.Stack
	switch {
	case m.bucket() != "":
		of = "bucket " + m.bucket()
	case r.Place.Endpoint != "":
		of = "VPC endpoint " + r.Place.Endpoint
	}
	return fmt.Sprintf("%s: %s of %s in %s, account %s", event(r), r.Resource, of, o.Region, o.Account)
}

// event says in a few words what happened.
func event(r guard.Record) string {
	drift := "Drift"
	if r.Verdict == iampolicy.Open {
		drift = "Open drift"
	}
	text := drift + " " + map[guard.Outcome]string{
		guard.Ended: "ended", guard.Observed: "observed", guard.StandingDown: "left to CloudFormation",
		guard.Refused: "NOT CORRECTED (lockout refused)", guard.NotCorrected: "NOT CORRECTED",
	}[r.Outcome]
	switch {
	case r.Outcome == guard.Gone:
		text = "Deleted and no longer guarded"
	case r.Paused != nil:
		text = drift + " in a maintenance window"
	case r.Missing:
		text = "Deleted and NOT CORRECTED"
	case r.Remedy() == guard.RemedySecured:
		text = "Data secured"
	case r.Outcome == guard.Corrected && r.Verdict == iampolicy.Open:
		text = "Unwanted access closed"
	case r.Outcome == guard.Corrected:
		text = "Change taken back"
	}
	if r.Contested != nil {
		return "CONTESTED: " + text
	}
	return text
}

// description returns the facts as a Markdown list, which Slack and Teams show with one fact on a line.
func (m Message) description() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", headline(m.Record))
	for _, f := range m.facts() {
		value := f.value
		if f.kind != sentence {
			value = code(value)
		}
		fmt.Fprintf(&b, "- %s: %s%s\n", strings.TrimSpace(f.label), value, f.note)
	}
	if len(m.Record.Diff) > 0 {
		fmt.Fprintf(&b, "\n%s:\n```\n%s\n```\n", differed, strings.Join(differences(m.Record.Diff, escaped), "\n"))
	}
	return b.String()
}

func (m Message) keywords() []string {
	var words []string
	for _, word := range []string{string(m.Record.Outcome), string(m.Record.Verdict), m.Record.Resource, m.bucket()} {
		if word != "" {
			words = append(words, word)
		}
	}
	return words
}

// eventType is the type by which custom actions of Amazon Q select notifications, e.g. "s3-endpoint-guard-drift-ended".
// https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CustomActionAttachment.html
func eventType(o guard.Outcome) string {
	return "s3-endpoint-guard-" + strings.ReplaceAll(string(o), " ", "-")
}

// mostRelated is how many related resources a message has at most. AWS documents no limit.
const mostRelated = 5

// related returns the ARNs of the bucket, and of the endpoint or the security groups that drifted, mostRelated at most.
func (m Message) related() []string {
	o := m.Origin
	arns := []string{}
	if bucket := m.bucket(); bucket != "" {
		arns = append(arns, iampolicy.BucketARN(o.Partition, bucket))
	}
	if m.Record.Place.Bucket != "" { // it may be called sg-…
		return arns
	}
	for id := range strings.SplitSeq(m.Record.Target, ", ") {
		for prefix, resource := range map[string]string{"vpce-": "vpc-endpoint", "sg-": "security-group"} {
			if strings.HasPrefix(id, prefix) && len(arns) < mostRelated {
				arns = append(arns, fmt.Sprintf("arn:%s:ec2:%s:%s:%s/%s", o.Partition, o.Region, o.Account, resource, id))
			}
		}
	}
	return arns
}

// context returns the identifiers that custom actions of Amazon Q can use as variables.
func (m Message) context() map[string]string {
	values := map[string]string{
		"account": m.Origin.Account, "region": m.Origin.Region, "stack": m.Origin.Stack, "bucket": m.bucket(),
		"resource": m.Record.Resource, "target": m.Record.Target, "outcome": string(m.Record.Outcome),
		"verdict": string(m.Record.Verdict), "logGroup": m.Origin.LogGroup, "requestId": m.Record.RequestID,
	}
	for key, value := range values {
		if value == "" {
			delete(values, key)
		}
	}
	return values
}
