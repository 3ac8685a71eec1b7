// Package child starts processes that do not outlive this one: functions' bootstraps, and in tests whatever else runs
// beside them. On Linux the kernel sees to it, however this process ends; elsewhere it depends on this one's ending
// them.
//
// It imports the standard library only.
package child

import (
	"errors"
	"os/exec"
	"runtime"
)

// errClosed is the answer of a [Launcher] that was closed.
var errClosed = errors.New("the launcher of processes is closed")

// Launcher starts processes, each in a group of its own. Any number of goroutines may use it at the same time.
//
// It starts all from one thread that lives as long as the launcher: Linux ends a child with its parent only by the
// death of the very thread that started it (PR_SET_PDEATHSIG in prctl(2)), and Go may end any other thread earlier.
// That thread is never the process's main one, which Go parks where it would end another.
type Launcher struct {
	starts chan start
	done   chan struct{}
}

// start is one command to start and where its error goes.
type start struct {
	command *exec.Cmd
	err     chan error
}

// New makes a launcher. It must be closed, once its processes have ended: on Linux they would then be ended.
func New() *Launcher {
	l := &Launcher{starts: make(chan start), done: make(chan struct{})}
	go l.run()
	return l
}

// run starts what is asked for until the launcher is closed. Its thread ends with it: a goroutine that ends while it
// is locked to its thread takes the thread along.
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

// runElsewhere is run on another thread: this goroutine keeps the main one, so that the next cannot get it.
func (l *Launcher) runElsewhere() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.run()
	}()
	<-ended
	runtime.UnlockOSThread()
}

// Start starts a command. Its SysProcAttr is replaced.
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
