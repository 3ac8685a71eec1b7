package localtest

import (
	"bytes"
	"os/exec"
	"sync"
	"testing"
	"time"

	"s3-endpoint-guard/local/localaws/child"
)

// Limits of a server that runs beside a test: until it serves, and until it has let go of its output once it is killed.
const (
	serveLimit = Limit
	endLimit   = 5 * time.Second
)

// Serve starts a server and returns when ready, which gets each line that it prints, has said so. The server ends with
// the test, with all that it started in turn and however the test ends; one that does not get ready fails the test.
// What it prints stands in the test's log.
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
		_ = command.Wait() // how it ended nobody asks: it was killed, or its last lines tell
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

// lines takes a server's output apart.
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
