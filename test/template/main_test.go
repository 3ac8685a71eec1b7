package template_test

import (
	"log"
	"os"
	"testing"

	"s3-endpoint-guard/local/bootstrap"
	"s3-endpoint-guard/local/localaws/cloudtest"
)

// builds builds functions, each once for all tests.
var builds *bootstrap.Builder

// Tests run in the repository's root: they read the template, the documentation and the sources.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		log.Fatal(err)
	}
	cloudtest.Main(m, &builds)
}

// failing is a bootstrap that fails as soon as it begins, except of the function without whose answers there is no stack.
func failing(function string) (string, error) {
	if function == "TeardownFunction" {
		return builds.Path(function)
	}
	return "/bin/false", nil
}
