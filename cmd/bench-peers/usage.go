package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage returns the most memory that one of some processes has had resident, in MiB, and the processor time of the one that used most.
// Both are 0 where there is no Linux.
func usage(processes []int) (mib float64, processor time.Duration) {
	for _, id := range processes {
		folder := fmt.Sprintf("/proc/%d", id)
		mib = max(mib, peakOf(filepath.Join(folder, "status")))
		processor = max(processor, processorTime(folder))
	}
	return mib, processor
}

// peakOf returns the most memory that a process has had resident, in MiB, from its status in /proc; 0 if that does not say. It is not
// getrusage's, which for a process that another one started is at least as much as that one had.
// https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func peakOf(status string) float64 {
	text, _ := os.ReadFile(status) // a process that has ended has no peak
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")))
			return float64(n) / 1024
		}
	}
	return 0
}

// processorTime returns the time that the threads of a process have spent on a processor.
// https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
func processorTime(folder string) (d time.Duration) {
	threads, _ := filepath.Glob(filepath.Join(folder, "task", "*", "schedstat")) // the pattern is valid
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		if fields := strings.Fields(string(text)); len(fields) > 0 {
			n, _ := strconv.ParseInt(fields[0], 10, 64)
			d += time.Duration(n)
		}
	}
	return d
}
