// Package notify sends notifications about corrections: one SNS message per record, as text for e-mail or as a custom
// notification of Amazon Q Developer in chat applications. Records of the same kind in quick succession are combined.
//
// It makes one SNS call, with awscall.
package notify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// quietFor is the time for which the same unchanged state is not reported again.
const quietFor = time.Hour

// Pauses after a message, in which further records of its kind are counted and not sent. Each pause is twice the one
// before, up to longestPause, as long as there are records to combine.
const (
	firstPause   = time.Minute
	longestPause = time.Hour
)

// Topic sends records to an SNS topic. It is safe for concurrent use.
//
// It sends the first record of a kind at once. Further records of that kind are counted for a minute, then sent as one
// message with the latest record and the count; the pause doubles up to an hour while records continue. Unchanged drift
// (observed, stood down, not corrected) is found by each sweep: it is reported at first, and then once an hour.
//
// Only this process remembers what it has sent and counted. After a cold start a state may be reported again. When a
// process ends, its counts are lost; the log and the metrics still contain those records.
type Topic struct {
	SNS awscall.Caller
	// ARN is the topic's ARN.
	ARN string
	// Format is the format of the messages' bodies.
	Format Format
	// Origin is what messages say beyond their records.
	Origin Origin
	// Now returns the current time.
	Now func() time.Time

	mu   sync.Mutex
	told map[kind]*telling
	// threads has the chat thread of each property's drift that is not over.
	threads map[guard.Key]string
}

// kind identifies records of which one message can represent several.
type kind struct {
	property guard.Key
	outcome  guard.Outcome
	verdict  iampolicy.Verdict
	missing  bool
}

func kindOf(r guard.Record) kind { return kind{r.Key(), r.Outcome, r.Verdict, r.Missing} }

// stateOf returns the hash of the live state that a record names. The states themselves would be too much to remember.
func stateOf(r guard.Record) [sha256.Size]byte { return sha256.Sum256([]byte(r.Before)) }

// telling is the state of the messages of one kind.
type telling struct {
	// at is when the last message was sent, before is the hash of the live state in it.
	at     time.Time
	before [sha256.Size]byte
	// pause is the time after at in which further records are counted.
	pause time.Duration
	// over is true after a run that found no drift of the resource.
	over bool
	// waiting is the latest counted record that was not sent; its Repeats counts the others. first is when the first of
	// them was counted.
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

// SumUp sends the due messages for counted records. Call it once in each run.
func (t *Topic) SumUp(ctx context.Context) error {
	var failures []error
	for _, record := range t.counted() {
		failures = append(failures, t.send(ctx, record))
	}
	return errors.Join(failures...)
}

func (t *Topic) send(ctx context.Context, record guard.Record) error {
	m := Message{Record: record, Origin: t.Origin, Time: t.Now(), Thread: t.thread(record)}
	var published struct {
		XMLName xml.Name `xml:"PublishResponse"`
	}
	if err := t.SNS.Call(ctx, "Publish", m.form(t.ARN, t.Format), &published); err != nil {
		return fmt.Errorf("notifying of %s: topic %s: %w", record.Subject(), t.ARN, err)
	}
	t.remember(record, m.Thread)
	return nil
}

// form returns the message as SNS takes it.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
func (m Message) form(topic string, format Format) url.Values {
	form := url.Values{"TopicArn": {topic}, "Subject": {m.Subject()}, "Message": {m.Body(format)}}
	attributes := m.Attributes()
	for i, name := range slices.Sorted(maps.Keys(attributes)) {
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", i+1)
		form.Set(entry+"Name", name)
		form.Set(entry+"Value.DataType", "String")
		form.Set(entry+"Value.StringValue", attributes[name])
	}
	return form
}

// Forget takes a run's report: the drift of what was inspected and has no record is over.
func (t *Topic) Forget(report guard.Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	over := make(map[guard.Key]bool, len(report.AsDesired)+len(report.Inspected))
	for _, f := range report.AsDesired {
		over[f.Key()] = true
	}
	for _, k := range report.Inspected { // a resource that could not be inspected has records of its own
		over[k] = true
	}
	for _, r := range report.Records {
		over[r.Key()] = false
	}
	maps.DeleteFunc(t.threads, func(property guard.Key, _ string) bool { return over[property] })
	for k, last := range t.told {
		last.over = last.over || over[k.property]
		if last.over && last.waiting == nil && !last.goesOn(t.Now()) {
			delete(t.told, k)
		}
	}
}

// due reports whether to send a record now, and returns it with the records that it represents.
func (t *Topic) due(record guard.Record) (guard.Record, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.told[kindOf(record)]
	if last == nil {
		return record, true
	}
	age := t.Now().Sub(last.at)
	stays := !record.Outcome.IsOver() && !last.over && last.before == stateOf(record)
	if stays && last.waiting == nil {
		return record, age >= quietFor
	}
	record.Repeats = last.repeats(record.Repeats)
	if age >= last.pause {
		return record, true
	}
	if last.waiting == nil {
		last.first = t.Now()
	}
	last.waiting = &record
	return record, false
}

// goesOn reports whether a message now would be so soon after the last one that the pause grows.
func (l *telling) goesOn(now time.Time) bool { return now.Sub(l.at) < 2*l.pause }

// repeats returns the records that the next record represents in addition to itself: those that wait, and those that it represents
// already; nil if there are none.
func (l *telling) repeats(already *guard.Repeats) *guard.Repeats {
	if l.waiting == nil {
		return already
	}
	all := guard.Repeats{More: 1, Since: l.first.UTC()}
	for _, more := range []*guard.Repeats{l.waiting.Repeats, already} {
		if more != nil {
			all.More += more.More
		}
	}
	return &all
}

// counted returns the waiting records that are due.
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

// thread returns the chat thread of a record: it begins with the first message about drift of a resource, and its last
// message is that the drift is over.
func (t *Topic) thread(record guard.Record) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id, ok := t.threads[record.Key()]; ok {
		return id
	}
	return joined("/", cmp.Or(t.Origin.Bucket, record.Target), record.Resource, t.Now().UTC().Format(time.RFC3339Nano))
}

func (t *Topic) remember(record guard.Record, thread string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if record.Outcome.IsOver() {
		delete(t.threads, record.Key())
	} else {
		if t.threads == nil {
			t.threads = make(map[guard.Key]string)
		}
		t.threads[record.Key()] = thread
	}
	pause := firstPause
	if last := t.told[kindOf(record)]; last != nil && last.goesOn(t.Now()) {
		pause = min(2*last.pause, longestPause)
	}
	if t.told == nil {
		t.told = make(map[kind]*telling)
	}
	t.told[kindOf(record)] = &telling{at: t.Now(), before: stateOf(record), pause: pause}
}
