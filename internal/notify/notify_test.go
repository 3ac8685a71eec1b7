package notify_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"s3-endpoint-guard/internal/guard"
	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/internal/notify"
)

// fakeSNS remembers the subjects of its messages.
type fakeSNS struct {
	subjects []string
	err      error
}

func (f *fakeSNS) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	f.subjects = append(f.subjects, aws.ToString(in.Subject))
	return &sns.PublishOutput{}, nil
}

// newTopic is a topic whose clock stands still until somebody moves it.
func newTopic() (*notify.Topic, *fakeSNS, *time.Time) {
	fake, now := &fakeSNS{}, time.Unix(0, 0)
	return &notify.Topic{API: fake, ARN: "arn:aws:sns:eu-central-1:111122223333:t", Now: func() time.Time { return now }}, fake, &now
}

// drift is a record of open drift of one property.
func drift(outcome guard.Outcome, property, live string) guard.Record {
	return guard.Record{Outcome: outcome, Resource: property, Target: "docs", Verdict: iampolicy.Open, Before: live}
}

// publish publishes records as one run would.
func publish(t *testing.T, topic *notify.Topic, records ...guard.Record) {
	t.Helper()
	topic.Forget(records)
	for _, r := range records {
		if err := topic.Publish(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCorrectionsAreAlwaysTold(t *testing.T) {
	topic, fake, _ := newTopic()
	for range 3 {
		publish(t, topic, drift(guard.Corrected, "bucket-policy", "x"))
	}
	if len(fake.subjects) != 3 {
		t.Errorf("three equal corrections made %d messages, want 3", len(fake.subjects))
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
				t.Errorf("two hours made %d messages, want 2", len(fake.subjects))
			}
		})
	}
}

func TestNewsAreToldAtOnce(t *testing.T) {
	observed := drift(guard.Observed, "bucket-policy", "x")
	gone := observed
	gone.Missing = true
	for name, next := range map[string]guard.Record{
		"another outcome":    drift(guard.NotCorrected, "bucket-policy", "x"),
		"another live state": drift(guard.Observed, "bucket-policy", "y"),
		"another property":   drift(guard.Observed, "subnets", "x"),
		"gone altogether":    gone,
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

func TestDriftThatWentAndCameBackIsToldAgain(t *testing.T) {
	observed := drift(guard.Observed, "bucket-policy", "x")
	for name, between := range map[string][]guard.Record{
		"all as desired in between": {},
		"corrected in between":      {drift(guard.Corrected, "bucket-policy", "x")},
	} {
		t.Run(name, func(t *testing.T) {
			topic, fake, _ := newTopic()
			publish(t, topic, observed)
			publish(t, topic, between...)
			publish(t, topic, observed)
			if want := 2 + len(between); len(fake.subjects) != want {
				t.Errorf("%d messages, want %d", len(fake.subjects), want)
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
