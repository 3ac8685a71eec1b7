// Package pause is the core of maintenance windows: for a while the guard leaves drift of one bucket, or of one VPC
// endpoint, to the person or tool that causes it.
//
// A window is an SSM parameter below the path of the guard's stack. It is not an object in S3, because those who may
// administer S3 must not be able to silence the guard. Whatever a parameter says, its window ends a day after SSM
// stored it.
//
// It imports the standard library only.
package pause

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Longest is the maximum length of a window, counted from SSM's own time of the parameter's last modification.
const Longest = 24 * time.Hour

// MaxReason is the maximum length of a reason, in bytes: it is quoted in log lines and messages.
const MaxReason = 500

// Path returns the hierarchy that contains the windows of a stack. It begins with the project's name, because SSM
// reserves names that begin with "aws" or "ssm", as a stack's name may (docs/facts.md, Systems Manager).
func Path(stack string) string { return "/s3-endpoint-guard/pause/" + stack }

// Window is one maintenance window.
type Window struct {
	// Target is the bucket's name or the VPC endpoint's id: the last element of the parameter's name.
	Target string
	// Until is when the window ends: the window includes no later moment.
	Until time.Time
	// Reason and By are what the person who made it wrote, and the ARN of the caller that person had. The parameter's
	// writer chooses both freely: CloudTrail's PutParameter event is the proof of who wrote it.
	Reason, By string
}

// content is a parameter's value.
type content struct {
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
}

// Parse returns the window of a parameter. written is SSM's LastModifiedDate: the window ends at the earlier of what
// the value says and [Longest] after written. The error names the target. A parameter that cannot be parsed is no
// window, so that the guard corrects.
func Parse(target, value string, written time.Time) (Window, error) {
	var c content
	if err := json.Unmarshal([]byte(value), &c); err != nil {
		return Window{}, fmt.Errorf("the window of %s: %w", target, err)
	}
	switch {
	case c.Until.IsZero():
		return Window{}, fmt.Errorf("the window of %s: %w", target, errors.New("no end"))
	case written.IsZero():
		return Window{}, fmt.Errorf("the window of %s: %w", target, errors.New("no time of modification"))
	}
	w := Window{Target: target, Until: c.Until, Reason: printable(c.Reason), By: printable(c.By)}
	if latest := written.Add(Longest); latest.Before(w.Until) {
		w.Until = latest
	}
	return w, nil
}

// printable shortens a text that anybody with access to the parameter may have written to [MaxReason] bytes, and
// replaces what could add a line to a log or control a terminal.
func printable(text string) string {
	if len(text) > MaxReason {
		text = text[:MaxReason]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
}

// Value returns the text of the window's parameter.
func (w Window) Value() string {
	// Encoding a time and two strings fails only for a year of five digits, which Check refuses.
	text, _ := json.Marshal(content{Until: w.Until.UTC().Truncate(time.Second), Reason: w.Reason, By: w.By})
	return string(text)
}

// Check returns why a new window must not be made at this time, for the person who wants it; nil if it may.
func (w Window) Check(now time.Time) error {
	switch {
	case !w.Until.After(now):
		return fmt.Errorf("the window would have ended at %s, and it is %s now", stamp(w.Until), stamp(now))
	case w.Until.After(now.Add(Longest)):
		return fmt.Errorf("a window lasts a day at most, until %s: the guard ignores what is after that", stamp(now.Add(Longest)))
	case strings.TrimSpace(w.Reason) == "":
		return errors.New("a window needs a reason: the guard tells it to those who see the drift")
	case len(w.Reason) > MaxReason:
		return fmt.Errorf("the reason has %d bytes, at most %d are allowed", len(w.Reason), MaxReason)
	case w.Reason != printable(w.Reason):
		return errors.New("the reason must be one line of printable characters")
	case strings.Contains(w.Reason, "{{"):
		return errors.New(`the reason contains "{{", which SSM does not store in a parameter`)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Active reports whether the window has not ended.
func (w Window) Active(now time.Time) bool { return now.Before(w.Until) }

// Active returns the window of a target that has not ended, and whether there is one.
func Active(windows []Window, target string, now time.Time) (Window, bool) {
	for _, w := range windows {
		if w.Target == target && w.Active(now) {
			return w, true
		}
	}
	return Window{}, false
}
