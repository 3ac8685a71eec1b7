package lambda

import (
	"os/exec"
	"runtime"
)

// launcher starts every child process from one thread that lives as long as the host: Linux ends a child with its
// parent only by the death of the very thread that started it (PR_SET_PDEATHSIG in prctl(2)), and Go may end any other
// thread earlier.
type launcher struct {
	starts chan start
	done   chan struct{}
}

// start is one command to start and where its error goes.
type start struct {
	command *exec.Cmd
	err     chan error
}

func newLauncher() *launcher {
	l := &launcher{starts: make(chan start), done: make(chan struct{})}
	go l.run()
	return l
}

func (l *launcher) run() {
	runtime.LockOSThread()
	for {
		select {
		case s := <-l.starts:
			s.err <- s.command.Start()
		case <-l.done:
			return
		}
	}
}

// start starts the command, bound to this process as far as the system can.
func (l *launcher) start(command *exec.Cmd) error {
	command.SysProcAttr = bound()
	s := start{command, make(chan error, 1)}
	select {
	case l.starts <- s:
		return <-s.err
	case <-l.done:
		return errClosed
	}
}

func (l *launcher) close() { close(l.done) }
