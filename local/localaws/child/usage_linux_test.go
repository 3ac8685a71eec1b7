package child_test

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
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

func TestUsageOfAProcess(t *testing.T) {
	self := os.Getpid()
	if got := localtest.Must(os.Executable())(t); !slices.Contains(child.Running(got), self) {
		t.Errorf("Running(%s) does not contain %d, the process of this test", got, self)
	}
	const mib = 64
	block := make([]byte, mib<<20)
	for i := range block { // a page is resident once it was written
		block[i] = 1
	}
	if got := child.PeakMemory(self); got < mib {
		t.Errorf("PeakMemory = %.0f MiB after %d MiB were written, want at least these", got, mib)
	}
	if child.Ran(self) == 0 {
		t.Error("Ran = 0 of a process that runs")
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	if pid := ended.Process.Pid; child.PeakMemory(pid) != 0 || child.Ran(pid) != 0 {
		t.Errorf("PeakMemory = %v, Ran = %v of a process that has ended, want 0", child.PeakMemory(pid), child.Ran(pid))
	}
	if got := child.Running(t.TempDir() + "/nosuch"); got != nil {
		t.Errorf("Running = %v for a file that does not exist, want none", got)
	}
}
