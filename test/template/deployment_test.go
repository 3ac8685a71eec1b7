package template_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/test/golden"
)

// placeholders replaces ids and ARNs by what rules.json has instead of them; package health replaces that.
func placeholders(s stack) *strings.Replacer {
	function, _ := s.GetAtt("RemediateFunction", "Arn")
	queue, _ := s.GetAtt("DeadLetterQueue", "Arn")
	association, _ := s.Ref("SubnetBRoutes")
	quoted := func(of, text string) []string { return []string{`"` + text + `"`, `"${` + of + `}"`} }
	return strings.NewReplacer(slices.Concat(
		quoted("AWS::StackId", stackID), quoted("Endpoint", endpointID), quoted("RemediateRole.Arn", guardRole),
		quoted("RemediateFunction.Arn", function.(string)), quoted("DeadLetterQueue.Arn", queue.(string)),
		quoted("Bucket", bucket), quoted("EndpointSecurityGroup", groupID), quoted("InstanceSecurityGroup", instanceGroup), quoted("ProbeSecurityGroup", probeGroup), quoted("RouteTable", routeTableID),
		quoted("SubnetA", subnetA), quoted("SubnetB", subnetB), quoted("SubnetARoutes", associationA), quoted("SubnetBRoutes", association),
	)...)
}

// triggers are the rules whose patterns and targets the health check compares.
var triggers = []string{"BucketRule", "EndpointRule", "SecurityGroupRule", "RouteTableRule", "StackRule", "SweepRule"}

func TestDocsRulesThatTheHealthCheckCompares(t *testing.T) {
	type declared struct {
		Pattern any `json:"pattern,omitempty"`
		Target  any `json:"target"`
	}
	rules := map[string]json.RawMessage{}
	for _, endpointType := range []string{"Gateway", "Interface"} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		for _, id := range triggers { // the interface endpoint's SecurityGroupRule names one group more
			if s.lacks(id) {
				continue
			}
			p := s.properties(id)
			targets := list(p["Targets"])
			if len(targets) != 1 {
				t.Errorf("%s has %d targets, want 1", id, len(targets))
			}
			rule, err := json.Marshal(declared{p["EventPattern"], targets[0]})
			if err != nil {
				t.Fatal(err)
			}
			rules[id] = json.RawMessage(placeholders(s).Replace(string(rule)))
		}
	}
	text, err := json.MarshalIndent(rules, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.File(t, "internal/health/rules.json", string(text)+"\n")
}

// lacks reports whether a stack has no such resource.
func (s stack) lacks(id string) bool {
	for _, r := range s.Resources() {
		if r.LogicalID == id {
			return false
		}
	}
	return true
}

func TestTheHealthCheckWantsWhatTheTemplateDeclares(t *testing.T) {
	for _, p := range []parameters{nil, {"EndpointType": "Gateway", "SweepSeconds": "300"}, {"CreateProbe": "false"}, {"SweepSeconds": "5", "SecurityHub": "true"}} {
		s := deploy(t, p)
		criteria, snapshot, role := judged(t, s)
		snapshot.Deployment.Value = criteria.Compare(snapshot.Deployment.Value, health.Reading[[]health.Document]{Value: role}, time.Now())
		for _, problem := range criteria.Judge(snapshot).Problems {
			if problem.Finding != "" {
				t.Errorf("%v: as the template declares, there is the finding %s: %s", p, problem.Finding, problem.Why)
			}
		}
	}
}

// Each action of the guard's role that the health check knows is needed: without it the role counts as stripped.
func TestARightThatTheGuardsRoleLostIsFound(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		criteria, snapshot, whole := judged(t, deploy(t, parameters{"EndpointType": endpointType}))
		lost := func(documents []health.Document) bool {
			role := health.Reading[[]health.Document]{Value: documents}
			return len(criteria.Compare(snapshot.Deployment.Value, role, time.Now()).LostRights.Value) > 0
		}
		for i, document := range whole {
			for _, action := range regexp.MustCompile(`"[a-z0-9]+:[A-Z][A-Za-z]+"`).FindAllString(document.Text, -1) {
				changed := slices.Clone(whole)
				changed[i].Text = strings.ReplaceAll(document.Text, action, `"sts:GetCallerIdentity"`)
				if !slices.Contains(notEvaluated, strings.Trim(action, `"`)) && !lost(changed) {
					t.Errorf("%s: policy %s without %s is no finding", endpointType, document.Name, action)
				}
			}
		}
		for name, deny := range map[string]string{
			"a Deny":                         `{"Effect":"Deny","Action":"s3:Put*","Resource":"*"}`,
			"a Deny with a condition":        `{"Effect":"Deny","Action":"sns:Publish","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-central-2"}}}`,
			"a policy that cannot be judged": `{"Effect":"Deny","Action":"s3:Put*","Resource":"*","Nonsense":1}`,
		} {
			if !lost(append(slices.Clone(whole), health.Document{Name: "more", Text: `{"Version":"2012-10-17","Statement":[` + deny + `]}`})) {
				t.Errorf("%s: %s is no finding", endpointType, name)
			}
		}
	}
}

// notEvaluated are the actions of the guard's role without which it is not silent: EC2 asks for the first only while private DNS is
// switched on, the windows are missed and the findings not imported then, and the guard's log says so.
var notEvaluated = []string{"route53:AssociateVPCWithHostedZone", "route53:VPCs", "ssm:GetParametersByPath", "securityhub:BatchImportFindings"}

// judged returns the criteria, a snapshot and the policies of the guard's role as the template declares them.
func judged(t *testing.T, s stack) (health.Criteria, health.Snapshot, []health.Document) {
	t.Helper()
	arn := func(id string) string { value, _ := s.GetAtt(id, "Arn"); return fmt.Sprint(value) }
	ref := func(id string) string { value, _ := s.Ref(id); return value }
	queue := func(id string) string {
		return "https://sqs/" + account + "/" + arn(id)[strings.LastIndex(arn(id), ":")+1:]
	}
	d := health.Deployment{Resources: map[string]health.Resource{}}
	for _, id := range []string{"NotificationTopic", "NotificationKey", "Dashboard", "Trail", "TrailBucket", "RemediateLogGroup", "RouteTable", "InstanceSecurityGroup"} {
		d.Resources[id] = health.Resource{PhysicalID: ref(id)}
	}
	if !s.lacks("ProbeSecurityGroup") {
		d.Resources["ProbeSecurityGroup"] = health.Resource{PhysicalID: ref("ProbeSecurityGroup")}
	}
	for _, id := range []string{"DeadLetterQueue", "SweepQueue"} {
		if !s.lacks(id) {
			d.Resources[id] = health.Resource{PhysicalID: queue(id)}
		}
	}
	config := s.properties("RemediateFunction")["EventInvokeConfig"]
	d.Failures.Value = health.Failures{
		Retries: int32(at(config, "MaximumRetryAttempts").(int)), Age: time.Duration(at(config, "MaximumEventAgeInSeconds").(int)) * time.Second,
		Queue: at(config, "DestinationConfig", "OnFailure", "Destination").(string),
	}
	d.Topic.Value = health.Topic{Policy: asText(t, s.properties("NotificationTopicPolicy")["PolicyDocument"]), Key: ref("NotificationKey")}
	d.Key.Value, d.Dashboards.Value = "Enabled", []health.Dashboard{{Name: ref("Dashboard")}}
	d.TrailBucket.Value.Policy = asText(t, s.properties("TrailBucketPolicy")["PolicyDocument"])
	criteria := health.Criteria{
		Setting: iampolicy.Setting{Partition: "aws", Region: "eu-central-1", Account: account, Guard: arn("RemediateRole"), Bucket: ref("Bucket"), VPCID: ref("Vpc")},
		StackID: stackID, Gateway: s.lacks("InterfaceEndpoint"), SweepEvery: time.Minute,
	}
	if !s.lacks("SweepQueue") {
		criteria.SweepEvery = 10 * time.Second
	}
	criteria.Setting.EndpointID = ref("InterfaceEndpoint")
	if criteria.EndpointGroups = []string{ref("EndpointSecurityGroup")}; criteria.Gateway {
		criteria.Setting.EndpointID, criteria.EndpointGroups = ref("GatewayEndpoint"), nil
	}
	snapshot := health.Snapshot{Deployment: health.Reading[health.Deployment]{Value: d}}
	var role []health.Document
	for _, p := range append(list(s.properties("RemediateRole")["Policies"]), s.properties("RemediateEndpointPolicy")) {
		role = append(role, health.Document{Name: at(p, "PolicyName").(string), Text: asText(t, at(p, "PolicyDocument"))})
	}
	snapshot.Trails.Value = []health.CloudTrail{{Name: ref("Trail"), Logging: true, Bucket: ref("TrailBucket"), Validated: true}}
	return criteria, snapshot, role
}

// asText returns a policy as JSON.
func asText(t *testing.T, policy any) string {
	t.Helper()
	text, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
