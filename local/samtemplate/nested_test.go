package samtemplate_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// outer plans testdata/outer.yaml, which contains testdata/inner.yaml as the application Guard.
func outer(t *testing.T, parameters map[string]string) *samtemplate.Plan {
	t.Helper()
	template, err := samtemplate.Load("testdata/outer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := template.Plan(samtemplate.Options{Parameters: parameters})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// ids returns the logical ids of resources.
func ids(resources []samtemplate.Resource) []string {
	var all []string
	for _, r := range resources {
		all = append(all, r.LogicalID)
	}
	return all
}

func TestNestedResourcesAreFoundByTheirIDs(t *testing.T) {
	plan := outer(t, nil)
	names, err := samtemplate.InventedExcept(plan, map[string]string{"Bucket": "docs", "Topic": "arn:aws:sns:eu-central-1:111122223333:told"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := plan.Function("Function", names)
	if err != nil {
		t.Fatal(err)
	}
	own := f.Environment["OWN"]
	if !strings.HasPrefix(own, "s3-endpoint-guard-Guard-") || len(own) != len("s3-endpoint-guard-Guard-")+12 {
		t.Errorf("AWS::StackName in the application = %q, want its parent's name, its logical id and 12 characters", own)
	}
	want := map[string]string{"OWN": own, "PARENT": "s3-endpoint-guard", "BUCKETS": "docs+logs"}
	if diff := cmp.Diff(want, f.Environment); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if role, _ := names.GetAtt("Role", "Arn"); f.Role != role || f.Timeout.Seconds() != 3 {
		t.Errorf("role %s and timeout %s, want %s and 3s", f.Role, f.Timeout, role)
	}
	rules, err := plan.Rules(names)
	if err != nil || len(rules) != 1 || rules[0].Targets[0].ARN != f.ARN {
		t.Errorf("Rules = %+v, %v, want one with the target %s", rules, err, f.ARN)
	}
}

func TestOutputsOfNestedApplicationsAreAttributes(t *testing.T) {
	plan := outer(t, nil)
	names := samtemplate.Invented(plan)
	topic, _ := names.Ref("Topic")
	id, _ := names.Ref("Guard")
	if !strings.HasPrefix(id, "arn:aws:cloudformation:eu-central-1:111122223333:stack/s3-endpoint-guard-Guard-") {
		t.Errorf("Ref of the application = %q, want the ARN of its stack", id)
	}
	note, err := plan.Properties("Note", names)
	if want := topic + " of " + id; err != nil || note["Value"] != want {
		t.Errorf("Note = %v, %v, want %q", note["Value"], err, want)
	}
	outputs, err := plan.Outputs(names)
	if diff := cmp.Diff(map[string]string{"Topic": topic}, outputs); err != nil || diff != "" {
		t.Errorf("outputs (-want +got), %v:\n%s", err, diff)
	}
	if value, _ := names.GetAtt("Guard", "Outputs.Topic"); value != topic {
		t.Errorf("GetAtt Guard.Outputs.Topic = %v, want %s", value, topic)
	}
}

func TestNestedResourcesComeBeforeTheirApplication(t *testing.T) {
	plan := outer(t, nil)
	want := []string{"Bucket", "Policy", "Role", "Function", "Topic", "Rule", "Guard", "Note"}
	if diff := cmp.Diff(want, ids(plan.Resources())); diff != "" {
		t.Errorf("Resources (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Bucket", "Policy", "Role", "Guard", "Note"}, ids(plan.OwnResources())); diff != "" {
		t.Errorf("OwnResources (-want +got):\n%s", diff)
	}
	guard := plan.OwnResources()[3]
	if diff := cmp.Diff([]string{"Bucket", "Policy", "Role"}, guard.DependsOn); diff != "" {
		t.Errorf("what the application depends on (-want +got):\n%s", diff)
	}
}

func TestConditionsOfNestedApplications(t *testing.T) {
	if got := ids(outer(t, map[string]string{"Mail": "a@example.com"}).Resources()); !slices.Contains(got, "Subscription") {
		t.Errorf("Resources = %v, want Subscription", got)
	}
	without := outer(t, nil)
	if _, err := without.Properties("Subscription", samtemplate.Invented(without)); err == nil || !strings.Contains(err.Error(), "condition HasMail does not hold") {
		t.Errorf("Properties(Subscription) = %v, want that its condition does not hold", err)
	}
	off := outer(t, map[string]string{"Kept": "false"})
	if diff := cmp.Diff([]string{"Bucket", "Policy", "Role"}, ids(off.Resources())); diff != "" {
		t.Errorf("Resources without the application (-want +got):\n%s", diff)
	}
	if _, err := off.Function("Function", samtemplate.Invented(off)); err == nil || !strings.Contains(err.Error(), "condition Guarded does not hold") {
		t.Errorf("Function = %v, want that the application's condition does not hold", err)
	}
}

func TestNestedApplicationsAreRefused(t *testing.T) {
	const resource = "Resources:\n  Guard:\n    Type: AWS::Serverless::Application\n    Properties: "
	inner := string(mustRead(t, "testdata/inner.yaml"))
	for name, test := range map[string]struct{ outer, inner, want string }{
		"no file":       {resource + "{Location: other.yaml}", inner, "other.yaml: file does not exist"},
		"repository":    {resource + "{Location: {ApplicationId: a, SemanticVersion: 1.0.0}}", inner, "want the path of a template"},
		"address":       {resource + "{Location: https://example.com/inner.yaml}", inner, "want the path of a template"},
		"broken":        {resource + "{Location: inner.yaml}", "Resources: []", "inner.yaml: line 1: Resources: want a mapping"},
		"unknown name":  {resource + "{Location: inner.yaml, Parameters: {Other: a}}", inner, "Parameters.Other: not a parameter of the nested template"},
		"two levels":    {resource + "{Location: inner.yaml}", resource + "{Location: inner.yaml}", "a nested application cannot stand here"},
		"same id":       {resource + "{Location: inner.yaml}\n  Topic: {Type: AWS::SNS::Topic}", inner, "the logical id Topic is already that of another resource"},
		"twice":         {resource + "{Location: inner.yaml}\n  Again: {Type: AWS::Serverless::Application, Properties: {Location: inner.yaml}}", inner, "the logical id Function is already that of another resource"},
		"no such value": {resource + "{Location: inner.yaml}\nOutputs:\n  A: {Value: !GetAtt Guard.Outputs.Other}", inner, "Outputs.Other is not an output of the nested template"},
		"no attribute":  {resource + "{Location: inner.yaml}\nOutputs:\n  A: {Value: !GetAtt Guard.Arn}", inner, "Arn is not an output of the nested template"},
		"missing":       {resource + "{Location: inner.yaml}", inner, "nested application Guard: parameter BucketNames: missing"},
		"list": {
			resource + "{Location: inner.yaml, Parameters: {BucketNames: !Split [',', 'a,b'], ParentStack: p, Role: 'arn:aws:iam::111122223333:role/r'}}", inner,
			"parameter BucketNames is a list; CloudFormation passes only text",
		},
		"pattern": {
			resource + "{Location: inner.yaml, Parameters: {BucketNames: a, ParentStack: p, Role: r}}", inner,
			"nested application Guard: parameter Role: \"r\" does not match",
		},
	} {
		t.Run(name, func(t *testing.T) {
			template, err := samtemplate.LoadFS(fstest.MapFS{
				"in/outer.yaml": &fstest.MapFile{Data: []byte(test.outer)}, "in/inner.yaml": &fstest.MapFile{Data: []byte(test.inner)},
			}, "in/outer.yaml")
			if err == nil {
				_, err = template.Plan(samtemplate.Options{})
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("reading and planning = %v, want an error with %q", err, test.want)
			}
		})
	}
	if _, err := samtemplate.Parse([]byte(resource + "{Location: inner.yaml}")); err == nil || !strings.Contains(err.Error(), "a nested application cannot stand here") {
		t.Errorf("Parse = %v, want a refusal: there are no other files", err)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGeneratedNamesAreCutToTheirLimit(t *testing.T) {
	for _, test := range []struct {
		stack, id string
		limit     int
		want      string
	}{
		{"guard", "Role", 64, "guard-Role-ABCDEFGHIJKL"},
		{"guard-Guard-0123456789AB", "RemediateRole", 64, "guard-Guard-0123456789AB-RemediateRole-ABCDEFGHIJKL"},
		{strings.Repeat("s", 60), "RemediateRole", 64, strings.Repeat("s", 37) + "-RemediateRole-ABCDEFGHIJKL"},
		{strings.Repeat("s", 60), strings.Repeat("r", 60), 64, strings.Repeat("s", 25) + "-" + strings.Repeat("r", 25) + "-ABCDEFGHIJKL"},
		{"guard", strings.Repeat("r", 60), 64, "guard-" + strings.Repeat("r", 45) + "-ABCDEFGHIJKL"},
	} {
		got := samtemplate.GeneratedName(test.stack, test.id, "ABCDEFGHIJKL", test.limit)
		if got != test.want || len(got) > test.limit {
			t.Errorf("GeneratedName(%s, %s) = %s (%d characters), want %s", test.stack, test.id, got, len(got), test.want)
		}
	}
}
