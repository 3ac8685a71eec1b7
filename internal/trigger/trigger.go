// Package trigger reads what invoked a function: a CloudTrail call or stack status delivered by EventBridge, the
// schedule, an invocation by hand, or any of these wrapped by a queue, a topic or a failure destination.
//
// It imports guard and the standard library only. Nothing in a payload is an error: a trigger only says *look now*,
// looking is always safe, and so whatever is not understood is a sweep.
package trigger

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"s3-endpoint-guard/internal/guard"
)

// maxField is the most bytes of a field that a trigger carries. The fields go into log lines and messages, and
// callers choose some of them (user agents, session names).
const maxField = 512

// maxWraps is how deep a payload is unwrapped: an event in a message in a failure record, and one to spare.
const maxWraps = 4

// Parse tells what a payload says. It never fails and never panics: see the package comment.
func Parse(payload []byte) guard.Trigger {
	if t, ok := parse(payload, maxWraps); ok {
		return t
	}
	return guard.Trigger{Kind: guard.Sweep, Unknown: true}
}

// envelope has the fields by which payloads are told apart: those of an EventBridge event, of a bare CloudTrail
// record, and of what may wrap either.
type envelope struct {
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Time       string          `json:"time"`
	Detail     json.RawMessage `json:"detail"`

	EventName   string `json:"eventName"`
	EventSource string `json:"eventSource"`

	Records        []wrapped       `json:"Records"`
	RequestPayload json.RawMessage `json:"requestPayload"`
}

// wrapped is one record of an SQS or SNS event.
type wrapped struct {
	Body string `json:"body"`
	SNS  struct {
		Message string `json:"Message"`
	} `json:"Sns"`
}

func parse(payload []byte, wraps int) (guard.Trigger, bool) {
	if isEmpty(payload) {
		return guard.Trigger{Kind: guard.Direct}, true
	}
	var e envelope
	decode(payload, &e)
	switch {
	case e.DetailType == "AWS API Call via CloudTrail":
		return call(e.Detail, e), true
	case e.DetailType == "CloudFormation Stack Status Change":
		return stackStatus(e), true
	case e.DetailType == "Scheduled Event":
		return guard.Trigger{Kind: guard.Sweep, EventID: field(e.ID), EventTime: instant(e.Time)}, true
	case e.EventName != "" && e.EventSource != "":
		return call(payload, e), true
	case wraps > 0:
		return unwrap(e, wraps-1)
	default:
		return guard.Trigger{}, false
	}
}

// isEmpty is whether a payload says nothing at all, as an invocation by hand does.
func isEmpty(payload []byte) bool {
	switch string(bytes.TrimSpace(payload)) {
	case "", "null", "{}", `""`:
		return true
	}
	return false
}

// unwrap looks for an event in what wraps it: the first record of a queue's or topic's event that is understood, or
// the payload in the record of a failed invocation.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func unwrap(e envelope, wraps int) (guard.Trigger, bool) {
	inner := []string{string(e.RequestPayload)}
	for _, r := range e.Records {
		inner = append(inner, r.Body, r.SNS.Message)
	}
	for _, payload := range inner {
		if payload == "" {
			continue
		}
		if t, ok := parse([]byte(payload), wraps); ok {
			return t, true
		}
	}
	return guard.Trigger{}, false
}

// record has what is taken from a CloudTrail record.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type record struct {
	EventID         string          `json:"eventID"`
	EventName       string          `json:"eventName"`
	EventTime       string          `json:"eventTime"`
	SourceIPAddress string          `json:"sourceIPAddress"`
	UserAgent       string          `json:"userAgent"`
	UserIdentity    json.RawMessage `json:"userIdentity"`
}

// identity is a record's userIdentity. sessionIssuer can be {} or absent. FACTS: CloudTrail through EventBridge
type identity struct {
	Type           string `json:"type"`
	ARN            string `json:"arn"`
	AccountID      string `json:"accountId"`
	PrincipalID    string `json:"principalId"`
	InvokedBy      string `json:"invokedBy"`
	SessionContext struct {
		SessionIssuer struct {
			ARN string `json:"arn"`
		} `json:"sessionIssuer"`
	} `json:"sessionContext"`
}

// call reads a CloudTrail record, in the EventBridge event e or bare.
func call(document []byte, e envelope) guard.Trigger {
	var r record
	decode(document, &r)
	return guard.Trigger{
		Kind:      guard.Event,
		EventID:   field(first(r.EventID, e.ID)),
		EventName: field(r.EventName),
		EventTime: instant(first(r.EventTime, e.Time)),
		Actor:     actor(r),
	}
}

func actor(r record) *guard.Actor {
	var who identity
	decode(r.UserIdentity, &who)
	a := guard.Actor{
		ARN:             field(first(who.ARN, who.PrincipalID, who.InvokedBy, who.Type)),
		IssuerARN:       field(who.SessionContext.SessionIssuer.ARN),
		InvokedBy:       field(who.InvokedBy),
		SourceIPAddress: field(r.SourceIPAddress),
		UserAgent:       field(r.UserAgent),
	}
	if who.ARN == "" {
		a.AccountID = field(who.AccountID)
	}
	if a == (guard.Actor{}) {
		return nil
	}
	return &a
}

// stackStatus reads a stack's status change.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-event-details.html
func stackStatus(e envelope) guard.Trigger {
	var detail struct {
		StatusDetails struct {
			Status string `json:"status"`
		} `json:"status-details"`
	}
	decode(e.Detail, &detail)
	return guard.Trigger{
		Kind:      guard.Stack,
		EventID:   field(e.ID),
		EventName: field(detail.StatusDetails.Status),
		EventTime: instant(e.Time),
	}
}

// decode fills in what can be filled in. A field of another type than expected is left empty and keeps none of the
// others from being read: encoding/json goes on after such an error.
func decode(document []byte, into any) {
	_ = json.Unmarshal(document, into)
}

// field limits a field's length and drops what is not valid UTF-8.
func field(s string) string {
	if len(s) > maxField {
		s = s[:maxField]
	}
	return strings.ToValidUTF8(s, "")
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// instant reads a time as events write it; zero when it cannot be read.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 2000 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}
