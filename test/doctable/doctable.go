// Package doctable is what the tests of the tables in docs/ share: each table is written by `make docs`, and compared
// with what it should be otherwise.
package doctable

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// update makes tests write what they would otherwise compare: make docs.
var update = flag.Bool("update", false, "write the tables into docs/")

// Check compares the table with a name in the Markdown file at path with what it should be. The table is between the lines
// "<!-- NAME: written by make docs -->" and "<!-- end of NAME -->".
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
