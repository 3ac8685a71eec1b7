package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Format is the format of a message's body.
type Format string

// The formats.
const (
	// Text is text for e-mail.
	Text Format = "Text"
	// AmazonQ is the JSON of a custom notification of Amazon Q Developer in chat applications.
	AmazonQ Format = "AmazonQ"
)

// Origin is where messages come from: what a message says beyond its record.
type Origin struct {
	// Partition, Region and Account are those of the stack.
	Partition, Region, Account string
	// Stack is the stack's name, Bucket the guarded bucket's; "" for a fleet, whose records name their bucket.
	Stack, Bucket string
	// LogGroup is the name of the log group that has the records.
	LogGroup string
	// Runbook is the URL of the runbook; "" for docs/runbook.md.
	Runbook string
}

// Message is what is sent about one record, or about several of a kind.
type Message struct {
	Record guard.Record
	Origin Origin
	// Time is when it is sent.
	Time time.Time
	// Thread is the id of the chat thread to which it belongs.
	Thread string
}

// maxSubject is the maximum length of a subject in ASCII characters ("less than 100" in the documentation).
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxSubject = 99

// Subject returns the message's subject: one line of at most 99 ASCII characters, e.g.
// "[s3-endpoint-guard] OPEN bucket-policy of docs-example: corrected".
func (m Message) Subject() string {
	r := m.Record
	text := "[s3-endpoint-guard] "
	if r.Contested != nil {
		text += "CONTESTED "
	}
	if r.Verdict != "" {
		text += strings.ToUpper(string(r.Verdict)) + " "
	}
	text += r.Resource + of(r.Target)
	return ascii(text, maxSubject-len(": ")-len(r.Outcome)) + ": " + string(r.Outcome)
}

// ascii keeps printable ASCII and limits the length.
func ascii(text string, limit int) string {
	kept := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, text)
	if len(kept) > limit {
		kept = kept[:limit-3] + "..."
	}
	return kept
}

// Attributes returns the message's attributes, which are strings, for the filter policies of subscriptions. It omits empty ones, because
// SNS refuses them.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func (m Message) Attributes() map[string]string {
	attributes := map[string]string{}
	for name, value := range map[string]string{
		"outcome": string(m.Record.Outcome), "verdict": string(m.Record.Verdict), "resource": m.Record.Resource,
		"bucket": m.bucket(), "account": m.Origin.Account, "region": m.Origin.Region,
	} {
		if value != "" {
			attributes[name] = value
		}
	}
	return attributes
}

// bucket returns the name of the bucket that the message is about; "" if it is about no bucket.
func (m Message) bucket() string { return cmp.Or(m.Origin.Bucket, m.Record.Place.Bucket) }

// Body returns the message's body in a format.
func (m Message) Body(format Format) string {
	if format == AmazonQ {
		return m.amazonQ()
	}
	return m.text()
}

// text returns the message as text, with the link to the record and the link to the runbook at its end.
func (m Message) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", headline(m.Record))
	line("")
	for _, f := range m.facts() {
		value := f.value
		if f.kind == foreign {
			value = quoted(value)
		}
		line("%-15s%s", f.label+":", value+f.note)
	}
	if len(m.Record.Diff) > 0 {
		line("\n%s:", differed)
		for _, text := range differences(m.Record.Diff, clean) {
			line("  %s", text)
		}
	}
	line("\n%s:", recordIs)
	line("  %s", m.recordURL())
	if m.Record.RequestID != "" {
		line("  %s", m.recordCommand())
	}
	line("\nWhat to do:\n  %s", m.runbookURL())
	return b.String()
}

// Headings of the parts that all formats have.
const (
	differed = "What differed (- desired and missing, + live and not desired)"
	recordIs = `The full record. Its "before" is the live state that was found, for a rollback by hand`
)

// fact is one line of a message.
type fact struct {
	label, value string
	kind         kindOfValue
	// note is the guard's own text after the value.
	note string
}

// kindOfValue says how a format writes the value of a fact.
type kindOfValue int

const (
	// sentence is the guard's own text.
	sentence kindOfValue = iota
	// identifier is an id or name of AWS.
	identifier
	// foreign is a text that others chose (an actor, live state). It is quoted, so that it cannot imitate the guard's text.
	foreign
)

// facts returns what all formats say, in order. Facts without a value are absent.
func (m Message) facts() []fact {
	r, o := m.Record, m.Origin
	facts := []fact{
		{"Bucket", m.bucket(), identifier, ""},
		{"VPC endpoint", r.Place.Endpoint, identifier, ""},
		{"Account", o.Account, identifier, ""},
		{"Region", o.Region, identifier, ""},
		{"Stack", joined(", ", o.Stack, r.Stack), identifier, ""},
		{"What drifted", r.Resource + of(r.Target), identifier, ""},
	}
	if c := r.Contested; c != nil {
		facts = append(facts, fact{"CONTESTED", c.Guard, identifier, fmt.Sprintf(
			", the guard, corrected it %d times within 15 minutes, because another caller keeps changing it", c.Corrections)})
	}
	if more := r.Repeats; more != nil {
		facts = append(facts, fact{"REPEATED", fmt.Sprintf(
			"this message also covers %d %s of this kind since %s. Each has a line in the log.",
			more.More, plural(more.More, "record"), more.Since.Format(time.RFC3339)), sentence, ""})
	}
	if r.Overruled {
		const overruled = "corrected while CloudFormation changes the stack, because open access cannot wait"
		facts = append(facts, fact{"OVERRULED", overruled, sentence, ""})
	}
	if p := r.Paused; p != nil {
		facts = append(facts, fact{"Window", p.Reason, foreign, " until " + p.Until.UTC().Format(time.RFC3339)}, fact{"  made by", p.By, foreign, ""})
	}
	if s := r.Owner; s != nil {
		facts = append(facts, fact{"Its stack", joined(", ", s.ID, s.Status), identifier, ""})
	}
	facts = append(facts,
		fact{"Open for", openFor(r), sentence, ""},
		fact{"Why open", r.Allowed, foreign, ""},
		fact{"Not readable", r.Unread, foreign, " (so the state before the correction is unknown)"},
		why(r.Trigger))
	if a := r.Actor; a != nil {
		facts = append(facts,
			fact{"Who", cmp.Or(a.ARN, "not named"), foreign, " as the event claims (the drift may have another cause)"},
			fact{"  its account", a.AccountID, foreign, ""},
			fact{"  its role", a.IssuerARN, foreign, ""},
			fact{"  through", a.InvokedBy, foreign, ""},
			fact{"  address", a.SourceIPAddress, foreign, ""},
			fact{"  user agent", a.UserAgent, foreign, ""})
	}
	facts = append(facts, fact{"Done", done(r), sentence, ""}, fact{"Error", r.Error, foreign, ""})
	return slices.DeleteFunc(facts, func(f fact) bool { return f.value == "" })
}

// joined joins the texts that are not empty.
func joined(separator string, texts ...string) string {
	var there []string
	for _, text := range texts {
		if text != "" {
			there = append(there, text)
		}
	}
	return strings.Join(there, separator)
}

// headline returns the message's first sentence.
func headline(r guard.Record) string {
	switch r.Outcome {
	case guard.Corrected:
		switch {
		case r.Remedy() == guard.RemedySecured:
			return string(guard.RemedySecured) + "."
		case r.Verdict == iampolicy.Open:
			return "Unwanted access was possible and has been closed."
		}
		return "A change that gave no access was taken back."
	case guard.Ended:
		return "Drift ended before it was corrected: another caller, or another run of the guard, undid it."
	case guard.Observed:
		return "Drift was seen and left alone: the guard is set to Observe."
	case guard.Gone:
		return "A bucket was deleted that a pattern of the guard matched. It is no longer guarded."
	case guard.StandingDown:
		if r.Paused != nil {
			if r.Verdict == iampolicy.Open {
				return "UNWANTED ACCESS IS POSSIBLE and stays so in a maintenance window. The guard closes what is open when the window ends."
			}
			return "Drift was seen and left alone in a maintenance window. The guard corrects what is left when the window ends."
		}
		if r.Verdict == iampolicy.Open {
			return "Drift was seen and left alone while CloudFormation changes the stack. With Enforcement=Enforce the guard " +
				"closes open access after 5 to 20 minutes, unless the stack is being deleted."
		}
		return "Drift was seen and left alone while CloudFormation changes the stack. The guard checks again afterwards."
	case guard.Refused:
		return "NOT CORRECTED: the template's own bucket policy would lock out those who configure the bucket."
	default:
		if r.Missing {
			return "NOT CORRECTED: a guarded resource no longer exists, and only a person can restore it."
		}
		if r.Unread != "" {
			return "NOT CORRECTED, as far as the guard can see: it may not read the state. See the error below."
		}
		return "NOT CORRECTED: see the error below. The guard keeps trying."
	}
}

func of(target string) string {
	if target == "" {
		return ""
	}
	return " of " + target
}

// openFor says how long access was open. Only an event gives the start; without one, a sweep found the drift.
func openFor(r guard.Record) string {
	const noStart = "no event gives the start; usually at most one sweep interval"
	switch {
	case r.Outcome == guard.Gone:
		return ""
	case r.Verdict == iampolicy.Closed:
		return "no time: the drift gave no access"
	case r.Verdict != iampolicy.Open:
		return "not known: the state could not be read"
	case r.Outcome == guard.Corrected && r.SinceEventMs > 0:
		return fmt.Sprintf("%s, from the event to the verified correction", duration(r.SinceEventMs))
	case r.Outcome == guard.Corrected && r.Overruled:
		return "not known: the guard waited for CloudFormation first"
	case r.Outcome.IsOver():
		return "not known: " + noStart
	case !r.Trigger.EventTime.IsZero() && r.Trigger.Kind == guard.Event:
		return "still open, since " + r.Trigger.EventTime.Format(time.RFC3339) + " (the event)"
	default:
		return "still open: no event gives the start"
	}
}

// done says what the guard did, or why it did nothing.
func done(r guard.Record) string {
	writes := fmt.Sprintf("%d %s", r.Attempts, plural(r.Attempts, "write"))
	switch r.Outcome {
	case guard.Corrected:
		return fmt.Sprintf("restored with %s, verified %s after the run began", writes, duration(r.ElapsedMs))
	case guard.Ended:
		return writes + ", then the drift was over at the next read"
	case guard.Observed:
		return "nothing, because Enforcement is Observe"
	case guard.StandingDown:
		if r.Paused != nil {
			return "nothing, because of the maintenance window"
		}
		return "nothing, because CloudFormation changes the stack"
	case guard.Gone:
		return "nothing: there is nothing left to guard"
	case guard.Refused:
		return "nothing written: the desired policy would lock out those who configure the bucket"
	default:
		if r.Attempts == 0 {
			return "nothing written, because of the error"
		}
		return fmt.Sprintf("%s within %s, not verified as restored", writes, duration(r.ElapsedMs))
	}
}

// duration formats milliseconds: as such below a second, otherwise in seconds and larger units.
func duration(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	if d < time.Second {
		return fmt.Sprintf("%d ms", ms)
	}
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// why says what started the run.
func why(t guard.Trigger) fact {
	switch t.Kind {
	case guard.Event:
		when := ""
		if !t.EventTime.IsZero() {
			when = " (event of " + t.EventTime.Format(time.RFC3339) + ")"
		}
		return fact{"Trigger", joined(" ", t.EventName, t.EventID), foreign, when}
	case guard.Stack:
		return fact{"Trigger", t.EventName, foreign, " became the stack's status"}
	case guard.Direct:
		return fact{"Trigger", "invoked by hand", sentence, ""}
	default:
		return fact{"Trigger", "the regular sweep", sentence, ""}
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// maxDifferences is the number of differences in a message. The record in the log has all.
const maxDifferences = 6

// differences returns the first lines of a diff, each made harmless.
func differences(diff []guard.Difference, harmless func(string) string) []string {
	var lines []string
	for i, d := range diff {
		if i == maxDifferences {
			return append(lines, fmt.Sprintf("... and %d more", len(diff)-i))
		}
		sign := "+"
		if d.Removed {
			sign = "-"
		}
		lines = append(lines, sign+" "+harmless(strings.TrimSpace(d.Name+" "+d.Value)))
	}
	return lines
}
