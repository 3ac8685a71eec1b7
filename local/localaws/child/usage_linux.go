package child

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Waited returns for how long the threads of a process that still run have waited for a processor since they started: they were
// ready, but others ran. It returns 0 for a process that has ended, and where the kernel does not count it.
func Waited(pid int) time.Duration { return scheduled(pid, 1) }

// Ran returns for how long the threads of a process that still run have run on a processor since they started. It returns 0 for a
// process that has ended, and where the kernel does not count it.
func Ran(pid int) time.Duration { return scheduled(pid, 0) }

// scheduled sums up a field of the threads' statistics.
// https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
func scheduled(pid, field int) time.Duration {
	var sum time.Duration
	folder := fmt.Sprintf("/proc/%d/task/", pid)
	threads, _ := os.ReadDir(folder)
	for _, thread := range threads {
		text, _ := os.ReadFile(folder + thread.Name() + "/schedstat")
		if fields := strings.Fields(string(text)); len(fields) == 3 {
			ns, _ := strconv.ParseInt(fields[field], 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// PeakMemory returns the most memory that a process has had resident, in MiB; 0 for a process that has ended. It is not getrusage's,
// which for a process that another one started is at least as much as that one had.
// https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func PeakMemory(pid int) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(status), "\nVmHWM:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.Atoi(fields[0])
	return float64(kib) / 1024
}

// Running returns the ids of the processes that run an executable. Its path may have symbolic links.
func Running(executable string) (pids []int) {
	executable, err := filepath.EvalSymlinks(executable)
	if err != nil {
		return nil
	}
	links, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is valid
	for _, link := range links {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if path, cannot := os.Readlink(link); err == nil && cannot == nil && path == executable {
			pids = append(pids, pid)
		}
	}
	return pids
}
