package template_test

import (
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// readSAMConfig reads samconfig.toml, of whose format it uses sections with texts, booleans and a number, each on a line:
// section (environment.command.parameters) → key → value as written.
func readSAMConfig(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	config, section := map[string]map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			config[section] = map[string]string{}
		} else if key, value, ok := strings.Cut(line, " = "); ok && section != "" && !strings.HasPrefix(line, "#") {
			config[section][key] = strings.Trim(value, `"`)
		}
	}
	return config
}

// What the SAM CLI takes from each environment of samconfig.toml (docs/facts.md, Tools): build and deploy must mean the same template,
// and two stacks must share no file and no folder of artefacts.
func TestSAMBuildsAndDeploysTheSameTemplate(t *testing.T) {
	config := readSAMConfig(t)
	used := map[string]string{}
	alone := func(environment, what, value string) {
		t.Helper()
		if other := used[what+value]; value == "" || other != "" {
			t.Errorf("%s: %s is %q, which %q has too; want one of its own", environment, what, value, other)
		}
		used[what+value] = environment
	}
	for environment, file := range map[string]string{"default": "template.yaml", "guard": "guard.yaml"} {
		of := func(command, key, otherwise string) string {
			if value, ok := config[environment+"."+command+".parameters"][key]; ok {
				return value
			}
			return otherwise
		}
		for _, command := range []string{"validate", "build"} {
			if got := of(command, "template_file", "template.yaml"); got != file {
				t.Errorf("%s: sam %s reads %s, want %s", environment, command, got, file)
			}
		}
		if of("validate", "lint", "false") != "true" || of("build", "build_in_source", "false") != "true" {
			t.Errorf("%s: want sam validate to lint, and sam build to build in place", environment)
		}
		built := path.Join(of("build", "build_dir", ".aws-sam/build"), "template.yaml")
		if got := of("deploy", "template_file", ".aws-sam/build/template.yaml"); got != built {
			t.Errorf("%s: sam deploy reads %s, want what sam build writes, %s", environment, got, built)
		}
		alone(environment, "the built template", built)
		alone(environment, "stack_name", of("global", "stack_name", ""))
		alone(environment, "s3_prefix", of("deploy", "s3_prefix", ""))
		if got, want := strings.Fields(of("deploy", "capabilities", "")), capabilities(t, file); !slices.Equal(got, want) {
			t.Errorf("%s: capabilities %q, want %q", environment, got, want)
		}
		if of("deploy", "confirm_changeset", "false") != "true" || of("deploy", "resolve_s3", "false") != "true" {
			t.Errorf("%s: want sam deploy to ask before it changes something, and to find its bucket itself", environment)
		}
	}
	if n := len(config); n != 8 {
		t.Errorf("samconfig.toml has the sections %q, want four for each template", slices.Sorted(maps.Keys(config)))
	}
}

// capabilities returns what CloudFormation wants to be told of a template: that it makes roles, with names of their own or not, and
// that a stack in it is a SAM template, too.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
func capabilities(t *testing.T, file string) []string {
	t.Helper()
	s := map[string]func(*testing.T, parameters) stack{"template.yaml": deploy, "guard.yaml": deployGuard}[file](t, nil)
	want := []string{"CAPABILITY_IAM"}
	for _, r := range s.Resources() {
		switch {
		case r.Type == "AWS::IAM::Role" && s.properties(r.LogicalID)["RoleName"] != nil:
			want[0] = "CAPABILITY_NAMED_IAM"
		case r.Type == "AWS::Serverless::Application":
			want = append(want, "CAPABILITY_AUTO_EXPAND")
		}
	}
	return want
}
