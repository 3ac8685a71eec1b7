package localtest_test

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// failing is a test whose failure is inspected.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatal(said ...any) {
	f.said = fmt.Sprint(said...)
	runtime.Goexit()
}

func TestWaitsGiveUpAndSayWhatTheyWaitedFor(t *testing.T) {
	for name, wait := range map[string]func(testing.TB){
		"Receive": func(t testing.TB) { localtest.Receive(t, make(chan int), "a letter") },
		"Until":   func(t testing.TB) { localtest.Until(t, "a letter", func() bool { return false }) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &failing{TB: t}
				go wait(f)
				time.Sleep(time.Minute) // synthetic time
				if synctest.Wait(); !strings.Contains(f.said, "waiting for a letter") {
					t.Errorf("after a minute the message is %q, want the name of the awaited event", f.said)
				}
			})
		})
	}
}

func TestReceiveReturnsWhatArrives(t *testing.T) {
	letters := make(chan string, 1)
	letters <- "hello"
	if got := localtest.Receive(t, letters, "a letter"); got != "hello" {
		t.Errorf("Receive = %q, want hello", got)
	}
	close(letters)
	if got := localtest.Receive(t, letters, "the end"); got != "" {
		t.Errorf("Receive = %q from a closed channel, want none", got)
	}
}

func TestAContextEndsAndSaysWhatItWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := localtest.Context(t, "a letter")
		<-ctx.Done()
		if cause := context.Cause(ctx); !strings.Contains(cause.Error(), "waiting for a letter") {
			t.Errorf("the context ended with %q, want the name of the awaited event", cause)
		}
	})
}

func TestOutputIsWhatACommandPrintsAndHowItEnds(t *testing.T) {
	said, err := localtest.Output(t, exec.Command("sh", "-c", "echo one; echo two >&2; exit 3"))
	if said != "one\ntwo\n" || err == nil || err.Error() != "exit status 3" {
		t.Errorf("Output = %q, %v, want both lines and the exit status", said, err)
	}
	if _, err := localtest.Output(t, exec.Command("/nowhere/command")); err == nil {
		t.Error("Output of no command = nil, want an error")
	}
}
