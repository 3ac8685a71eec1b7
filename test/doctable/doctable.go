// Package doctable compares the tables in docs/ with their expected text. `make docs` writes each table.
package doctable

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// update makes tests write the tables instead of comparing them: make docs.
var update = flag.Bool("update", false, "write the tables into docs/")

// Check compares the table called name in the Markdown file at path with the expected text. The table is between the
// lines "<!-- NAME: written by make docs -->" and "<!-- end of NAME -->".
func Check(t testing.TB, path, name, want string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := fmt.Sprintf("<!-- %s: written by make docs -->\n", name), fmt.Sprintf("<!-- end of %s -->\n", name)
	before, rest, begins := strings.Cut(string(text), begin)
	got, after, ends := strings.Cut(rest, end)
	switch {
	case !begins || !ends:
		t.Fatalf("%s lacks the lines %q and %q", path, begin, end)
	case *update:
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case got != want:
		t.Errorf("the table in %s (make docs writes it) = \n%s\nwant\n%s", path, got, want)
	}
}
