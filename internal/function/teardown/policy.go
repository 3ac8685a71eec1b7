package teardown

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3-endpoint-guard/internal/aws/cfnresponse"
	"s3-endpoint-guard/internal/aws/errorcode"
	"s3-endpoint-guard/internal/emptying"
	"s3-endpoint-guard/internal/timeleft"
)

const (
	// policyTries is how often the policy is put while another configuration write is under way, policyPause how long
	// to wait between. FACTS: S3 (409 OperationAborted)
	policyTries = 5
	policyPause = time.Second
	// settling is for how long after the policy was put a refusal may still be the old policy's, for a bucket's
	// configuration is eventually consistent (FACTS: S3), and settlePause how long to wait before trying again.
	settling    = time.Minute
	settlePause = 3 * time.Second
	// granting is how long a permission that was just given may take to be in force. FACTS: CloudFormation
	granting = 2 * time.Minute
)

// lockedOut is what the owner of the stack can do about a bucket whose policy cannot be replaced.
const lockedOut = "if the bucket's own policy denies s3:PutBucketPolicy, only the account's root user can delete that policy " +
	"(for a member account of an organisation: sts assume-root with the task policy S3UnlockBucketPolicy), then delete the stack again; " +
	"see the runbook, The stack cannot be deleted"

// emptyingActions are the actions on objects that emptying takes: deleting versions, and reading what protects those
// that cannot be deleted. Deleting without a version is not among them: it would add a delete marker.
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

// EmptyingPolicy is the policy that a bucket has from the moment it is emptied until it is deleted. It takes the place
// of whatever policy the bucket has, and is stricter than the lock:
//
//   - plain HTTP is denied, as before;
//   - every object and listing action is denied to everybody but the teardown role, from everywhere: whoever could
//     write, the workload included, cannot refill the bucket;
//   - the teardown role itself may list and delete, and neither read nor write.
//
// So that role has no right to the bucket's objects until the stack is deleted, and the lock needs no exception for it.
// Configuration stays with IAM, so that CloudFormation can delete the policy and the bucket. Nobody stands in
// Principal, for a role that is deleted turns into an id there (FACTS: S3).
func EmptyingPolicy(roleARN, bucket string) (string, error) {
	partition := strings.SplitN(roleARN, ":", 3)
	if len(partition) != 3 || partition[0] != "arn" {
		return "", fmt.Errorf("the teardown role's ARN is %q", roleARN)
	}
	itself := "arn:" + partition[1] + ":s3:::" + bucket
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

// MarshalJSON writes a statement of a policy that denies, and names nobody.
func (s statement) MarshalJSON() ([]byte, error) {
	type plain statement
	s.Effect, s.Principal = "Deny", "*"
	return json.Marshal(plain(s))
}

// takeOver makes sure that nobody but this role reaches the bucket's objects, and that the bucket is this stack's where
// only the stack's list said so. It returns when S3 can be expected to go by the emptying policy at the latest.
func (t *Teardown) takeOver(ctx context.Context, request cfnresponse.Request, bucket string, owner ownership) (time.Time, error) {
	err := t.denyOthers(ctx, bucket)
	if err == nil && owner == listed {
		if err = t.confirm(ctx, request, bucket); err != nil {
			err = fmt.Errorf("%w; the bucket's policy was replaced, and now denies its objects to everybody: delete it, or put back the one before", err)
		}
	}
	return time.Now(), err
}

// denyOthers puts the emptying policy. A role that was changed just before may be refused at first.
func (t *Teardown) denyOthers(ctx context.Context, bucket string) error {
	policy, err := EmptyingPolicy(t.Role, bucket)
	if err != nil {
		return err
	}
	err = whileDenied(ctx, func() error { return t.putPolicy(ctx, bucket, policy) })
	switch {
	case err == nil, errorcode.Of(err) == "NoSuchBucket": // which the emptying then finds out as well
		return nil
	case errorcode.Of(err) == emptying.AccessDenied:
		return fmt.Errorf("denying everybody else the objects of bucket %s: %w; %s", bucket, err, lockedOut)
	}
	return fmt.Errorf("denying everybody else the objects of bucket %s: %w", bucket, err)
}

// putPolicy puts a bucket's policy. While another configuration write is under way it tries again.
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

// whileDenied repeats a call that S3 denies, for as long as the denial may be one of before: policies of roles and of
// buckets are eventually consistent. It ends in time for the answer to CloudFormation.
func whileDenied(ctx context.Context, call func() error) error {
	until := deadline(ctx, time.Now().Add(granting))
	for {
		err := call()
		if errorcode.Of(err) != emptying.AccessDenied || time.Now().Add(settlePause).After(until) || timeleft.Wait(ctx, settlePause) != nil {
			return err
		}
	}
}

// run empties the bucket. What is refused soon after the policy was put is tried again: S3 may still go by the one
// before.
func (t *Teardown) run(ctx context.Context, o emptying.Options, policyPut time.Time) (emptying.Report, error) {
	for {
		report, err := emptying.Run(ctx, o)
		if err == nil || !mayStillSettle(report) || time.Since(policyPut) > settling {
			return report, err
		}
		if timeleft.Wait(ctx, settlePause) != nil || !o.Deadline.IsZero() && time.Now().After(o.Deadline) {
			return report, err
		}
		// One run that was interrupted, not two: the number of runs bounds the invocations.
		o.Before.Deleted = report.Continuation.Deleted
	}
}

// mayStillSettle tells whether all that went wrong is that S3 denied something, without a lock that explains it.
func mayStillSettle(r emptying.Report) bool {
	for _, g := range r.Leftovers {
		if !g.Denied() || g.Locks != (emptying.Locked{}) {
			return false
		}
	}
	return len(r.Leftovers) > 0 || r.Outcome == emptying.Stopped && errorcode.Of(r.Err) == emptying.AccessDenied
}
