// Package teardown implements the custom resource that empties a bucket when its stack is deleted.
//
// Create and Update only check that the bucket belongs to the stack. Delete empties the bucket only under these
// conditions; otherwise it changes nothing:
//
//	EmptyBucketOnDelete | the bucket               | the stack is                     | answer
//	false               | -                        | -                                | SUCCESS: the bucket is kept
//	true                | does not exist           | -                                | SUCCESS
//	true                | has no tag of this stack | rolled back                      | SUCCESS: it never was this stack's
//	true                | has no tag of this stack | in another state                 | FAILED
//	true                | stays in the stack       | updated or rolled back           | SUCCESS: only this resource goes
//	true                | is deleted               | not deleted, not updated         | FAILED
//	true                | is deleted               | deleted, updated, rolled back    | empties it
//
// If the bucket's policy denies this role access to the tags, the stack's list of resources decides whether to put the
// emptying policy. Under that policy the tags can be read, and they must confirm the result before an object is
// deleted.
//
// It uses the AWS SDK through narrow interfaces; [New] wires it for Lambda.
package teardown

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/emptying"
	"example.com/s3-endpoint-guard/internal/metrics"
)

// The metrics of a teardown, written every 10 s during the emptying.
const (
	// ObjectsDeleted is the number of versions and delete markers deleted so far, including earlier invocations.
	ObjectsDeleted metrics.Name = "ObjectsDeleted"
	// ObjectsRemaining is an estimate of how many are left; absent if there is no estimate.
	ObjectsRemaining metrics.Name = "ObjectsRemaining"
	// DeleteRate is the number of versions deleted per second since the previous line.
	DeleteRate metrics.Name = "DeleteRate"
)

// Log messages.
const (
	messageProgress = "emptying"
	messageEmptied  = "emptied"
	messageKept     = "kept"
	messageExpiring = "left to the lifecycle rule"
)

const (
	// serviceTimeout is how long CloudFormation waits for an answer: the default and maximum of ServiceTimeout.
	// Source: docs/facts.md, CloudFormation
	serviceTimeout = time.Hour
	// answerReserve is the part of an invocation, and of the service time-out, that is reserved for the steps after the
	// emptying: handing over, a lifecycle rule, the answer.
	answerReserve = 60 * time.Second
	// leastReserve is the minimum reserve for functions with a short time-out; it is more than cfnresponse reserves.
	leastReserve = 25 * time.Second
	// worthIt is the minimum time left for starting another invocation.
	worthIt = 30 * time.Second
	// mostRuns limits the invocations per request. Lambda stops chains after about 16 (docs/facts.md, CloudFormation).
	mostRuns = 12
	// pessimism is the factor by which the estimated time must exceed the time left before the teardown gives up early.
	// The estimate is rough.
	pessimism = 3
)

// Teardown handles the requests of the custom resource. It is not safe for concurrent use; Lambda gives a process one
// request at a time.
type Teardown struct {
	// Role is the ARN of the function's role, the only one with access to a bucket while it is emptied.
	Role string
	// Buckets reads and writes the configuration of buckets.
	Buckets Buckets
	// Stacks reads CloudFormation stacks.
	Stacks Stacks
	// Store returns a bucket's store.
	Store func(bucket string) emptying.Store
	// HandOver starts a new invocation of this function with a payload, and does not wait for it.
	HandOver func(ctx context.Context, payload []byte) error
	// Expire sets a lifecycle rule that expires all objects, and returns when the expiration will have begun.
	Expire func(ctx context.Context, bucket string) (time.Time, error)
	// Log receives a line at most every 10 s during the emptying, Out the metrics.
	Log *slog.Logger
	Out io.Writer
}

// Properties are the custom resource's properties in the template. CloudFormation sends all values as strings.
type Properties struct {
	// BucketName is the bucket to empty.
	BucketName string
	// EmptyBucketOnDelete "true" empties the bucket on Delete; with "false" the bucket is never changed.
	EmptyBucketOnDelete string
	// BypassGovernanceRetention "true" also deletes versions under governance retention; other values do not.
	BypassGovernanceRetention string
	// ServiceTimeout is in seconds; "" means 3,600, the maximum.
	ServiceTimeout string
}

// wish contains the parsed properties.
type wish struct {
	bucket        string
	empty, bypass bool
	timeout       time.Duration
}

// read parses the properties.
func read(raw json.RawMessage) (wish, error) {
	var p Properties
	if err := json.Unmarshal(raw, &p); err != nil {
		return wish{}, fmt.Errorf("reading the properties: %w", err)
	}
	w := wish{bucket: p.BucketName, timeout: serviceTimeout}
	var problems []error
	if p.BucketName == "" {
		problems = append(problems, errors.New("BucketName is not set"))
	}
	flag := func(name, value string) bool {
		if value != "true" && value != "false" && value != "" {
			problems = append(problems, fmt.Errorf("%s is %q, want true or false", name, value))
		}
		return value == "true"
	}
	w.empty = flag("EmptyBucketOnDelete", p.EmptyBucketOnDelete)
	w.bypass = flag("BypassGovernanceRetention", p.BypassGovernanceRetention)
	if seconds, err := strconv.Atoi(p.ServiceTimeout); p.ServiceTimeout != "" && (err != nil || seconds < 1) {
		problems = append(problems, fmt.Errorf("ServiceTimeout is %q, want seconds", p.ServiceTimeout))
	} else if p.ServiceTimeout != "" {
		w.timeout = min(time.Duration(seconds)*time.Second, serviceTimeout)
	}
	return w, errors.Join(problems...)
}

// PhysicalID returns the resource's id. It is derived from the bucket's name, so that CloudFormation sends Delete for
// the old bucket after an Update to another one. For Delete it returns the id in the request.
func PhysicalID(request cfnresponse.Request) string {
	if request.RequestType == cfnresponse.Delete && request.PhysicalResourceID != "" {
		return request.PhysicalResourceID
	}
	w, err := read(request.ResourceProperties)
	if err != nil {
		return ""
	}
	return "emptied-on-delete-" + w.bucket
}

// Handle implements [cfnresponse.Handler].
func (t *Teardown) Handle(ctx context.Context, request cfnresponse.Request, note func(string)) (cfnresponse.Result, error) {
	w, err := read(request.ResourceProperties)
	if err != nil {
		return cfnresponse.Result{}, err
	}
	if request.RequestType != cfnresponse.Delete {
		return cfnresponse.Result{}, t.check(ctx, request, w)
	}
	decision, owner, err := t.decide(ctx, request, w)
	if err != nil {
		return cfnresponse.Result{}, fmt.Errorf("%s: %w", untouched(request, w.bucket), err)
	}
	if decision != goAhead {
		t.Log.Info(messageKept, "bucket", w.bucket, "because", string(decision))
		return cfnresponse.Result{}, nil
	}
	return t.empty(ctx, request, w, owner, note)
}

// empty empties the bucket, hands over, or returns the reason why it can do neither.
func (t *Teardown) empty(ctx context.Context, request cfnresponse.Request, w wish, owner ownership, note func(string)) (cfnresponse.Result, error) {
	before, err := continuation(request)
	if err != nil {
		return cfnresponse.Result{}, err
	}
	var policyPut time.Time
	if before.Runs == 0 || owner == listed {
		if policyPut, err = t.takeOver(ctx, request, w.bucket, owner); err != nil {
			return cfnresponse.Result{}, fmt.Errorf("%s: %w", soFar(before), err)
		}
	}
	end := before.Began.Add(w.timeout - answerReserve)
	report, err := t.run(ctx, emptying.Options{
		Store: t.Store(w.bucket), Bucket: w.bucket, BypassGovernance: w.bypass, Before: before,
		Deadline: deadline(ctx, end), Progress: func(p emptying.Progress) { t.progress(w.bucket, p, note) },
	}, policyPut)
	switch {
	case err == nil:
		t.Log.Info(messageEmptied, "bucket", w.bucket, "deleted", report.Continuation.Deleted, "elapsedMs", report.Elapsed.Milliseconds())
		return cfnresponse.Result{}, nil
	case report.Outcome != emptying.OutOfTime:
		return cfnresponse.Result{}, withHint(report, inAll(report, err))
	case t.canGoOn(report, end):
		return t.handOver(ctx, request, report)
	}
	return cfnresponse.Result{}, t.leaveToLifecycle(ctx, w.bucket, report)
}

// soFar describes the work of earlier invocations.
func soFar(before emptying.Continuation) string {
	if before.Deleted == 0 {
		return "nothing was deleted"
	}
	return fmt.Sprintf("%d versions were deleted before", before.Deleted)
}

// untouched says that this invocation did not change the bucket, and what earlier ones did.
func untouched(request cfnresponse.Request, bucket string) string {
	if before, err := continuation(request); err == nil && before.Runs > 0 {
		return fmt.Sprintf("emptying bucket %s was not continued (%s)", bucket, soFar(before))
	}
	return fmt.Sprintf("bucket %s was not touched", bucket)
}

// inAll adds the total number of deleted versions to an error, if the report's own number is lower because of earlier
// invocations or earlier tries of this one.
func inAll(report emptying.Report, err error) error {
	if report.Continuation.Deleted == report.Deleted {
		return err
	}
	return fmt.Errorf("%w; %d versions deleted in all", err, report.Continuation.Deleted)
}

// withHint adds to an error what an operator must do before removing an object lock.
func withHint(report emptying.Report, err error) error {
	for _, g := range report.Leftovers {
		if g.Locks.Governance+g.Locks.Legal+g.Locks.Event > 0 {
			return fmt.Errorf("%w; the bucket's policy now denies its objects to all other callers: delete it before removing locks", err)
		}
	}
	return err
}

// deadline returns when to stop emptying: before the invocation ends, and before CloudFormation stops waiting.
func deadline(ctx context.Context, end time.Time) time.Time {
	if invocation, ok := ctx.Deadline(); ok {
		if invocation = invocation.Add(-min(answerReserve, max(leastReserve, time.Until(invocation)/4))); invocation.Before(end) {
			return invocation
		}
	}
	return end
}

// canGoOn reports whether a new invocation has time for useful work and, if the rate is known, enough time.
func (t *Teardown) canGoOn(report emptying.Report, end time.Time) bool {
	left := time.Until(end)
	if left < worthIt || report.Continuation.Runs >= mostRuns {
		return false
	}
	return report.Remaining <= 0 || report.Rate <= 0 || float64(report.Remaining)/report.Rate < pessimism*left.Seconds()
}

// handOver starts the next invocation with the same request and the state to continue.
func (t *Teardown) handOver(ctx context.Context, request cfnresponse.Request, report emptying.Report) (cfnresponse.Result, error) {
	payload, err := withContinuation(request.Payload, report.Continuation)
	if err != nil {
		return cfnresponse.Result{}, err
	}
	if err := t.HandOver(ctx, payload); err != nil {
		return cfnresponse.Result{}, fmt.Errorf("%s; and starting a fresh invocation failed (delete the stack again): %w", report.Reason(), err)
	}
	return cfnresponse.Result{HandedOver: true}, nil
}

// leaveToLifecycle lets S3 delete the rest with a lifecycle rule. The error says when to delete the stack again.
func (t *Teardown) leaveToLifecycle(ctx context.Context, bucket string, report emptying.Report) error {
	account := fmt.Sprintf("%s; %d versions deleted in all", report.Reason(), report.Continuation.Deleted)
	begun, err := t.Expire(ctx, bucket)
	if err != nil {
		return fmt.Errorf("%s; delete the stack again to go on; leaving the rest to a lifecycle rule: %w", account, err)
	}
	t.Log.Warn(messageExpiring, "bucket", bucket, "until", begun.Format(time.RFC3339))
	return fmt.Errorf("%s; a lifecycle rule now expires everything in the bucket: delete the stack again after %s", account, begun.Format("2006-01-02"))
}

// progress writes the progress of the emptying to the log and the metrics.
func (t *Teardown) progress(bucket string, p emptying.Progress, note func(string)) {
	note(fmt.Sprintf("deleted %d versions so far, %.0f/s", p.Deleted, p.Rate))
	t.Log.Info(messageProgress, "bucket", bucket, "deleted", p.Deleted, "remaining", p.Remaining, "rate", int(p.Rate), "elapsedMs", p.Elapsed.Milliseconds())
	data := []metrics.Datum{
		{Name: ObjectsDeleted, Unit: metrics.Count, Values: []float64{float64(p.Deleted)}},
		{Name: DeleteRate, Unit: "Count/Second", Values: []float64{p.Rate}},
	}
	if p.Remaining >= 0 {
		data = append(data, metrics.Datum{Name: ObjectsRemaining, Unit: metrics.Count, Values: []float64{float64(p.Remaining)}})
	}
	if err := metrics.Write(t.Out, metrics.Line{Bucket: bucket, Time: time.Now()}, data...); err != nil {
		t.Log.Warn("metrics", "error", err.Error())
	}
}

// continuation returns the state of an earlier invocation from the request; without one, the work begins now.
func continuation(request cfnresponse.Request) (emptying.Continuation, error) {
	c := emptying.Continuation{Began: time.Now()}
	if request.Continuation == nil {
		return c, nil
	}
	if err := json.Unmarshal(request.Continuation, &c); err != nil {
		return c, fmt.Errorf("reading the continuation: %w", err)
	}
	return c, nil
}

// withContinuation returns the request with the continuation added.
func withContinuation(payload []byte, c emptying.Continuation) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	fields["Continuation"] = raw
	return json.Marshal(fields)
}
