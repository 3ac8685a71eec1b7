package main

import (
	"encoding/json"
	"fmt"
)

// object is a JSON object.
type object = map[string]any

// bucketEvents are the changes of a bucket that start Custodian's function, by CloudTrail's names.
var bucketEvents = []string{
	"PutBucketPolicy", "DeleteBucketPolicy", "PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock", "PutBucketOwnershipControls",
	"DeleteBucketOwnershipControls", "PutBucketLifecycle", "DeleteBucketLifecycle", "PutBucketVersioning", "PutBucketEncryption",
	"DeleteBucketEncryption",
}

// custodianConfig returns the config.json of a Lambda function of Custodian. Its policy looks for a public access block that is not whole,
// a bucket policy that lacks one of the lock's statements, and an Allow for other accounts; it replaces the policy by the lock's
// statements and switches the block on. The lean one reads only the bucket policy before it judges, the other one what Custodian reads by
// default. Without the filters it would make fewer calls, but write at each event, also at that of its own write, without end.
//
// https://cloudcustodian.io/docs/aws/resources/s3.html
func custodianConfig(s *scene, folder, name string, lean bool) ([]byte, error) {
	var lock struct{ Statement []object }
	if err := json.Unmarshal([]byte(s.stack.Attribute("BucketPolicyDocument", "Value")), &lock); err != nil {
		return nil, fmt.Errorf("reading the lock's policy: %w", err)
	}
	var events []object
	for _, event := range bucketEvents {
		events = append(events, object{"source": "s3.amazonaws.com", "event": event, "ids": "requestParameters.bucketName"})
	}
	policy := object{
		"name": name, "resource": "aws.s3",
		"mode": object{"type": "cloudtrail", "role": "custodian", "events": events, "execution-options": object{"output_dir": folder}},
		"filters": []object{{"or": []object{
			{"type": "check-public-block"},
			{"not": []object{{"type": "has-statement", "statements": lock.Statement}}},
			{"type": "cross-account"},
		}}},
		"actions": []object{{"type": "set-statements", "remove": "*", "statements": lock.Statement}, {"type": "set-public-block"}},
	}
	if lean {
		policy["query"] = []object{{"augment-keys": []string{"Policy"}}}
	}
	return json.Marshal(object{
		"execution-options": object{"account_id": s.cloud.Gate.Options().Account},
		"policies":          []object{policy},
	})
}
