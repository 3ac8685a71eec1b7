package template_test

import (
	"log"
	"os"
	"testing"

	"example.com/s3-endpoint-guard/local/bootstrap"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
)

// builds builds the functions, each once for all tests.
var builds *bootstrap.Builder

// Tests run in the repository's root, because they read the template, the documentation and the sources.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		log.Fatal(err)
	}
	cloudtest.Main(m, &builds)
}

// failing returns a bootstrap that fails at once, except for TeardownFunction: the stack needs its answers.
func failing(function string) (string, error) {
	if function == "TeardownFunction" {
		return builds.Path(function)
	}
	return "/bin/false", nil
}
