package template_test

import (
	"fmt"
	"slices"
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
		parameters := template.Parameters()
		// From ParentName on, only template.yaml sets them.
		if i := slices.IndexFunc(parameters, func(p samtemplate.Parameter) bool { return p.Name == "ParentName" }); i >= 0 {
			parameters = parameters[:i]
		}
		golden.Table(t, "docs/parameters.md", name, parameterTable(parameters))
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
