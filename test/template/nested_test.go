package template_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// ownMeaning are the parameters of both templates that template.yaml does not pass on: its policies contain what they say.
var ownMeaning = []string{"ManagementRoleArns"}

// What template.yaml's user says must reach the guard, and everything that only template.yaml can say must be said.
func TestTheTemplateTellsItsGuardEverything(t *testing.T) {
	template, err := readTemplate()
	if err != nil {
		t.Fatal(err)
	}
	guard, err := readGuard()
	if err != nil {
		t.Fatal(err)
	}
	s := deploy(t, parameters{"AlarmEmail": "a@example.com", "PagingTopicArn": "arn:aws:sns:eu-central-1:111122223333:page", "RolePath": "/team/"})
	passed, _ := s.properties("Guard")["Parameters"].(map[string]any)
	declared := guard.Parameters()
	first := slices.IndexFunc(declared, func(p samtemplate.Parameter) bool { return p.Name == "ParentName" })
	for i, p := range declared {
		isShared := slices.ContainsFunc(template.Parameters(), func(own samtemplate.Parameter) bool { return own.Name == p.Name })
		value, isPassed := passed[p.Name]
		switch {
		case i >= first && !isPassed:
			t.Errorf("template.yaml does not set %s", p.Name)
		case isShared && !slices.Contains(ownMeaning, p.Name) && value != s.Parameter(p.Name):
			t.Errorf("template.yaml passes %s = %v, want its own, %q", p.Name, value, s.Parameter(p.Name))
		}
	}
}

// Alone, the composite alarm is only worth its price if it pages somebody.
func TestTheGuardPagesIfItIsToldWhom(t *testing.T) {
	const topic = "arn:aws:sns:eu-central-1:111122223333:page"
	if s := deployGuard(t, nil); !s.lacks("GuardAlarm") {
		t.Error("there is a composite alarm that notifies nobody")
	}
	s := deployGuard(t, parameters{"PagingTopicArn": topic})
	if got := at(s.properties("GuardAlarm"), "AlarmActions", 0); got != topic {
		t.Errorf("the composite alarm notifies %v, want %s", got, topic)
	}
}

// Names that people look for are those of the stack that they deployed; physical ids that CloudFormation makes are not.
func TestNamesForPeopleAreTheParents(t *testing.T) {
	s := deploy(t, nil)
	for id, want := range map[string][2]string{
		"OpenDriftAlarm": {"AlarmName", "guard-OpenDrift"}, "GuardAlarm": {"AlarmName", "guard-Guard"},
		"Dashboard": {"DashboardName", "guard-eu-central-1"}, "OpenAccessQuery": {"Name", "guard/open access"},
	} {
		if got := s.properties(id)[want[0]]; got != want[1] {
			t.Errorf("%s is named %v, want %s", id, got, want[1])
		}
	}
	if got := variables(s, "RemediateFunction")["STACK"]; got != "stack/guard/0f0f0f0f-0000-4000-8000-000000000001" {
		t.Errorf("the guard asks about %s, want the parent stack", got)
	}
}

// The adoption of another stack reads it, and must find what the guard writes to as long as it can write.
func TestEachGuardSaysWhatItGuards(t *testing.T) {
	for name, s := range map[string]stack{"guard.yaml": deployGuard(t, parameters{"Enforcement": "Enforce"}), "template.yaml": deploy(t, nil)} {
		p := s.properties("GuardParameter")
		if want := adoption.GuardsPath + "/guard"; p["Name"] != want || !needs(s, "RemediateFunction")["GuardParameter"] {
			t.Errorf("%s: the parameter is %v, and before the guard: %t, want %s, and true", name, p["Name"], needs(s, "RemediateFunction")["GuardParameter"], want)
		}
		got, err := adoption.ParseGuard("guard", p["Value"].(string))
		want := adoption.Guard{Stack: "guard", Enforcement: "Enforce", Parameters: lock.Parameters{BucketNames: bucket, VPCEndpointIDs: endpointID}}
		if name == "template.yaml" {
			want.Template = name
		} else {
			want.AllowAWSServices, want.EndpointPolicy, want.PolicyMode = "true", "Keep", "AtLeast"
		}
		if err != nil || got != want {
			t.Errorf("%s: the guard says %+v (%v), want %+v", name, got, err, want)
		}
	}
}

// AWS::Serverless::Application accepts 60 parameters.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-nested-applications.html
func TestTheGuardHasNoMoreParametersThanANestedApplicationMayHave(t *testing.T) {
	guard, err := readGuard()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(guard.Parameters()); got > 60 {
		t.Errorf("guard.yaml has %d parameters, want at most 60", got)
	}
}

// Each of them is refused, because the adoption would not look at it.
func TestWhatOnlyTheParentSetsIsRefusedAlone(t *testing.T) {
	guard, err := readGuard()
	if err != nil {
		t.Fatal(err)
	}
	s := deploy(t, nil)
	passed, _ := s.properties("Guard")["Parameters"].(map[string]any)
	declared := guard.Parameters()
	first := slices.IndexFunc(declared, func(p samtemplate.Parameter) bool { return p.Name == "ParentName" })
	for _, p := range declared[first:] {
		value, _ := passed[p.Name].(string)
		if _, err := guard.Plan(samtemplate.Options{Parameters: answers(parameters{p.Name: value})}); err == nil || !strings.Contains(err.Error(), "for template.yaml") {
			t.Errorf("guard.yaml alone with %s = %q: %v, want a refusal that names template.yaml", p.Name, value, err)
		}
	}
}

// What template.yaml sets in each of its forms, its guard must be given; what it sets in some, it must be given together.
func TestTheGuardIsContainedWithAllThatItNeeds(t *testing.T) {
	guard, err := readGuard()
	if err != nil {
		t.Fatal(err)
	}
	refused := func(p parameters, name, value string) (why string) {
		_, err := guard.Plan(samtemplate.Options{Parameters: p.with(name, value)})
		if err != nil {
			return err.Error()
		}
		return ""
	}
	declared := guard.Parameters()
	first := slices.IndexFunc(declared, func(p samtemplate.Parameter) bool { return p.Name == "ParentName" })
	for _, form := range mixes(map[string][]string{
		"EndpointType": {"Interface", "Gateway"}, "CreateProbe": {"true", "false"}, "CreateTrail": {"true", "false"}, "Enforcement": {"Enforce", "Observe"},
	}) {
		passed, set := at(deploy(t, form).properties("Guard"), "Parameters").(map[string]any), parameters{}
		for name, value := range passed {
			set[name] = value.(string)
		}
		if _, err := guard.Plan(samtemplate.Options{Parameters: set}); err != nil {
			t.Fatalf("%v: the guard is refused: %v", form, err)
		}
		for _, p := range declared[first+1:] {
			// Nothing else depends on whether there is a trail.
			if set[p.Name] != "" && p.Name != "TrailBucketName" {
				if why := refused(set, p.Name, ""); !strings.Contains(why, "template.yaml") {
					t.Errorf("%v without %s: %q, want a refusal that names template.yaml", form, p.Name, why)
				}
			} else if p.Name != "TrailBucketName" {
				if why := refused(set, p.Name, examples[p.Name]); !strings.Contains(why, p.Name) {
					t.Errorf("%v with %s: %q, want a refusal that names it", form, p.Name, why)
				}
			}
		}
		for name, value := range map[string]string{
			"ExcludedBucketNames": "a", "ManagementRoleArns": probeRole, "ExemptRoleArns": probeRole, "AllowedCidrs": "203.0.113.0/24", "AllowAwsServices": "false",
			"PolicyMode": "Exact", "EndpointPolicy": "Account", "AdoptionNumber": "2", "RestoreOnDelete": "true", "NotificationTopicArn": "arn:aws:sns:eu-central-1:111122223333:a",
		} {
			if why := refused(set, name, value); !strings.Contains(why, name) {
				t.Errorf("%v with %s=%s: %q, want a refusal that names it", form, name, value, why)
			}
		}
	}
}

// examples are values of the parameters that template.yaml sets in some of its forms only.
var examples = map[string]string{"EndpointGroupId": groupID, "ProbeRoleArn": probeRole, "ProbeRoleName": "guard-ProbeRole-EXAMPLE", "ProbeGroupId": probeGroup}

// CloudFormation cuts the stack's name in a function's name (convox/rack#2297): a permission must not depend on it. Nor on CreateProbe,
// because an update that removes the probe changes the role before the functions are gone.
func TestTheHealthCheckMaySeeEachFunctionOfAStackWithALongName(t *testing.T) {
	const name = "acme-production-data-platform-s3-endpoint-guard"
	long := func(p parameters) stack {
		return deployAs(t, samtemplate.Options{Parameters: p, Region: region, AccountID: account, StackName: name,
			StackID: "arn:aws:cloudformation:eu-central-1:111122223333:stack/" + name + "/0f0f0f0f-0000-4000-8000-000000000001"}, nil)
	}
	s := long(nil)
	for _, probe := range []string{"true", "false"} {
		var allowed []string
		for _, statement := range statements(long(parameters{"CreateProbe": probe}), "HealthcheckRole") {
			if statement["Sid"] == "SeeFunctions" {
				for _, r := range list(statement["Resource"]) {
					allowed = append(allowed, r.(string))
				}
			}
		}
		for _, f := range s.ofType("AWS::Serverless::Function") {
			arn, _ := s.GetAtt(f.LogicalID, "Arn")
			if !slices.ContainsFunc(allowed, func(pattern string) bool { ok, err := path.Match(pattern, arn.(string)); return ok && err == nil }) {
				t.Errorf("CreateProbe=%s: the health check may see %q, want also %v", probe, allowed, arn)
			}
		}
	}
}
