package events

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// Limits of PutEvents: number of entries, and their size in all.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/calculate-putevents-entry-size.html
const (
	maxEntries = 10
	maxSize    = 256 << 10
)

// entry is an entry of PutEvents. Its time is in seconds since 1970.
type entry struct {
	Source, DetailType, Detail string
	Resources                  []string
	Time                       float64
	EventBusName               string
}

// Custom returns the events that PutEvents accepted, in that order.
func (b *Bus) Custom() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.custom)
}

// putEvents decodes PutEvents: each entry becomes an event on the default bus. An invalid entry is refused in the answer
// and does not affect the others.
func (s ruleService) putEvents(r *api.Request) (*api.Operation, error) {
	var p struct{ Entries []entry }
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	size := 0
	for _, e := range p.Entries {
		size += e.size()
	}
	switch {
	case len(p.Entries) == 0 || len(p.Entries) > maxEntries:
		return nil, invalid("Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10")
	case size >= maxSize:
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	return &api.Operation{Name: "PutEvents", Needs: s.needs(p.Entries), Do: func() (*api.Response, error) {
		var results []map[string]string
		failed := 0
		for _, e := range p.Entries {
			event, refusal := s.bus.event(e)
			if refusal != nil {
				failed++
				results = append(results, map[string]string{"ErrorCode": refusal.Code, "ErrorMessage": refusal.Message})
				continue
			}
			results = append(results, map[string]string{"EventId": event["id"].(string)})
			s.bus.accept(event)
		}
		return jsonrpc.Answer(r, map[string]any{"FailedEntryCount": failed, "Entries": results})
	}}, nil
}

// needs returns the permissions for entries: one for each source and detail-type, which are condition keys.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
func (s ruleService) needs(entries []entry) []api.Need {
	var needs []api.Need
	known := map[[2]string]bool{}
	for _, e := range entries {
		if kind := [2]string{e.Source, e.DetailType}; !known[kind] {
			known[kind] = true
			needs = append(needs, api.Need{
				Action: "events:PutEvents", Resource: s.bus.arn(), ResourceAccount: s.bus.options.Account,
				Context: map[string][]string{
					"events:source": {e.Source}, "events:detail-type": {e.DetailType}, "events:eventBusInvocation": {"false"},
				},
			})
		}
	}
	return needs
}

// arn returns the bus's ARN.
func (b *Bus) arn() string {
	return "arn:" + b.options.Partition + ":events:" + b.options.Region + ":" + b.options.Account + ":event-bus/default"
}

// size returns the entry's size as EventBridge computes it.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/calculate-putevents-entry-size.html
func (e entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, arn := range e.Resources {
		n += len(arn)
	}
	if e.Time != 0 {
		n += 14
	}
	return n
}

// event returns the event of an entry, or why EventBridge refuses it.
func (b *Bus) event(e entry) (Event, *api.Error) {
	var detail map[string]any
	switch {
	case e.Source == "", e.DetailType == "", e.Detail == "":
		return nil, &api.Error{Code: "InvalidArgument", Message: "Source, DetailType and Detail are required arguments."}
	case strings.HasPrefix(e.Source, "aws."):
		return nil, &api.Error{Code: "NotAuthorizedForSourceException", Message: "Not authorized for the source."}
	case e.EventBusName != "" && e.EventBusName != "default" && e.EventBusName != b.arn():
		return nil, &api.Error{Code: "InvalidArgument", Message: "the local AWS has no event bus " + e.EventBusName}
	case json.Unmarshal([]byte(e.Detail), &detail) != nil:
		return nil, &api.Error{Code: "MalformedDetail", Message: "Detail is malformed."}
	}
	event := b.envelope(e.DetailType, e.Source, append([]string{}, e.Resources...))
	if e.Time != 0 {
		event["time"] = time.Unix(int64(e.Time), 0).UTC().Format(time.RFC3339)
	}
	event["detail"] = detail
	return normal(event), nil
}

// accept keeps an event and delivers it.
func (b *Bus) accept(e Event) {
	b.mu.Lock()
	b.custom = append(b.custom, e)
	b.mu.Unlock()
	b.deliver(e)
}

// Concluded delivers the event that Lambda sends about a function's asynchronous run whose destination is the bus.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (b *Bus) Concluded(functionARN string, record []byte) error {
	var detail struct {
		RequestContext struct{ Condition string }
	}
	var all map[string]any
	if err := errors.Join(json.Unmarshal(record, &detail), json.Unmarshal(record, &all)); err != nil {
		return err
	}
	outcome := "Failure"
	if detail.RequestContext.Condition == "Success" {
		outcome = "Success"
	}
	event := b.envelope("Lambda Function Invocation Result - "+outcome, "lambda", []string{b.arn(), functionARN})
	event["detail"] = all
	b.deliver(normal(event))
	return nil
}

func invalid(message string) *api.Error {
	return jsonrpc.Refuse("ValidationException", message)
}
