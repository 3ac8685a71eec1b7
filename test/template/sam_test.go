package template_test

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// transformed returns a template as AWS's translator makes it. The test is skipped if that is not installed.
func transformed(t *testing.T, file string) *samtemplate.Template {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil || exec.CommandContext(t.Context(), python, "-c", "import samtranslator, yaml").Run() != nil {
		t.Skip("aws-sam-translator is not installed")
	}
	command := exec.CommandContext(t.Context(), python, "test/template/testdata/transform.py", file)
	command.Env = append(os.Environ(), "AWS_DEFAULT_REGION="+region)
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("the translator refuses %s: %v\n%s", file, err, said.String())
	}
	read, err := samtemplate.Parse(out)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// What local/samtemplate makes of a template is what AWS's translator makes of it: the same resources with the same properties, but for
// what the translator adds to a function.
func TestSAMMakesOfTheTemplateWhatTheLocalAWSDoes(t *testing.T) {
	t.Parallel()
	for file, p := range map[string]parameters{"template.yaml": nil, "guard.yaml": answers(parameters{"Enforcement": "Enforce", "RestoreOnDelete": "true"})} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			options := samtemplate.Options{Parameters: p, Region: region, AccountID: account, StackName: "guard", StackID: stackID}
			read, err := samtemplate.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			ours, theirs := everyProperty(t, read, options), everyProperty(t, transformed(t, file), options)
			for _, id := range slices.Sorted(maps.Keys(ours)) {
				switch ours[id]["Type"] {
				case "AWS::Serverless::Function":
					ours[id], ours[id+"EventInvokeConfig"] = asLambda(ours[id], id)
					delete(theirs[id], "Tags") // lambda:createdBy
				case "AWS::Serverless::Application":
					ours[id]["Type"], ours[id]["TemplateURL"] = "AWS::CloudFormation::Stack", theirs[id]["TemplateURL"]
					delete(ours[id], "Location")
					delete(theirs[id], "Tags")
				}
			}
			maps.DeleteFunc(ours, func(_ string, p map[string]any) bool { return p == nil })
			if diff := cmp.Diff(ours, theirs); diff != "" {
				t.Errorf("resources and properties (-ours +the translator's):\n%s", diff)
			}
		})
	}
}

// everyProperty returns the type and the properties of each resource, resolved with the same invented names.
func everyProperty(t *testing.T, read *samtemplate.Template, o samtemplate.Options) map[string]map[string]any {
	t.Helper()
	plan, err := read.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	for _, r := range plan.OwnResources() {
		properties, err := plan.Properties(r.LogicalID, sameNames{})
		if err != nil {
			t.Fatal(err)
		}
		properties["Type"] = r.Type
		all[r.LogicalID] = properties
	}
	return all
}

// sameNames invents names that depend on the logical id only.
type sameNames struct{}

func (sameNames) Ref(id string) (string, bool)            { return "ref-of-" + id, true }
func (sameNames) GetAtt(id, attribute string) (any, bool) { return attribute + "-of-" + id, true }

// asLambda returns the two resources that the translator makes of a function: the function, and its configuration of failed
// asynchronous invocations, or nil.
func asLambda(p map[string]any, id string) (function, invoke map[string]any) {
	function = maps.Clone(p)
	function["Type"], function["Code"] = "AWS::Lambda::Function", map[string]any{"S3Bucket": "bucket", "S3Key": "key"}
	delete(function, "CodeUri")
	delete(function, "EventInvokeConfig")
	configured, ok := p["EventInvokeConfig"].(map[string]any)
	if !ok {
		return function, nil
	}
	invoke = maps.Clone(configured)
	invoke["Type"], invoke["FunctionName"], invoke["Qualifier"] = "AWS::Lambda::EventInvokeConfig", "ref-of-"+id, "$LATEST"
	destinations := map[string]any{}
	for when, of := range configured["DestinationConfig"].(map[string]any) {
		destinations[when] = map[string]any{"Destination": at(of, "Destination")}
	}
	invoke["DestinationConfig"] = destinations
	return function, invoke
}
