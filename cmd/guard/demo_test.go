package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3-endpoint-guard/local/bootstrap"
)

// guardCommand runs guard with arguments and returns its standard output and exit code.
func guardCommand(t *testing.T, arguments ...string) (stdout string, code int) {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(arguments)
	err := root.ExecuteContext(t.Context())
	if exit, ok := errors.AsType[*exitError](err); ok {
		t.Logf("guard %s: %v", strings.Join(arguments, " "), exit)
		return out.String(), exit.code
	}
	if err != nil {
		t.Fatalf("guard %s: %v", strings.Join(arguments, " "), err)
	}
	return out.String(), 0
}

func demoOf(t *testing.T, arguments ...string) (stdout string, code int) {
	return guardCommand(t, append([]string{"demo", "--template", "../../template.yaml"}, arguments...)...)
}

func TestTheDemoKeepsEveryPromise(t *testing.T) {
	for _, endpoint := range []string{"Interface", "Gateway"} {
		t.Run(endpoint, func(t *testing.T) {
			told, code := demoOf(t, "--parameter", "EndpointType="+endpoint)
			if code != 0 {
				t.Errorf("guard demo: exit code = %d, want 0:\n%s", code, told)
			}
			if strings.Contains(told, "\x1b[") {
				t.Error("guard demo writes colours to output that is not a terminal")
			}
		})
	}
}

func TestADemoOfABrokenTemplateBreaksItsPromises(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const schedule = "      ScheduleExpression:"
	broken := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(broken, []byte(strings.Replace(string(text), schedule, "      State: DISABLED\n"+schedule, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(bootstrap.ReadyBuilt, built(t))
	told, err := runGuard("", "demo", "--template", broken)
	if code := exitCode(err); code != 1 {
		t.Fatalf("guard demo: exit code = %d (%v), want 1", code, err)
	}
	if want := "NOT AS PROMISED"; !strings.Contains(told, want) {
		t.Errorf("guard demo prints %q, want %s in it", told, want)
	}
	if want := "promises not kept, the first: CloudWatch after 6 minutes, in alarm: Guard, RuleOff, promised none"; !strings.Contains(err.Error(), want) {
		t.Errorf("guard demo ends with %v, want %s", err, want)
	}
}

// built builds the functions and returns their folder.
func built(t *testing.T) string {
	t.Helper()
	builds, err := bootstrap.In("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := builds.Close(); err != nil {
			t.Error(err)
		}
	})
	var path string
	for _, function := range []string{"RemediateFunction", "TeardownFunction", "HealthcheckFunction", "ProbeAFunction", "ProbeBFunction"} {
		if path, err = builds.Path(function); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Dir(filepath.Dir(path))
}

func TestADemoThatCannotBePlayedSaysWhy(t *testing.T) {
	for name, arguments := range map[string][]string{
		"a parameter that the template does not have": {"--parameter", "Nonsense=1"},
		"a parameter without a value":                 {"--parameter", "EndpointType"},
		"a value that the template refuses":           {"--parameter", "EndpointType=Door"},
		"no trail, and so no events":                  {"--parameter", "CreateTrail=false"},
		"a guard that only observes":                  {"--parameter", "Enforcement=Observe"},
		"no template":                                 {"--template", "nowhere.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, code := demoOf(t, arguments...); code != 2 {
				t.Errorf("guard demo %v: exit code = %d, want 2", arguments, code)
			}
		})
	}
}

func TestTheDemoTellsTheSameAsJSON(t *testing.T) {
	told, code := demoOf(t, "--json")
	if code != 0 {
		t.Fatalf("guard demo --json: exit code = %d, want 0", code)
	}
	var kept, corrections int
	var end struct{ Kept, Broken *int }
	for lines := bufio.NewScanner(strings.NewReader(told)); lines.Scan(); {
		var line struct {
			Scene, Outcome string
			Kept           any
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("guard demo --json: line %s: %v", lines.Text(), err)
		}
		switch {
		case line.Kept == true:
			kept++
		case line.Outcome == "corrected":
			corrections++
		case line.Scene == "":
			if err := json.Unmarshal(lines.Bytes(), &end); err != nil {
				t.Fatal(err)
			}
		}
	}
	if end.Kept == nil || *end.Kept != kept || *end.Broken != 0 {
		t.Errorf("guard demo --json ends with %v, want %d kept and 0 broken", end, kept)
	}
	if want := 5; corrections != want {
		t.Errorf("guard demo --json reports %d corrections, want %d", corrections, want)
	}
}
