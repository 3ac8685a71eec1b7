package localtest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// Limit is the maximum time of each wait in a test. Usually a wait takes milliseconds, and a few seconds on a busy
// machine.
const Limit = 45 * time.Second

// Client is the HTTP client of tests. Unlike http.DefaultClient it has the time-out [Limit].
var Client = &http.Client{Timeout: Limit}

// Context returns a context that ends with the test, or after [Limit]; its cause then contains what.
func Context(t testing.TB, what string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), Limit, waited(what))
	t.Cleanup(cancel)
	return ctx
}

// Receive returns the next value of a channel, or its zero value if it is closed. If neither happens within [Limit],
// the test fails with a message that contains what. Only the test's own goroutine may call it.
func Receive[T any](t testing.TB, channel <-chan T, what string) T {
	t.Helper()
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	var value T
	select {
	case value = <-channel:
	case <-limit.C:
		t.Fatal(waited(what))
	}
	return value
}

// Until calls so repeatedly until it returns true. If that does not happen within [Limit], the test fails with a
// message that contains what.
func Until(t testing.TB, what string, so func() bool) {
	t.Helper()
	for limit := time.Now().Add(Limit); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal(waited(what))
		}
	}
}

// Exit waits for the end of a started process, and returns its error. If the process runs longer than [Limit], Exit
// kills it and the test fails.
func Exit(t testing.TB, command *exec.Cmd) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })
	return Receive(t, ended, "the end of "+command.String())
}

// Output runs a command, with the limit of [Exit], and returns its output, including standard error, and its error.
func Output(t testing.TB, command *exec.Cmd) (string, error) {
	t.Helper()
	var said bytes.Buffer
	command.Stdout, command.Stderr, command.WaitDelay = &said, &said, endLimit
	if err := command.Start(); err != nil {
		return "", err
	}
	err := Exit(t, command)
	return said.String(), err
}

func waited(what string) error { return fmt.Errorf("still waiting for %s after %s", what, Limit) }
