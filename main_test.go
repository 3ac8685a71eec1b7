package template_test

import (
	"fmt"
	"os"
	"testing"

	"s3-endpoint-guard/internal/bootstrap"
)

// builds builds functions, each once for all tests.
var builds *bootstrap.Builder

func TestMain(m *testing.M) {
	var err error
	if builds, err = bootstrap.New(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := builds.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// failing is a bootstrap that fails as soon as it begins, except of the function without whose answers there is no stack.
func failing(function string) (string, error) {
	if function == "TeardownFunction" {
		return builds.Path(function)
	}
	return "/bin/false", nil
}
