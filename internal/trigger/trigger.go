// Package trigger parses the event that invoked a function: a CloudTrail call or stack status delivered by EventBridge,
// the schedule, a manual invocation, or one of these wrapped by a queue, a topic or a failure destination.
//
// It imports guard and the standard library only. No payload is an error: a trigger only starts an inspection, which is
// always safe, so an unknown payload counts as a sweep.
package trigger

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
)

// maxField is the maximum length in bytes of a trigger's fields. They are used in log lines and messages, and callers
// choose some of them (user agents, session names).
const maxField = 512

// maxWraps is how often a payload is unwrapped: an event in a message in a failure record, plus one in reserve.
const maxWraps = 4

// Parse parses a payload. It never fails and never panics: see the package comment.
func Parse(payload []byte) guard.Trigger {
	if t, ok := parse(payload, maxWraps); ok {
		return t
	}
	return guard.Trigger{Kind: guard.Sweep, Unknown: true}
}

// envelope contains the fields that distinguish payloads: those of an EventBridge event, of a bare CloudTrail record,
// and of what may wrap either.
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
	EventSource string `json:"eventSource"`

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
	case e.DetailType == scheduled:
		return guard.Trigger{Kind: guard.Sweep, EventID: field(e.ID), EventTime: instant(e.Time)}, true
	case e.EventName != "" && e.EventSource != "":
		return call(payload, e), true
	case wraps > 0:
		return unwrap(e, wraps-1)
	default:
		return guard.Trigger{}, false
	}
}

// isEmpty reports whether a payload is empty, as in a manual invocation.
func isEmpty(payload []byte) bool {
	switch string(bytes.TrimSpace(payload)) {
	case "", "null", "{}", `""`:
		return true
	}
	return false
}

// unwrap returns the event inside a wrapper: in the first known record of a queue's or topic's event, or in the payload
// in the record of a failed invocation.
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

// record contains the fields that are read from a CloudTrail record.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type record struct {
	EventID         string          `json:"eventID"`
	EventName       string          `json:"eventName"`
	EventSource     string          `json:"eventSource"`
	EventTime       string          `json:"eventTime"`
	SourceIPAddress string          `json:"sourceIPAddress"`
	UserAgent       string          `json:"userAgent"`
	UserIdentity    json.RawMessage `json:"userIdentity"`

	RequestParameters json.RawMessage `json:"requestParameters"`
}

// identity is a record's userIdentity. sessionIssuer can be {} or absent (docs/facts.md, CloudTrail through
// EventBridge).
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

// call parses a CloudTrail record, bare or in the EventBridge event e.
func call(document []byte, e envelope) guard.Trigger {
	var r record
	decode(document, &r)
	return guard.Trigger{
		Kind:      guard.Event,
		EventID:   field(first(r.EventID, e.ID)),
		EventName: field(r.EventName),
		EventTime: instant(first(r.EventTime, e.Time)),
		Bucket:    bucket(r),
		OfNetwork: r.EventSource == "ec2.amazonaws.com",
		Actor:     actor(r),
	}
}

// bucket returns the name of the bucket that a call to S3 names; "" if it names none. Source: docs/facts.md, CloudTrail through
// EventBridge
func bucket(r record) string {
	var parameters struct {
		BucketName string `json:"bucketName"`
	}
	decode(r.RequestParameters, &parameters)
	return field(parameters.BucketName)
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

// stackStatus parses a stack's status change.
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

// decode fills in the fields that it can. A field of an unexpected type stays empty and does not prevent the others
// from being read: encoding/json continues after such an error.
func decode(document []byte, into any) {
	_ = json.Unmarshal(document, into)
}

// field limits a field's length and removes invalid UTF-8.
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

// instant parses a time in an event; it returns the zero time if it cannot.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 2000 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}
