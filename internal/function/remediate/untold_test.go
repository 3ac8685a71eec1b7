package remediate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"s3-endpoint-guard/internal/aws/notify"
)

// slowSNS takes a tenth of a second for each message.
type slowSNS struct {
	messages int
	err      error
}

func (s *slowSNS) Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error) {
	time.Sleep(100 * time.Millisecond)
	if s.err != nil {
		return nil, s.err
	}
	s.messages++
	return &sns.PublishOutput{}, nil
}

// Corrections of which nobody could be told do not all come at once when SNS is there again.
func TestWhatCouldNotBeToldFloodsNobody(t *testing.T) {
	bubble(t, "", func(t *testing.T, h *harness) {
		topic := &slowSNS{err: errors.New("InternalError")}
		h.Notify = &notify.Topic{API: topic, ARN: "t", Now: h.Now}
		for range 20 {
			h.bucket.policy = publicPolicy
			if _, err := h.invoke(t, []byte(`{}`)); err == nil {
				t.Fatal("Invoke = nil while nobody can be told, want an error")
			}
		}
		topic.err = nil
		for range 20 {
			if _, err := h.invoke(t, []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if topic.messages != 2 {
			t.Errorf("%d messages of 20 corrections, want the first at once and the sum of the others", topic.messages)
		}
	})
}
