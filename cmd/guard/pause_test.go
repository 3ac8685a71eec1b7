package main

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/s3-endpoint-guard/internal/pause"
)

func TestAWindowIsMadeShownReplacedAndEnded(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.says("pause --list", "stack s3-endpoint-guard has no maintenance window")
	a.says("pause --bucket "+a.bucket+" --for 2h --reason terraform", a.bucket+": the guard of stack s3-endpoint-guard corrects nothing until ", "(about 2h0m0s from now)")
	a.says("pause --vpc-endpoint "+a.endpoint+" --for 1h --reason moves", a.endpoint+": the guard")
	a.says("pause --list", a.bucket+"  until ", "  terraform  by "+operator, a.endpoint+"  until ", "  moves  by ")
	until := time.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)
	a.says("pause --bucket "+a.bucket+" --until "+until+" --reason again", "it replaces the window until ", " of "+operator+": terraform")
	a.says("pause --end --bucket "+a.bucket, a.bucket+": the window is ended")
	if out := a.says("pause --list"); strings.Contains(out, a.bucket) || !strings.Contains(out, a.endpoint) {
		t.Errorf("after --end the list is %q, want the endpoint only", out)
	}
	a.fails("pause --end --bucket "+a.bucket, a.bucket+": no maintenance window")
}

func TestAWindowThatHasEndedIsShownAsEnded(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.cloud.SSM.Put(pause.Path("s3-endpoint-guard")+"/docs-example", "String", pause.Window{Until: time.Now().Add(-time.Hour), Reason: "done", By: "x"}.Value())
	a.cloud.SSM.Put(pause.Path("s3-endpoint-guard")+"/broken", "String", "x")
	out, errs, code := a.guard("", "pause", "--list")
	if code != exitUnjudged || !strings.Contains(out, "docs-example  ended ") || !strings.Contains(errs, "the window of broken") {
		t.Errorf("pause --list: exit code %d, %q, %q, want the window that has ended, and broken's error", code, out, errs)
	}
}

func TestAWindowThatWouldHaveNoEffectIsRefused(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.fails("pause --bucket docs-example --for 1h --reason plan", "the guard of stack s3-endpoint-guard does not guard docs-example")
	a.fails("pause --vpc-endpoint vpce-0123456789abcdef0 --for 1h --reason plan", "does not guard vpce-0123456789abcdef0")
	a.says("pause --list", "no maintenance window")
}

func TestAWindowOfAGuardOfManyBuckets(t *testing.T) {
	t.Parallel()
	a := newGuardOfMany(t)
	a.says("pause --list", "no maintenance window")
	guarded := []string{"--bucket docs-a", "--bucket docs-new", "--bucket reports", "--vpc-endpoint " + a.endpoint, "--vpc-endpoint " + a.others[0]}
	for _, target := range guarded { // docs-new is a name of the pattern
		a.says("pause "+target+" --for 1h --reason plan", ": the guard of stack s3-endpoint-guard corrects nothing until ")
	}
	if got := strings.Count(a.says("pause --list"), "  plan  by "+operator); got != len(guarded) {
		t.Errorf("pause --list shows %d windows, want %d", got, len(guarded))
	}
	for _, target := range []string{"--bucket docs-tmp", "--bucket other", "--bucket adocs-a", "--vpc-endpoint vpce-0123456789abcdef0"} {
		a.fails("pause "+target+" --for 1h --reason plan", "the guard of stack s3-endpoint-guard does not guard ")
	}
	a.opens()
	if got := a.policy(); !strings.Contains(got, "Shared") {
		t.Errorf("in its window the bucket's policy is %s, want the changed one", got)
	}
	a.says("pause --end --bucket docs-a", "docs-a: the window is ended")
	a.cloud.Events.Sweep()
	a.settles()
	a.says("history --bucket docs-a", "corrected")
}

func TestAWindowIsNeverLongerThanADayNorPast(t *testing.T) {
	t.Parallel()
	_, _, err := runGuardOn("pause", "--bucket", "docs-example", "--for", "25h", "--reason", "plan")
	if exitCode(err) != exitUnjudged || !strings.Contains(err.Error(), "a window lasts a day at most") {
		t.Errorf("25h: %v, want a refusal", err)
	}
	_, _, err = runGuardOn("pause", "--bucket", "docs-example", "--until", "2026-03-02T14:00:00Z", "--reason", "plan")
	if exitCode(err) != exitUnjudged || !strings.Contains(err.Error(), "would have ended at 2026-03-02T14:00:00Z") {
		t.Errorf("a time in the past: %v, want a refusal", err)
	}
}

// The functions of a nested guard name the stack that contains theirs, and so does the path of the windows.
func TestWindowsAreThoseOfTheStackThatTheFunctionNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ named, stack, want string }{
		{"", "guard", "guard"},
		{"stack/guard/0f0f", "guard", "guard"},
		{"stack/guard/0f0f", "guard-Guard-0123456789AB", "guard"},
	} {
		g := liveGuard{stack: c.stack, environment: map[string]string{"STACK": c.named}}
		if got := g.windows(aws.Config{}); got.Reader.Path != pause.Path(c.want) || got.Writer.Path != pause.Path(c.want) {
			t.Errorf("the windows of %s with STACK=%s are under %s, want %s", c.stack, c.named, got.Reader.Path, pause.Path(c.want))
		}
	}
}
