package health

import (
	"fmt"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/metrics"
)

// judgeLock judges whether bucket and endpoint still deny all access that must be denied.
//
// Drift whose verdict is closed is no problem here: the guard restores the policy and reports that in its own metrics.
func (t Criteria) judgeLock(r *Report, s Snapshot) {
	var locked verdict
	for _, part := range []struct {
		check   Check
		reading Reading[guard.Finding]
	}{
		{BucketPolicy, s.BucketPolicy}, {PublicAccessBlock, s.PublicAccess}, {OwnershipControls, s.Ownership},
	} {
		known := r.made(part.check, part.reading.Err)
		locked.hear(known, open(part.reading.Value)...)
	}
	var public []string
	if s.Public.Value {
		public = []string{fmt.Sprintf("bucket %s: S3 calls its policy public", t.Setting.Bucket)}
	}
	locked.hear(r.made(PolicyStatus, s.Public.Err), public...)
	r.conclude(metrics.BucketLocked, locked)
	for _, f := range s.Endpoint.Value.Findings {
		if f.Property == "endpoint-policy" {
			r.flag(metrics.EndpointLocked, open(f)...)
		}
	}
	t.judgeAnswer(r, s.Answer)
}

// open returns an objection if a finding is open.
func open(f guard.Finding) []string {
	if f.Verdict != iampolicy.Open {
		return nil
	}
	return []string{fmt.Sprintf("%s of %s is open: %s", f.Property, f.Target, f.Allowed)}
}

// judgeAnswer judges the answer to the anonymous read: the object, or that it does not exist, which S3 shows only to
// callers that may list.
func (t Criteria) judgeAnswer(r *Report, answer Reading[string]) {
	if !r.made(AnonymousRead, answer.Err) {
		return
	}
	var objections []string
	if answer.Value != "" {
		objections = []string{fmt.Sprintf("bucket %s: an anonymous read from the internet was answered %s", t.Setting.Bucket, answer.Value)}
	}
	r.alarm(metrics.ExposedToInternet, objections...)
}
