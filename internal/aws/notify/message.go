package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"s3-endpoint-guard/docs"
	"s3-endpoint-guard/internal/guard"
	"s3-endpoint-guard/internal/iampolicy"
)

// Limits of a message: the subject in ASCII characters ("less than 100" in the documentation), the whole message in
// bytes.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const (
	maxSubject = 99
	maxMessage = 256 << 10
)

// Subject returns the message's subject: one line of at most 99 ASCII characters, e.g.
// "[s3-endpoint-guard] OPEN bucket-policy of docs-example: corrected".
func Subject(r guard.Record) string {
	text := "[s3-endpoint-guard] "
	if r.Contested != nil {
		text += "CONTESTED "
	}
	if r.Verdict != "" {
		text += strings.ToUpper(string(r.Verdict)) + " "
	}
	text += r.Resource
	if r.Target != "" {
		text += " of " + r.Target
	}
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

// Message returns the message's body: text for people first, then the record as JSON. If both do not fit, it omits the
// state before and after, and says that the log has them.
func Message(r guard.Record) string {
	text := prose(r)
	if whole := text + "\n" + indented(r); len(whole) <= maxMessage {
		return whole
	}
	const note = "(omitted: see the function's log)"
	r.Before, r.After, r.Diff = note, note, nil
	return text + "\n" + indented(r)
}

// maxProse is the maximum length in bytes of each foreign text in prose.
const maxProse = 2 << 10

// prose describes a record for people. Text that others chose (actor, live state) is quoted, with control characters
// escaped, so that it cannot imitate lines of the message.
func prose(r guard.Record) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", headline(r))
	line("")
	line("What drifted:  %s%s", r.Resource, of(r.Target))
	if r.Contested != nil {
		line("CONTESTED:     corrected %d times within 15 minutes. Another caller keeps changing it back;", r.Contested.Corrections)
		line("               the guard, %s, keeps correcting it.", r.Contested.Guard)
	}
	if r.Repeats != nil {
		line("REPEATED:      this message also covers %d %s of this kind since %s.", r.Repeats.More, plural(r.Repeats.More, "record"), r.Repeats.Since.Format(time.RFC3339))
		line("               Each has a line in the function's log, with its actor.")
	}
	if r.Overruled {
		line("OVERRULED:     corrected while CloudFormation changes the stack, because open access cannot wait.")
	}
	if r.Unread != "" {
		line("Not readable:  the state before the correction is unknown: %s", clean(r.Unread))
	}
	if r.Allowed != "" {
		line("Why open:      %s", clean(r.Allowed))
	}
	line("Trigger:       %s", why(r.Trigger))
	if r.Actor != nil {
		line("The event names this caller (unverified; the drift may have another cause):")
		actor(line, r.Actor)
	}
	if r.Outcome == guard.Corrected {
		line("Corrected:     after %s, with %d %s", took(r), r.Attempts, plural(r.Attempts, "write"))
	}
	if r.Stack != "" {
		line("Stack:         %s", r.Stack)
	}
	if r.Error != "" {
		line("Error:         %s", clean(r.Error))
	}
	differences(line, r.Diff)
	remedy(line, r.Remedy())
	line("")
	line("The full record. \"before\" is the state before the correction, for a rollback by hand:")
	return b.String()
}

// remedy writes the runbook's instructions.
func remedy(line func(string, ...any), r guard.Remedy) {
	line("")
	line("What to do (%s):", r.Link())
	for _, text := range strings.Split(docs.Section(string(r)), "\n") {
		line("%s", strings.TrimRight("  "+text, " "))
	}
}

// headline returns the message's first sentence.
func headline(r guard.Record) string {
	switch r.Outcome {
	case guard.Corrected:
		if r.Verdict == iampolicy.Open {
			return "Unwanted access was possible and has been closed."
		}
		return "A change that gave no access was taken back."
	case guard.Ended:
		return "Drift ended before it was corrected: another caller, or another run of the guard, undid it."
	case guard.Observed:
		return "Drift was seen and left alone: the guard is set to Observe."
	case guard.StandingDown:
		if r.Verdict == iampolicy.Open {
			return "Drift was seen and left alone while CloudFormation changes the stack. With Enforcement=Enforce the guard closes open access after 5 to 20 minutes, unless the stack is being deleted."
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

func why(t guard.Trigger) string {
	switch t.Kind {
	case guard.Event:
		return fmt.Sprintf("event %s %s of %s", clean(t.EventName), clean(t.EventID), t.EventTime.Format(time.RFC3339))
	case guard.Stack:
		return "the stack's status became " + clean(t.EventName)
	case guard.Direct:
		return "invoked by hand"
	default:
		return "the regular sweep"
	}
}

func actor(line func(string, ...any), a *guard.Actor) {
	for _, field := range []struct{ label, value string }{
		{"who", a.ARN},
		{"account", a.AccountID},
		{"role", a.IssuerARN},
		{"through", a.InvokedBy},
		{"address", a.SourceIPAddress},
		{"user agent", a.UserAgent},
	} {
		if field.value != "" {
			line("  %-12s %q", field.label, field.value)
		}
	}
}

// took returns the time to the verified correction, from the event if its time is known.
func took(r guard.Record) string {
	if r.SinceEventMs > 0 {
		return fmt.Sprintf("%d ms (%d ms since the event)", r.ElapsedMs, r.SinceEventMs)
	}
	return fmt.Sprintf("%d ms", r.ElapsedMs)
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// maxLines is the number of differences that prose lists.
const maxLines = 20

func differences(line func(string, ...any), diff []guard.Difference) {
	if len(diff) == 0 {
		return
	}
	line("")
	line("What differed (- desired and missing, + live and not desired):")
	for i, d := range diff {
		if i == maxLines {
			line("  … and %d more", len(diff)-i)
			return
		}
		sign := "+"
		if d.Removed {
			sign = "-"
		}
		line("  %s %s", sign, clean(strings.TrimSpace(d.Name+" "+d.Value)))
	}
}

// clean replaces non-printing characters in a text that is not quoted (control characters, line separators, marks that
// reverse the text direction), and shortens it.
func clean(text string) string {
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, text)
	if len(text) > maxProse {
		text = strings.ToValidUTF8(text[:maxProse], "") + " …"
	}
	return text
}

// indented returns the record as JSON, with <, > and & unescaped.
func indented(r guard.Record) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Sprintf("(the record cannot be encoded: %v)", err)
	}
	return b.String()
}
