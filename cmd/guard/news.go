package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"s3-endpoint-guard/local/localaws/lambda"
	"s3-endpoint-guard/local/localaws/sns"
)

// news tells what happens on a local AWS that keeps running: corrections as the demo tells them, messages as those who
// get them read them. Functions and topics tell at the same time.
type news struct {
	mu sync.Mutex
	// plain is nil where everything is told raw, to to.
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

// printed is what a function prints as one line: of the guard's log, or of another function's.
type printed struct {
	logLine
	Level string `json:"level"`
	// EMF is there in lines that are metrics.
	EMF json.RawMessage `json:"_aws"`
}

// log tells a line that a function prints. Metrics, and runs that found nothing to do, are told raw only.
func (n *news) log(function string, line lambda.Line) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var l printed
	switch err := json.Unmarshal([]byte(line.Text), &l); {
	case n.plain == nil:
		fmt.Fprintln(n.to, line.Text)
	case err != nil || l.Outcome == "":
		if l.EMF == nil {
			n.plain.line("   %-9s %s", "function", shortName(function)+": "+line.Text)
		}
	case l.Resource != "":
		n.plain.correction(l.correction())
	case l.Level != "INFO":
		n.plain.line("   %-9s %s: %s %s", "function", shortName(function), l.Outcome, shorten(l.Error, 400))
	}
}

// shortName is a function's logical name: CloudFormation's has the stack's before it, and an id behind it.
func shortName(function string) string {
	for part := range strings.SplitSeq(function, "-") {
		if strings.HasSuffix(part, "Function") {
			return part
		}
	}
	return function
}

// message tells a message that a topic sends.
func (n *news) message(topicARN string, m sns.Message, to []sns.Subscription) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.plain == nil {
		raw, _ := json.Marshal(map[string]any{"topic": topicARN, "subject": m.Subject, "message": m.Body, "to": to}) // texts
		fmt.Fprintln(n.to, string(raw))
		return
	}
	var readers []string
	for _, s := range to {
		readers = append(readers, s.Endpoint)
	}
	n.plain.line("   %-9s %s (to %s)", "message", n.plain.colour.bold(m.Subject), cmp.Or(strings.Join(readers, ", "), "nobody: there is no subscription"))
	for _, line := range legible(m.Body) {
		n.plain.line("             | %s", line)
	}
}

// alarmMessage is what CloudWatch publishes of an alarm. SNS writes it out in full sentences for subscribers by email.
type alarmMessage struct {
	AlarmName, AlarmDescription, NewStateValue, NewStateReason string
}

// legible are the lines of a message for people. The record that the guard's own messages end with is left out, and so is
// all but the subject of an alarm that is in order: a new stack has thirty of those in its first minutes.
func legible(body string) []string {
	var alarm alarmMessage
	if err := json.Unmarshal([]byte(body), &alarm); err == nil && alarm.AlarmName != "" {
		if alarm.NewStateValue == "OK" {
			return nil
		}
		return []string{alarm.AlarmDescription, alarm.NewStateReason}
	}
	text, record, found := strings.Cut(body, "\n{")
	all := strings.Split(strings.TrimSpace(text), "\n")
	if found {
		all = append(all, fmt.Sprintf("{ … %d more lines: see --json }", strings.Count(record, "\n")))
	}
	return all
}
