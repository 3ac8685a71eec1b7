// Package cloudtest contains helpers for tests with a whole local AWS.
package cloudtest

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"example.com/s3-endpoint-guard/local/bootstrap"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/serviceauth"
)

// Emptier contains the resources of a template whose custom resources empty buckets: the function, as
// TeardownFunction, and its role. More resources can follow, indented by two spaces.
const Emptier = `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {}
      Policies:
        - PolicyName: all
          PolicyDocument: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}
  TeardownFunction:
    Type: AWS::Serverless::Function
    Properties:
      {Runtime: provided.al2023, Handler: bootstrap, CodeUri: ., Timeout: 60, Role: !GetAtt Role.Arn,
       Environment: {Variables: {TEARDOWN_ROLE_ARN: !GetAtt Role.Arn}}}`

// New makes a local AWS that is closed when the test ends, and then no longer held: package testing keeps the functions of Cleanup of
// an ended parallel test until its siblings have ended.
func New(t testing.TB, o localaws.Options) *localaws.Cloud {
	t.Helper()
	c, err := localaws.New(o)
	if err != nil {
		t.Fatal(err)
	}
	opened := c
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
		checkNeeds(t, opened)
		opened = nil
	})
	return c
}

// checkNeeds checks that the local AWS required only permissions that exist in AWS: actions of its reference, on
// resources that they support.
func checkNeeds(t testing.TB, c *localaws.Cloud) {
	t.Helper()
	seen := map[string]bool{}
	for _, call := range c.Gate.Calls() {
		for _, need := range call.Needs {
			name := need.Action + " " + need.Resource
			if seen[name] {
				continue
			}
			seen[name] = true
			if action, ok := serviceauth.Find(need.Action); !ok {
				t.Errorf("%s asks for %s, which local/localaws/serviceauth/actions.txt lacks", call.Operation, need.Action)
			} else if err := action.Check(need.Resource); err != nil && need.Resource != "*" && len(action.Types) > 0 {
				t.Errorf("%s requires a permission that does not exist in AWS: %v", call.Operation, err)
			}
		}
	}
}

// garbage is GOGC: with the default of 100, the collector takes a quarter to a third of the processor time of such tests. memory is
// GOMEMLIMIT, in bytes: from there on, the collector takes more again. The tests of test/endtoend that run abreast hold up to 150 MiB.
const (
	garbage = 400
	memory  = 1 << 30
)

// CollectSeldom makes this process collect garbage seldom, as tests want it that have many local AWSs.
func CollectSeldom() {
	debug.SetGCPercent(garbage)
	debug.SetMemoryLimit(memory)
}

// Main runs a package's tests, after setting the builder of the functions' bootstraps, and ends the process.
func Main(m *testing.M, built **bootstrap.Builder) {
	CollectSeldom()
	builder, err := bootstrap.New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	*built = builder
	code := m.Run()
	_ = builder.Close()
	os.Exit(code)
}
