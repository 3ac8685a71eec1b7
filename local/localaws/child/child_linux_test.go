package child_test

import (
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/child"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// start starts a shell that starts another process. The returned file ends after both have ended.
func start(t *testing.T, l *child.Launcher) (*exec.Cmd, *os.File) {
	t.Helper()
	held, holding, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	defer func() { _ = holding.Close() }()
	command := exec.Command("sh", "-c", "sleep 1000 & echo started >&3; wait")
	command.ExtraFiles = []*os.File{holding}
	if err := l.Start(command); err != nil {
		t.Fatal(err)
	}
	_ = held.SetReadDeadline(time.Now().Add(localtest.Limit))
	if _, err := io.ReadFull(held, make([]byte, len("started\n"))); err != nil {
		t.Fatalf("waiting for the shell to start: %v", err)
	}
	return command, held
}

func TestKillEndsWhatAProcessStarted(t *testing.T) {
	l := child.New()
	defer l.Close()
	command, held := start(t, l)
	child.Kill(command.Process)
	_ = localtest.Exit(t, command)
	if _, err := held.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the child of the process is still running: %v", err)
	}
}

// TestProcessesEndWithTheirLauncher makes many launchers, because Go chooses the thread of each: sometimes it is the
// process's main thread, which Go parks instead of ending it.
func TestProcessesEndWithTheirLauncher(t *testing.T) {
	for range 50 {
		l := child.New()
		command, _ := start(t, l)
		t.Cleanup(func() { child.Kill(command.Process) })
		l.Close()
		if err := localtest.Exit(t, command); err == nil {
			t.Fatal("the process ended by itself, want it killed")
		}
	}
}

func TestAClosedLauncherStartsNothing(t *testing.T) {
	l := child.New()
	l.Close()
	if err := l.Start(exec.Command("true")); err == nil {
		t.Error("Start = nil, want an error")
	}
}
