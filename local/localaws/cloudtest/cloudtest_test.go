package cloudtest_test

import (
	"runtime"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// TestAnEndedTestHoldsNoLocalAWS waits in a function of Cleanup: package testing calls it after the parallel subtest has ended, and
// before it forgets that subtest.
func TestAnEndedTestHoldsNoLocalAWS(t *testing.T) {
	collected := make(chan struct{})
	t.Cleanup(func() {
		localtest.Until(t, "the collector to find the local AWS of the subtest", func() bool {
			runtime.GC()
			select {
			case <-collected:
				return true
			default:
				return false
			}
		})
	})
	t.Run("ended", func(t *testing.T) {
		t.Parallel()
		c := cloudtest.New(t, localaws.Options{})
		runtime.AddCleanup(c, func(done chan struct{}) { close(done) }, collected)
	})
}
