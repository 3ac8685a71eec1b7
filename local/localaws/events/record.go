package events

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// Record returns CloudTrail's record of a management write, as the account sees it in the Region (docs/facts.md,
// CloudTrail through EventBridge).
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func Record(call api.TrailCall, account, region string) Event {
	r, trail := call.Request, call.Operation.Trail
	record := Event{
		"eventVersion": "1.11", "eventTime": r.Time.UTC().Format(time.RFC3339),
		"eventSource": call.Service + ".amazonaws.com", "eventName": or(trail.EventName, call.Operation.Name),
		"awsRegion": region, "userIdentity": identity(r, account),
		"sourceIPAddress": or(r.Caller.InvokedBy, r.Listener.SourceIP), "userAgent": or(r.Caller.InvokedBy, userAgent(call)),
		"requestParameters": trail.RequestParameters, "responseElements": trail.ResponseElements,
		"requestID": r.ID, "eventID": newID(), "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
		"eventCategory": "Management", "recipientAccountId": account,
	}
	if call.Error != nil {
		fail(record, call)
	} else if trail.Resources != nil {
		record["resources"] = trail.Resources
	}
	return record
}

// fail changes a record to that of a failed call: with the error, without answer and resources, and for a bucket
// policy without its content.
func fail(record Event, call api.TrailCall) {
	record["errorCode"], record["errorMessage"] = errorCode(call), call.Error.Message
	record["responseElements"] = nil
	if parameters, ok := record["requestParameters"].(map[string]any); ok && parameters["bucketPolicy"] != nil {
		parameters = maps.Clone(parameters)
		parameters["bucketPolicy"] = map[string]any{}
		record["requestParameters"] = parameters
	}
}

// errorCode returns the code in the record: EC2's codes begin with Client or Server.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func errorCode(call api.TrailCall) string {
	switch {
	case call.Service != "ec2":
		return call.Error.Code
	case call.Error.Status >= 500:
		return "Server." + call.Error.Code
	}
	return "Client." + call.Error.Code
}

// userAgent returns the user agent, which has brackets in S3's records.
func userAgent(call api.TrailCall) string {
	agent := call.Request.Header.Get("User-Agent")
	if call.Service == "s3" {
		return "[" + agent + "]"
	}
	return agent
}

// identity returns the record's userIdentity.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func identity(r *api.Request, account string) map[string]any {
	c := r.Caller
	id := map[string]any{"accountId": c.Account}
	switch {
	case c.Principal == "":
		return map[string]any{"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
	case c.Account != account:
		// For users of another account the trail contains only the account.
		return map[string]any{"type": "AWSAccount", "principalId": uniqueID("AIDA", c.Principal), "accountId": c.Account}
	case c.Issuer != "":
		role, session := uniqueID("AROA", c.Issuer), afterLast(c.Principal, "/")
		id["type"], id["principalId"] = "AssumedRole", role+":"+session
		id["sessionContext"] = sessionContext(r, map[string]any{
			"type": "Role", "principalId": role, "arn": c.Issuer, "accountId": c.Account, "userName": afterLast(c.Issuer, "/"),
		})
	case strings.HasSuffix(c.Principal, ":root"):
		id["type"], id["principalId"] = "Root", c.Account
		id["sessionContext"] = sessionContext(r, map[string]any{})
	default:
		id["type"], id["principalId"], id["userName"] = "IAMUser", uniqueID("AIDA", c.Principal), afterLast(c.Principal, "/")
		id["sessionContext"] = sessionContext(r, map[string]any{})
	}
	id["arn"], id["accessKeyId"] = c.Principal, r.AccessKeyID
	if c.InvokedBy != "" {
		id["invokedBy"] = c.InvokedBy
	}
	return id
}

// sessionContext returns the session; its issuer is empty for users.
func sessionContext(r *api.Request, issuer map[string]any) map[string]any {
	return map[string]any{
		"sessionIssuer":       issuer,
		"webIdFederationData": map[string]any{},
		"attributes": map[string]any{
			"mfaAuthenticated": "false", "creationDate": r.Time.UTC().Truncate(time.Hour).Format(time.RFC3339),
		},
	}
}

// uniqueID returns an id in IAM's format, always the same for the same ARN.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func uniqueID(prefix, arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

func afterLast(s, separator string) string { return s[strings.LastIndex(s, separator)+1:] }

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
