// Package docs has the runbook in it, so that the guard's messages can carry the remedy that they name.
package docs

import (
	_ "embed" // for the runbook
	"strings"
)

//go:embed runbook.md
var runbook string

// Section is the text under a heading of the runbook of the second level, without blank lines at its ends; "" where there
// is no such heading.
func Section(heading string) string {
	_, rest, found := strings.Cut(runbook, "\n## "+heading+"\n")
	if !found {
		return ""
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return strings.TrimSpace(text)
}
