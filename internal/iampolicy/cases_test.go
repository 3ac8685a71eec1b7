package iampolicy_test

import (
	"encoding/json"
	"os"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// reported is the setting of the policies in testdata/verdicts.json.
var reported = iampolicy.Setting{
	Partition: "aws", Region: "eu-central-1", Account: owner, Bucket: "docs", EndpointID: "vpce-0a1b2c3d4e5f60718", VPCID: "vpc-0a1b2c3d4e5f60718",
	Workload: "arn:aws:iam::111122223333:role/guard-InstanceRole-1ABC", ProbeRole: "arn:aws:iam::111122223333:role/guard-ProbeRole-2DEF",
}

// The cases come from public reports and from AWS's documentation.
func TestJudgeOfReportedDocuments(t *testing.T) {
	text, err := os.ReadFile("testdata/verdicts.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Desired map[string]json.RawMessage
		Cases   []struct{ Name, Kind, Live, Expect string }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	forbidden := map[string][]iampolicy.ForbiddenRequest{"bucket": iampolicy.ForbiddenOnBucket(reported), "endpoint": iampolicy.ForbiddenThroughEndpoint(reported)}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			got := iampolicy.Judge(file.Desired[c.Kind], []byte(c.Live), listed(forbidden[c.Kind]))
			harmless := c.Expect == "harmless" && got.Verdict != iampolicy.Open
			if string(got.Verdict) != c.Expect && !harmless {
				t.Errorf("Judge(desired, %s) = %s (%s), want %s", c.Live, got.Verdict, got.Allowed, c.Expect)
			}
		})
	}
}
