// Package notify tells people about corrections: one SNS message for each record, readable by a person first, with
// the record as JSON below.
//
// It makes one SNS call with the AWS SDK.
package notify

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"s3-endpoint-guard/internal/guard"
)

// API has the call that [Topic] makes.
type API interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// quietFor is how long the same unchanged state is not told again.
const quietFor = time.Hour

// Topic is the SNS topic to which records go. It may be used by several goroutines at once.
//
// Corrections are always told. Drift that stays (observed, stood down, not corrected) is met by every sweep: it is told
// when it appears or changes, and then once an hour. What has been told is remembered by this process only, so that a
// cold start may tell it again.
type Topic struct {
	API API
	// ARN is the topic's ARN.
	ARN string
	// Now is the clock.
	Now func() time.Time

	mu   sync.Mutex
	told map[string]telling
}

// telling is what was last told of a resource, and when.
type telling struct {
	digest [sha256.Size]byte
	at     time.Time
}

// Publish sends a record's message, unless the same was told within the hour.
func (t *Topic) Publish(ctx context.Context, record guard.Record) error {
	digest := digest(record)
	if !t.due(record, digest) {
		return nil
	}
	_, err := t.API.Publish(ctx, &sns.PublishInput{
		TopicArn: &t.ARN, Subject: aws.String(Subject(record)), Message: aws.String(Message(record)),
	})
	if err != nil {
		return fmt.Errorf("notifying of %s: topic %s: %w", record.Resource, t.ARN, err)
	}
	t.remember(record, digest)
	return nil
}

// Forget forgets what was told of every resource that is not among the given records: its drift is over, and the next
// one is told at once.
func (t *Topic) Forget(records []guard.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	still := make(map[string]bool, len(records))
	for _, r := range records {
		still[r.Resource] = true
	}
	for resource := range t.told {
		if !still[resource] {
			delete(t.told, resource)
		}
	}
}

func (t *Topic) due(record guard.Record, digest [sha256.Size]byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, ok := t.told[record.Resource]
	return record.Outcome == guard.Corrected || !ok || last.digest != digest || t.Now().Sub(last.at) >= quietFor
}

func (t *Topic) remember(record guard.Record, digest [sha256.Size]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if record.Outcome == guard.Corrected {
		delete(t.told, record.Resource)
		return
	}
	if t.told == nil {
		t.told = make(map[string]telling)
	}
	t.told[record.Resource] = telling{digest, t.Now()}
}

// digest is over what makes two records the same news: what came of which state. The error's text is left out, for
// it has a request id in it, and so are the trigger and the times.
func digest(r guard.Record) [sha256.Size]byte {
	text, err := json.Marshal([]any{r.Outcome, r.Resource, r.Verdict, r.Before, r.Missing})
	if err != nil {
		text = nil // strings and a bool always encode
	}
	return sha256.Sum256(text)
}
