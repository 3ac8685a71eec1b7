package localtest_test

import (
	"os/exec"
	"slices"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

func TestServeReturnsWhenTheServerIsReady(t *testing.T) {
	var heard []string
	localtest.Serve(t, exec.Command("sh", "-c", "printf 'o'; echo ne; echo two >&2; echo three; sleep 1000"), func(line string) bool {
		heard = append(heard, line)
		return len(heard) == 3
	})
	if slices.Sort(heard); !slices.Equal(heard, []string{"one", "three", "two"}) {
		t.Errorf("the server said %q, want one, two and three", heard)
	}
}
