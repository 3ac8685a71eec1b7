package adopt_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain runs more tests at the same time than there are processors: they wait for pauses most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		_ = flag.Set("test.parallel", "16")
	}
	os.Exit(m.Run())
}
