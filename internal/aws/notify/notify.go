// Package notify tells people about corrections: one SNS message for each record, readable by a person first, with
// the record as JSON below. Records of the same kind that follow in quick succession are summed up.
//
// It makes one SNS call with the AWS SDK.
package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"s3-endpoint-guard/internal/guard"
	"s3-endpoint-guard/internal/iampolicy"
)

// API has the call that [Topic] makes.
type API interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// quietFor is how long the same unchanged state is not told again.
const quietFor = time.Hour

// Pauses after a message, in which further records of its kind are counted and not sent: from the first to the longest,
// each twice the one before for as long as there is something to sum up.
const (
	firstPause   = time.Minute
	longestPause = time.Hour
)

// Topic is the SNS topic to which records go. It may be used by several goroutines at once.
//
// The first record of a kind is told at once. More of the kind are counted for a minute, and then told by one message
// with the latest record and the count; the pause doubles to an hour while it goes on. Drift that stays as it is
// (observed, stood down, not corrected) is met by every sweep: it is told when it appears, and then once an hour.
//
// What has been told and counted is remembered by this process only. A cold start may tell a state again; a process that
// ends takes its counts with it, and then the log and the metrics are what accounts for those records.
type Topic struct {
	API API
	// ARN is the topic's ARN.
	ARN string
	// Now is the clock.
	Now func() time.Time

	mu   sync.Mutex
	told map[kind]*telling
}

// kind is what two records have in common of which one announces the other.
type kind struct {
	resource string
	outcome  guard.Outcome
	verdict  iampolicy.Verdict
	missing  bool
}

func kindOf(r guard.Record) kind { return kind{r.Resource, r.Outcome, r.Verdict, r.Missing} }

// telling is what was told of a kind.
type telling struct {
	// at is when it was last told, before the live state that it was told of.
	at     time.Time
	before string
	// pause is how long after that further records are counted.
	pause time.Duration
	// over is true once a run met no drift of the resource.
	over bool
	// waiting is the latest record that was counted and not told, with how many it stands for beside itself; first is
	// when the first of them came.
	waiting *guard.Record
	first   time.Time
}

// Publish sends a record's message, or counts the record: see [Topic].
func (t *Topic) Publish(ctx context.Context, record guard.Record) error {
	record, due := t.due(record)
	if !due {
		return nil
	}
	return t.send(ctx, record)
}

// SumUp sends the messages that are due of records that were counted. It is called once in every run.
func (t *Topic) SumUp(ctx context.Context) error {
	var failures []error
	for _, record := range t.counted() {
		failures = append(failures, t.send(ctx, record))
	}
	return errors.Join(failures...)
}

func (t *Topic) send(ctx context.Context, record guard.Record) error {
	_, err := t.API.Publish(ctx, &sns.PublishInput{
		TopicArn: &t.ARN, Subject: aws.String(Subject(record)), Message: aws.String(Message(record)),
	})
	if err != nil {
		return fmt.Errorf("notifying of %s: topic %s: %w", record.Resource, t.ARN, err)
	}
	t.remember(record)
	return nil
}

// Forget says which records a run has: drift of every other resource is over.
func (t *Topic) Forget(records []guard.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	still := make(map[string]bool, len(records))
	for _, r := range records {
		still[r.Resource] = true
	}
	for k, last := range t.told {
		last.over = last.over || !still[k.resource]
		if last.over && last.waiting == nil && !last.goesOn(t.Now()) {
			delete(t.told, k)
		}
	}
}

// due decides whether a record is told now, and how many it stands for then.
func (t *Topic) due(record guard.Record) (guard.Record, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.told[kindOf(record)]
	if last == nil {
		return record, true
	}
	age := t.Now().Sub(last.at)
	stays := !record.Outcome.IsOver() && !last.over && last.before == record.Before
	if stays && last.waiting == nil {
		return record, age >= quietFor
	}
	record.Repeats = last.repeats()
	if age >= last.pause {
		return record, true
	}
	if last.waiting == nil {
		last.first = t.Now()
	}
	last.waiting = &record
	return record, false
}

// goesOn reports whether a message now would follow the last one so soon that the pause grows.
func (l *telling) goesOn(now time.Time) bool { return now.Sub(l.at) < 2*l.pause }

// repeats is what a record stands for that follows the one that waits; nil where none does.
func (l *telling) repeats() *guard.Repeats {
	switch {
	case l.waiting == nil:
		return nil
	case l.waiting.Repeats == nil:
		return &guard.Repeats{More: 1, Since: l.first.UTC()}
	default:
		return &guard.Repeats{More: l.waiting.Repeats.More + 1, Since: l.first.UTC()}
	}
}

// counted are the records that wait and are due.
func (t *Topic) counted() []guard.Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	var due []guard.Record
	for _, last := range t.told {
		if last.waiting != nil && t.Now().Sub(last.at) >= last.pause {
			due = append(due, *last.waiting)
		}
	}
	return due
}

func (t *Topic) remember(record guard.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pause := firstPause
	if last := t.told[kindOf(record)]; last != nil && last.goesOn(t.Now()) {
		pause = min(2*last.pause, longestPause)
	}
	if t.told == nil {
		t.told = make(map[kind]*telling)
	}
	t.told[kindOf(record)] = &telling{at: t.Now(), before: record.Before, pause: pause}
}
