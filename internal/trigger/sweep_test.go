package trigger_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/trigger"
)

// schedule is the schedule's event of testdata.
func schedule(t *testing.T) []byte {
	t.Helper()
	event, err := os.ReadFile("testdata/scheduled.json")
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// batch is what a queue's messages with these bodies invoke a function with.
func batch(source string, bodies ...string) []byte {
	var records []map[string]string
	for _, body := range bodies {
		records = append(records, map[string]string{"eventSource": source, "body": body})
	}
	payload, _ := json.Marshal(map[string]any{"Records": records})
	return payload
}

func TestASweepMessageIsDueAtItsTime(t *testing.T) {
	first := time.Date(2026, 5, 4, 8, 1, 5, 250e6, time.UTC)
	one, two := trigger.SweepMessage(schedule(t), first), trigger.SweepMessage(schedule(t), first.Add(5*time.Second))
	for name, v := range map[string]struct {
		payload []byte
		want    time.Time
	}{
		"one message":                          {batch("aws:sqs", one), first},
		"two messages, the later one first":    {batch("aws:sqs", two, one), first.Add(5 * time.Second)},
		"the schedule's own event":             {schedule(t), time.Time{}},
		"no message":                           {batch("aws:sqs"), time.Time{}},
		"a message of another service":         {batch("aws:kinesis", one), time.Time{}},
		"one that is not a sweep":              {batch("aws:sqs", one, `{"detail-type":"AWS API Call via CloudTrail"}`), time.Time{}},
		"one without a time":                   {batch("aws:sqs", one, `{"detail-type":"Scheduled Event"}`), time.Time{}},
		"one with a time that cannot be right": {batch("aws:sqs", `{"detail-type":"Scheduled Event","time":"0001-01-01T00:00:00Z"}`), time.Time{}},
		"no JSON":                              {[]byte(`{`), time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			if due, ok := trigger.SweepDue(v.payload); !due.Equal(v.want) || ok != !v.want.IsZero() {
				t.Errorf("SweepDue = %s, %t, want %s", due, ok, v.want)
			}
		})
	}
}

func TestASweepMessageStartsASweep(t *testing.T) {
	due := time.Date(2026, 5, 4, 8, 1, 5, 0, time.UTC)
	want := guard.Trigger{Kind: guard.Sweep, EventID: trigger.Parse(schedule(t)).EventID, EventTime: due}
	if diff := cmp.Diff(want, trigger.Parse(batch("aws:sqs", trigger.SweepMessage(schedule(t), due)))); diff != "" {
		t.Errorf("Parse of a sweep's message (-want +got):\n%s", diff)
	}
}

func TestOnlyTheSchedulesOwnEventIsASchedule(t *testing.T) {
	event := schedule(t)
	failed, _ := json.Marshal(map[string]any{"requestPayload": json.RawMessage(event)})
	for name, v := range map[string]struct {
		payload []byte
		want    bool
	}{
		"the event":                    {event, true},
		"a message with it":            {batch("aws:sqs", string(event)), false},
		"a message of its run":         {batch("aws:sqs", trigger.SweepMessage(event, time.Now())), false},
		"the record of its failed run": {failed, false},
		"a message with both":          {batch("aws:sqs", string(failed)), false},
		"an invocation by hand":        {nil, false},
		"what nobody understands":      {[]byte(`[1]`), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := trigger.IsSchedule(v.payload); got != v.want {
				t.Errorf("IsSchedule(%s) = %t, want %t", v.payload, got, v.want)
			}
		})
	}
}
