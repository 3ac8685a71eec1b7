package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"s3-endpoint-guard/internal/bootstrap"
	"s3-endpoint-guard/internal/localaws/localtest"
)

// runMain is the environment variable by which a test makes this program be the command itself.
const runMain = "GUARD_TEST_RUN_MAIN"

// TestMain builds the functions before the commands under test would, each on its own and within its time limit.
func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	builds, err := buildAll("../../template.yaml")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = builds.Close()
	os.Exit(code)
}

// buildAll builds a template's functions, and lets [bootstrap.ReadyBuilt] name the folder.
func buildAll(template string) (*bootstrap.Builder, error) {
	d := deployment{template: template}
	plan, err := d.plan()
	if err != nil {
		return nil, err
	}
	builds, err := d.build(plan)
	if err != nil {
		return nil, err
	}
	path, err := builds.Path("RemediateFunction")
	if err == nil {
		err = os.Setenv(bootstrap.ReadyBuilt, filepath.Dir(filepath.Dir(path)))
	}
	if err != nil {
		return nil, errors.Join(err, builds.Close())
	}
	return builds, nil
}

// TestMistakesEndWithTheirOwnCode keeps them apart from what commands find: a difference, a promise that was not kept,
// a bucket that is not empty.
func TestMistakesEndWithTheirOwnCode(t *testing.T) {
	for _, call := range []string{
		"nosuch", "--nosuch", "access", "cost extra", "cost --parameter Nosuch=1", "cost --template nosuch", "dashboard-preview extra",
		"demo extra", "demo --nosuch", "diff a.json", "empty", "empty --bucket docs extra", "exposure extra", "local extra", "match",
	} {
		command := exec.Command(os.Args[0], strings.Fields(call)...)
		command.Env = append(os.Environ(), runMain+"=1")
		said, err := localtest.Output(t, command)
		if code := command.ProcessState.ExitCode(); code != exitUnjudged || !strings.HasPrefix(said, "guard: ") {
			t.Errorf("guard %s ends with %d (%v), saying %q; want %d and the mistake", call, code, err, said, exitUnjudged)
		}
	}
}
