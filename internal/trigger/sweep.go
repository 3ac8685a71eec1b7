package trigger

import (
	"encoding/json"
	"time"
)

// scheduled is the detail type of a schedule's event, and of the messages between two of them.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
const scheduled = "Scheduled Event"

// IsSchedule reports whether a payload is the schedule's own event. A message or a record that contains such an event is
// not: only the schedule's run sends messages, so that messages cannot multiply.
func IsSchedule(payload []byte) bool {
	var e envelope
	decode(payload, &e)
	return e.DetailType == scheduled
}

// SweepMessage returns the body of a message that starts a sweep: the event of the schedule that has sent it, with the time
// at which the sweep is due.
func SweepMessage(schedule []byte, due time.Time) string {
	var e envelope
	decode(schedule, &e)
	// Encoding a map of strings cannot fail.
	body, _ := json.Marshal(map[string]string{
		"id": field(e.ID), "detail-type": scheduled, "time": due.UTC().Format(time.RFC3339Nano),
	})
	return string(body)
}

// SweepDue returns when the sweep of a batch of messages is due: the latest time in them. ok is false if the payload has
// anything else, or no time.
func SweepDue(payload []byte) (due time.Time, ok bool) {
	var batch envelope
	decode(payload, &batch)
	for _, r := range batch.Records {
		var e envelope
		decode([]byte(r.Body), &e)
		at := instant(e.Time)
		if r.EventSource != "aws:sqs" || e.DetailType != scheduled || at.IsZero() {
			return time.Time{}, false
		}
		if at.After(due) {
			due = at
		}
	}
	return due, len(batch.Records) > 0
}
