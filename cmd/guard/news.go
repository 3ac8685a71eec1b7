package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/sns"
)

// news prints the events of a local AWS that keeps running: corrections in the demo's format, messages as recipients
// see them. Functions and topics write concurrently.
type news struct {
	mu sync.Mutex
	// plain is nil if all output goes raw to the writer to.
	plain *plain
	to    io.Writer
}

func newNews(to io.Writer, raw bool) *news {
	n := &news{to: to}
	if !raw {
		n.plain = newPlain(to)
	}
	return n
}

// printed is one line of a function's output: of the guard's log, or of another function's.
type printed struct {
	logLine
	Level string `json:"level"`
	// EMF is set in lines that are metrics.
	EMF json.RawMessage `json:"_aws"`
}

// log prints a line of a function's log. Metrics, and runs without a change, are printed only in raw mode.
func (n *news) log(function string, line lambda.Line) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var l printed
	switch err := json.Unmarshal([]byte(line.Text), &l); {
	case n.plain == nil:
		fmt.Fprintln(n.to, line.Text)
	case err != nil || l.Outcome == "":
		if l.EMF == nil {
			n.plain.line("   %-10s %s", "function", shortName(function)+": "+line.Text)
		}
	case l.Resource != "":
		n.plain.correction(l.correction())
	case l.Level != "INFO":
		n.plain.line("   %-10s %s: %s %s", "function", shortName(function), l.Outcome, shorten(l.Error, 400))
	}
}

// shortName returns a function's logical name. CloudFormation's name has the stack's name before it and an id after
// it.
func shortName(function string) string {
	for part := range strings.SplitSeq(function, "-") {
		if strings.HasSuffix(part, "Function") {
			return part
		}
	}
	return function
}

// message prints a message that a topic sends.
func (n *news) message(topicARN string, m sns.Message, to []sns.Subscription) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.plain == nil {
		raw, _ := json.Marshal(map[string]any{ // it has only texts
			"topic": topicARN, "subject": m.Subject, "message": m.Body, "attributes": m.Attributes, "to": to,
		})
		fmt.Fprintln(n.to, string(raw))
		return
	}
	var readers []string
	for _, s := range to {
		readers = append(readers, s.Endpoint)
	}
	n.plain.line("   %-10s %s (to %s)", "message", n.plain.colour.bold(m.Subject), cmp.Or(strings.Join(readers, ", "), "no one: the topic has no subscription"))
	for _, line := range legible(m.Body) {
		n.plain.line("              | %s", line)
	}
}

// alarmMessage is the message that CloudWatch publishes for an alarm. SNS expands it into sentences for email
// subscribers.
type alarmMessage struct {
	AlarmName, AlarmDescription, NewStateValue, NewStateReason string
}

// chatMessage is the guard's message with NotificationFormat AmazonQ.
type chatMessage struct {
	Content struct {
		Title, Description string
		NextSteps          []string
	}
}

// legible returns the lines of a message as its recipients see them. An alarm with state OK has no lines: a new stack
// sends thirty of those in its first minutes.
func legible(body string) []string {
	var alarm alarmMessage
	if err := json.Unmarshal([]byte(body), &alarm); err == nil && alarm.AlarmName != "" {
		if alarm.NewStateValue == "OK" {
			return nil
		}
		return []string{alarm.AlarmDescription, alarm.NewStateReason}
	}
	var chat chatMessage
	if err := json.Unmarshal([]byte(body), &chat); err == nil && chat.Content.Title != "" {
		body = chat.Content.Title + "\n\n" + chat.Content.Description + "\n" + strings.Join(chat.Content.NextSteps, "\n")
	}
	return strings.Split(strings.TrimSpace(body), "\n")
}
