package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"example.com/s3-endpoint-guard/local/bootstrap"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
)

// runMain is the environment variable with which a test makes this program run as the command itself.
const runMain = "GUARD_TEST_RUN_MAIN"

// accessKey is the access key of this process's environment. Each local AWS of a test has its own caller with it, so that tests can run
// at the same time.
const accessKey = "AKIDEXAMPLE"

// commandsFind is what the commands under test find in this process's environment.
var commandsFind = map[string]string{
	"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true", "AWS_CA_BUNDLE": "",
	"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1",
}

// atATime is how many tests run at the same time, unless -parallel says it: more than there are processors, because most of the tests
// wait for processes that they started.
const atATime = "6"

// TestMain builds the functions once. Otherwise each command under test builds them, within its time limit.
func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	cloudtest.CollectSeldom()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
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

// prepare sets the environment, and how many tests run at the same time.
func prepare() error {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	var err error
	if !given {
		err = flag.Set("test.parallel", atATime)
	}
	for name, value := range commandsFind {
		err = errors.Join(err, os.Setenv(name, value))
	}
	return errors.Join(err, os.Unsetenv("AWS_PROFILE"))
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
