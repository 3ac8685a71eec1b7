// Package history reads the records of the guard's log: what was corrected, and what would have been. It is for the command
// line, and imports guard, iampolicy and the standard library only.
package history

import (
	"encoding/json"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
)

// Entry is one record in the guard's log.
type Entry struct {
	// Time is when the line was logged.
	Time time.Time `json:"time"`
	// RequestID is the id of the run. A run has one record for each drifted property of each resource.
	RequestID string `json:"requestId"`
	// BeforeBytes is the size of the before-image.
	BeforeBytes int `json:"beforeBytes"`
	guard.Record
}

// Pattern is CloudWatch Logs' filter pattern of the records: the lines about one resource. Lines about a run without drift, and
// those of other parts of the function, have no resource.
const Pattern = `{ $.resource = "*" }`

// PatternOf returns the filter pattern of the records that have these values; "" selects all. The texts must have no quote and no
// backslash, as ids and names have none.
func PatternOf(requestID, property, target string) string {
	conditions := []string{`$.resource = "*"`}
	for _, c := range []struct{ name, value string }{{"requestId", requestID}, {"resource", property}, {"target", target}} {
		if c.value != "" {
			conditions = append(conditions, `$.`+c.name+` = "`+c.value+`"`)
		}
	}
	return "{ " + strings.Join(conditions, " && ") + " }"
}

// Parse reads a line that was logged at a time, and reports whether it is a record.
func Parse(line string, at time.Time) (Entry, bool) {
	var e struct {
		Entry
		ID string `json:"requestId"`
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.Resource == "" || e.Outcome == "" || e.Trigger.Kind == "" {
		return Entry{}, false
	}
	e.Time, e.RequestID, e.BeforeBytes = at.UTC(), e.ID, len(e.Before)
	e.Record.RequestID = e.ID
	return e.Entry, true
}

// Open returns how long the drift lasted, as far as the record says: from the event to the verified correction, and whether
// that is known. Without an event only the time from the run's start is known.
func (e Entry) Open() (d time.Duration, known bool) {
	if e.SinceEventMs > 0 {
		return time.Duration(e.SinceEventMs) * time.Millisecond, true
	}
	return time.Duration(e.ElapsedMs) * time.Millisecond, false
}

// Who returns the actor that the record names: an ARN, or what stands for one; "" for none.
func (e Entry) Who() string {
	switch a := e.Actor; {
	case a == nil:
		return ""
	case a.ARN != "":
		return a.ARN
	case a.AccountID != "":
		return "account " + a.AccountID
	case a.InvokedBy != "":
		return a.InvokedBy
	default:
		return a.SourceIPAddress
	}
}

// Image returns the state before the correction, and why it cannot be put back as it stands in the record; "" if it can.
func (e Entry) Image() (text, why string) {
	switch {
	case e.Unread != "":
		return "", "the guard could not read the state before it wrote: " + e.Unread
	case guard.IsTruncated(e.Before):
		return "", "the log has only a part of the state before"
	case e.Outcome != guard.Corrected && e.Outcome != guard.Ended:
		return "", "the guard did not change it: " + string(e.Outcome)
	}
	return e.Before, ""
}
