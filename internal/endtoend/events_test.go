package endtoend_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"s3-endpoint-guard/internal/localaws/api"
	"s3-endpoint-guard/internal/localaws/events"
	"s3-endpoint-guard/internal/localaws/lambda"
	"s3-endpoint-guard/internal/localaws/s3"
)

// runs fails the test unless the guard ran that often, without a failure.
func (r report) runs(t *testing.T, want int) {
	t.Helper()
	if len(r.invocations) != want || len(r.failures()) != 0 {
		t.Errorf("%d runs of which %d failed, want %d and none:\n%s", len(r.invocations), len(r.failures()), want, r.log())
	}
}

// wrote fails the test unless the guard made just these writes.
func (r report) wrote(t *testing.T, want ...string) {
	t.Helper()
	if got := r.writes(); !slices.Equal(got, want) {
		t.Errorf("writes %q, want %q:\n%s", got, want, r.log())
	}
}

func TestALostEventIsMadeUpForByTheSweep(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.Events.Disturb(lose)
	r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
	r.runs(t, 0)
	r = s.watch(func() { s.Clock.Advance(time.Minute) })
	r.runs(t, 1)
	r.wrote(t, "PutBucketPolicy")
	s.isDesired()
}

func TestWithoutATrailTheSweepCorrects(t *testing.T) {
	t.Parallel()
	s := deploy(t, interfaceType.and("CreateTrail", "false"))
	r := s.watch(func() { s.attackEverything("Interface") })
	r.runs(t, 0)
	s.watch(func() { s.Clock.Advance(time.Minute) }).runs(t, 1)
	s.isDesired()
}

func TestADoubledEventIsCorrectedOnce(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.Events.Hold()
	s.must(s.deletesBucketPolicy())
	// One after the other: what overlapping runs do is another test's.
	var twice []events.Event
	s.Events.Release(func(held []events.Event) []events.Event { twice = append(held, held...); return nil })
	s.must(s.Events.Put(twice[0]))
	s.rest()
	s.isDesired()
	r := s.watch(func() { s.must(s.Events.Put(twice[1])) })
	r.runs(t, 1)
	r.wrote(t)
	if len(r.messages) != 0 {
		t.Errorf("%d messages about an event told before, want none", len(r.messages))
	}
}

func TestEventsInAnyOrderEndAsDesired(t *testing.T) {
	for name, order := range map[string]func([]events.Event) []events.Event{
		"as they happened":  nil,
		"backwards":         func(held []events.Event) []events.Event { slices.Reverse(held); return held },
		"the last one only": func(held []events.Event) []events.Event { return held[len(held)-1:] },
		"each three times":  func(held []events.Event) []events.Event { return slices.Concat(held, held, held) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.Events.Hold()
			s.must(s.opensWithTheArticlesPolicy())
			s.must(s.deletesBucketPolicy())
			s.must(s.putsBucketPolicy(s.stack.Attribute("BucketPolicyDocument", "Value")))
			s.must(s.resetsEndpointPolicy())
			s.watch(func() { s.Events.Release(order) })
			s.isDesired()
			s.restsNow()
		})
	}
}

func TestADelayedEventComesTooLateToDoHarm(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.Events.Disturb(events.Disturbance{Delay: 90 * time.Second})
	s.must(s.deletesBucketPolicy())
	r := s.watch(func() { s.Clock.Advance(time.Minute) }) // the sweep is faster
	r.wrote(t, "PutBucketPolicy")
	r = s.watch(func() { s.Clock.Advance(31 * time.Second) })
	r.runs(t, 1)
	r.wrote(t)
	s.isDesired()
}

// restsNow fails the test unless further sweeps write nothing and send nothing.
func (s *scene) restsNow() {
	s.Helper()
	r := s.watch(func() { s.Events.Sweep(); s.rest(); s.Events.Sweep() })
	if len(r.writes()) != 0 || len(r.messages) != 0 || len(r.failures()) != 0 {
		s.Errorf("two more sweeps wrote %q, sent %d messages and failed %d times, want rest:\n%s",
			r.writes(), len(r.messages), len(r.failures()), r.log())
	}
}

// called is an event of a call that CloudTrail reports, which forgeries change.
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

// forgeries are events that nobody's call made but that a rule lets through.
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

// A forged event makes the guard look, and what it sees is what counts.
func TestAForgedEventIsNotBelieved(t *testing.T) {
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

// Whatever the payload, a direct invocation looks, corrects, and answers.
func TestAPayloadOfAnyKindMakesTheGuardLook(t *testing.T) {
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
					t.Errorf("a log line of %d bytes that is no JSON object of at most 256 KB: %.200s", len(line.Text), line.Text)
				}
			}
		})
	}
}

// deaf are events of calls that the rules must not let through: they concern others, changed nothing, or are our own.
var deaf = map[string]func(*scene) events.Event{
	"of another bucket": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(_, detail events.Event) {
			detail["requestParameters"] = map[string]any{"bucketName": "somebody-elses"}
		})
	},
	"of a call that failed": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(_, detail events.Event) { detail["errorCode"] = "AccessDenied" })
	},
	"of our own role": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(_, detail events.Event) {
			detail["userIdentity"] = map[string]any{
				"type": "AssumedRole", "sessionContext": map[string]any{"sessionIssuer": map[string]any{"arn": s.role}},
			}
		})
	},
	"of another endpoint": func(s *scene) events.Event {
		return s.called("ModifyVpcEndpoint", func(event, detail events.Event) {
			event["source"], detail["eventSource"] = "aws.ec2", "ec2.amazonaws.com"
			detail["requestParameters"] = map[string]any{"ModifyVpcEndpointRequest": map[string]any{"VpcEndpointId": "vpce-0f"}}
		})
	},
	"of another stack": func(s *scene) events.Event {
		return events.Event{
			"source": "aws.cloudformation", "detail-type": "CloudFormation Stack Status Change",
			"detail": map[string]any{"stack-id": s.stack.ID() + "x", "status-details": map[string]any{"status": "UPDATE_COMPLETE"}},
		}
	},
}

func TestEventsOfOthersWakeNobody(t *testing.T) {
	for name, event := range deaf {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.watch(func() { s.must(s.Events.Put(event(s))) }).runs(t, 0)
		})
	}
}

func TestACallThatFailedWakesNobody(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	r := s.watch(func() {
		if err := s.putsBucketPolicy(everybody); err == nil {
			t.Fatal("S3 took a public policy in spite of Block Public Access")
		}
	})
	r.runs(t, 0)
}

// The echo of our own write passes no rule; should it be handed over all the same, it ends without a write.
func TestOurOwnWritesEchoWithoutEnd(t *testing.T) {
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			s.Events.Disturb(lose)
			s.attackEverything(endpointType)
			s.Events.Disturb(events.Disturbance{})
			r := s.watch(s.Events.Sweep)
			r.runs(t, 1) // the sweep; no echo of what it wrote
			echoes := s.ownRecords()
			if len(echoes) < 5 {
				t.Fatalf("%d records of the guard's own writes, want one for each", len(echoes))
			}
			r = s.watch(func() {
				for _, echo := range echoes {
					payload, err := json.Marshal(map[string]any{"detail-type": "AWS API Call via CloudTrail", "detail": echo})
					s.must(err)
					s.invoke(string(payload))
				}
			})
			r.runs(t, len(echoes))
			r.wrote(t)
			s.isDesired()
		})
	}
}

// ownRecords are the trail's records of what the guard itself did.
func (s *scene) ownRecords() []events.Event {
	var own []events.Event
	for _, record := range s.Events.Records() {
		identity, _ := record["userIdentity"].(map[string]any)
		session, _ := identity["sessionContext"].(map[string]any)
		issuer, _ := session["sessionIssuer"].(map[string]any)
		if issuer["arn"] == s.role {
			own = append(own, record)
		}
	}
	return own
}

func TestAHarmlessRewritingIsNotTakenBack(t *testing.T) {
	for name, rewrite := range map[string]func([]any) []any{
		"the same again":         func(list []any) []any { return list },
		"in another order":       func(list []any) []any { slices.Reverse(list); return list },
		"lists of one collapsed": func(list []any) []any { return each(list, collapse) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			r := s.watch(func() { s.must(s.rewritesBucketPolicy(rewrite)) })
			r.runs(t, 1)
			r.wrote(t)
			if len(r.messages) != 0 {
				t.Errorf("%d messages, want none", len(r.messages))
			}
		})
	}
}

func each(list []any, change func(map[string]any)) []any {
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			change(m)
		}
	}
	return list
}

// collapse writes the lists of one element as that element.
func collapse(statement map[string]any) {
	for name, value := range maps.Clone(statement) {
		if list, ok := value.([]any); ok && len(list) == 1 {
			statement[name] = list[0]
		}
	}
}

// Block Public Access of the whole account concerns our bucket too; while the bucket's own is on, it drifts nothing.
func TestTheAccountsBlockPublicAccessMakesTheGuardLook(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.S3.PutAccountPublicAccessBlock("111122223333", &s3.PublicAccessBlock{})
	e := s.called("DeleteAccountPublicAccessBlock", func(_, detail events.Event) { detail["requestParameters"] = map[string]any{} })
	r := s.watch(func() { s.must(s.Events.Put(e)) })
	r.runs(t, 1)
	r.wrote(t)
}

// TestRunsAtTheSameTimeAreHarmless lets several runs find the same drift.
func TestRunsAtTheSameTimeAreHarmless(t *testing.T) {
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			s.Events.Disturb(lose)
			s.attackEverything(endpointType)
			s.Gate.SetLatency(apart) // so that the runs overlap
			r := s.watch(func() {
				for range 4 {
					s.Events.Sweep()
				}
			})
			s.Gate.SetLatency(0)
			s.isDesired()
			if len(r.failures()) > 0 || len(r.letters) > 0 {
				t.Errorf("%d of %d runs failed:\n%s", len(r.failures()), len(r.invocations), r.log())
			}
			s.restsNow()
		})
	}
}

// TestAnAttackerWhoGoesOnIsReportedAndOutlasted has somebody attack again right after each of the guard's writes: with
// what was there before, which may as well be a stale read, or with something new each time.
func TestAnAttackerWhoGoesOnIsReportedAndOutlasted(t *testing.T) {
	for name, again := range map[string]func(s *scene, n int) error{
		"with the same": func(s *scene, n int) error { return s.S3.DeletePolicy(s.bucket) },
		"with something new": func(s *scene, n int) error {
			return s.S3.PutPolicy(s.bucket, fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":[{"Sid":"N%d","Effect":"Deny",
				"Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::%s/*"}]}`, n, s.bucket))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.reconfigure(impatiently)
			var attacks, ended atomic.Int64
			s.Gate.OnTrail(func(call api.TrailCall) {
				if ended.Load() == 0 && call.Request.Caller.Issuer == s.role && call.Operation.Name == "PutBucketPolicy" {
					_ = again(s, int(attacks.Add(1)))
				}
			})
			r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
			ended.Store(1)
			if len(r.failures()) != 3 || len(r.letters) != 1 || len(r.messages) == 0 {
				t.Errorf("%d runs failed, %d were given up, %d messages; want 3, 1 and some:\n%s",
					len(r.failures()), len(r.letters), len(r.messages), r.log())
			}
			for _, record := range r.records {
				if record.Message != "not corrected" || record.Attempts < 2 {
					t.Errorf("%s after %d writes, want that it is not corrected after several", record.Message, record.Attempts)
				}
			}
			if attacks.Load() > 3*10 {
				t.Errorf("the guard wrote %d times in three runs of 3 s, want pauses", attacks.Load())
			}
			s.watch(func() { s.Clock.Advance(time.Minute) }).wrote(t, "PutBucketPolicy")
			s.isDesired()
		})
	}
}

// A rule that cannot hand its event to the function leaves it in the rules' own dead-letter queue.
func TestAnEventThatCannotBeDeliveredIsKept(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.must(s.Lambda.Forbid(s.function, s.stack.Physical("BucketRulePermission")))
	r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
	r.runs(t, 0)
	letters := s.SQS.Messages(s.stack.Attribute("RulesDeadLetterQueue", "Arn"))
	if len(letters) != 1 || !strings.Contains(letters[0].Body, "DeleteBucketPolicy") {
		t.Errorf("the rules' dead-letter queue holds %v, want the event", letters)
	}
	s.watch(func() { s.Clock.Advance(time.Minute) })
	s.isDesired()
}

func TestEveryRuleMayInvokeTheFunction(t *testing.T) {
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			for _, rule := range s.Events.Rules() {
				if rule.Targets[0].DeadLetterARN != s.stack.Attribute("RulesDeadLetterQueue", "Arn") {
					t.Errorf("rule %s keeps no undelivered events", rule.Name)
				}
				if _, err := s.Lambda.InvokeFrom(lambda.Source{Service: "events.amazonaws.com", ARN: rule.ARN, Account: "111122223333"}, s.function, nil); err != nil {
					t.Errorf("rule %s may not invoke the function: %v", rule.Name, err)
				}
			}
			other := lambda.Source{Service: "events.amazonaws.com", ARN: "arn:aws:events:eu-central-1:111122223333:rule/other", Account: "111122223333"}
			if _, err := s.Lambda.InvokeFrom(other, s.function, nil); err == nil {
				t.Error("any rule may invoke the function")
			}
			s.rest()
		})
	}
}
