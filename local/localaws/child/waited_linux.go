package child

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Waited returns for how long the threads of a process that still run have waited for a processor since they started: they were
// ready, but others ran. It returns 0 for a process that has ended, and where the kernel does not count it.
// https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
func Waited(pid int) time.Duration {
	var sum time.Duration
	folder := fmt.Sprintf("/proc/%d/task/", pid)
	threads, _ := os.ReadDir(folder)
	for _, thread := range threads {
		text, _ := os.ReadFile(folder + thread.Name() + "/schedstat")
		if fields := strings.Fields(string(text)); len(fields) == 3 {
			ns, _ := strconv.ParseInt(fields[1], 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}
