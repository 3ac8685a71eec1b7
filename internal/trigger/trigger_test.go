package trigger_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/trigger"
)

func at(minute int) time.Time { return time.Date(2026, 5, 4, 8, minute, 0, 0, time.UTC) }

var (
	admin = guard.Actor{
		ARN: "arn:aws:iam::111122223333:user/admin", SourceIPAddress: "198.51.100.23", UserAgent: "aws-cli/2.31.0 md/awscrt#0.27",
	}
	ops = guard.Actor{
		ARN: "arn:aws:sts::111122223333:assumed-role/ops/session", IssuerARN: "arn:aws:iam::111122223333:role/ops",
		SourceIPAddress: "198.51.100.23", UserAgent: "aws-cli/2.31.0 md/awscrt#0.27",
	}
	deployer = guard.Actor{
		ARN: "arn:aws:iam::111122223333:user/admin", InvokedBy: "cloudformation.amazonaws.com",
		SourceIPAddress: "cloudformation.amazonaws.com", UserAgent: "cloudformation.amazonaws.com",
	}
)

// call returns the trigger of CloudTrail record number n in testdata.
func call(n int, name string, actor guard.Actor) guard.Trigger {
	return guard.Trigger{
		Kind: guard.Event, EventID: "11110000-0000-4000-8000-00000000000" + string(rune('0'+n)),
		EventName: name, EventTime: at(n), Actor: &actor, Bucket: "docs-example",
	}
}

// network returns the trigger of a record of EC2.
func network(n int, name string, actor guard.Actor) guard.Trigger {
	t := call(n, name, actor)
	t.Bucket, t.OfNetwork = "", true
	return t
}

func TestParseReadsWhatEventBridgeDelivers(t *testing.T) {
	for file, want := range map[string]guard.Trigger{
		"put-bucket-policy":                 call(1, "PutBucketPolicy", admin),
		"delete-bucket-policy":              call(2, "DeleteBucketPolicy", admin),
		"put-bucket-policy.cloudformation":  call(3, "PutBucketPolicy", deployer),
		"put-bucket-policy.failed":          call(4, "PutBucketPolicy", admin),
		"delete-bucket-public-access-block": call(5, "DeleteBucketPublicAccessBlock", admin),
		"modify-vpc-endpoint":               network(6, "ModifyVpcEndpoint", ops),
		"delete-vpc-endpoints":              network(7, "DeleteVpcEndpoints", ops),
		"put-bucket-policy.other-account": call(1, "PutBucketPolicy", guard.Actor{
			ARN: "AIDAEXAMPLEFOREIGN001", AccountID: "999900001111", SourceIPAddress: "198.51.100.23", UserAgent: "[S3Console/0.4]",
		}),
		"bare-record":                  call(1, "PutBucketPolicy", admin),
		"in-a-queue":                   call(1, "PutBucketPolicy", admin),
		"in-a-topic":                   call(1, "PutBucketPolicy", admin),
		"failed-invocation":            call(1, "PutBucketPolicy", admin),
		"failed-invocation-in-a-queue": call(1, "PutBucketPolicy", admin),
		"stack-status": {
			Kind: guard.Stack, EventID: "bbbb0000-0000-4000-8000-000000000001", EventName: "UPDATE_COMPLETE", EventTime: at(60),
		},
		"scheduled": {Kind: guard.Sweep, EventID: "cccc0000-0000-4000-8000-000000000001", EventTime: at(61)},
	} {
		t.Run(file, func(t *testing.T) {
			payload, err := os.ReadFile(filepath.Join("testdata", file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, trigger.Parse(payload)); diff != "" {
				t.Errorf("Parse(%s) (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestParseNeverFails(t *testing.T) {
	unknown := guard.Trigger{Kind: guard.Sweep, Unknown: true}
	direct := guard.Trigger{Kind: guard.Direct}
	for name, test := range map[string]struct {
		payload string
		want    guard.Trigger
	}{
		"nothing":                          {"", direct},
		"null":                             {"null", direct},
		"an empty object":                  {" {} ", direct},
		"the console's test event":         {`{"key1":"value1"}`, unknown},
		"not JSON":                         {`{"detail-type":`, unknown},
		"a list":                           {`[1,2]`, unknown},
		"a number":                         {`7`, unknown},
		"another detail-type":              {`{"detail-type":"EC2 Instance State-change Notification","detail":{}}`, unknown},
		"a queue with nothing in it":       {`{"Records":[]}`, unknown},
		"a queue with something else":      {`{"Records":[{"body":"hello"}]}`, unknown},
		"a call without a detail":          {`{"detail-type":"AWS API Call via CloudTrail","id":"e1"}`, guard.Trigger{Kind: guard.Event, EventID: "e1"}},
		"a call whose detail is a text":    {`{"detail-type":"AWS API Call via CloudTrail","id":"e1","detail":"x"}`, guard.Trigger{Kind: guard.Event, EventID: "e1"}},
		"a time that is none":              {`{"detail-type":"AWS API Call via CloudTrail","detail":{"eventTime":"soon"}}`, guard.Trigger{Kind: guard.Event}},
		"a time out of range":              {`{"detail-type":"AWS API Call via CloudTrail","detail":{"eventTime":"0001-01-01T00:00:00Z"}}`, guard.Trigger{Kind: guard.Event}},
		"a stack status without a status":  {`{"detail-type":"CloudFormation Stack Status Change"}`, guard.Trigger{Kind: guard.Stack}},
		"a field of an unexpected type":    {`{"detail-type":"AWS API Call via CloudTrail","detail":{"eventName":7,"eventID":"e2","userIdentity":["x"]}}`, guard.Trigger{Kind: guard.Event, EventID: "e2"}},
		"an identity without an ARN":       {`{"detail-type":"AWS API Call via CloudTrail","detail":{"userIdentity":{"type":"AWSService","invokedBy":"s3.amazonaws.com"}}}`, guard.Trigger{Kind: guard.Event, Actor: &guard.Actor{ARN: "s3.amazonaws.com", InvokedBy: "s3.amazonaws.com"}}},
		"parameters that are null":         {`{"detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"PutBucketPolicy","requestParameters":null}}`, guard.Trigger{Kind: guard.Event, EventName: "PutBucketPolicy"}},
		"a bucket's name that is a list":   {`{"detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"PutBucketPolicy","requestParameters":{"bucketName":["x"]}}}`, guard.Trigger{Kind: guard.Event, EventName: "PutBucketPolicy"}},
		"a session issuer that is no list": {`{"detail-type":"AWS API Call via CloudTrail","detail":{"userIdentity":{"arn":"a","sessionContext":{"sessionIssuer":7}}}}`, guard.Trigger{Kind: guard.Event, Actor: &guard.Actor{ARN: "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, trigger.Parse([]byte(test.payload))); diff != "" {
				t.Errorf("Parse(%s) (-want +got):\n%s", test.payload, diff)
			}
		})
	}
}

func TestParseUnwrapsOnlySoDeep(t *testing.T) {
	payload := `{"key1":"value1"}`
	for range 20 {
		text, err := json.Marshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		payload = `{"requestPayload":{"Records":[{"body":` + string(text) + `}]}}`
		if len(payload) > 1<<16 {
			break
		}
	}
	if got := trigger.Parse([]byte(payload)); !got.Unknown {
		t.Errorf("Parse(deeply wrapped) = %+v, want unknown", got)
	}
}

func TestParseLimitsWhatTheCallerChooses(t *testing.T) {
	agent, err := json.Marshal(strings.Repeat("é", 1<<16))
	if err != nil {
		t.Fatal(err)
	}
	got := trigger.Parse([]byte(`{"detail-type":"AWS API Call via CloudTrail","detail":{"userAgent":` + string(agent) + `}}`))
	if got.Actor == nil || len(got.Actor.UserAgent) > 512 || !utf8.ValidString(got.Actor.UserAgent) {
		t.Errorf("Parse kept a user agent of 128 KB as %+v, want at most 512 bytes of valid UTF-8", got.Actor)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := trigger.Parse(payload)
		switch got.Kind {
		case guard.Event, guard.Sweep, guard.Stack, guard.Direct:
		default:
			t.Fatalf("Parse(%q) has kind %q", payload, got.Kind)
		}
		text, err := json.Marshal(got)
		if err != nil || len(text) > 8<<10 {
			t.Fatalf("Parse(%q) encodes to %d bytes, %v", payload, len(text), err)
		}
	})
}
