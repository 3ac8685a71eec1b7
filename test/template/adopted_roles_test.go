package template_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/local/localaws/serviceauth"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// guardsStatements returns the statements of the roles of guard.yaml, by role.
func guardsStatements(s stack) map[string][]map[string]any {
	s.Helper()
	all := map[string][]map[string]any{}
	for _, r := range s.ofType("AWS::IAM::Role") {
		all[r.LogicalID] = statements(s, r.LogicalID)
	}
	return all
}

// writes returns the actions on buckets and endpoints of statements that change something, with their resources.
func writes(all []map[string]any) map[string][]string {
	found := map[string][]string{}
	for _, statement := range all {
		for _, action := range list(statement["Action"]) {
			name := action.(string)
			service, call, _ := strings.Cut(name, ":")
			reads := slices.ContainsFunc([]string{"Get", "List", "Describe"}, func(p string) bool { return strings.HasPrefix(call, p) })
			if reads || !slices.Contains([]string{"s3", "ec2", "route53"}, service) || statement["Effect"] != "Allow" {
				continue
			}
			for _, resource := range list(statement["Resource"]) {
				if !strings.HasPrefix(resource.(string), "arn:aws:s3:::"+stateBucket) {
					found[name] = append(found[name], resource.(string))
				}
			}
		}
	}
	return found
}

// Under Observe, IAM itself keeps the guard from writing. The adoption writes only to put something back.
func TestWhoMayWriteDependsOnTheParameters(t *testing.T) {
	for _, p := range guards() {
		all := guardsStatements(deployGuard(t, p))
		if got := writes(all["RemediateRole"]); (len(got) > 0) != (p["Enforcement"] == "Enforce") {
			t.Errorf("with %v the guard may write %v", p, got)
		}
		if got := writes(all["AdoptRole"]); (len(got) > 0) != (p["RestoreOnDelete"] == "true") {
			t.Errorf("with %v the adoption may write %v", p, got)
		}
		_, endpoint := writes(all["AdoptRole"])["ec2:ModifyVpcEndpoint"]
		if want := p["RestoreOnDelete"] == "true" && p["EndpointPolicy"] != "Keep"; endpoint != want {
			t.Errorf("with %v the adoption may change endpoints: %t, want %t", p, endpoint, want)
		}
	}
}

// The same texts of the parameters are the resources, and what is excluded is denied.
func TestOnlyTheNamedBucketsAndEndpointsAreTouched(t *testing.T) {
	s := deployGuard(t, parameters{
		"Enforcement": "Enforce", "RestoreOnDelete": "true", "EndpointPolicy": "Account",
		"BucketNames": "docs-example,acme-*-logs", "ExcludedBucketNames": "acme-x-logs", "VpcEndpointIds": endpointID + "," + secondEndpoint,
	})
	buckets := []string{"arn:aws:s3:::docs-example", "arn:aws:s3:::acme-*-logs"}
	endpoints := []string{"arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/" + endpointID, "arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/" + secondEndpoint}
	for role, all := range guardsStatements(s) {
		got := writes(all)
		for action, resources := range got {
			switch {
			case strings.HasPrefix(action, "s3:"):
				if !slices.Equal(resources, buckets) {
					t.Errorf("%s may call %s on %q, want %q", role, action, resources, buckets)
				}
			case action == "ec2:ModifyVpcEndpoint":
				whole := slices.DeleteFunc(slices.Clone(resources), func(r string) bool { return !strings.Contains(r, ":vpc-endpoint/") })
				if !slices.Equal(whole, endpoints) {
					t.Errorf("%s may modify the endpoints %q, want %q", role, whole, endpoints)
				}
			}
		}
		var denied []any
		for _, statement := range all {
			if statement["Effect"] == "Deny" {
				denied = append(denied, list(statement["Resource"])...)
				for _, action := range list(statement["Action"]) {
					delete(got, action.(string))
				}
			}
		}
		if want := []any{"arn:aws:s3:::" + stateBucket, "arn:aws:s3:::acme-x-logs"}; role != "HealthcheckRole" && !slices.Equal(denied, want) {
			t.Errorf("%s is denied %q, want %q", role, denied, want)
		}
		for action := range got {
			if strings.HasPrefix(action, "s3:") {
				t.Errorf("%s may call %s on an excluded bucket", role, action)
			}
		}
	}
}

// A foreign part that the guard detaches must be in the VPC of an adopted endpoint, unless AWS supports no such condition.
func TestForeignPartsOfAdoptedEndpointsAreTouchedInTheirVpcsOnly(t *testing.T) {
	want := []any{"arn:aws:ec2:eu-central-1:111122223333:vpc/" + vpcID}
	for _, statement := range guardsStatements(deployGuard(t, parameters{"Enforcement": "Enforce"}))["RemediateRole"] {
		for _, resource := range list(statement["Resource"]) {
			wild := strings.HasPrefix(resource.(string), "arn:aws:ec2:") && strings.HasSuffix(resource.(string), "/*")
			if !wild || statement["Sid"] == "AttachAndDetachTables" { // needs a permission on the endpoint as well
				continue
			}
			if got := list(at(statement, "Condition", "ArnEquals", "ec2:Vpc")); !slices.Equal(got, want) {
				t.Errorf("%v: %v in the VPCs %v, want %v", statement["Sid"], resource, got, want)
			}
		}
		if statement["Sid"] == "SwitchPrivateDnsOn" {
			got := list(at(statement, "Condition", "ForAllValues:StringLike", "route53:VPCs"))
			if want := []any{"VPCId=" + vpcID + ",VPCRegion=*", "VPCId=vpc-0aaaaaaaaaaaaaaaa,VPCRegion=eu-central-1"}; !slices.Equal(got, want) {
				t.Errorf("private DNS may be switched on in %v, want %v", got, want)
			}
		}
	}
}

func TestTheGuardsRolesNameWhatTheyMayTouch(t *testing.T) {
	for _, p := range guards() {
		for role, all := range guardsStatements(deployGuard(t, p)) {
			sids := map[any]bool{}
			for _, statement := range all {
				sid := statement["Sid"]
				if sid == nil || sids[sid] {
					t.Errorf("%s: Sid %v is missing or duplicate", role, sid)
				}
				sids[sid] = true
				for _, action := range list(statement["Action"]) {
					if strings.Contains(action.(string), "*") {
						t.Errorf("%s: %v allows %v, want single actions", role, sid, action)
					}
					everything := slices.Contains(list(statement["Resource"]), any("*"))
					if everything != knowsNoResource(action.(string)) {
						t.Errorf("%s: %v allows %v on %v", role, sid, action, statement["Resource"])
					}
				}
			}
			hasList := slices.ContainsFunc(all, func(s map[string]any) bool { return s["Sid"] == "FindBuckets" })
			if want := strings.Contains(p["BucketNames"], "*"); role != "HealthcheckRole" && hasList != want {
				t.Errorf("with BucketNames=%s %s may list all buckets: %t, want %t", p["BucketNames"], role, hasList, want)
			}
		}
	}
}

// See TestStatementsSayWhatAWSKnows and TestRolesMayUseAllThatAnActionNeeds.
func TestTheGuardsStatementsSayWhatAWSKnows(t *testing.T) {
	for partition, region := range regions {
		for _, p := range extremes(partition) {
			s := deployOf(t, readGuard, samtemplate.Options{Parameters: p, Region: region}, nil)
			for owner, document := range documents(s) {
				for _, statement := range statementsOf(t, document) {
					for _, fault := range faults(statement) {
						t.Errorf("%s, %v, %v: %v: %s", partition, p, owner, statement["Sid"], fault)
					}
				}
			}
		}
	}
}

func TestTheGuardsRolesMayUseAllThatAnActionNeeds(t *testing.T) {
	s := deployGuard(t, parameters{"Enforcement": "Enforce", "RestoreOnDelete": "true", "EndpointPolicy": "Account"})
	for role, all := range guardsStatements(s) {
		allowed := map[string][]string{}
		for _, statement := range all {
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
					t.Errorf("%s allows %s on no %s, which AWS requires: %v", role, name, needed.Name, resources)
				}
			}
		}
	}
}

// IAM counts the characters of all inline policies of a role, without white space. An endpoint has 5 security groups by default.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func TestTheGuardsInlinePoliciesFit(t *testing.T) {
	s := longestGuard(t, parameters{
		"Enforcement": "Enforce", "RestoreOnDelete": "true", "EndpointPolicy": "Account", "SecurityHub": "true",
		"BucketNames": strings.TrimSuffix(strings.Repeat(strings.Repeat("n", 40)+",", 49), ","), "VpcEndpointIds": strings.Join(allEndpoints(), ","),
	}, 5*5)
	for role, all := range guardsStatements(s) {
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 10240 {
			t.Errorf("the inline policies of %s have %d characters with 49 names, want at most 10240", role, len(text))
		}
	}
	for _, r := range s.ofType("AWS::SSM::Parameter") {
		if value := s.properties(r.LogicalID)["Value"].(string); len(value) > 4096 {
			t.Errorf("%s has %d characters with 49 names, want at most 4096", r.LogicalID, len(value))
		}
	}
}

func TestTheGuardsFunctionUnderstandsItsEnvironment(t *testing.T) {
	for partition, region := range regions {
		for _, p := range extremes(partition) {
			s := deployOf(t, readGuard, samtemplate.Options{Parameters: p, Region: region, StackName: "guard"}, map[string]string{
				"Adoption.Document": "state/adoption/1.json?versionId=v1&sha256=" + strings.Repeat("0", 64),
			})
			e := variables(s, "RemediateFunction")
			e["AWS_REGION"] = region // Lambda sets it
			config, err := remediate.ReadConfig(func(name string) string { return e[name] })
			if err != nil {
				t.Fatalf("ReadConfig in %s with %v = %v", region, p, err)
			}
			if config.Fleet == nil || config.Fleet.Lock.Partition != partition || config.Observe != (p["Enforcement"] != "Enforce") {
				t.Errorf("in %s with %v the configuration is %+v", region, p, config)
			}
			if topic, _ := s.Ref("NotificationTopic"); p["NotificationTopicArn"] == "" && config.TopicARN != topic {
				t.Errorf("in %s the guard notifies %s, want %s", region, config.TopicARN, topic)
			}
		}
	}
}
