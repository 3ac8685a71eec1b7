package template_test

import (
	"testing"

	"s3-endpoint-guard/internal/bootstrap"
	"s3-endpoint-guard/internal/localaws/cloudtest"
)

// builds builds functions, each once for all tests.
var builds *bootstrap.Builder

func TestMain(m *testing.M) { cloudtest.Main(m, &builds) }

// failing is a bootstrap that fails as soon as it begins, except of the function without whose answers there is no stack.
func failing(function string) (string, error) {
	if function == "TeardownFunction" {
		return builds.Path(function)
	}
	return "/bin/false", nil
}
