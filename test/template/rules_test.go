package template_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// wakes maps each event of testdata/events to the rule that it triggers, "" for none. Events on security groups are
// for an interface endpoint, those on route tables for a gateway endpoint.
var wakes = map[string]string{
	"put-bucket-policy":                         "BucketRule",
	"put-bucket-policy.by-root":                 "BucketRule",
	"put-bucket-policy.by-cloudformation":       "BucketRule",
	"put-bucket-policy.by-cloudformations-role": "BucketRule",
	"delete-bucket-policy":                      "BucketRule",
	"put-bucket-acl":                            "BucketRule",
	"put-bucket-public-access-block":            "BucketRule",
	"delete-bucket-public-access-block":         "BucketRule",
	"put-bucket-ownership-controls":             "BucketRule",
	"delete-bucket-ownership-controls":          "BucketRule",
	"delete-bucket":                             "BucketRule",
	"create-bucket":                             "WatchRule",
	"put-bucket-lifecycle":                      "BucketRule",
	"delete-bucket-lifecycle":                   "BucketRule",
	"put-bucket-versioning":                     "BucketRule",
	"put-bucket-encryption":                     "BucketRule",
	"delete-bucket-encryption":                  "BucketRule",
	"put-bucket-replication":                    "WatchRule",
	"put-bucket-tagging":                        "WatchRule",
	"put-account-public-access-block":           "",
	"delete-account-public-access-block":        "",
	"modify-vpc-endpoint.policy":                "EndpointRule",
	"modify-vpc-endpoint.private-dns":           "EndpointRule",
	"modify-vpc-endpoint.one-subnet":            "EndpointRule",
	"modify-vpc-endpoint.two-subnets":           "EndpointRule",
	"delete-vpc-endpoints.one":                  "EndpointRule",
	"delete-vpc-endpoints.two":                  "EndpointRule",
	"authorize-security-group-ingress":          "SecurityGroupRule",
	"revoke-security-group-ingress":             "SecurityGroupRule",
	"modify-security-group-rules":               "SecurityGroupRule",
	"delete-security-group":                     "SecurityGroupRule",
	"authorize-security-group-egress":           "SecurityGroupRule",
	"associate-route-table":                     "RouteTableRule",
	"replace-route-table-association":           "RouteTableRule",
	"disassociate-route-table":                  "RouteTableRule",
	"create-route":                              "RouteTableRule",
	"replace-route":                             "RouteTableRule",
	"delete-route":                              "RouteTableRule",
	"delete-route-table":                        "RouteTableRule",
	"run-instances":                             "",
	"stack-status":                              "StackRule",
	"sweep":                                     "",
}

// kind returns the endpoint type for which a rule exists.
func kind(rule string) string {
	if rule == "RouteTableRule" {
		return "Gateway"
	}
	return "Interface"
}

// triggered returns the rules whose pattern an event matches.
func triggered(t *testing.T, s stack, event any) []string {
	t.Helper()
	rules, err := s.Rules(s)
	if err != nil {
		t.Fatal(err)
	}
	matched := []string{}
	for _, r := range rules {
		if r.Pattern == nil {
			continue
		}
		if ok, _ := r.Pattern.Match(event); ok {
			matched = append(matched, r.LogicalID)
		}
	}
	return matched
}

// load reads an event of testdata/events, and replaces each old text by the new one after it.
func load(t *testing.T, name string, oldnew ...string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(strings.NewReplacer(oldnew...).Replace(string(data))), &event); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return event
}

func TestEachEventTriggersExactlyItsRule(t *testing.T) {
	for name, rule := range wakes {
		t.Run(name, func(t *testing.T) {
			want := []string{}
			if rule != "" {
				want = append(want, rule)
			}
			if got := triggered(t, deploy(t, parameters{"EndpointType": kind(rule)}), load(t, name)); !slices.Equal(got, want) {
				t.Errorf("%s triggers %q, want %q", name, got, want)
			}
		})
	}
}

func TestEveryEventIsExpectedSomewhere(t *testing.T) {
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) != len(wakes) {
		t.Errorf("%d events in testdata/events (%v), want %d", len(files), err, len(wakes))
	}
}

// changed changes an event into one that must trigger no rule.
type changed func(event map[string]any)

func detail(event map[string]any) map[string]any { return event["detail"].(map[string]any) }

func TestSomeCallsTriggerNothing(t *testing.T) {
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
			if rule == "" || rule == "StackRule" {
				continue
			}
			event := load(t, name)
			change(event)
			if got := triggered(t, deploy(t, parameters{"EndpointType": kind(rule)}), event); len(got) > 0 {
				t.Errorf("%s triggers %q although %s, want nothing", name, got, why)
			}
		}
	}
}

func TestOtherResourcesTriggerNothing(t *testing.T) {
	others := []string{
		bucket, "docs-example-2", endpointID, "vpce-0ffffffffffffffff", groupID, "sg-0ffffffffffffffff",
		routeTableID, "rtb-0ffffffffffffffff", subnetA, "subnet-0ffffffffffffffff", associationA, "rtbassoc-0ffffffffffffffff",
		stackID, strings.Replace(stackID, "stack/guard/", "stack/other/", 1),
	}
	for name, rule := range wakes {
		if got := triggered(t, deploy(t, parameters{"EndpointType": kind(rule)}), load(t, name, others...)); len(got) > 0 {
			t.Errorf("%s of another resource triggers %q, want nothing", name, got)
		}
	}
}

// A role whose name begins with the guard's name is not the guard.
func TestNobodyCanHideBehindASimilarName(t *testing.T) {
	event := load(t, "modify-vpc-endpoint.policy", "arn:aws:iam::111122223333:role/ops", guardRole+"-2")
	if got := triggered(t, deploy(t, nil), event); !slices.Equal(got, []string{"EndpointRule"}) {
		t.Errorf("a call by %s-2 triggers %q, want EndpointRule", guardRole, got)
	}
	// The caller chooses session names.
	event = load(t, "modify-vpc-endpoint.policy", "assumed-role/ops/session", "assumed-role/ops/guard-RemediateRole-EXAMPLE")
	if got := triggered(t, deploy(t, nil), event); !slices.Equal(got, []string{"EndpointRule"}) {
		t.Errorf("a session named after the guard triggers %q, want EndpointRule", got)
	}
}

// Each record becomes an event, and so does each finding in Security Hub. If one of them started a run, that run could
// send the next event.
func TestTheGuardsOwnEventsTriggerNothing(t *testing.T) {
	files, err := filepath.Glob("internal/aws/recordevents/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples of the guard's events: %v", err)
	}
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var event map[string]any
			if err := json.Unmarshal(data, &event); err != nil {
				t.Fatal(err)
			}
			if got := triggered(t, s, event); len(got) > 0 {
				t.Errorf("%s triggers %q, want nothing", file, got)
			}
		}
		for _, r := range s.ofType("AWS::Events::Rule") {
			p := s.properties(r.LogicalID)
			sources := list(at(p, "EventPattern", "source"))
			if p["EventPattern"] != nil && len(sources) == 0 {
				t.Errorf("%s names no source, so that it could match the guard's own events", r.LogicalID)
			}
			for _, own := range []string{"s3-endpoint-guard", "aws.securityhub"} {
				if slices.Contains(sources, any(own)) {
					t.Errorf("%s matches events of %s", r.LogicalID, own)
				}
			}
		}
	}
}

func TestNoEventNameIsListenedToTwice(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		seen := map[string]string{}
		for _, r := range s.ofType("AWS::Events::Rule") {
			pattern := at(s.properties(r.LogicalID), "EventPattern", "detail")
			names := list(at(pattern, "eventName"))
			for _, alternative := range list(at(pattern, "$or")) {
				names = append(names, list(at(alternative, "eventName"))...)
			}
			for _, listened := range names {
				name, ok := listened.(string)
				if !ok {
					continue // WatchRule takes anything but the names of BucketRule
				}
				if other, ok := seen[name]; ok {
					t.Errorf("%s is in %s and in %s, want it in one of them", name, other, r.LogicalID)
				}
				seen[name] = r.LogicalID
			}
		}
	}
}

// Each change of the bucket's configuration starts the guard or the health check, also one that AWS invents tomorrow.
func TestEveryOtherChangeOfTheBucketIsLookedAt(t *testing.T) {
	s := deploy(t, nil)
	listened := list(at(s.properties("BucketRule"), "EventPattern", "detail", "eventName"))
	others := list(at(s.properties("WatchRule"), "EventPattern", "detail", "eventName", 0, "anything-but"))
	if !slices.Equal(listened, others) {
		t.Errorf("WatchRule leaves out %v, want the names of BucketRule, %v", others, listened)
	}
}

// A rule that exists before the policies could make the guard write one that CloudFormation is about to create. A
// rule that is deleted after them could make it restore one.
func TestRulesComeAfterThePoliciesTheyWatch(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		for _, r := range s.ofType("AWS::Events::Rule") {
			before := needs(s, r.LogicalID)
			for _, want := range []string{"BucketPolicy", endpointType + "Endpoint", "RemediateFunction"} {
				if !before[want] && (want != "RemediateFunction" || !slices.Contains([]string{"ProbeRule", "WatchRule", "TamperRule"}, r.LogicalID)) {
					t.Errorf("%s does not come after %s", r.LogicalID, want)
				}
			}
		}
	}
}

// dependencies returns on which resources each resource depends. Those of a nested stack also depend on what the stack does.
func (s stack) dependencies() map[string][]string {
	direct := map[string][]string{}
	for _, r := range s.Resources() {
		direct[r.LogicalID] = r.DependsOn
	}
	own := s.OwnResources()
	for _, nested := range own {
		if nested.Type != "AWS::Serverless::Application" {
			continue
		}
		for id := range direct {
			if !slices.ContainsFunc(own, func(r samtemplate.Resource) bool { return r.LogicalID == id }) {
				direct[id] = append(slices.Clone(direct[id]), nested.DependsOn...)
			}
		}
	}
	return direct
}

// needs returns all resources on which a resource depends, directly or not.
func needs(s stack, id string) map[string]bool {
	direct := s.dependencies()
	found := map[string]bool{}
	for queue := direct[id]; len(queue) > 0; queue = queue[1:] {
		if !found[queue[0]] {
			found[queue[0]] = true
			queue = append(queue, direct[queue[0]]...)
		}
	}
	return found
}

func TestEveryRuleReachesTheFunctionOrTheQueue(t *testing.T) {
	for endpointType, want := range map[string]int{"Interface": 9, "Gateway": 10} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		function, _ := s.GetAtt("RemediateFunction", "Arn")
		queue, _ := s.GetAtt("DeadLetterQueue", "Arn")
		mayWrite := list(at(s.properties("DeadLetterQueuePolicy"), "PolicyDocument", "Statement", 0, "Condition", "ArnEquals", "aws:SourceArn"))
		var mayCall []any
		for _, p := range s.ofType("AWS::Lambda::Permission") {
			mayCall = append(mayCall, s.properties(p.LogicalID)["SourceArn"])
		}
		rules, err := s.Rules(s)
		if err != nil {
			t.Fatal(err)
		}
		if len(rules) != want || len(mayCall) != want+1 || len(mayWrite) != want { // ProbeRule has a target in each zone
			t.Errorf("%s: %d rules, %d permissions, %d sources of the queue, want %d, %d and %d", endpointType, len(rules), len(mayCall), len(mayWrite), want, want+1, want)
		}
		for _, r := range rules {
			want := []any{function}
			switch r.LogicalID {
			case "HealthcheckRule", "WatchRule", "TamperRule":
				want = []any{arnOf(s, "HealthcheckFunction")}
			case "ProbeRule":
				want = []any{arnOf(s, "ProbeAFunction"), arnOf(s, "ProbeBFunction")}
			}
			var got []any
			for _, target := range r.Targets {
				got = append(got, target.ARN)
				if target.DeadLetterARN != queue {
					t.Errorf("%s: events that %s does not accept go to %q, want %v", r.LogicalID, target.ARN, target.DeadLetterARN, queue)
				}
			}
			if !slices.Equal(got, want) || !r.Enabled {
				t.Errorf("%s has targets %v (enabled: %t), want %v", r.LogicalID, got, r.Enabled, want)
			}
			if !slices.Contains(mayCall, any(r.ARN)) || !slices.Contains(mayWrite, any(r.ARN)) {
				t.Errorf("%s may not call the function or write to the queue", r.LogicalID)
			}
		}
	}
}

func arnOf(s stack, id string) any {
	arn, _ := s.GetAtt(id, "Arn")
	return arn
}

func TestFailedRunsAreRetriedAndKept(t *testing.T) {
	s := deploy(t, nil)
	function, err := s.Function("RemediateFunction", s)
	if err != nil {
		t.Fatal(err)
	}
	queue, _ := s.GetAtt("DeadLetterQueue", "Arn")
	if got := function.EventInvoke; got.MaximumRetryAttempts != 2 || got.OnFailure != queue {
		t.Errorf("failed runs: %+v, want 2 retries, then %v", got, queue)
	}
	for _, q := range s.ofType("AWS::SQS::Queue") {
		if got := s.properties(q.LogicalID)["SqsManagedSseEnabled"]; got != true {
			t.Errorf("%s: SqsManagedSseEnabled = %v, want true", q.LogicalID, got)
		}
	}
}
