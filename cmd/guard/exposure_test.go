package main

import (
	"flag"
	"os"
	"strings"
	"testing"
)

// update makes TestReadmeShowsTheExposure write what it would otherwise compare: make docs.
var update = flag.Bool("update", false, "write the table of what the policies leave open into README.md")

// The table in README.md stands between these lines.
const (
	exposureBegins = "<!-- exposure: written by make docs -->\n"
	exposureEnds   = "<!-- end of exposure -->\n"
)

func TestReadmeShowsTheExposure(t *testing.T) {
	const path = "../../README.md"
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(readme), exposureBegins)
	got, after, ends := strings.Cut(rest, exposureEnds)
	if !begins || !ends {
		t.Fatalf("README.md lacks the lines %q and %q", exposureBegins, exposureEnds)
	}
	want, _ := guardCommand(t, "exposure", "--template", "../../template.yaml")
	if *update {
		if err := os.WriteFile(path, []byte(before+exposureBegins+want+exposureEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != want {
		t.Errorf("the table in README.md (make docs writes it) = \n%s\nwant\n%s", got, want)
	}
}

func TestTheArticlesPolicyLeavesTheBucketToStrangers(t *testing.T) {
	table, code := guardCommand(t, "exposure", "--template", "../../template.yaml")
	if code != 0 {
		t.Fatalf("guard exposure: exit code = %d, want 0", code)
	}
	for _, line := range strings.Split(table, "\n") {
		if !strings.HasPrefix(line, "| anonymous caller") || !strings.Contains(line, "| from the internet") {
			continue
		}
		if !strings.HasSuffix(line, "| data 45 of 47, configuration 59 of 59 | nothing |") {
			t.Errorf("an anonymous caller from the internet: %s, want 104 of 106 actions under the article's policy, none under ours", line)
		}
		return
	}
	t.Errorf("guard exposure does not tell of anonymous callers from the internet:\n%s", table)
}
