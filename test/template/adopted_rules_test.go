package template_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// wakesGuard maps each event of testdata/events to the rule of guard.yaml that it triggers, where that is another one than in
// template.yaml. A call that names only an association is left to the sweep; of an
// adopted endpoint, the egress of its groups is not guarded.
var wakesGuard = map[string]string{
	"create-bucket":                   "BucketRule",
	"put-bucket-versioning":           "BucketRule",
	"put-bucket-replication":          "BucketRule",
	"put-bucket-tagging":              "BucketRule",
	"replace-route-table-association": "",
	"disassociate-route-table":        "",
	"authorize-security-group-egress": "",
}

func TestEachEventTriggersTheGuardsRule(t *testing.T) {
	s := deployGuard(t, nil)
	for name, rule := range wakes {
		if other, ok := wakesGuard[name]; ok {
			rule = other
		}
		want := []string{}
		if rule != "" {
			want = append(want, rule)
		}
		if got := triggered(t, s, load(t, name)); !slices.Equal(got, want) {
			t.Errorf("%s triggers %q, want %q", name, got, want)
		}
	}
}

// Which buckets are guarded is decided by the function, because a template cannot write a pattern for each name.
func TestABucketsEventTriggersWhateverItsName(t *testing.T) {
	s := deployGuard(t, nil)
	for _, name := range []string{"create-bucket", "put-bucket-policy", "delete-bucket-public-access-block"} {
		event := load(t, name, bucket, "another")
		if got := triggered(t, s, event); !slices.Equal(got, []string{"BucketRule"}) {
			t.Errorf("%s of another bucket triggers %q, want BucketRule", name, got)
		}
	}
}

func TestOtherEndpointsAndNetworksDoNotTriggerTheGuard(t *testing.T) {
	s := deployGuard(t, nil)
	for name, rule := range wakes {
		if rule == "BucketRule" || wakesGuard[name] == "BucketRule" {
			continue
		}
		event := load(t, name, endpointID, "vpce-0ffffffffffffffff", groupID, "sg-0ffffffffffffffff", routeTableID, "rtb-0ffffffffffffffff",
			subnetA, "subnet-0ffffffffffffffff", stackID, strings.Replace(stackID, "stack/guard/", "stack/other/", 1))
		if got := triggered(t, s, event); len(got) > 0 {
			t.Errorf("%s of another resource triggers %q, want nothing", name, got)
		}
	}
}

func TestWhatChangedNothingOrWasTheGuardsDoesNotTriggerIt(t *testing.T) {
	s := deployGuard(t, nil)
	for why, change := range map[string]changed{
		"it failed": func(event map[string]any) { detail(event)["errorCode"] = "AccessDenied" },
		"the guard made it": func(event map[string]any) {
			detail(event)["userIdentity"] = map[string]any{"type": "AssumedRole", "sessionContext": map[string]any{
				"sessionIssuer": map[string]any{"type": "Role", "arn": guardRole}}}
		},
		"it came from another service": func(event map[string]any) { event["source"] = "aws.iam" },
		"it is no call":                func(event map[string]any) { event["detail-type"] = "AWS Service Event via CloudTrail" },
	} {
		for name, rule := range wakes {
			if rule == "StackRule" {
				continue
			}
			event := load(t, name)
			change(event)
			if got := triggered(t, s, event); name != "sweep" && len(got) > 0 {
				t.Errorf("%s triggers %q although %s, want nothing", name, got, why)
			}
		}
	}
}

// What the adoption puts back would wake a guard that still exists.
func TestTheAdoptionsOwnCallsAreSeen(t *testing.T) {
	event := load(t, "put-bucket-policy")
	detail(event)["userIdentity"] = map[string]any{"type": "AssumedRole", "sessionContext": map[string]any{
		"sessionIssuer": map[string]any{"type": "Role", "arn": adoptRole}}}
	if got := triggered(t, deployGuard(t, nil), event); !slices.Equal(got, []string{"BucketRule"}) {
		t.Errorf("a call of the adoption's role triggers %q, want BucketRule: only the guard's own calls are left out", got)
	}
}

func TestEveryRuleOfTheGuardReachesTheFunctionOrTheQueue(t *testing.T) {
	s := deployGuard(t, nil)
	queue := arnOf(s, "DeadLetterQueue")
	mayWrite := list(at(s.properties("DeadLetterQueuePolicy"), "PolicyDocument", "Statement", 0, "Condition", "ArnEquals", "aws:SourceArn"))
	var mayCall []any
	for _, p := range s.ofType("AWS::Lambda::Permission") {
		mayCall = append(mayCall, s.properties(p.LogicalID)["SourceArn"])
	}
	rules, err := s.Rules(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != 7 || len(mayCall) != 7 || len(mayWrite) != 7 {
		t.Errorf("%d rules, %d permissions, %d sources of the queue, want 7 of each", len(rules), len(mayCall), len(mayWrite))
	}
	for _, r := range rules {
		function := "RemediateFunction"
		if r.LogicalID == "HealthcheckRule" {
			function = "HealthcheckFunction"
		}
		if len(r.Targets) != 1 || any(r.Targets[0].ARN) != arnOf(s, function) || any(r.Targets[0].DeadLetterARN) != queue || !r.Enabled {
			t.Errorf("%s has the targets %+v (enabled: %t), want the function, with the queue", r.LogicalID, r.Targets, r.Enabled)
		}
		if !slices.Contains(mayCall, any(r.ARN)) || !slices.Contains(mayWrite, any(r.ARN)) {
			t.Errorf("%s may not call the function or write to the queue", r.LogicalID)
		}
	}
}

// crowded is an adoption of endpoints with so many security groups, and with more routes than a pattern can name.
func crowded(partition string, groups int) map[string]string {
	e := adoption.Endpoint{VPCID: vpcID, Gateway: true}
	for i := range groups {
		e.SecurityGroupIDs = append(e.SecurityGroupIDs, fmt.Sprintf("sg-0%016x", i))
	}
	for i := range 100 {
		e.RouteTableIDs = append(e.RouteTableIDs, fmt.Sprintf("rtb-0%016x", i))
		e.SubnetIDs = append(e.SubnetIDs, fmt.Sprintf("subnet-0%016x", i))
	}
	return adoption.Document{Account: account, Region: region, Endpoints: []adoption.Endpoint{e}}.Attributes(partition, adoption.Reference{
		Bucket: strings.Repeat("b", 63), Key: "adoption/" + strings.Repeat("d", 64) + ".json", VersionID: strings.Repeat("v", 32), SHA256: strings.Repeat("0", 64),
	})
}

// longestGuard plans guard.yaml with the longest names that AWS allows, and endpoints with so many security groups, and more routes than
// fit.
func longestGuard(t *testing.T, p parameters, groups int) stack {
	t.Helper()
	name := strings.Repeat("s", 128)
	const arn = "arn:aws-us-gov:"
	role := func(end string) string {
		return arn + "iam::111122223333:role/" + strings.Repeat("p", 14) + "/" + strings.Repeat("r", 64-len(end)) + end
	}
	options := samtemplate.Options{Parameters: answers(p), Region: "us-gov-west-1", AccountID: account, StackName: name,
		StackID: arn + "cloudformation:us-gov-west-1:111122223333:stack/" + name + "/0f0f0f0f-0000-4000-8000-000000000001"}
	state := strings.Repeat("b", 63)
	names := map[string]string{
		"StateBucket":                 state,
		"StateBucket.Arn":             arn + "s3:::" + state,
		"AdoptRole.Arn":               role("-AdoptRole-0123456789AB"),
		"RemediateRole.Arn":           role("-RemediateRole-0123456789AB"),
		"RemediateFunction":           strings.Repeat("f", 64),
		"NotificationTopic":           arn + "sns:us-gov-west-1:111122223333:" + name + "-NotificationTopic-0123456789AB",
		"NotificationTopic.TopicName": name + "-NotificationTopic-0123456789AB",
	}
	for attribute, value := range crowded("aws-us-gov", groups) {
		names["Adoption."+attribute] = value
	}
	return deployOf(t, readGuard, options, names)
}

// EventBridge's limit of a pattern, in characters.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
func TestTheGuardsPatternsFit(t *testing.T) {
	s := longestGuard(t, parameters{"VpcEndpointIds": strings.Join(allEndpoints(), ",")}, 100)
	for _, r := range s.ofType("AWS::Events::Rule") {
		pattern := s.properties(r.LogicalID)["EventPattern"]
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(pattern); err != nil {
			t.Fatal(err)
		}
		if pattern != nil && text.Len() > 2048 {
			t.Errorf("the pattern of %s has %d characters, want at most 2048", r.LogicalID, text.Len())
		}
	}
}

// A function's environment holds 4,096 bytes, as JSON. Package lock refuses longer texts of the parameters than these.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
func TestTheGuardsEnvironmentFitsIntoLambda(t *testing.T) {
	p := parameters{
		"BucketNames": strings.TrimSuffix(strings.Repeat(strings.Repeat("n", 40)+",", 40), ","), "VpcEndpointIds": strings.Join(allEndpoints(), ","),
		"WorkloadRoleArns": "arn:aws-us-gov:iam::111122223333:role/" + strings.Repeat("w", 210), "AllowAwsServices": "false",
		"NotificationFormat": "AmazonQ", "SecurityHub": "true", "RunbookUrl": "https://" + strings.Repeat("u", 142), "Enforcement": "Observe",
		"NotificationTopicArn": "arn:aws-us-gov:sns:us-gov-west-1:111122223333:" + strings.Repeat("t", 256), "EndpointPolicy": "Account",
	}
	texts := 0
	for _, name := range []string{"BucketNames", "VpcEndpointIds", "WorkloadRoleArns"} {
		texts += len(p[name])
	}
	if texts < 1990 {
		t.Errorf("the parameters have %d characters, want about as many as package lock takes", texts)
	}
	s := longestGuard(t, p, 25)
	for _, function := range s.functions("") {
		var measured bytes.Buffer
		encoder := json.NewEncoder(&measured)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(variables(s, function)); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d of 4096 bytes with the longest names", function, measured.Len())
		if measured.Len() > 4096 {
			t.Errorf("the environment of %s takes %d bytes, want at most 4096", function, measured.Len())
		}
	}
}
