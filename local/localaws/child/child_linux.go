package child

import (
	"os"
	"syscall"
)

// bound makes a process the leader of a new group. The kernel kills the process when the thread that started it dies.
func bound() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// onMainThread reports whether the caller runs on the process's main thread.
func onMainThread() bool { return syscall.Gettid() == syscall.Getpid() }

// Kill kills a process that a [Launcher] started, and its descendants in its group.
func Kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// Freeze stops such a process and its descendants, until [Thaw].
func Freeze(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGSTOP) }

// Thaw continues them.
func Thaw(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGCONT) }
