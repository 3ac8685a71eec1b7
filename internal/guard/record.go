package guard

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Outcome is the result for one drifted property. It is the log line's message.
type Outcome string

// The outcomes.
const (
	// Corrected: restored, and read back as desired.
	Corrected Outcome = "corrected"
	// Ended: gone at another inspection, without a write of this run: another run, or a person, reverted it.
	Ended Outcome = "drift ended"
	// Observed: found and not changed, because the guard is configured to write nothing.
	Observed Outcome = "drift observed"
	// StandingDown: found and not changed, because our own stack is being changed or deleted, or the bucket's own stack is, or
	// in a maintenance window.
	StandingDown Outcome = "standing down"
	// NotCorrected: not inspected, not written, or not read back as desired.
	NotCorrected Outcome = "not corrected"
	// Refused: not written, because the desired policy would lock out those who configure the bucket.
	Refused Outcome = "lockout refused"
	// Gone: an event said that a bucket of a [Fleet] was deleted which was guarded because of a pattern, and it is not there.
	Gone Outcome = "bucket deleted"
)

// IsOver reports whether the drift is over, so that no later run finds it.
func (o Outcome) IsOver() bool { return o == Corrected || o == Ended || o == Gone }

// Record is the result for one drifted property, or for one resource that could not be inspected. The same struct is the
// log line and what messages are made from. Fields have AWS's names if AWS has the same data, and quantities have the
// unit in the name.
type Record struct {
	Outcome Outcome `json:"message"`
	Trigger Trigger `json:"trigger"`
	// Actor is who the triggering event names; absent for a sweep. See [Actor] for how reliable it is.
	Actor *Actor `json:"actor,omitempty"`
	// Resource is the property's name, or the resource's where nothing could be inspected.
	Resource string `json:"resource"`
	// Target is the bucket's name, or the endpoint's or security group's id. Where nothing could be inspected it is "", or the
	// [Fleet]'s member.
	Target string `json:"target,omitempty"`
	// Place is the member of a [Fleet] that the record is about.
	Place Place `json:"-"`
	// Verdict is closed or open; "" where nothing could be inspected.
	Verdict iampolicy.Verdict `json:"verdict,omitempty"`
	// Allowed says why the verdict is open: which request was allowed, or what cannot be shown to be closed.
	Allowed string `json:"allowed,omitempty"`
	// Diff lists statements or items removed from and added to the desired state.
	Diff []Difference `json:"diff,omitempty"`
	// Unread is why the live state could not be read before the write; "" when it was read.
	Unread string `json:"unread,omitempty"`
	// Before is the live state before the write, enough to roll back by hand; "" when there was none, or Unread.
	Before string `json:"before"`
	// After is the desired state: what was written, or would have been.
	After string `json:"after"`
	// Stack is our stack's status; "" when it could not be read.
	Stack string `json:"stack,omitempty"`
	// Owner is the stack that created the bucket, if the drift was left to it or it was overruled; nil if it is our own stack.
	Owner *Owner `json:"owner,omitempty"`
	// Paused is the maintenance window in which the drift was left alone; nil without one.
	Paused *Pause `json:"paused,omitempty"`
	// SinceEventMs is from the event to the verified correction, in milliseconds; 0 unless an event of the last day
	// led to the correction.
	SinceEventMs int64 `json:"sinceEventMs,omitempty"`
	// ElapsedMs is from the run's start to the verified correction, or to the failure, in milliseconds.
	ElapsedMs int64 `json:"elapsedMs"`
	// Attempts is how many writes were made.
	Attempts int `json:"attempts"`
	// Contested is set if the property has been corrected so often recently that another caller must be reverting it
	// each time.
	Contested *Contest `json:"contested,omitempty"`
	// Overruled is true if it was written although CloudFormation was changing our stack, or the bucket's.
	Overruled bool `json:"overruled,omitempty"`
	// Repeats is set if one message is for several records of the kind.
	Repeats *Repeats `json:"repeats,omitempty"`
	// Missing is true when the resource itself is gone and cannot be put back.
	Missing bool `json:"missing,omitempty"`
	// Error is why it was not corrected.
	Error string `json:"error,omitempty"`
	// Runbook is the runbook's heading that says what to do; set for what was not corrected.
	Runbook Remedy `json:"runbook,omitempty"`
	// RequestID is the id of the invocation that made the record, by which its log line is found; "" outside Lambda. The
	// log adds it to each line.
	RequestID string `json:"-"`

	// failure is the error whose text is Error.
	failure error
}

// Repeats are the other records of the same kind that a message is for. Each has its line in the log.
type Repeats struct {
	More int `json:"more"`
	// Since is when the first of them was made.
	Since time.Time `json:"since"`
}

// Key returns the record's property and target.
func (r Record) Key() Key { return Key{r.Resource, r.Target} }

// Subject returns the property with, in a fleet, its target: the name of the record in errors.
func (r Record) Subject() string {
	if r.Place == (Place{}) {
		return r.Resource
	}
	return r.Resource + " of " + r.Target
}

// Owner is a CloudFormation stack that created a bucket.
type Owner struct {
	// ID is the stack's ARN, Status CloudFormation's status of it.
	ID     string `json:"id"`
	Status string `json:"status"`
}

// Pause is a maintenance window: until its end, the drift of one bucket or VPC endpoint is left to the person or tool that
// causes it.
type Pause struct {
	Until time.Time `json:"until"`
	// Reason and By are what the person who made the window wrote, and who that was, as the window claims.
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// Contest is a property that two callers change in turn: the record's actor, and the guard.
type Contest struct {
	// Corrections is how many there were within 15 minutes, the latest included, in three different minutes or more.
	Corrections int `json:"corrections"`
	// Guard is the ARN of the role with which the guard corrects.
	Guard string `json:"guard"`
}

// Limits of a record's texts, in bytes. A policy is at most 20 KB (bucket) or 20,480 characters (endpoint), so
// before-images of real policies are never truncated; together the limits keep a log line within 256 KB.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html, docs/facts.md: VPC endpoints
const (
	maxImage = 24 << 10
	maxDiff  = 24 << 10
)

// oldestEvent is the maximum age of an event: EventBridge tries for a day to deliver one. An event that claims to be
// older was made by hand, and must not distort the metric. docs/facts.md: CloudTrail through EventBridge
const oldestEvent = 24 * time.Hour

// LogValue implements [slog.LogValuer]: the record's fields, without its outcome, which is the line's message.
func (r Record) LogValue() slog.Value {
	var attrs []slog.Attr
	add := func(present bool, attr slog.Attr) {
		if present {
			attrs = append(attrs, attr)
		}
	}
	add(true, slog.Any("trigger", r.Trigger))
	add(r.Actor != nil, slog.Any("actor", r.Actor))
	add(true, slog.String("resource", r.Resource))
	add(r.Target != "", slog.String("target", r.Target))
	add(r.Verdict != "", slog.String("verdict", string(r.Verdict)))
	add(r.Allowed != "", slog.String("allowed", r.Allowed))
	add(r.Unread != "", slog.String("unread", r.Unread))
	add(true, slog.String("before", r.Before))
	add(true, slog.String("after", r.After))
	add(r.Stack != "", slog.String("stack", r.Stack))
	add(r.Owner != nil, slog.Any("owner", r.Owner))
	add(r.Paused != nil, slog.Any("paused", r.Paused))
	add(r.SinceEventMs != 0, slog.Int64("sinceEventMs", r.SinceEventMs))
	add(true, slog.Int64("elapsedMs", r.ElapsedMs))
	add(true, slog.Int("attempts", r.Attempts))
	add(r.Contested != nil, slog.Any("contested", r.Contested))
	add(r.Overruled, slog.Bool("overruled", true))
	add(r.Missing, slog.Bool("missing", true))
	add(r.Error != "", slog.String("error", r.Error))
	add(r.Runbook != "", slog.String("runbook", string(r.Runbook)))
	// The last, because Logs Insights finds only the first 200 fields of a line, and a diff can have more.
	add(len(r.Diff) > 0, slog.Any("diff", r.Diff))
	return slog.GroupValue(attrs...)
}

// Level is the log line's level: ERROR for open drift (even if it was corrected), for contested properties, and for what
// was not corrected; WARN for closed drift; INFO for standing down, which the next status event ends, except in a maintenance window.
func (r Record) Level() slog.Level {
	switch {
	case r.Outcome == StandingDown && r.Paused == nil:
		return slog.LevelInfo
	case r.failure != nil, r.Verdict == iampolicy.Open, r.Contested != nil:
		return slog.LevelError
	default:
		return slog.LevelWarn
	}
}

// record begins the record of one drifted property of a member.
func (r *run) record(m Member, f Finding) Record {
	record := Record{
		Trigger: r.trigger, Actor: r.trigger.Actor,
		Resource: f.Property, Target: f.Target, Place: m.place(),
		Verdict: f.Verdict, Allowed: truncate(f.Allowed, maxImage), Diff: truncateDiff(f.Diff),
		Before: truncate(f.Live, maxImage), After: truncate(f.Desired, maxImage),
	}
	if f.Unread != nil {
		record.Unread = truncate(f.Unread.Error(), maxImage)
	}
	return record
}

// complete completes a record: with the outcome of err, or as corrected if err is nil.
func (r *run) complete(record Record, err error) Record {
	now := r.guard.Now()
	record.ElapsedMs = now.Sub(r.began).Milliseconds()
	if err != nil {
		return fail(record, err)
	}
	record.Outcome = Corrected
	if since := now.Sub(r.trigger.EventTime); r.trigger.Kind == Event && since <= oldestEvent {
		record.SinceEventMs = max(0, since.Milliseconds())
	}
	return record
}

// fail gives a record the outcome of an error.
func fail(record Record, err error) Record {
	record.Outcome, record.Missing = NotCorrected, errors.Is(err, ErrMissing)
	if errors.Is(err, ErrLockout) {
		record.Outcome = Refused
	}
	record.Error, record.failure = truncate(err.Error(), maxImage), err
	record.Runbook = cmp.Or(RemedyOf(err), record.Remedy())
	return record
}

// untouched returns records of drift that is not changed.
func (r *run) untouched(m Member, outcome Outcome, drifted []Finding) []Record {
	var records []Record
	for _, f := range drifted {
		record := r.record(m, f)
		record.Outcome, record.ElapsedMs = outcome, r.guard.Now().Sub(r.began).Milliseconds()
		records = append(records, record)
	}
	return records
}

// uninspected returns the record of a member's resource whose state could not be read.
func (r *run) uninspected(m Member, resource Resource, err error) Record {
	return r.failed(m, resource.Name(), fmt.Errorf("inspecting %s: %w", resource.Name(), err))
}

// failed returns the record of something of a member that failed and has no finding.
func (r *run) failed(m Member, what string, err error) Record {
	record := Record{Trigger: r.trigger, Actor: r.trigger.Actor, Resource: what, Target: m.Target, Place: m.place()}
	return r.complete(record, err)
}

// truncate shortens a text to a limit in bytes, and says so in the text.
func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return fmt.Sprintf("%s%s%d bytes in all)", strings.ToValidUTF8(text[:limit], ""), truncated, len(text))
}

// truncated is the mark in a text that was shortened. It is not JSON.
const truncated = " … (truncated: "

// IsTruncated reports whether a text of a record was shortened.
func IsTruncated(text string) bool { return strings.Contains(text, truncated) }

// truncateDiff keeps as many differences as fit, and says how many it omitted.
func truncateDiff(diff []Difference) []Difference {
	size := 0
	for i, d := range diff {
		size += len(d.Name) + len(d.Value)
		if size > maxDiff {
			more := Difference{Removed: d.Removed, Value: fmt.Sprintf("… (truncated: %d more)", len(diff)-i)}
			return append(diff[:i:i], more)
		}
	}
	return diff
}
