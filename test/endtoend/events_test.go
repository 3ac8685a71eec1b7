package endtoend_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

// runs fails the test unless the guard ran exactly so many times, without a failure.
func (r report) runs(t *testing.T, want int) {
	t.Helper()
	if len(r.invocations) != want || len(r.failures()) != 0 {
		t.Errorf("%d runs of which %d failed, want %d and none:\n%s", len(r.invocations), len(r.failures()), want, r.log())
	}
}

// wrote fails the test unless the guard made exactly these writes.
func (r report) wrote(t *testing.T, want ...string) {
	t.Helper()
	if got := r.writes(); !slices.Equal(got, want) {
		t.Errorf("writes %q, want %q:\n%s", got, want, r.log())
	}
}

func TestALostEventIsMadeUpForByTheSweep(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.guardOnly()
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
	s.guardOnly()
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
	// In sequence: another test covers overlapping runs.
	var twice []events.Event
	s.Events.Release(func(held []events.Event) []events.Event { twice = append(held, held...); return nil })
	s.must(s.Events.Put(twice[0]))
	s.rest()
	s.isDesired()
	r := s.watch(func() { s.must(s.Events.Put(twice[1])) })
	r.runs(t, 1)
	r.wrote(t)
	if len(r.messages) != 0 {
		t.Errorf("%d messages about an event that was already reported, want none", len(r.messages))
	}
}

func TestEventsInAnyOrderEndAsDesired(t *testing.T) {
	t.Parallel()
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
	s.guardOnly()
	s.Events.Disturb(events.Disturbance{Delay: 90 * time.Second})
	s.must(s.deletesBucketPolicy())
	r := s.watch(func() { s.Clock.Advance(time.Minute) }) // the sweep runs before the event arrives
	r.wrote(t, "PutBucketPolicy")
	r = s.watch(func() { s.Clock.Advance(31 * time.Second) })
	r.runs(t, 1)
	r.wrote(t)
	s.isDesired()
}

// restsNow fails the test if further sweeps write or send a message.
func (s *scene) restsNow() {
	s.Helper()
	r := s.watch(func() { s.sweep(); s.sweep() })
	if len(r.writes()) != 0 || len(r.messages) != 0 || len(r.failures()) != 0 {
		s.Errorf("two more sweeps wrote %q, sent %d messages and failed %d times, want 0, 0 and 0:\n%s",
			r.writes(), len(r.messages), len(r.failures()), r.log())
	}
}

// The event of our own write matches no rule. If the function still gets it, the run ends without a write.
func TestOurOwnWritesEchoWithoutEnd(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			s.Events.Disturb(lose)
			s.attackEverything(endpointType)
			s.Events.Disturb(events.Disturbance{})
			r := s.watch(s.sweep)
			r.runs(t, 1) // the sweep; no event of its writes
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

// ownRecords returns the trail's records of the guard's own calls.
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
	t.Parallel()
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

// collapse replaces lists of one element by that element.
func collapse(statement map[string]any) {
	for name, value := range maps.Clone(statement) {
		if list, ok := value.([]any); ok && len(list) == 1 {
			statement[name] = list[0]
		}
	}
}

// While the bucket's own Block Public Access is on, the account's has no effect: its change starts no run and causes
// no drift.
func TestTheAccountsBlockPublicAccessIsNotTheGuards(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.S3.PutAccountPublicAccessBlock("111122223333", &s3.PublicAccessBlock{})
	e := s.called("DeleteAccountPublicAccessBlock", func(_, detail events.Event) { detail["requestParameters"] = map[string]any{} })
	r := s.watch(func() { s.must(s.Events.Put(e)) })
	r.runs(t, 0)
	r = s.watch(s.sweep)
	r.runs(t, 1)
	r.wrote(t)
}

// TestRunsAtTheSameTimeAreHarmless lets several runs find the same drift.
func TestRunsAtTheSameTimeAreHarmless(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			s.Events.Disturb(lose)
			s.attackEverything(endpointType)
			s.Gate.SetLatency(overlap) // so that the runs overlap
			r := s.watch(func() {
				for range 4 {
					s.must(s.Events.Fire(s.stack.Physical("SweepRule")))
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

// TestAnAttackerWhoGoesOnIsReportedAndOutlasted attacks again right after each of the guard's writes: with the state
// from before, which a stale read would also show, or with a new one each time.
func TestAnAttackerWhoGoesOnIsReportedAndOutlasted(t *testing.T) {
	t.Parallel()
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
			s.endsAfter(impatience())
			var attacks, ended atomic.Int64
			s.Gate.OnTrail(func(call api.TrailCall) {
				if ended.Load() == 0 && call.Request.Caller.Issuer == s.role && call.Operation.Name == "PutBucketPolicy" {
					_ = again(s, int(attacks.Add(1)))
				}
			})
			r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
			ended.Store(1)
			if len(r.failures()) != 3 || len(r.letters) != 1 || len(r.messages) == 0 {
				t.Errorf("%d runs failed, %d were given up, %d messages; want 3, 1 and at least 1:\n%s",
					len(r.failures()), len(r.letters), len(r.messages), r.log())
			}
			for _, record := range r.records {
				if record.Message != "not corrected" || record.Attempts < 2 {
					t.Errorf("%s after %d writes, want not corrected, after at least 2", record.Message, record.Attempts)
				}
			}
			var ran time.Duration
			for _, run := range r.invocations {
				ran += run.Duration
			}
			if most := int64(2 * ran / time.Second); attacks.Load() > max(30, most) {
				t.Errorf("the guard wrote %d times in runs of %v, want pauses between writes", attacks.Load(), ran)
			}
			s.watch(s.sweep).wrote(t, "PutBucketPolicy")
			s.isDesired()
		})
	}
}
