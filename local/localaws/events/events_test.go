package events_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/clock"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/test/golden"
)

const (
	account  = "111122223333"
	function = "arn:aws:lambda:eu-central-1:111122223333:function:guard"
	queue    = "arn:aws:sqs:eu-central-1:111122223333:rules"
)

var (
	admin  = api.Caller{Principal: "arn:aws:iam::111122223333:user/admin", Account: account}
	deploy = api.Caller{Principal: admin.Principal, Account: account, InvokedBy: "cloudformation.amazonaws.com"}
	ops    = api.Caller{
		Principal: "arn:aws:sts::111122223333:assumed-role/ops/session", Account: account,
		Issuer: "arn:aws:iam::111122223333:role/ops",
	}
	root      = api.Caller{Principal: "arn:aws:iam::111122223333:root", Account: account}
	neighbour = api.Caller{Principal: "arn:aws:iam::444455556666:user/neighbour", Account: "444455556666"}
	anonymous = api.Caller{}
)

// call returns a management write, as the gate passes it to the trail.
func call(by api.Caller, service, operation string, parameters map[string]any) api.TrailCall {
	return api.TrailCall{
		Service: service,
		Request: &api.Request{
			Caller: by, Listener: api.Listener{SourceIP: "198.51.100.7"}, ID: "REQ1", AccessKeyID: "AKIA1", URL: new(url.URL),
			Header: http.Header{"User-Agent": {"aws-cli/2.31.0"}}, Time: time.Date(2026, 3, 2, 9, 1, 3, 0, time.UTC),
		},
		Operation: &api.Operation{Name: operation, Trail: &api.Trail{
			RequestParameters: parameters,
			Resources:         []map[string]string{{"accountId": account, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::docs"}},
		}},
	}
}

func putPolicy(by api.Caller) api.TrailCall {
	return call(by, "s3", "PutBucketPolicy", map[string]any{
		"bucketName": "docs", "policy": "", "bucketPolicy": map[string]any{"Statement": []any{}},
	})
}

// bus is a bus with one rule on PutBucketPolicy, and the events that its target got.
type bus struct {
	*events.Bus
	clock *clock.Clock
	got   *[]map[string]any
}

// watching makes a bus; refuse returns the target's error at its nth attempt.
func watching(t *testing.T, refuse func(attempt int) error) bus {
	t.Helper()
	b := bus{clock: clock.Stepped(), got: new([]map[string]any)}
	attempts := 0
	b.Bus = events.New(events.Options{
		Clock: b.clock,
		Target: func(rule, target string, event []byte) error {
			attempts++
			if refuse != nil {
				if err := refuse(attempts); err != nil {
					return err
				}
			}
			var e map[string]any
			if err := json.Unmarshal(event, &e); err != nil {
				t.Errorf("the target got %q: %v", event, err)
			}
			*b.got = append(*b.got, e)
			return nil
		},
		RetryDelay: func(int) time.Duration { return 0 },
	})
	t.Cleanup(func() { _ = b.Close() })
	b.PutTrail(events.Trail{Name: "trail", Logging: true})
	b.rule(t, events.Rule{Name: "policy", Pattern: map[string]any{
		"source": []any{"aws.s3"},
		"detail": map[string]any{"eventName": []any{"PutBucketPolicy"}, "requestParameters": map[string]any{"bucketName": []any{"docs"}}},
	}})
	return b
}

func (b bus) rule(t *testing.T, r events.Rule) {
	t.Helper()
	if r.Targets == nil {
		r.Targets = []events.Target{{ID: "guard", ARN: function, DeadLetterARN: queue}}
	}
	if _, err := b.PutRule(r); err != nil {
		t.Fatal(err)
	}
}

// eventIDs returns the ids of the events that the target got, in order.
func (b bus) eventIDs() []any {
	ids := []any{}
	for _, e := range *b.got {
		detail, _ := e["detail"].(map[string]any)
		ids = append(ids, detail["eventID"])
	}
	return ids
}

// recordIDs returns the eventIDs of all records.
func (b bus) recordIDs() []any {
	ids := []any{}
	for _, r := range b.Records() {
		ids = append(ids, r["eventID"])
	}
	return ids
}

func TestCloudTrailEventsReachTheTarget(t *testing.T) {
	for name, c := range map[string]struct {
		before func(bus)
		after  func(bus)
		want   func(ids []any) []any
	}{
		"once and in order":         {want: func(ids []any) []any { return ids }},
		"never without a trail":     {before: func(b bus) { b.RemoveTrail("trail") }},
		"never of a disabled rule":  {before: func(b bus) { disable(b, "policy") }},
		"never when lost":           {before: func(b bus) { b.Disturb(events.Disturbance{Lose: true}) }},
		"never while held":          {before: func(b bus) { b.Hold() }},
		"twice when doubled":        {before: func(b bus) { b.Disturb(events.Disturbance{Double: true}) }, want: twice},
		"never before a delay ends": {before: func(b bus) { b.Disturb(events.Disturbance{Delay: time.Minute}) }},
		"after a delay": {
			before: func(b bus) { b.Disturb(events.Disturbance{Delay: time.Minute}) },
			after:  func(b bus) { b.clock.Advance(time.Minute) },
			want:   func(ids []any) []any { return ids },
		},
		"in another order when released so": {
			before: func(b bus) { b.Hold() },
			after: func(b bus) {
				b.Release(func(held []events.Event) []events.Event { slices.Reverse(held); return held })
			},
			want: func(ids []any) []any { slices.Reverse(ids); return ids },
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := watching(t, nil)
			if c.before != nil {
				c.before(b)
			}
			b.Record(putPolicy(admin))
			b.Record(putPolicy(ops))
			if c.after != nil {
				c.after(b)
			}
			want := []any{}
			if c.want != nil {
				want = c.want(b.recordIDs())
			}
			if diff := cmp.Diff(want, b.eventIDs()); diff != "" {
				t.Errorf("events (-want +got)\n%s", diff)
			}
		})
	}
}

func twice(ids []any) []any {
	var all []any
	for _, id := range ids {
		all = append(all, id, id)
	}
	return all
}

func disable(b bus, name string) {
	for _, r := range b.Rules() {
		if r.Name == name {
			r.Disabled = true
			_, _ = b.PutRule(r)
		}
	}
}

func TestHooksGetEachRecordWithItsRulesAndEachDelivery(t *testing.T) {
	var got []string
	b := events.New(events.Options{
		Target: func(string, string, []byte) error { return nil },
		Recorded: func(e events.Event, rules []string) {
			got = append(got, fmt.Sprint(e["detail"].(map[string]any)["eventName"], " matches ", rules))
		},
		Delivered: func(d events.Delivery) { got = append(got, "delivered by "+d.Rule) },
	})
	defer func() { _ = b.Close() }()
	b.PutTrail(events.Trail{Name: "trail", Logging: true})
	bus{Bus: b}.rule(t, events.Rule{Name: "bucket", Pattern: map[string]any{"detail": map[string]any{"eventName": []any{"PutBucketPolicy"}}}})
	b.Record(putPolicy(admin))
	b.Record(call(admin, "s3", "DeleteBucketPolicy", nil))
	b.Disturb(events.Disturbance{Lose: true})
	b.Record(putPolicy(admin))
	want := []string{"PutBucketPolicy matches [bucket]", "delivered by bucket", "DeleteBucketPolicy matches []", "PutBucketPolicy matches [bucket]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls of the hooks (-want +got)\n%s", diff)
	}
}

func TestOtherCallsDoNotMatch(t *testing.T) {
	b := watching(t, nil)
	b.Record(call(admin, "s3", "DeleteBucketPolicy", map[string]any{"bucketName": "docs"}))
	b.Record(call(admin, "s3", "PutBucketPolicy", map[string]any{"bucketName": "other"}))
	b.Record(call(admin, "ec2", "PutBucketPolicy", map[string]any{"bucketName": "docs"}))
	if len(*b.got) != 0 {
		t.Errorf("the target got %v, want no event", *b.got)
	}
}

func TestRecordsHaveTheShapesOfCloudTrail(t *testing.T) {
	failed := putPolicy(admin)
	failed.Error = &api.Error{Status: 403, Code: "AccessDenied", Message: "Access Denied"}
	refused := call(ops, "ec2", "ModifyVpcEndpoint", map[string]any{"ModifyVpcEndpointRequest": map[string]any{"VpcEndpointId": "vpce-1"}})
	refused.Operation.Trail.Resources = nil
	refused.Error = &api.Error{Status: 403, Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation."}
	renamed := call(admin, "s3", "DeletePublicAccessBlock", map[string]any{"bucketName": "docs", "publicAccessBlock": ""})
	renamed.Operation.Trail.EventName = "DeleteBucketPublicAccessBlock"
	for name, c := range map[string]api.TrailCall{
		"put-bucket-policy": putPolicy(admin), "put-bucket-policy.failed": failed, "put-bucket-policy.cloudformation": putPolicy(deploy),
		"put-bucket-policy.role": putPolicy(ops), "put-bucket-policy.root": putPolicy(root),
		"put-bucket-policy.other-account": putPolicy(neighbour), "put-bucket-policy.anonymous": putPolicy(anonymous),
		"delete-bucket-public-access-block": renamed, "modify-vpc-endpoint.failed": refused,
	} {
		t.Run(name, func(t *testing.T) {
			record := events.Record(c, account, "eu-central-1")
			record["eventID"] = "00000000-0000-4000-8000-000000000001"
			got, err := json.MarshalIndent(record, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".json")
			golden.File(t, path, string(got)+"\n")
		})
	}
}

func TestATargetIsTriedAgainAndThenDeadLettered(t *testing.T) {
	transient := errors.New("throttled")
	permanent := &events.TargetError{Code: "NO_PERMISSIONS", Message: "no permission", Permanent: true}
	for name, c := range map[string]struct {
		refuse    func(attempt int) error
		attempts  int
		condition string
		delivered bool
	}{
		"taken at the third attempt": {refuse: func(n int) error { return only(n < 3, transient) }, attempts: 3, delivered: true},
		"never taken":                {refuse: func(int) error { return transient }, attempts: 186, condition: "MaximumRetryAttempts"},
		"not permitted":              {refuse: func(int) error { return permanent }, attempts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := watching(t, c.refuse)
			b.Record(putPolicy(admin))
			d := b.Deliveries()[0]
			if d.Attempts != c.attempts || (d.Err == nil) != c.delivered {
				t.Errorf("delivery took %d attempts and ended with %v, want %d, delivered %v", d.Attempts, d.Err, c.attempts, c.delivered)
			}
			if d.DeadLettered == c.delivered {
				t.Errorf("delivered %v and dead-lettered %v", c.delivered, d.DeadLettered)
			}
		})
	}
}

func only(when bool, err error) error {
	if when {
		return err
	}
	return nil
}

func TestTheDeadLetterTellsWhy(t *testing.T) {
	var letters []events.Message
	b := events.New(events.Options{DeadLetter: func(arn string, m events.Message) error {
		letters = append(letters, m)
		return nil
	}})
	defer func() { _ = b.Close() }()
	if _, err := b.PutRule(events.Rule{Name: "sweep", Schedule: "rate(1 minute)", Targets: []events.Target{
		{ID: "1", ARN: function, Input: `{"sweep":true}`, DeadLetterARN: queue},
	}}); err != nil {
		t.Fatal(err)
	}
	b.Sweep()
	want := []events.Message{{Body: []byte(`{"sweep":true}`), Attributes: map[string]string{
		"RULE_ARN": "arn:aws:events:eu-central-1:111122223333:rule/sweep", "TARGET_ARN": function,
		"ERROR_CODE": "NO_RESOURCE", "ERROR_MESSAGE": "no target " + function,
	}}}
	if diff := cmp.Diff(want, letters); diff != "" {
		t.Errorf("letters (-want +got)\n%s", diff)
	}
}

func TestSchedulesFireByTheClock(t *testing.T) {
	b := watching(t, nil)
	b.rule(t, events.Rule{Name: "sweep", Schedule: "rate(5 minutes)"})
	b.Disturb(events.Disturbance{Lose: true})
	b.clock.Advance(16 * time.Minute)
	if err := b.Fire("sweep"); err != nil {
		t.Fatal(err)
	}
	if got := len(*b.got); got != 4 {
		t.Fatalf("the schedule fired %d times in 16 minutes and once by hand, want 4", got)
	}
	e := (*b.got)[3]
	delete(e, "id")
	delete(e, "time")
	want := map[string]any{
		"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "account": account, "region": "eu-central-1",
		"resources": []any{"arn:aws:events:eu-central-1:111122223333:rule/sweep"}, "detail": map[string]any{},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("tick (-want +got)\n%s", diff)
	}
	b.RemoveRule("sweep")
	b.clock.Advance(time.Hour)
	if got := len(*b.got); got != 4 {
		t.Errorf("a removed schedule fired %d times", got-4)
	}
}

func TestStackStatusIsDeliveredWhateverIsDisturbed(t *testing.T) {
	const stack = "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/1"
	b := watching(t, nil)
	b.rule(t, events.Rule{Name: "stack", Pattern: map[string]any{
		"source": []any{"aws.cloudformation"}, "detail": map[string]any{"stack-id": []any{stack}},
	}})
	b.RemoveTrail("trail")
	b.Disturb(events.Disturbance{Lose: true})
	b.Hold()
	b.StackStatus(stack, "UPDATE_COMPLETE", "", "token")
	if got := len(*b.got); got != 1 {
		t.Errorf("the target got %d events, want 1", got)
	}
}

func TestAForgedEventIsDeliveredAsItIs(t *testing.T) {
	b := watching(t, nil)
	forged := events.Event{"source": "aws.s3", "detail": map[string]any{
		"eventName": "PutBucketPolicy", "requestParameters": map[string]any{"bucketName": "docs"},
	}}
	if err := b.Put(forged); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]map[string]any{forged}, *b.got); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
}

func TestPutRuleRefusesWhatEventBridgeRefuses(t *testing.T) {
	for name, r := range map[string]events.Rule{
		"nothing":             {Name: "r"},
		"an unknown operator": {Name: "r", Pattern: map[string]any{"source": []any{map[string]any{"sounds-like": "s3"}}}},
		"1 in the plural":     {Name: "r", Schedule: "rate(1 minutes)"},
		"2 in the singular":   {Name: "r", Schedule: "rate(2 minute)"},
		"cron":                {Name: "r", Schedule: "cron(0 12 * * ? *)"},
	} {
		t.Run(name, func(t *testing.T) {
			b := watching(t, nil)
			b.rule(t, events.Rule{Name: "r", Schedule: "rate(1 minute)"})
			before := b.Rules()
			if arn, err := b.PutRule(r); err == nil {
				t.Errorf("PutRule(%+v) = %s, want an error", r, arn)
			}
			if diff := cmp.Diff(before, b.Rules()); diff != "" {
				t.Errorf("a refused PutRule changed the rules (-want +got):\n%s", diff)
			}
		})
	}
}
