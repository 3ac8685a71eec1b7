package child_test

import (
	"os/exec"
	"runtime"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/child"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// More processes than processors: each of them waits.
func TestWaitedGrowsWhileOthersHaveTheProcessors(t *testing.T) {
	l := child.New()
	defer l.Close()
	var last *exec.Cmd
	for range 2 * runtime.NumCPU() {
		last = exec.Command("sh", "-c", "while :; do :; done") // ends with the launcher
		if err := l.Start(last); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(localtest.Limit); child.Waited(last.Process.Pid) < 20*time.Millisecond; {
		if time.Now().After(end) {
			t.Fatal("the process has not waited for a processor")
		}
		time.Sleep(time.Millisecond)
	}
	child.Kill(last.Process)
	_ = localtest.Exit(t, last)
	if got := child.Waited(last.Process.Pid); got != 0 {
		t.Errorf("a process that has ended waited for %v, want 0", got)
	}
}
