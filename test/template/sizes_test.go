package template_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// longest has the longest names that AWS allows: a stack name of 128 characters in the Region and partition with the
// longest names. Physical names are cut at the service's limit.
func longest(t *testing.T, p parameters) stack {
	name := strings.Repeat("s", 128)
	const arn = "arn:aws-us-gov:"
	id := strings.Repeat("0", 17)
	name64 := func(end string) string { return strings.Repeat("r", 64-len(end)) + end }
	role := func(end string) string {
		return arn + "iam::111122223333:role/" + strings.TrimPrefix(p["RolePath"], "/") + name64(end)
	}
	return deployAs(t, samtemplate.Options{Parameters: p, Region: "us-gov-west-1", AccountID: account, StackName: name,
		StackID: arn + "cloudformation:us-gov-west-1:111122223333:stack/" + name + "/0f0f0f0f-0000-4000-8000-000000000001"},
		map[string]string{
			"Bucket":                strings.Repeat("b", 63),
			"Bucket.Arn":            arn + "s3:::" + strings.Repeat("b", 63),
			"InterfaceEndpoint":     "vpce-" + id,
			"GatewayEndpoint":       "vpce-" + id,
			"EndpointSecurityGroup": "sg-" + id,
			"InstanceSecurityGroup": "sg-" + id,
			"RouteTable":            "rtb-" + id,
			"SubnetA":               "subnet-" + id,
			"SubnetB":               "subnet-" + id,
			"Vpc":                   "vpc-" + id,
			"RemediateRole":         name64("-RemediateRole-0123456789AB"),
			"RemediateRole.Arn":     role("-RemediateRole-0123456789AB"),
			"InstanceRole":          name64("-InstanceRole-0123456789AB"),
			"InstanceRole.Arn":      role("-InstanceRole-0123456789AB"),
			"ProbeRole":             name64("-ProbeRole-0123456789AB"),
			"ProbeRole.Arn":         role("-ProbeRole-0123456789AB"),
			"ProbeSecurityGroup":    "sg-" + id,
			"RemediateFunction":     strings.Repeat("f", 64),
			"BucketRule":            name64("-BucketRule-0123456789AB"),
			"EndpointRule":          name64("-EndpointRule-0123456789AB"),
			"SecurityGroupRule":     name64("-SecurityGroupRule-0123456789AB"),
			"RouteTableRule":        name64("-RouteTableRule-0123456789AB"),
			"StackRule":             name64("-StackRule-0123456789AB"),
			"SweepRule":             name64("-SweepRule-0123456789AB"),
			"NotificationTopic":     arn + "sns:us-gov-west-1:111122223333:" + name + "-NotificationTopic-0123456789AB",

			"NotificationTopic.TopicName": name + "-NotificationTopic-0123456789AB",
		})
}

// fullest returns the parameters with the longest policies and texts, for each endpoint type: as long as their patterns
// allow, in one ARN or in several.
func fullest() []parameters {
	arns := func(n int) string {
		const prefix = "arn:aws-us-gov:iam::111122223333:role/"
		var list []string
		for i := range n {
			room := (128 - (n - 1)) / n
			if i == 0 {
				room += (128 - (n - 1)) % n
			}
			list = append(list, prefix+strings.Repeat("m", room-len(prefix)))
		}
		return strings.Join(list, ",")
	}
	return mixes(map[string][]string{
		"EndpointType":       {"Interface", "Gateway"},
		"RolePath":           {"", "/" + strings.Repeat("p", 14) + "/"},
		"ManagementRoleArns": {"", arns(1), arns(2), arns(3)},
		"NotificationFormat": {"AmazonQ"},
		"SecurityHub":        {"true"},
		"RunbookUrl":         {"https://" + strings.Repeat("u", 142)},
		"VpcCidr":            {"192.168.100.100/23"},
		"AppIngressCidr":     {"255.255.255.255/32"},
	})
}

// A standard SSM parameter holds 4,096 characters, and no "{{".
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func TestPoliciesFitIntoParameters(t *testing.T) {
	for _, p := range fullest() {
		s := longest(t, p)
		for _, r := range s.ofType("AWS::SSM::Parameter") {
			value := s.properties(r.LogicalID)["Value"].(string)
			if len(value) > 4096 || strings.Contains(value, "{{") {
				t.Errorf("%s with %v has %d characters, want at most 4096 and no {{: %s", r.LogicalID, p, len(value), value)
			}
		}
	}
}

// A function's environment holds 4,096 bytes. Lambda measures it as JSON, in which each quote of a policy counts
// twice: its error message contains "String measured: {…}".
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
func TestTheEnvironmentFitsIntoLambda(t *testing.T) {
	for _, p := range fullest() {
		for _, function := range []string{"RemediateFunction", "HealthcheckFunction", "ProbeAFunction"} {
			var measured bytes.Buffer
			encoder := json.NewEncoder(&measured)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(variables(longest(t, p), function)); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s, %v: %d of 4096 bytes with the longest names", function, p, measured.Len())
			if measured.Len() > 4096 {
				t.Errorf("the environment of %s with %v takes %d bytes, want at most 4096: %s", function, p, measured.Len(), &measured)
			}
		}
	}
}

// A function of at most 1,769 MB has one processor or a part of one; Go would use the two that it sees.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
func TestFunctionsUseTheProcessorsThatTheyHave(t *testing.T) {
	for template, s := range map[string]stack{"template.yaml": deploy(t, nil), "guard.yaml": deployGuard(t, nil)} {
		functions := s.ofType("AWS::Serverless::Function")
		for _, r := range functions {
			f, err := s.Function(r.LogicalID, s)
			if one := f.Environment["GOMAXPROCS"] == "1"; err != nil || one != (f.MemoryMB <= 1769) {
				t.Errorf("%s: %s has %d MB, and runs its goroutines on one processor: %t, %v", template, r.LogicalID, f.MemoryMB, one, err)
			}
		}
		if len(functions) == 0 {
			t.Errorf("%s has no functions", template)
		}
	}
}
