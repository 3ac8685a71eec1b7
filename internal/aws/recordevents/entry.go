package recordevents

import (
	"bytes"
	"encoding/json"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// What each event has in its fields source and detail-type.
const (
	source     = "s3-endpoint-guard"
	detailType = "S3 Endpoint Guard Record"
)

// Limits of one call: number of entries, and the size of all of them in bytes, which must be less than 256 KB. The user
// guide counts only the parameters (see sizeOf), the API reference also the keys of the event's JSON: 1 KB of the limit
// is left for them. A later, higher limit does no harm.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/calculate-putevents-entry-size.html
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const (
	maxEntries = 10
	maxSize    = 255 << 10
)

// Detail is an event's detail: the record, and where it is from. docs/record.schema.json describes it.
type Detail struct {
	guard.Record
	Account string `json:"account"`
	Region  string `json:"region"`
	// StackID is the ARN of the guard's own stack. The record's "stack" is that stack's status.
	StackID string `json:"stackId"`
	// Bucket is the guarded bucket; "" for a record of a fleet that is not about one bucket.
	Bucket string `json:"bucket"`
	// RequestID is the id of the invocation, by which the record's log line is found; "" outside Lambda.
	RequestID string `json:"requestId,omitempty"`
	// Truncated names the fields that were omitted because the event would have been too large. The function's log has
	// them.
	Truncated []string `json:"truncated,omitempty"`
}

// entry returns a record's event. If it is too large, fields are omitted: see cuts.
func (b *Bus) entry(r guard.Record) Entry {
	s := r.Place.In(b.Setting)
	detail := Detail{
		Record: r, Account: s.Account, Region: s.Region, StackID: b.StackID, Bucket: s.Bucket, RequestID: r.RequestID,
	}
	e := Entry{
		Source: source, DetailType: detailType,
		Resources: resources(s), Detail: encode(detail),
	}
	for _, c := range cuts {
		if sizeOf(e) <= maxSize {
			break
		}
		if c.from(&detail.Record) {
			detail.Truncated = append(detail.Truncated, c.field)
			e.Detail = encode(detail)
		}
	}
	return e
}

// resources returns the ARNs of the bucket and the endpoint, as far as the record is about them.
func resources(s iampolicy.Setting) []string {
	var list []string
	if s.Bucket != "" {
		list = append(list, s.BucketARN())
	}
	if s.EndpointID != "" {
		list = append(list, s.EndpointARN())
	}
	return list
}

// cut omits a field, and reports whether it had a value.
type cut struct {
	field string
	from  func(*guard.Record) bool
}

// cuts are the fields that can be long, in the order in which they are omitted. The template has the state after a
// correction, and the state before it is what a rollback by hand needs.
var cuts = []cut{
	{"after", func(r *guard.Record) bool { return emptied(&r.After) }},
	{"diff", func(r *guard.Record) bool { had := len(r.Diff) > 0; r.Diff = nil; return had }},
	{"before", func(r *guard.Record) bool { return emptied(&r.Before) }},
	{"error", func(r *guard.Record) bool { return emptied(&r.Error) }},
	{"unread", func(r *guard.Record) bool { return emptied(&r.Unread) }},
	{"allowed", func(r *guard.Record) bool { return emptied(&r.Allowed) }},
}

func emptied(text *string) bool {
	had := *text != ""
	*text = ""
	return had
}

// encode returns a detail as JSON, with <, > and & unescaped. A detail has only types that can be encoded.
func encode(d Detail) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(d)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// sizeOf returns an entry's size as EventBridge computes it: the bytes of its texts in UTF-8.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/calculate-putevents-entry-size.html
func sizeOf(e Entry) int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, arn := range e.Resources {
		n += len(arn)
	}
	return n
}
