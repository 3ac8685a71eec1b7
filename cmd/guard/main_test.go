package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"example.com/s3-endpoint-guard/local/bootstrap"
)

// runMain is the environment variable with which a test makes this program run as the command itself.
const runMain = "GUARD_TEST_RUN_MAIN"

// TestMain builds the functions once. Otherwise each command under test builds them, within its time limit.
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
	commandFolder, err = os.MkdirTemp("", "guard-command-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = errors.Join(builds.Close(), os.RemoveAll(commandFolder))
	os.Exit(code)
}

// buildAll builds a template's functions, and sets [bootstrap.ReadyBuilt] to their folder.
func buildAll(template string) (*bootstrap.Builder, error) {
	d := stackFlags{template: template}
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
		_, err = builds.Path("AdoptFunction") // of guard.yaml, whose other functions are the same
	}
	if err == nil {
		err = os.Setenv(bootstrap.ReadyBuilt, filepath.Dir(filepath.Dir(path)))
	}
	if err != nil {
		return nil, errors.Join(err, builds.Close())
	}
	return builds, nil
}
