package main

import (
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/pause"
)

func TestAWindowIsMadeShownReplacedAndEnded(t *testing.T) {
	a := newWithWindows(t)
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
	a := newWithWindows(t)
	a.cloud.SSM.Put(pause.Path("s3-endpoint-guard")+"/docs-example", "String", pause.Window{Until: time.Now().Add(-time.Hour), Reason: "done", By: "x"}.Value())
	a.cloud.SSM.Put(pause.Path("s3-endpoint-guard")+"/broken", "String", "x")
	out, errs, code := a.guard("", "pause", "--list")
	if code != exitUnjudged || !strings.Contains(out, "docs-example  ended ") || !strings.Contains(errs, "the window of broken") {
		t.Errorf("pause --list: exit code %d, %q, %q, want the window that has ended, and broken's error", code, out, errs)
	}
}

func TestAWindowThatWouldHaveNoEffectIsRefused(t *testing.T) {
	a := newWithWindows(t)
	a.fails("pause --bucket docs-example --for 1h --reason plan", "the guard of stack s3-endpoint-guard does not guard docs-example")
	a.fails("pause --vpc-endpoint vpce-0123456789abcdef0 --for 1h --reason plan", "does not guard vpce-0123456789abcdef0")
	a.says("pause --list", "no maintenance window")
}

func TestAWindowIsNeverLongerThanADayNorPast(t *testing.T) {
	_, _, err := runGuardOn("pause", "--bucket", "docs-example", "--for", "25h", "--reason", "plan")
	if exitCode(err) != exitUnjudged || !strings.Contains(err.Error(), "a window lasts a day at most") {
		t.Errorf("25h: %v, want a refusal", err)
	}
	_, _, err = runGuardOn("pause", "--bucket", "docs-example", "--until", "2026-03-02T14:00:00Z", "--reason", "plan")
	if exitCode(err) != exitUnjudged || !strings.Contains(err.Error(), "would have ended at 2026-03-02T14:00:00Z") {
		t.Errorf("a time in the past: %v, want a refusal", err)
	}
}

func TestAGuardWithoutWindowsIsNotPaused(t *testing.T) {
	a := newGuarded(t)
	for _, args := range []string{"--list", "--end --bucket " + a.bucket, "--for 1h --reason plan --bucket " + a.bucket} {
		a.fails("pause "+args, "the guard of stack s3-endpoint-guard reads no maintenance windows")
	}
}
