// Package teardown is the custom resource that empties a bucket when its stack is deleted, and tells the truth.
//
// Create and Update only check that the bucket is this stack's. Delete empties it, but only where all of this holds;
// otherwise nothing is touched:
//
//	EmptyBucketOnDelete | the bucket                | the stack                       | answer
//	false               | any                       | any                             | SUCCESS: the bucket is kept
//	true                | is gone                   | any                             | SUCCESS
//	true                | has no tag of this stack  | is rolled back                  | SUCCESS: it never was this stack's
//	true                | has no tag of this stack  | any other                       | FAILED
//	true                | stays in the stack        | is updated or rolled back       | SUCCESS: only this resource goes
//	true                | goes                      | is not deleted, not updated     | FAILED
//	true                | goes                      | is deleted, updated, rolled back | empties it
//
// Where the bucket's policy denies this role its tags, the stack's list of resources decides in their place whether to
// put the emptying policy. That lets the tags be read, and they must confirm it before an object is deleted.
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

	"s3-endpoint-guard/internal/aws/cfnresponse"
	"s3-endpoint-guard/internal/emptying"
	"s3-endpoint-guard/internal/metrics"
)

// The metrics of a teardown, written every 10 s while it runs.
const (
	// ObjectsDeleted counts versions and delete markers deleted so far, earlier invocations included.
	ObjectsDeleted metrics.Name = "ObjectsDeleted"
	// ObjectsRemaining estimates how many are left; absent while there is no telling.
	ObjectsRemaining metrics.Name = "ObjectsRemaining"
	// DeleteRate is how many versions per second were deleted since the previous line.
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
	// serviceTimeout is how long CloudFormation waits for an answer, unless the resource says otherwise, and the most
	// that it may say. FACTS: CloudFormation
	serviceTimeout = time.Hour
	// answerReserve is the part of an invocation, and of the service time-out, that is kept for what comes after the
	// emptying: handing over, a lifecycle rule, the answer.
	answerReserve = 60 * time.Second
	// leastReserve is the same for functions with little time; more than cfnresponse keeps for its answer.
	leastReserve = 25 * time.Second
	// worthIt is the shortest time for which another invocation is started.
	worthIt = 30 * time.Second
	// mostRuns bounds the invocations of one request. Lambda stops chains after about 16. FACTS: CloudFormation
	mostRuns = 12
	// pessimism is how many times longer than there is time the rest must seem to take before giving up early: the
	// estimate is rough.
	pessimism = 3
)

// Teardown handles the requests of the custom resource. Its functions are set once and called at the same time by
// nobody: Lambda gives a process one request at a time.
type Teardown struct {
	// Role is the ARN of the role that the function runs as, the only one that is let in while a bucket is emptied.
	Role string
	// Buckets reads and writes the configuration of buckets.
	Buckets Buckets
	// Stacks tells about CloudFormation stacks.
	Stacks Stacks
	// Store makes a bucket's store.
	Store func(bucket string) emptying.Store
	// HandOver starts a fresh invocation of this function with a payload, and does not wait for it.
	HandOver func(ctx context.Context, payload []byte) error
	// Expire has S3 itself delete everything in the bucket, and tells when it will have begun.
	Expire func(ctx context.Context, bucket string) (time.Time, error)
	// Log gets a line every 10 s at most while emptying, and Out the metrics.
	Log *slog.Logger
	Out io.Writer
}

// Properties are the custom resource's properties in the template. CloudFormation sends every value as a string.
type Properties struct {
	// BucketName is the bucket to empty.
	BucketName string
	// EmptyBucketOnDelete "true" empties it on Delete; with "false" nothing is ever touched.
	EmptyBucketOnDelete string
	// BypassGovernanceRetention "true" deletes versions under governance retention too; anything else does not.
	BypassGovernanceRetention string
	// ServiceTimeout is in seconds; "" means 3,600, the most there is.
	ServiceTimeout string
}

// wish is what the properties ask for.
type wish struct {
	bucket        string
	empty, bypass bool
	timeout       time.Duration
}

// read reads the properties.
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

// PhysicalID is the resource's id. It is derived from the bucket, so that an Update to another bucket makes
// CloudFormation send Delete for the old one. A Delete keeps the id that it names.
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

// empty empties the bucket, hands over, or says why neither went.
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

// soFar says what earlier invocations have done.
func soFar(before emptying.Continuation) string {
	if before.Deleted == 0 {
		return "nothing was deleted"
	}
	return fmt.Sprintf("%d versions were deleted before", before.Deleted)
}

// untouched says that this invocation left the bucket alone, and what earlier ones have done.
func untouched(request cfnresponse.Request, bucket string) string {
	if before, err := continuation(request); err == nil && before.Runs > 0 {
		return fmt.Sprintf("emptying bucket %s was not continued (%s)", bucket, soFar(before))
	}
	return fmt.Sprintf("bucket %s was not touched", bucket)
}

// inAll adds to an error what was deleted in all, where that is more than its report says: by earlier invocations, or by
// earlier tries of this one.
func inAll(report emptying.Report, err error) error {
	if report.Continuation.Deleted == report.Deleted {
		return err
	}
	return fmt.Errorf("%w; %d versions deleted in all", err, report.Continuation.Deleted)
}

// withHint adds to an error what people who want to lift a lock have to know.
func withHint(report emptying.Report, err error) error {
	for _, g := range report.Leftovers {
		if g.Locks.Governance+g.Locks.Legal > 0 {
			return fmt.Errorf("%w; the bucket's policy now denies its objects to everybody else: delete it before lifting locks", err)
		}
	}
	return err
}

// deadline is when to stop emptying: before the invocation ends, and before CloudFormation stops waiting.
func deadline(ctx context.Context, end time.Time) time.Time {
	if invocation, ok := ctx.Deadline(); ok {
		if invocation = invocation.Add(-min(answerReserve, max(leastReserve, time.Until(invocation)/4))); invocation.Before(end) {
			return invocation
		}
	}
	return end
}

// canGoOn tells whether a fresh invocation has the time to do something, and, as far as the rate tells, enough.
func (t *Teardown) canGoOn(report emptying.Report, end time.Time) bool {
	left := time.Until(end)
	if left < worthIt || report.Continuation.Runs >= mostRuns {
		return false
	}
	return report.Remaining <= 0 || report.Rate <= 0 || float64(report.Remaining)/report.Rate < pessimism*left.Seconds()
}

// handOver starts the next invocation with the same request and what it needs to go on.
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

// leaveToLifecycle has S3 delete the rest, and says when to delete the stack again.
func (t *Teardown) leaveToLifecycle(ctx context.Context, bucket string, report emptying.Report) error {
	account := fmt.Sprintf("%s; %d versions deleted in all", report.Reason(), report.Continuation.Deleted)
	begun, err := t.Expire(ctx, bucket)
	if err != nil {
		return fmt.Errorf("%s; delete the stack again to go on; leaving the rest to a lifecycle rule: %w", account, err)
	}
	t.Log.Warn(messageExpiring, "bucket", bucket, "until", begun.Format(time.RFC3339))
	return fmt.Errorf("%s; a lifecycle rule now expires everything in the bucket: delete the stack again after %s", account, begun.Format("2006-01-02"))
}

// progress logs and measures how far the emptying is.
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

// continuation is what an earlier invocation left in the request; without one, work begins now.
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

// withContinuation is a request with the continuation in it.
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
