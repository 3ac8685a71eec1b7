package lambda

import (
	"os"
	"syscall"
)

// bound makes a process the leader of a group of its own, which the kernel kills when the thread that started it dies.
func bound() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// kill ends a process and those that it started; freeze stops them until thaw.
func kill(p *os.Process)   { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
func freeze(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGSTOP) }
func thaw(p *os.Process)   { _ = syscall.Kill(-p.Pid, syscall.SIGCONT) }
