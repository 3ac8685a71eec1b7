package template_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/samtemplate"
	"example.com/s3-endpoint-guard/test/golden"
)

// placeholders are what rules.json has instead of ids and ARNs; package health replaces them.
func placeholders() map[string]string {
	names := map[string]string{
		"InterfaceEndpoint": "${Endpoint}", "GatewayEndpoint": "${Endpoint}", "RemediateRole.Arn": "${RemediateRole.Arn}",
		"RemediateFunction.Arn": "${RemediateFunction.Arn}", "DeadLetterQueue.Arn": "${DeadLetterQueue.Arn}",
	}
	for _, id := range []string{"Bucket", "EndpointSecurityGroup", "RouteTable", "SubnetA", "SubnetB", "SubnetARoutes", "SubnetBRoutes"} {
		names[id] = "${" + id + "}"
	}
	return names
}

// triggers are the rules whose patterns and targets the health check compares.
var triggers = []string{"BucketRule", "EndpointRule", "SecurityGroupRule", "RouteTableRule", "StackRule", "SweepRule"}

func TestDocsRulesThatTheHealthCheckCompares(t *testing.T) {
	type declared struct {
		Pattern any `json:"pattern,omitempty"`
		Target  any `json:"target"`
	}
	rules := map[string]declared{}
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deployAs(t, samtemplate.Options{
			Parameters: parameters{"EndpointType": endpointType}, Region: "eu-central-1", AccountID: account, StackName: "guard", StackID: "${AWS::StackId}",
		}, placeholders())
		for _, id := range triggers {
			if s.lacks(id) {
				continue
			}
			p := s.properties(id)
			targets := list(p["Targets"])
			if len(targets) != 1 {
				t.Errorf("%s has %d targets, want 1", id, len(targets))
			}
			rules[id] = declared{p["EventPattern"], targets[0]}
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
	s := deploy(t, nil)
	role, _ := s.GetAtt("RemediateRole", "Arn")
	queue, _ := s.GetAtt("DeadLetterQueue", "Arn")
	topic, _ := s.Ref("NotificationTopic")
	key, _ := s.Ref("NotificationKey")
	config := s.properties("RemediateFunction")["EventInvokeConfig"]
	policy, err := json.Marshal(s.properties("NotificationTopicPolicy")["PolicyDocument"])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range list(s.properties("RemediateRole")["Policies"]) {
		names = append(names, at(p, "PolicyName").(string))
	}
	d := health.Deployment{Resources: map[string]health.Resource{
		"NotificationTopic": {PhysicalID: topic}, "NotificationKey": {PhysicalID: key},
		"DeadLetterQueue": {PhysicalID: "https://sqs/" + account + "/" + queue.(string)[strings.LastIndex(queue.(string), ":")+1:]},
	}}
	d.Failures.Value = health.Failures{
		Retries: int32(at(config, "MaximumRetryAttempts").(int)), Age: time.Duration(at(config, "MaximumEventAgeInSeconds").(int)) * time.Second,
		Queue: at(config, "DestinationConfig", "OnFailure", "Destination").(string),
	}
	d.Topic.Value = health.Topic{Policy: string(policy), Key: key}
	d.RolePolicies.Value = names
	criteria := health.Criteria{Setting: iampolicy.Setting{Partition: "aws", Region: "eu-central-1", Account: account, Guard: role.(string)}}
	r := criteria.Judge(health.Snapshot{Deployment: health.Reading[health.Deployment]{Value: d}})
	for _, p := range r.Problems {
		if p.Finding != "" {
			t.Errorf("as the template declares, there is the finding %s: %s", p.Finding, p.Why)
		}
	}
}
