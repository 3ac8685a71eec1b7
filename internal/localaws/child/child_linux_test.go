package child_test

import (
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"s3-endpoint-guard/internal/localaws/child"
)

// start starts a shell that starts something in turn. The file that it returns ends when the last of them has.
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
	_ = held.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(held, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	return command, held
}

func TestKillEndsWhatAProcessStarted(t *testing.T) {
	l := child.New()
	defer l.Close()
	command, held := start(t, l)
	child.Kill(command.Process)
	_ = command.Wait()
	if _, err := held.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("what the process started lives on: %v", err)
	}
}

func TestProcessesEndWithTheirLauncher(t *testing.T) {
	l := child.New()
	command, _ := start(t, l)
	l.Close()
	if err := command.Wait(); err == nil {
		t.Error("the process ended by itself, want that it was killed")
	}
	child.Kill(command.Process)
}

func TestAClosedLauncherStartsNothing(t *testing.T) {
	l := child.New()
	l.Close()
	if err := l.Start(exec.Command("true")); err == nil {
		t.Error("Start = nil, want an error")
	}
}
