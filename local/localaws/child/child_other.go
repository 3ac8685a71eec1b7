//go:build !linux

package child

import (
	"os"
	"syscall"
	"time"
)

// bound adds nothing.
func bound() *syscall.SysProcAttr { return nil }

// onMainThread returns false, because here processes do not end with the thread that started them.
func onMainThread() bool { return false }

// Kill ends a process that a [Launcher] started.
func Kill(p *os.Process) { _ = p.Kill() }

// Freeze does nothing: it is only supported on Linux.
func Freeze(*os.Process) {}

// Thaw does nothing.
func Thaw(*os.Process) {}

// Waited returns 0: for how long a process waited for a processor is only known on Linux.
func Waited(int) time.Duration { return 0 }

// Ran returns 0: how long a process ran is only known on Linux.
func Ran(int) time.Duration { return 0 }

// PeakMemory returns 0: how much memory a process had is only known on Linux.
func PeakMemory(int) float64 { return 0 }

// Running returns nil: which processes run an executable is only known on Linux.
func Running(string) []int { return nil }
