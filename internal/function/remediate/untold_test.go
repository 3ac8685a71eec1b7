package remediate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/notify"
)

// slowSNS is a fake SNS that takes 100 ms per message.
type slowSNS struct {
	messages int
	err      error
}

func (s *slowSNS) Call(context.Context, string, any, any) error {
	time.Sleep(100 * time.Millisecond)
	if s.err != nil {
		return s.err
	}
	s.messages++
	return nil
}

// When SNS works again, the messages about earlier corrections are not sent all at once.
func TestWhatCouldNotBeToldFloodsNobody(t *testing.T) {
	bubble(t, "", func(t *testing.T, h *harness) {
		topic := &slowSNS{err: errors.New("InternalError")}
		h.Notify = &notify.Topic{SNS: topic, ARN: "t", Now: h.Now}
		for range 20 {
			h.bucket.policy = publicPolicy
			if _, err := h.invoke(t, []byte(`{}`)); err == nil {
				t.Fatal("Invoke = nil although SNS fails, want an error")
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
			t.Errorf("%d messages for 20 corrections, want 2: the first one, and a summary of the others", topic.messages)
		}
	})
}
