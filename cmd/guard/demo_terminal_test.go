//go:build unix

package main

import (
	"strings"
	"testing"
)

func TestTheDemoPausesBetweenScenes(t *testing.T) {
	t.Parallel()
	in := inTerminal(t, "demo", "--template", "../../template.yaml", "--scene", "1,8", "--pause")
	if shown := in.shows(t, `(?s).*Press Enter for scene 8\.`); strings.Contains(shown, "8. The same policy") {
		t.Errorf("the terminal shows %q before Enter was pressed", shown)
	}
	in.types(t, "\n")
	in.shows(t, "8\\. The same policy")
	if code := in.ends(t); code != 0 {
		t.Errorf("exit code = %d, want 0; the terminal shows %q", code, in.screen.String())
	}
}

func TestCtrlCEndsAPause(t *testing.T) {
	t.Parallel()
	in := inTerminal(t, "demo", "--template", "../../template.yaml", "--scene", "1,8", "--pause")
	in.shows(t, "Press Enter for scene 8")
	in.types(t, ctrlC)
	if code := in.ends(t); code != 2 {
		t.Errorf("exit code = %d, want 2; the terminal shows %q", code, in.screen.String())
	}
}
