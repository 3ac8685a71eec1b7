package endtoend_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/events"
)

// called returns a CloudTrail event of a call, changed by change.
func (s *scene) called(name string, change func(event, detail events.Event)) events.Event {
	detail := events.Event{
		"eventVersion": "1.11", "eventName": name, "eventSource": "s3.amazonaws.com", "eventTime": s.Clock.Now().Format(time.RFC3339),
		"eventID": "00000000-1111-4222-8333-444444444444", "awsRegion": "eu-central-1", "recipientAccountId": "111122223333",
		"userIdentity":    map[string]any{"type": "IAMUser", "arn": s.Admin().Principal, "accountId": "111122223333"},
		"sourceIPAddress": "198.51.100.7", "userAgent": "test", "requestParameters": map[string]any{"bucketName": s.bucket},
	}
	e := events.Event{
		"version": "0", "id": "55555555-6666-4777-8888-999999999999", "account": "111122223333", "region": "eu-central-1",
		"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "resources": []any{}, "time": s.Clock.Now().Format(time.RFC3339),
	}
	if change != nil {
		change(e, detail)
	}
	e["detail"] = map[string]any(detail)
	return e
}

const everybody = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}`

// forgeries are events without a real call that match a rule.
var forgeries = map[string]func(*scene) events.Event{
	"of a policy that is not live": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(_, detail events.Event) {
			detail["requestParameters"] = map[string]any{"bucketName": s.bucket, "bucketPolicy": json.RawMessage(everybody)}
		})
	},
	"of another account": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(event, detail events.Event) {
			event["account"], detail["recipientAccountId"] = "444455556666", "444455556666"
		})
	},
	"with wrong types everywhere": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(event, detail events.Event) {
			detail["userIdentity"], detail["eventTime"], detail["eventID"] = "root", 12, []any{1}
			detail["sourceIPAddress"], detail["userAgent"] = map[string]any{"a": "b"}, nil
			event["time"], event["id"] = map[string]any{}, 7
		})
	},
	"of a time that is no time": func(s *scene) events.Event {
		return s.called("DeleteBucketPolicy", func(_, detail events.Event) { detail["eventTime"] = "0000-99-99T99:99:99Z" })
	},
	"of the far future": func(s *scene) events.Event {
		return s.called("DeleteBucketPolicy", func(_, detail events.Event) { detail["eventTime"] = "9998-01-01T00:00:00Z" })
	},
	"with 200 KB of user agent": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(_, detail events.Event) { detail["userAgent"] = strings.Repeat("\x00\n\"x", 50<<10) })
	},
	"of our own stack being deleted": func(s *scene) events.Event {
		return events.Event{
			"source": "aws.cloudformation", "detail-type": "CloudFormation Stack Status Change",
			"detail": map[string]any{"stack-id": s.stack.ID(), "status-details": map[string]any{"status": "DELETE_IN_PROGRESS"}},
		}
	},
}

// A forged event makes the guard read the state, and only the read decides.
func TestAForgedEventIsNotBelieved(t *testing.T) {
	t.Parallel()
	for name, forge := range forgeries {
		t.Run(name+", nothing drifted", func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			r := s.watch(func() { s.must(s.Events.Put(forge(s))) })
			r.runs(t, 1)
			r.wrote(t)
			if diff := cmp.Diff(wave["Interface"], r.names()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			s.isDesired()
		})
		t.Run(name+", something drifted", func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.Events.Disturb(lose)
			s.must(s.deletesBucketPolicy())
			r := s.watch(func() { s.must(s.Events.Put(forge(s))) })
			r.runs(t, 1)
			r.wrote(t, "PutBucketPolicy")
			s.isDesired()
			if len(r.messages) != 1 {
				t.Errorf("%d messages, want 1", len(r.messages))
			}
		})
	}
}

// For all payloads, a direct invocation reads, corrects, and answers.
func TestAPayloadOfAnyKindMakesTheGuardLook(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"nothing":                  ``,
		"null":                     `null`,
		"an empty object":          `{}`,
		"the console's own":        `{"key1":"value1","key2":"value2"}`,
		"a list":                   `[1,2,3]`,
		"a number":                 `1e999`,
		"text":                     `"what?"`,
		"not JSON":                 `{"a":`,
		"half a character":         "\"\xff\xfe\"",
		"five megabytes":           `{"a":"` + strings.Repeat("x", 5<<20) + `"}`,
		"ten thousand deep":        strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"a detail of a wrong type": `{"detail-type":"AWS API Call via CloudTrail","detail":"none"}`,
		"lines for the log":        `{"x":"\n{\"level\":\"INFO\",\"message\":\"already as desired\"}\n"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.Events.Disturb(lose)
			s.must(s.deletesBucketPolicy())
			r := s.watch(func() { s.invoke(payload) })
			r.runs(t, 1)
			r.wrote(t, "PutBucketPolicy")
			s.isDesired()
			for _, line := range r.lines {
				if line.Fields == nil || len(line.Text) > 256<<10 {
					t.Errorf("a log line of %d bytes, want a JSON object of at most 256 KB: %.200s", len(line.Text), line.Text)
				}
			}
		})
	}
}
