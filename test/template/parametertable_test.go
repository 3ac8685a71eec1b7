package template_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/samtemplate"
	"example.com/s3-endpoint-guard/test/golden"
)

func TestDocsListTheParameters(t *testing.T) {
	for name, read := range map[string]func() (*samtemplate.Template, error){
		"parameters": readTemplate, "parameters of guard.yaml": readGuard,
	} {
		template, err := read()
		if err != nil {
			t.Fatal(err)
		}
		golden.Table(t, "docs/parameters.md", name, parameterTable(template.Parameters()))
	}
}

// parameterTable returns a Markdown table of parameters.
func parameterTable(parameters []samtemplate.Parameter) string {
	var b strings.Builder
	b.WriteString("| Parameter | Default | Meaning |\n| --- | --- | --- |\n")
	for _, p := range parameters {
		value := "none"
		switch {
		case !p.HasDefault:
			value = "**required**"
		case p.Default != "":
			value = "`" + p.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, value, strings.ReplaceAll(p.Description, "|", `\|`))
	}
	return b.String()
}
