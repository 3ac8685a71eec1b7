package template_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"s3-endpoint-guard/local/samtemplate"
)

// update makes tests write what they would otherwise compare: make docs.
var update = flag.Bool("update", false, "write the table of parameters into docs/parameters.md")

// The table of parameters in docs/parameters.md stands between these lines.
const (
	tableBegins = "<!-- parameters: written by make docs -->\n"
	tableEnds   = "<!-- end of parameters -->\n"
)

func TestDocsListTheParameters(t *testing.T) {
	text, err := os.ReadFile("docs/parameters.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	got, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("docs/parameters.md lacks the lines %q and %q", tableBegins, tableEnds)
	}
	template, err := readTemplate()
	if err != nil {
		t.Fatal(err)
	}
	want := parameterTable(template.Parameters())
	if *update {
		if err := os.WriteFile("docs/parameters.md", []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != want {
		t.Errorf("the table in docs/parameters.md is not the template's (make docs writes it): got\n%s\nwant\n%s", got, want)
	}
}

// parameterTable is a Markdown table of parameters.
func parameterTable(parameters []samtemplate.Parameter) string {
	var b strings.Builder
	b.WriteString("| Parameter | Default | Meaning |\n| --- | --- | --- |\n")
	for _, p := range parameters {
		value := "none"
		if p.Default != "" {
			value = "`" + p.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, value, strings.ReplaceAll(p.Description, "|", `\|`))
	}
	return b.String()
}
