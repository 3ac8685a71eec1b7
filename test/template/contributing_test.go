package template_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// quoted matches text in backquotes in Markdown.
var quoted = regexp.MustCompile("`([^`\n]+)`")

func TestTheMapIsTheTree(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	imports, err := projectImports(".")
	if err != nil {
		t.Fatal(err)
	}
	deployed := deployedPackages(imports)
	if diff := cmp.Diff(deployed, mapped(string(text))); diff != "" {
		t.Errorf("the map in CONTRIBUTING.md differs from the tree (package: deployed or not; -tree +map):\n%s", diff)
	}
}

// A cold start of a function does not compile expressions that no check of the run needs. Only iampolicy has expressions, and compiles
// each when it is first used.
func TestDeployedPackagesDoWithoutExpressions(t *testing.T) {
	imports, err := projectImports(".")
	if err != nil {
		t.Fatal(err)
	}
	for folder, deployed := range deployedPackages(imports) {
		if deployed && folder != "internal/iampolicy" && slices.Contains(imports[folder], "regexp") {
			t.Errorf("%s imports regexp, and functions link it", folder)
		}
	}
}

// deployedPackages maps each package to whether a function links it.
func deployedPackages(imports map[string][]string) map[string]bool {
	deployed := map[string]bool{}
	for folder := range imports {
		deployed[folder] = false
	}
	for folder := range imports {
		if strings.HasPrefix(folder, "functions/") {
			link(folder, imports, deployed)
		}
	}
	return deployed
}

// link marks all packages that are linked with a package.
func link(folder string, imports map[string][]string, linked map[string]bool) {
	if linked[folder] {
		return
	}
	linked[folder] = true
	for _, imported := range imports[folder] {
		if own, ok := strings.CutPrefix(imported, module); ok {
			link(own, imports, linked)
		}
	}
}

// mapped reads a table whose rows are: packages in backquotes, whether they are deployed, what they do.
func mapped(text string) map[string]bool {
	packages := map[string]bool{}
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		for _, name := range quoted.FindAllStringSubmatch(cells[1], -1) {
			packages[name[1]] = strings.TrimSpace(cells[2]) == "yes"
		}
	}
	return packages
}

func TestContributingNamesFilesThatAreThere(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, name := range quoted.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(name[1], "/") && !strings.Contains(name[1], " ") {
			named[name[1]] = true
		}
	}
	if len(named) < 40 {
		t.Fatalf("CONTRIBUTING.md names %d files and folders, want a map", len(named))
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}
