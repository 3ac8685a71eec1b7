package teardown

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// denyWritersSid names the statement, so that it is added once.
	denyWritersSid = "TeardownDenyWriters"
	// policyTries is how often the policy is put while another configuration write is under way, policyPause how long
	// to wait between. FACTS: S3 (409 OperationAborted)
	policyTries = 5
	policyPause = time.Second
)

// writes are the actions by which objects come into a bucket: also those of multipart uploads, and of log delivery.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
var writes = []string{"s3:PutObject", "s3:ReplicateObject", "s3:ReplicateDelete", "s3:RestoreObject"}

// denyWriters adds a statement to the bucket's policy by which nobody, this role included, can refill the bucket
// while it is emptied. It leaves the rest of the policy as it is.
func (t *Teardown) denyWriters(ctx context.Context, bucket string) error {
	for try := 1; ; try++ {
		err := t.denyOnce(ctx, bucket)
		if code(err) != "OperationAborted" || try == policyTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(policyPause):
		}
	}
}

func (t *Teardown) denyOnce(ctx context.Context, bucket string) error {
	live := "{}"
	answer, err := t.Buckets.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket})
	if err != nil && code(err) != "NoSuchBucketPolicy" {
		return fmt.Errorf("reading the bucket's policy: %w", err)
	}
	if err == nil && answer.Policy != nil {
		live = *answer.Policy
	}
	policy, changed, err := withoutWriters(live, bucket)
	if err != nil || !changed {
		return err
	}
	if _, err := t.Buckets.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}); err != nil {
		return fmt.Errorf("denying writers in the bucket's policy: %w", err)
	}
	return nil
}

// withoutWriters adds the statement to a policy, and tells whether it was missing.
func withoutWriters(policy, bucket string) (string, bool, error) {
	var document map[string]json.RawMessage
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		return "", false, fmt.Errorf("reading the bucket's policy: %w", err)
	}
	var statements []json.RawMessage
	if raw := document["Statement"]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &statements); err != nil {
			statements = []json.RawMessage{raw} // a single statement needs no list
		}
	}
	for _, raw := range statements {
		var s struct{ Sid string }
		if json.Unmarshal(raw, &s) == nil && s.Sid == denyWritersSid {
			return policy, false, nil
		}
	}
	deny, err := json.Marshal(map[string]any{
		"Sid": denyWritersSid, "Effect": "Deny", "Principal": "*", "Action": writes, "Resource": "arn:aws:s3:::" + bucket + "/*",
	})
	if err != nil {
		return "", false, err
	}
	all, err := json.Marshal(append(statements, deny))
	if err != nil {
		return "", false, err
	}
	document["Statement"] = all
	if document["Version"] == nil {
		document["Version"] = json.RawMessage(`"2012-10-17"`)
	}
	text, err := json.Marshal(document)
	return string(text), true, err
}
