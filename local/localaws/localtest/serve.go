package localtest

import (
	"bytes"
	"os/exec"
	"sync"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/child"
)

// Time limits of a server in a test: until it serves, and until its output is closed after it was killed.
const (
	serveLimit = Limit
	endLimit   = 5 * time.Second
)

// Serve starts a server and returns when ready, which gets each line of its output, returns true. The server and its
// descendants end with the test, no matter how the test ends; if it does not get ready, the test fails. Its output is
// in the test's log.
func Serve(t testing.TB, command *exec.Cmd, ready func(line string) bool) {
	t.Helper()
	lines := &lines{each: ready, ready: make(chan struct{}), log: t.Log}
	command.Stdout, command.Stderr, command.WaitDelay = lines, lines, endLimit
	launcher := child.New()
	if err := launcher.Start(command); err != nil {
		launcher.Close()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // the result is ignored: the server was killed, or its last lines explain the end
	}()
	t.Cleanup(func() {
		child.Kill(command.Process)
		<-ended
		launcher.Close()
	})
	select {
	case <-lines.ready:
	case <-ended:
		t.Fatalf("%s ended before it served", command.Path)
	case <-time.After(serveLimit):
		t.Fatalf("%s does not serve after %s", command.Path, serveLimit)
	}
}

// lines splits a server's output into lines.
type lines struct {
	each func(line string) bool
	log  func(...any)

	mu    sync.Mutex
	rest  []byte
	isUp  bool
	ready chan struct{} // closed once
}

// Write implements [io.Writer].
func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, text...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		l.rest = rest
		l.log(string(line))
		if !l.isUp && l.each(string(line)) {
			l.isUp = true
			close(l.ready)
		}
	}
}
