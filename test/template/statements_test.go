package template_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/serviceauth"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// documents returns all policy documents of a deployed template by owner: a role or a resource.
func documents(s stack) map[string]any {
	s.Helper()
	all := map[string]any{}
	for _, r := range s.Resources() {
		p := s.properties(r.LogicalID)
		for _, name := range []string{"PolicyDocument", "KeyPolicy"} {
			if document, ok := p[name]; ok {
				all[r.LogicalID] = document
			}
		}
		for _, policy := range list(p["Policies"]) {
			if document := at(policy, "PolicyDocument"); document != nil {
				all[fmt.Sprint(r.LogicalID, " ", at(policy, "PolicyName"))] = document
			}
		}
	}
	return all
}

// statementsOf returns a document's statements. A document may be a JSON string.
func statementsOf(t *testing.T, document any) []map[string]any {
	t.Helper()
	if text, ok := document.(string); ok {
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	var all []map[string]any
	for _, statement := range list(at(document, "Statement")) {
		all = append(all, statement.(map[string]any))
	}
	return all
}

// conditionKeys returns the keys in a statement's conditions.
func conditionKeys(statement map[string]any) []string {
	keys := map[string]bool{}
	conditions, _ := statement["Condition"].(map[string]any)
	for _, asked := range conditions {
		for key := range asked.(map[string]any) {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// faults returns what AWS's reference does not support in a statement: an action, a resource for it, or a condition
// key for both. Each action needs at least one matching resource, and each resource one matching action.
func faults(statement map[string]any) []string {
	var found []string
	keys, used := conditionKeys(statement), map[any]bool{}
	for _, name := range list(statement["Action"]) {
		meant := false
		for _, action := range serviceauth.Matching(name.(string)) {
			for _, resource := range list(statement["Resource"]) {
				if action.Check(resource.(string)) != nil {
					continue
				}
				meant, used[resource] = true, true
				if err := action.Check(resource.(string), keys...); err != nil {
					found = append(found, err.Error())
				}
			}
		}
		if !meant {
			found = append(found, fmt.Sprintf("no action %v of local/localaws/serviceauth/actions.txt knows these resources", name))
		}
	}
	for _, resource := range list(statement["Resource"]) {
		if !used[resource] {
			found = append(found, fmt.Sprintf("none of the actions knows a resource like %v", resource))
		}
	}
	return found
}

// TestStatementsSayWhatAWSKnows compares all policies of the template with AWS's Service Authorization Reference. A
// condition key that an action does not support for a resource makes an Allow match nothing, and a Deny too much or
// nothing.
func TestStatementsSayWhatAWSKnows(t *testing.T) {
	for partition, region := range regions {
		for _, p := range mixes(map[string][]string{"EndpointType": {"Interface", "Gateway"}, "CreateProbe": {"true", "false"}}) {
			p = p.with("BypassGovernanceRetention", "true").with("SecurityHub", "true")
			s := deployAs(t, samtemplate.Options{Parameters: p, Region: region}, nil)
			for owner, document := range documents(s) {
				for _, statement := range statementsOf(t, document) {
					for _, fault := range faults(statement) {
						t.Errorf("%s, %s, %v: %v: %s", partition, p["EndpointType"], owner, statement["Sid"], fault)
					}
				}
			}
		}
	}
}

func TestFaultsOfStatementsAreSeen(t *testing.T) {
	for name, v := range map[string]struct{ statement, want string }{
		"a key that the action does not know there": {
			`{"Action":"ec2:ModifyVpcEndpoint","Resource":"arn:aws:ec2:eu-central-1:111122223333:route-table/*","Condition":{"ArnEquals":{"ec2:Vpc":"x"}}}`,
			"ec2:ModifyVpcEndpoint knows no condition key ec2:Vpc on route-table arn:aws:ec2:eu-central-1:111122223333:route-table/*"},
		"an action that there is not":     {`{"Action":"s3:GetBucketPolicies","Resource":"arn:aws:s3:::b"}`, "no action s3:GetBucketPolicies of"},
		"an action on another's resource": {`{"Action":["s3:GetObject","sqs:*"],"Resource":"arn:aws:s3:::b/*"}`, "no action sqs:* of"},
		"a resource of another action": {`{"Action":"s3:GetObject","Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b"]}`,
			"none of the actions knows a resource like arn:aws:s3:::b"},
		"a key that a wildcard's actions do not know": {`{"Action":"sns:*","Resource":"arn:aws:sns:eu-central-1:111122223333:t","Condition":{"Bool":{"s3:prefix":"x"}}}`,
			"sns:Publish knows no condition key s3:prefix on topic"},
		"nothing": {`{"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var statement map[string]any
			if err := json.Unmarshal([]byte(v.statement), &statement); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(faults(statement), "\n"); !strings.Contains(got, v.want) || v.want == "" && got != "" {
				t.Errorf("faults of %s = %q, want %q", v.statement, got, v.want)
			}
		})
	}
}

// TestRolesMayUseAllThatAnActionNeeds checks that roles have permission on all resources that AWS checks at each call
// of an action.
func TestRolesMayUseAllThatAnActionNeeds(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		for _, role := range s.ofType("AWS::IAM::Role") {
			allowed := map[string][]string{}
			for _, statement := range statements(s, role.LogicalID) {
				for _, action := range list(statement["Action"]) {
					for _, resource := range list(statement["Resource"]) {
						if statement["Effect"] == "Allow" {
							allowed[action.(string)] = append(allowed[action.(string)], resource.(string))
						}
					}
				}
			}
			for name, resources := range allowed {
				action, _ := serviceauth.Find(name)
				for _, needed := range action.Types {
					covers := func(resource string) bool {
						return slices.ContainsFunc(action.On(resource), func(k serviceauth.Type) bool { return k.Name == needed.Name })
					}
					if needed.Required && !slices.ContainsFunc(resources, covers) {
						t.Errorf("%s, %s allows %s on no %s, which AWS requires: %v", endpointType, role.LogicalID, name, needed.Name, resources)
					}
				}
			}
		}
	}
}
