package notify_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/notify"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// fakeSNS records the subjects of its messages.
type fakeSNS struct {
	subjects []string
	// repeats is the part of the latest message that says which other records it represents.
	repeats string
	// inputs are the messages as sent.
	inputs []url.Values
	err    error
}

var standsFor = regexp.MustCompile(`also covers (.*)\. Each`)

func (f *fakeSNS) Call(_ context.Context, operation string, in, out any) error {
	if f.err != nil {
		return f.err
	}
	form, ok := in.(url.Values)
	if !ok || operation != "Publish" {
		return fmt.Errorf("asked for %s with %v", operation, in)
	}
	f.subjects, f.repeats, f.inputs = append(f.subjects, form.Get("Subject")), "", append(f.inputs, form)
	if found := standsFor.FindStringSubmatch(form.Get("Message")); found != nil {
		f.repeats = found[1]
	}
	return xml.Unmarshal([]byte(`<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`), out)
}

// newTopic returns a topic and its clock, which only the test changes.
func newTopic() (*notify.Topic, *fakeSNS, *time.Time) {
	fake, now := &fakeSNS{}, time.Unix(0, 0)
	return &notify.Topic{SNS: fake, ARN: "arn:aws:sns:eu-central-1:111122223333:t", Now: func() time.Time { return now }}, fake, &now
}

// drift returns a record of open drift of one property.
func drift(outcome guard.Outcome, property, live string) guard.Record {
	return guard.Record{Outcome: outcome, Resource: property, Target: "docs", Verdict: iampolicy.Open, Before: live}
}

// publish publishes records as one run does.
func publish(t *testing.T, topic *notify.Topic, records ...guard.Record) {
	t.Helper()
	report := guard.Report{Records: records}
	for _, property := range []string{"bucket-policy", "public-access-block", "ownership-controls", "subnets", "private-dns", "endpoint-policy"} {
		if !slices.ContainsFunc(records, func(r guard.Record) bool { return r.Resource == property }) {
			report.AsDesired = append(report.AsDesired, guard.Finding{Property: property, Target: "docs"})
		}
	}
	topic.Forget(report)
	for _, r := range records {
		if err := topic.Publish(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := topic.SumUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// sweeps makes a run without drift each minute.
func sweeps(t *testing.T, topic *notify.Topic, now *time.Time, minutes int) {
	t.Helper()
	for range minutes {
		*now = now.Add(time.Minute)
		publish(t, topic)
	}
}

func TestManyCorrectionsAreToldAtOnceAndThenSummedUp(t *testing.T) {
	topic, fake, now := newTopic()
	for range 132 { // within 8 seconds
		publish(t, topic, drift(guard.Corrected, "bucket-policy", "x"))
		*now = now.Add(60 * time.Millisecond)
	}
	if len(fake.subjects) != 1 {
		t.Errorf("%d messages at once, want only the first: %q", len(fake.subjects), fake.subjects)
	}
	sweeps(t, topic, now, 60)
	if len(fake.subjects) != 2 || fake.repeats != "130 records of this kind since 1970-01-01T00:00:00Z" {
		t.Errorf("%d messages in total, the last also for %q, want 2, the last also for 130 others", len(fake.subjects), fake.repeats)
	}
	publish(t, topic, drift(guard.Corrected, "bucket-policy", "x"))
	if len(fake.subjects) != 3 || fake.repeats != "" {
		t.Errorf("%d messages, the last for %q, want one message for the later correction, at once", len(fake.subjects), fake.repeats)
	}
}

func TestWhatGoesOnForLongIsToldLessAndLess(t *testing.T) {
	topic, fake, now := newTopic()
	for range 6 * 60 { // six hours, a correction each minute
		publish(t, topic, drift(guard.Corrected, "bucket-policy", "x"))
		*now = now.Add(time.Minute)
	}
	// After 0, 1, 3, 7, 15, 31 and 63 minutes, and then once an hour.
	if got := len(fake.subjects); got < 10 || got > 12 {
		t.Errorf("%d messages in six hours, want about 11", got)
	}
}

func TestASumThatWasNotDeliveredIsTriedAgain(t *testing.T) {
	topic, fake, now := newTopic()
	for range 3 {
		publish(t, topic, drift(guard.Corrected, "bucket-policy", "x"))
	}
	*now, fake.err = now.Add(2*time.Minute), errors.New("AuthorizationError")
	if err := topic.SumUp(t.Context()); err == nil {
		t.Error("SumUp = nil although SNS fails, want an error")
	}
	fake.err = nil
	sweeps(t, topic, now, 1)
	if len(fake.subjects) != 2 || fake.repeats == "" {
		t.Errorf("messages %q, the last for %q, want one message for all records", fake.subjects, fake.repeats)
	}
}

func TestDriftThatStaysIsToldOnceAnHour(t *testing.T) {
	for _, outcome := range []guard.Outcome{guard.Observed, guard.StandingDown, guard.NotCorrected, guard.Refused} {
		t.Run(string(outcome), func(t *testing.T) {
			topic, fake, now := newTopic()
			for range 120 { // two hours of sweeps
				r := drift(outcome, "bucket-policy", "x")
				r.Error = "request id " + now.String() // another one each time
				publish(t, topic, r)
				*now = now.Add(time.Minute)
			}
			if len(fake.subjects) != 2 {
				t.Errorf("%d messages in two hours, want 2", len(fake.subjects))
			}
		})
	}
}

func TestNewsAreToldAtOnce(t *testing.T) {
	observed := drift(guard.Observed, "bucket-policy", "x")
	gone, closed := observed, observed
	gone.Missing, closed.Verdict = true, iampolicy.Closed
	for name, next := range map[string]guard.Record{
		"another outcome":   drift(guard.NotCorrected, "bucket-policy", "x"),
		"a harmless change": closed,
		"another property":  drift(guard.Observed, "subnets", "x"),
		"gone altogether":   gone,
	} {
		t.Run(name, func(t *testing.T) {
			topic, fake, _ := newTopic()
			publish(t, topic, observed)
			publish(t, topic, observed)
			publish(t, topic, next)
			if len(fake.subjects) != 2 {
				t.Errorf("%d messages, want 2: %q", len(fake.subjects), fake.subjects)
			}
		})
	}
}

// Drift that ends and returns, or that changes all the time, must not cause many messages either.
func TestDriftThatReturnsOrChangesIsToldWithinTwoMinutes(t *testing.T) {
	for name, again := range map[string]guard.Record{
		"the same returns":      drift(guard.Observed, "bucket-policy", "x"),
		"another one of a kind": drift(guard.Observed, "bucket-policy", "y"),
	} {
		t.Run(name, func(t *testing.T) {
			topic, fake, now := newTopic()
			publish(t, topic, drift(guard.Observed, "bucket-policy", "x"))
			publish(t, topic)
			publish(t, topic, again)
			if len(fake.subjects) != 1 {
				t.Errorf("%d messages at once, want 1", len(fake.subjects))
			}
			for range 2 {
				*now = now.Add(time.Minute)
				publish(t, topic, again)
			}
			if len(fake.subjects) != 2 {
				t.Errorf("%d messages after two minutes, want 2", len(fake.subjects))
			}
		})
	}
}

func TestAMessageThatWasNotDeliveredIsTriedAgain(t *testing.T) {
	topic, fake, _ := newTopic()
	fake.err = errors.New("AuthorizationError")
	err := topic.Publish(t.Context(), drift(guard.Observed, "bucket-policy", "x"))
	if want := "notifying of bucket-policy: topic arn:aws:sns:eu-central-1:111122223333:t: AuthorizationError"; err == nil || err.Error() != want {
		t.Errorf("Publish = %v, want %s", err, want)
	}
	fake.err = nil
	publish(t, topic, drift(guard.Observed, "bucket-policy", "x"))
	if diff := cmp.Diff([]string{"[s3-endpoint-guard] OPEN bucket-policy of docs: drift observed"}, fake.subjects); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// Ended drift is not a lasting state: each record of it is sent or counted.
func TestEndedDriftIsCounted(t *testing.T) {
	topic, fake, now := newTopic()
	for range 3 {
		publish(t, topic, drift(guard.Ended, "bucket-policy", "x"))
	}
	sweeps(t, topic, now, 2)
	if len(fake.subjects) != 2 || fake.repeats != "1 record of this kind since 1970-01-01T00:00:00Z" {
		t.Errorf("%d messages, the last also for %q, want two that report all three", len(fake.subjects), fake.repeats)
	}
}

// A thread has the messages about one resource until its drift is over.
func TestAThreadEndsWithTheDrift(t *testing.T) {
	topic, fake, now := newTopic()
	topic.Format, topic.Origin = notify.AmazonQ, origin
	failing, observed := drift(guard.NotCorrected, "bucket-policy", "x"), drift(guard.Observed, "bucket-policy", "x")
	corrected, other := drift(guard.Corrected, "bucket-policy", "x"), drift(guard.Observed, "subnets", "x")
	for _, run := range [][]guard.Record{{failing, other}, {observed, other}, {corrected}, {failing}, {}, {observed}} {
		publish(t, topic, run...)
		*now = now.Add(2 * time.Hour)
	}
	var threads []string
	for _, in := range fake.inputs {
		var n customNotification
		if err := json.Unmarshal([]byte(in.Get("Message")), &n); err != nil {
			t.Fatal(err)
		}
		threads = append(threads, n.Metadata.ThreadID)
	}
	const first, subnets = "docs-example/bucket-policy/1970-01-01T00:00:00Z", "docs-example/subnets/1970-01-01T00:00:00Z"
	want := []string{
		first, subnets, first, subnets, first, // the correction is the first thread's last message
		"docs-example/bucket-policy/1970-01-01T06:00:00Z",
		"docs-example/bucket-policy/1970-01-01T10:00:00Z", // a run between them found no drift
	}
	if diff := cmp.Diff(want, threads); diff != "" {
		t.Errorf("threads (-want +got):\n%s", diff)
	}
}

func TestMessagesAreSentWithTheirAttributes(t *testing.T) {
	topic, fake, _ := newTopic()
	topic.Origin = origin
	publish(t, topic, drift(guard.Observed, "bucket-policy", "x"))
	attributes := map[string]string{}
	form := fake.inputs[0]
	for i := 1; form.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", i)); i++ {
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		if form.Get(entry+"Value.DataType") != "String" {
			t.Errorf("%sValue.DataType is %q, want String", entry, form.Get(entry+"Value.DataType"))
		}
		attributes[form.Get(entry+"Name")] = form.Get(entry + "Value.StringValue")
	}
	want := map[string]string{
		"outcome": string(guard.Observed), "verdict": "open", "resource": "bucket-policy",
		"bucket": origin.Bucket, "account": origin.Account, "region": origin.Region,
	}
	if diff := cmp.Diff(want, attributes); diff != "" || form.Get("TopicArn") != topic.ARN {
		t.Errorf("topic %q, attributes (-want +got):\n%s", form.Get("TopicArn"), diff)
	}
}
