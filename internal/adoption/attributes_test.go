package adoption_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/adoption"
)

func TestAttributesNameWhatEndpointsHave(t *testing.T) {
	reference := adoption.Reference{Bucket: "state", Key: "adoption/1.json", VersionID: "v1", SHA256: strings.Repeat("0", 64)}
	d := adoption.Document{Account: "111122223333", Region: "cn-north-1", Buckets: []adoption.Bucket{{Name: "a"}, {Name: "b"}}, Endpoints: []adoption.Endpoint{
		{ID: "vpce-1", VPCID: "vpc-1", SubnetIDs: []string{"subnet-9"}, SecurityGroupIDs: []string{"sg-2", "sg-1"}},
		{ID: "vpce-2", VPCID: "vpc-1", SecurityGroupIDs: []string{"sg-1"}},
		{ID: "vpce-3", VPCID: "vpc-2", Gateway: true, RouteTableIDs: []string{"rtb-1"}, SubnetIDs: []string{"subnet-2", "subnet-1"}},
	}}
	want := map[string]string{
		"Document": reference.String(), "Adopted": "2", "VpcIds": "vpc-1,vpc-2",
		"VpcArns":          "arn:aws-cn:ec2:cn-north-1:111122223333:vpc/vpc-1,arn:aws-cn:ec2:cn-north-1:111122223333:vpc/vpc-2",
		"SecurityGroupIds": "sg-1,sg-2", "RouteTableIds": "rtb-1", "SubnetIds": "subnet-1,subnet-2",
		"SecurityGroupArns": "arn:aws-cn:ec2:cn-north-1:111122223333:security-group/sg-1,arn:aws-cn:ec2:cn-north-1:111122223333:security-group/sg-2",
	}
	if diff := cmp.Diff(want, d.Attributes("aws-cn", reference)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

// IAM refuses a resource that is no ARN, and EventBridge an empty list.
func TestAttributesAreNeverEmpty(t *testing.T) {
	d := adoption.Document{Account: "111122223333", Region: "eu-central-1"}
	for name, value := range d.Attributes("aws", adoption.Reference{}) {
		if value == "" || strings.HasSuffix(name, "Arns") && !strings.HasPrefix(value, "arn:aws:ec2:eu-central-1:111122223333:") {
			t.Errorf("%s = %q, want a value that stands for none", name, value)
		}
	}
}

// A gateway endpoint can have hundreds of route tables. Permissions need all ids, patterns do not.
func TestAttributesFitIntoPatterns(t *testing.T) {
	var e adoption.Endpoint
	e.Gateway = true
	for i := range 200 {
		e.RouteTableIDs = append(e.RouteTableIDs, fmt.Sprintf("rtb-%017x", i))
		e.SubnetIDs = append(e.SubnetIDs, fmt.Sprintf("subnet-%017x", i))
		e.SecurityGroupIDs = append(e.SecurityGroupIDs, fmt.Sprintf("sg-%017x", i))
	}
	got := adoption.Document{Endpoints: []adoption.Endpoint{e}}.Attributes("aws", adoption.Reference{})
	for name, most := range map[string]int{"RouteTableIds": 640, "SubnetIds": 640, "SecurityGroupIds": 30 * len("sg-00000000000000000,")} {
		if n := len(got[name]); n > most || n < most/2 {
			t.Errorf("%s has %d characters, want at most %d and many of them", name, n, most)
		}
	}
	if n := strings.Count(got["SecurityGroupArns"], ","); n != 199 {
		t.Errorf("SecurityGroupArns has %d ARNs, want all 200", n+1)
	}
}
