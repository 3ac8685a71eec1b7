package child

import (
	"os"
	"syscall"
)

// bound makes a process the leader of a group of its own, which the kernel kills when the thread that started it dies.
func bound() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// onMainThread reports whether the caller's thread is the one that the process began with.
func onMainThread() bool { return syscall.Gettid() == syscall.Getpid() }

// Kill ends a process that a [Launcher] started, and those that it started in turn.
func Kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// Freeze stops such a process and those that it started, until [Thaw].
func Freeze(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGSTOP) }

// Thaw lets them go on.
func Thaw(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGCONT) }
