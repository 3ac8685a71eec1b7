//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/s3model"
)

// screen collects the output of a terminal.
type screen struct {
	mu    sync.Mutex
	shown bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// terminal is a terminal in which a command runs.
type terminal struct {
	*os.File
	screen  screen
	command *exec.Cmd
	read    chan struct{} // closed at the end of the output
}

// inTerminal runs this program's main function in a terminal.
func inTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	return inTerminalWith(t, nil, args...)
}

// inTerminalWith is [inTerminal] with more environment variables.
func inTerminalWith(t *testing.T, environment []string, args ...string) *terminal {
	t.Helper()
	in := &terminal{command: exec.CommandContext(t.Context(), os.Args[0], args...), read: make(chan struct{})}
	in.command.Env = append(append(os.Environ(), runMain+"=1"), environment...)
	file, err := pty.Start(in.command)
	if err != nil {
		t.Fatal(err)
	}
	in.File = file
	t.Cleanup(func() { _ = file.Close() })
	go func() {
		defer close(in.read)
		_, _ = io.Copy(&in.screen, file) // returns an error when the other end is closed
	}()
	return in
}

// shows waits until the terminal shows a text, and returns the output.
func (in *terminal) shows(t *testing.T, text string) string {
	t.Helper()
	pattern := regexp.MustCompile(text)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if found := pattern.FindString(in.screen.String()); found != "" {
			return found
		}
	}
	t.Fatalf("the terminal never shows %s; it shows %q", text, in.screen.String())
	return ""
}

// types sends keys to the terminal.
func (in *terminal) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := in.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// signals sends SIGTERM to the command.
func (in *terminal) signals(t *testing.T) {
	t.Helper()
	if err := in.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// ends waits until the command ends, and returns its exit code.
func (in *terminal) ends(t *testing.T) int {
	t.Helper()
	err := localtest.Exit(t, in.command)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	localtest.Receive(t, in.read, "the end of what the command shows")
	return in.command.ProcessState.ExitCode()
}

const ctrlC = "\x03"

// held is a model of a bucket that answers a few batches and holds back the others.
type held struct {
	*httptest.Server
	model   *s3model.Model
	release chan struct{} // closed to answer the held requests and all later ones
}

// answered is the number of batches that held answers at once.
const answered = 3

func newHeld(t *testing.T) *held {
	t.Helper()
	h := &held{model: s3model.New(s3model.Options{Shape: s3model.Counters{Prefixes: 1}, Versions: 60_000}), release: make(chan struct{})}
	var batches atomic.Int64
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && batches.Add(1) > answered {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			select {
			case <-r.Context().Done():
				return
			case <-h.release:
			}
		}
		h.model.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	return h
}

// TestEmptyInATerminal tests a long deletion: confirmed, watched, interrupted, and started again. It checks that the
// count includes the batches in flight at the interrupt.
func TestEmptyInATerminal(t *testing.T) {
	t.Parallel()
	bucket := newHeld(t)
	args := []string{"empty", "--bucket", "docs", "--endpoint-url", bucket.URL}
	first := inTerminal(t, args...)
	first.shows(t, `Type the bucket's name to go on: `)
	first.types(t, "docs\n")
	first.shows(t, `\[#\.+\] 3000 deleted, \d+/s, about \d+ left`)
	first.types(t, ctrlC)
	first.shows(t, `stopping: deletions under way have 5 s to end`)
	close(bucket.release)
	code := first.ends(t)
	stats := bucket.model.Stats()
	says := fmt.Sprintf("bucket docs: interrupted; deleted %d versions in ", stats.Deleted)
	if code != exitInterrupted || stats.Deleted <= 1000*answered || !strings.Contains(first.screen.String(), says) {
		t.Errorf("after Ctrl-C: exit code %d, %d deleted, output %q", code, stats.Deleted, first.screen.String())
	}

	second := inTerminal(t, append(args, "--yes")...)
	says = fmt.Sprintf("bucket docs is empty: deleted %d versions", stats.Left)
	if code := second.ends(t); code != 0 || !strings.Contains(second.screen.String(), says) {
		t.Errorf("second run: exit code %d, output %q, want %q", code, second.screen.String(), says)
	}
	if left := bucket.model.Stats().Left; left != 0 {
		t.Errorf("%d versions left", left)
	}
}

// TestASecondSignalEndsAtOnce lets deletions hang. SIGTERM is the signal that init systems and supervisors send.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	bucket := newHeld(t)
	empty := inTerminal(t, "empty", "--bucket", "docs", "--yes", "--json", "--endpoint-url", bucket.URL)
	empty.shows(t, `3000 deleted`)
	began := time.Now()
	empty.signals(t)
	empty.shows(t, `stopping: deletions under way have 5 s to end`)
	empty.signals(t)
	code := empty.ends(t)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v to end, want less than the grace period of 5 s", took)
	}
	for _, says := range []string{"bucket docs: interrupted; deleted 3000 versions", `"outcome":"interrupted","exitCode":3,`, `"deletedVersions":3000,`} {
		if code != exitInterrupted || !strings.Contains(empty.screen.String(), says) {
			t.Errorf("after SIGTERM: exit code %d, output %q, want %q", code, empty.screen.String(), says)
		}
	}
}

// TestEmptyIsInterruptedWhileItCounts shows that Ctrl-C also ends a count, and that the result is not a failure.
func TestEmptyIsInterruptedWhileItCounts(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	counting := inTerminal(t, "empty", "--bucket", "docs", "--dry-run", "--endpoint-url", server.URL)
	localtest.Receive(t, asked, "the first listing")
	counting.types(t, ctrlC)
	if code := counting.ends(t); code != exitInterrupted || !strings.Contains(counting.screen.String(), "nothing was touched") {
		t.Errorf("after Ctrl-C: exit code %d, output %q", code, counting.screen.String())
	}
}

// TestEmptyIsInterruptedWhileItAsks shows that Ctrl-C ends the prompt for the bucket's name.
func TestEmptyIsInterruptedWhileItAsks(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(s3model.New(s3model.Options{Shape: s3model.Counters{Prefixes: 1}, Versions: 1}))
	defer server.Close()
	asking := inTerminal(t, "empty", "--bucket", "docs", "--endpoint-url", server.URL)
	asking.shows(t, `Type the bucket's name to go on: `)
	asking.types(t, ctrlC)
	if code := asking.ends(t); code != exitInterrupted || !strings.Contains(asking.screen.String(), "nothing was touched") {
		t.Errorf("after Ctrl-C: exit code %d, output %q", code, asking.screen.String())
	}
}

func TestABarShowsHowMuchIsDone(t *testing.T) {
	for _, c := range []struct {
		done, left int64
		filled     int
	}{
		{0, -1, 0}, {500, -1, 0}, {0, 0, 0}, {0, 10, 0}, {1, 2, barWidth / 3}, {999, 1, barWidth - 1}, {10, 0, barWidth},
	} {
		want := fmt.Sprintf("[%s%s]", strings.Repeat("#", c.filled), strings.Repeat(".", barWidth-c.filled))
		if got := bar(c.done, c.left); got != want {
			t.Errorf("bar(%d, %d) = %s, want %s", c.done, c.left, got, want)
		}
	}
}
