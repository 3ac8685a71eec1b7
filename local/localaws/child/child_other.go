//go:build !linux

package child

import (
	"os"
	"syscall"
)

// bound adds nothing.
func bound() *syscall.SysProcAttr { return nil }

// onMainThread is of no interest where no process ends with the thread that started it.
func onMainThread() bool { return false }

// Kill ends a process that a [Launcher] started.
func Kill(p *os.Process) { _ = p.Kill() }

// Freeze does nothing: only Linux freezes.
func Freeze(*os.Process) {}

// Thaw does nothing.
func Thaw(*os.Process) {}
