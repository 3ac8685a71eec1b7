package events_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// putting returns a bus with a rule on the source "shop", the client of a caller with a policy, and what the rule's
// target got.
func putting(t *testing.T, policy string) (*events.Bus, *eventbridge.Client, *[]events.Event) {
	t.Helper()
	got := new([]events.Event)
	b := events.New(events.Options{Target: func(_, _ string, event []byte) error {
		var e events.Event
		if err := json.Unmarshal(event, &e); err != nil {
			return err
		}
		*got = append(*got, e)
		return nil
	}})
	gate := localtest.Gate(t, api.Options{})
	gate.Add(b.Service())
	pattern := map[string]any{"source": []any{"shop"}, "detail": map[string]any{"paid": []any{true}}}
	localtest.Must(b.PutRule(events.Rule{Name: "paid", Pattern: pattern, Targets: []events.Target{{ID: "a", ARN: "arn:a"}}}))(t)
	return b, eventbridge.NewFromConfig(localtest.Config(t, gate, policy)), got
}

func entry(source, detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{Source: &source, DetailType: aws.String("Order"), Detail: &detail, Resources: []string{"arn:x"}}
}

func TestPutEventsGoToTheRulesThatMatch(t *testing.T) {
	b, client, got := putting(t, localtest.Everything)
	timed := entry("shop", `{"paid":true,"id":2}`)
	timed.Time, timed.EventBusName = aws.Time(time.Date(2026, 3, 2, 9, 1, 3, 0, time.UTC)), aws.String("default")
	out := localtest.Must(client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		entry("shop", `{"paid":false,"id":1}`), timed, entry("other", `{"paid":true,"id":3}`),
	}}))(t)
	if out.FailedEntryCount != 0 || len(out.Entries) != 3 || len(b.Custom()) != 3 {
		t.Fatalf("PutEvents = %d failed of %d, and %d events; want all three", out.FailedEntryCount, len(out.Entries), len(b.Custom()))
	}
	want := events.Event{
		"version": "0", "id": *out.Entries[1].EventId, "source": "shop", "detail-type": "Order", "account": account,
		"region": "eu-central-1", "time": "2026-03-02T09:01:03Z", "resources": []any{"arn:x"},
		"detail": map[string]any{"paid": true, "id": 2.0},
	}
	if diff := cmp.Diff([]events.Event{want}, *got); diff != "" {
		t.Errorf("events of the rule (-want +got):\n%s", diff)
	}
}

func TestPutEventsRefusesSingleEntries(t *testing.T) {
	elsewhere := entry("shop", `{}`)
	elsewhere.EventBusName = aws.String("another")
	for code, e := range map[string]types.PutEventsRequestEntry{
		"InvalidArgument":                 entry("", `{}`),
		"MalformedDetail":                 entry("shop", `{"a":`),
		"NotAuthorizedForSourceException": entry("aws.s3", `{}`),
		"":                                elsewhere,
	} {
		b, client, _ := putting(t, localtest.Everything)
		out := localtest.Must(client.PutEvents(t.Context(), &eventbridge.PutEventsInput{
			Entries: []types.PutEventsRequestEntry{e, entry("shop", `{}`)},
		}))(t)
		if code == "" {
			code = "InvalidArgument"
		}
		if got := aws.ToString(out.Entries[0].ErrorCode); out.FailedEntryCount != 1 || got != code || out.Entries[1].ErrorCode != nil {
			t.Errorf("PutEvents = %d failed, %q and %v; want only the first, %s", out.FailedEntryCount, got, out.Entries[1].ErrorCode, code)
		}
		if len(b.Custom()) != 1 {
			t.Errorf("%d events, want the valid one", len(b.Custom()))
		}
	}
}

func TestPutEventsHasLimits(t *testing.T) {
	// The source, detail-type and ARN of an entry take 14 bytes, the rest of its detail 8.
	sized := func(n int) types.PutEventsRequestEntry {
		return entry("shop", `{"x":"`+strings.Repeat("x", n-22)+`"}`)
	}
	many := func(n int) (list []types.PutEventsRequestEntry) {
		for range n {
			list = append(list, entry("shop", `{}`))
		}
		return list
	}
	for name, test := range map[string]struct {
		entries []types.PutEventsRequestEntry
		want    string
	}{
		"ten":                       {many(10), ""},
		"eleven":                    {many(11), "ValidationException"},
		"none":                      {nil, "ValidationException"},
		"just below 256 KB":         {[]types.PutEventsRequestEntry{sized(256<<10 - 1)}, ""},
		"256 KB":                    {[]types.PutEventsRequestEntry{sized(256 << 10)}, "ValidationException"},
		"two of 128 KB in one call": {[]types.PutEventsRequestEntry{sized(128 << 10), sized(128 << 10)}, "ValidationException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, client, _ := putting(t, localtest.Everything)
			in := &eventbridge.PutEventsInput{Entries: test.entries}
			if in.Entries == nil {
				in.Entries = []types.PutEventsRequestEntry{}
			}
			_, err := client.PutEvents(t.Context(), in)
			if got := localtest.Code(err); got != test.want {
				t.Errorf("PutEvents = %v, want %q", err, test.want)
			}
		})
	}
}

func TestPutEventsNeedsThePermissionForEachSource(t *testing.T) {
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:PutEvents",
		"Resource":"arn:aws:events:eu-central-1:111122223333:event-bus/default",
		"Condition":{"StringEquals":{"events:source":"shop","events:detail-type":"Order"}}}]}`
	for name, test := range map[string]struct {
		entries []types.PutEventsRequestEntry
		want    string
	}{
		"its source":               {[]types.PutEventsRequestEntry{entry("shop", `{}`)}, ""},
		"another source":           {[]types.PutEventsRequestEntry{entry("bank", `{}`)}, "AccessDenied"},
		"another source among its": {[]types.PutEventsRequestEntry{entry("shop", `{}`), entry("bank", `{}`)}, "AccessDenied"},
	} {
		b, client, _ := putting(t, policy)
		_, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: test.entries})
		if got := localtest.Code(err); got != test.want || (test.want != "" && len(b.Custom()) > 0) {
			t.Errorf("%s: PutEvents = %v with %d events, want %q", name, err, len(b.Custom()), test.want)
		}
	}
}
