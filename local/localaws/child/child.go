// Package child starts processes that end with this one: functions' bootstraps, and other processes of tests. On
// Linux the kernel ends them, no matter how this process ends; on other systems this process has to end them.
//
// It imports only the standard library.
package child

import (
	"errors"
	"os/exec"
	"runtime"
)

// errClosed is the error of a closed [Launcher].
var errClosed = errors.New("the launcher of processes is closed")

// Launcher starts processes, each in a new process group. Any number of goroutines may use it at the same time.
//
// It starts them all from one thread that lives as long as the launcher: Linux ends a child when the thread that
// started it ends (PR_SET_PDEATHSIG in prctl(2)), and Go may end any other thread earlier. That thread is never the
// process's main thread, which Go parks instead of ending it.
type Launcher struct {
	starts chan start
	done   chan struct{}
}

// start is a command to start and the channel for its error.
type start struct {
	command *exec.Cmd
	err     chan error
}

// New makes a launcher. It must be closed after its processes have ended, because on Linux Close ends them.
func New() *Launcher {
	l := &Launcher{starts: make(chan start), done: make(chan struct{})}
	go l.run()
	return l
}

// run starts commands until the launcher is closed. Then its thread ends too: Go ends a thread when its locked
// goroutine ends.
func (l *Launcher) run() {
	runtime.LockOSThread()
	if onMainThread() {
		l.runElsewhere()
		return
	}
	for {
		select {
		case s := <-l.starts:
			s.err <- s.command.Start()
		case <-l.done:
			return
		}
	}
}

// runElsewhere calls run on another thread: this goroutine keeps the main thread, so that the new one cannot get it.
func (l *Launcher) runElsewhere() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.run()
	}()
	<-ended
	runtime.UnlockOSThread()
}

// Start starts a command. It replaces the command's SysProcAttr.
func (l *Launcher) Start(command *exec.Cmd) error {
	command.SysProcAttr = bound()
	s := start{command, make(chan error, 1)}
	select {
	case l.starts <- s:
		return <-s.err
	case <-l.done:
		return errClosed
	}
}

// Close ends the launcher. It may be called once.
func (l *Launcher) Close() { close(l.done) }
