package teardown

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/propagation"
	"example.com/s3-endpoint-guard/internal/emptying"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

const (
	// policyTries is how often PutBucketPolicy is tried while another configuration change is in progress, policyPause
	// is the pause between the tries. Source: docs/facts.md, S3 (409 OperationAborted)
	policyTries = 5
	policyPause = time.Second
	// settling is how long after the put S3 may still apply the old policy, because a bucket's configuration is
	// eventually consistent (docs/facts.md, S3).
	settling = time.Minute
)

// lockedOut says what the owner of the stack can do if the bucket's policy cannot be replaced.
const lockedOut = "if the bucket's own policy denies s3:PutBucketPolicy, only the account's root user can delete that policy " +
	"(for a member account of an organisation: sts assume-root with the task policy S3UnlockBucketPolicy), then delete the stack again; " +
	"see the runbook, The stack cannot be deleted"

// emptyingActions are the object actions needed for emptying: deleting versions, and reading what protects the others.
// Deletes without a version id are not included: they would add delete markers.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var emptyingActions = []string{
	"s3:AbortMultipartUpload", "s3:BypassGovernanceRetention", "s3:DeleteObjectVersion",
	"s3:GetObjectLegalHold", "s3:GetObjectRetention",
}

// statement is a statement of the emptying policy.
type statement struct {
	Sid, Effect, Principal string
	Action, NotAction      any `json:",omitempty"`
	Resource               any
	Condition              map[string]map[string]any `json:",omitempty"`
}

// EmptyingPolicy returns the policy of a bucket from the start of the emptying until its deletion. It replaces the
// bucket's policy and is stricter than the guarded one:
//
//   - plain HTTP is denied, as before;
//   - all object and listing actions are denied to all principals except the teardown role, on all networks: no other
//     principal, including the workload, can add objects;
//   - the teardown role can list and delete, but neither read nor write.
//
// So that role has no access to objects until the stack is deleted, and the guarded policy needs no exception for it.
// IAM controls the configuration actions, so that CloudFormation can delete the policy and the bucket. Principal names
// no role, because S3 replaces the name of a deleted role by an id (docs/facts.md, S3).
func EmptyingPolicy(roleARN, bucket string) (string, error) {
	partition := strings.SplitN(roleARN, ":", 3)
	if len(partition) != 3 || partition[0] != "arn" {
		return "", fmt.Errorf("the teardown role's ARN is %q", roleARN)
	}
	itself := iampolicy.BucketARN(partition[1], bucket)
	others := map[string]map[string]any{"ArnNotEquals": {"aws:PrincipalArn": roleARN}}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []statement{
		{Sid: "DenyPlainHTTP", Action: "s3:*", Resource: []string{itself, itself + "/*"},
			Condition: map[string]map[string]any{"BoolIfExists": {"aws:SecureTransport": "false"}}},
		{Sid: "DenyObjectsToOthers", Action: "s3:*", Resource: itself + "/*", Condition: others},
		{Sid: "DenyListingToOthers", Action: "s3:ListBucket*", Resource: itself, Condition: others},
		{Sid: "DenyAllButEmptying", NotAction: emptyingActions, Resource: itself + "/*"},
	}})
	return string(text), err
}

// MarshalJSON writes the statement as a Deny with the principal "*".
func (s statement) MarshalJSON() ([]byte, error) {
	type plain statement
	s.Effect, s.Principal = "Deny", "*"
	return json.Marshal(plain(s))
}

// takeOver denies all other principals the bucket's objects. If only the stack's list shows that the bucket belongs to
// the stack, it then confirms that by the tags. The returned time is the start of settling: not before the put.
func (t *Teardown) takeOver(ctx context.Context, request cfnresponse.Request, bucket string, owner ownership) (time.Time, error) {
	err := t.denyOthers(ctx, bucket)
	if err == nil && owner == listed {
		if err = t.confirm(ctx, request, bucket); err != nil {
			err = fmt.Errorf("%w; the bucket's policy was replaced, and now denies its objects to all callers: delete it, or put back the one before", err)
		}
	}
	return time.Now(), err
}

// denyOthers puts the emptying policy. If the role was changed just before, S3 may deny the first tries.
func (t *Teardown) denyOthers(ctx context.Context, bucket string) error {
	policy, err := EmptyingPolicy(t.Role, bucket)
	if err != nil {
		return err
	}
	err = whileDenied(ctx, func() error { return t.putPolicy(ctx, bucket, policy) })
	switch {
	case err == nil, errorcode.Of(err) == "NoSuchBucket": // the emptying will find that too
		return nil
	case errorcode.Of(err) == emptying.AccessDenied:
		return fmt.Errorf("denying all other callers the objects of bucket %s: %w; %s", bucket, err, lockedOut)
	}
	return fmt.Errorf("denying all other callers the objects of bucket %s: %w", bucket, err)
}

// putPolicy puts a bucket's policy. It tries again while another configuration change is in progress.
func (t *Teardown) putPolicy(ctx context.Context, bucket, policy string) error {
	for try := 1; ; try++ {
		_, err := t.Buckets.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})
		if errorcode.Of(err) != "OperationAborted" || try == policyTries {
			return err
		}
		if err := timeleft.Wait(ctx, policyPause); err != nil {
			return err
		}
	}
}

// whileDenied repeats a call that S3 denies, as long as the denial may come from an old policy. It ends in time for the answer to
// CloudFormation.
func whileDenied(ctx context.Context, call func() error) error {
	return propagation.WhileDenied(ctx, deadline(ctx, time.Now().Add(propagation.Longest)), call)
}

// run empties the bucket. It tries denied calls again soon after the policy was put, because S3 may still apply the old
// one.
func (t *Teardown) run(ctx context.Context, o emptying.Options, policyPut time.Time) (emptying.Report, error) {
	for {
		report, err := emptying.Run(ctx, o)
		if err == nil || !mayStillSettle(report) || time.Since(policyPut) > settling {
			return report, err
		}
		if timeleft.Wait(ctx, propagation.Pause) != nil || !o.Deadline.IsZero() && time.Now().After(o.Deadline) {
			return report, err
		}
		// Count the tries as one run: the number of runs limits the invocations.
		o.Before.Deleted = report.Continuation.Deleted
	}
}

// mayStillSettle reports whether the only failures are denials by S3 that no object lock explains.
func mayStillSettle(r emptying.Report) bool {
	for _, g := range r.Leftovers {
		if !g.Denied() || g.Locks != (emptying.Locked{}) {
			return false
		}
	}
	return len(r.Leftovers) > 0 || r.Outcome == emptying.Stopped && errorcode.Of(r.Err) == emptying.AccessDenied
}
