package template_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/samtemplate"
	"example.com/s3-endpoint-guard/test/golden"
)

func TestDocsListTheParameters(t *testing.T) {
	template, err := readTemplate()
	if err != nil {
		t.Fatal(err)
	}
	golden.Table(t, "docs/parameters.md", "parameters", parameterTable(template.Parameters()))
}

// parameterTable returns a Markdown table of parameters.
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
