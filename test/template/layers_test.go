package template_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path that the project's own imports begin with, from go.mod.
var module = modulePath() + "/"

func modulePath() string {
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		panic(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimPrefix(first, "module ")
}

// root is the folder of the package that embeds template.yaml. Its import path is the module's own.
const root = "."

// layer is a set of packages that may depend on the same things.
type layer struct {
	name string
	// packages are folders below the root; one that ends in "/..." means all below it as well.
	packages []string
	// below are the layers whose packages these may import, in addition to those of their own layer.
	below []string
	// outside are the modules that these may import; the standard library is always allowed.
	outside []string
}

// layers is the dependency direction of the project, downwards only. Tests may import all packages.
//
// Each package belongs to exactly one layer, so a new package must be added here.
var layers = []layer{
	{name: "commands", packages: []string{"cmd/..."},
		below:   []string{"local AWS", "wiring", "adapters", "core", "judge", "documents", "files", "template"},
		outside: []string{"github.com/spf13", "golang.org/x/term", "golang.org/x/sync", "github.com/aws"}},
	{name: "local AWS", packages: []string{"local/localaws/...", "local/bootstrap"},
		below:   []string{"judge", "template"},
		outside: []string{"github.com/aws", "golang.org/x/sync"}},
	{name: "functions", packages: []string{"functions/..."},
		below:   []string{"wiring", "adapters", "core", "judge"},
		outside: []string{"github.com/aws"}},
	{name: "wiring", packages: []string{"internal/function/..."},
		below:   []string{"adapters", "core", "judge"},
		outside: []string{"github.com/aws"}},
	// internal/aws/survey is an adapter of the command line, which no function links: CONTRIBUTING.md's map says so, and is tested.
	{name: "adapters", packages: []string{"internal/aws/..."},
		below:   []string{"core", "judge"},
		outside: []string{"github.com/aws"}},
	{name: "core", packages: []string{
		"internal/guard", "internal/emptying", "internal/trigger", "internal/health", "internal/metrics", "internal/environment",
		"internal/parallel", "internal/pace", "internal/timeleft", "internal/audit", "internal/adoption", "internal/lock", "internal/history", "internal/pause",
		"internal/prevent", "internal/selection"},
		below: []string{"judge"}},
	{name: "judge", packages: []string{"internal/iampolicy"}},
	{name: "files", packages: []string{"local/policyfiles"},
		below: []string{"core", "judge", "template"}},
	{name: "documents", packages: []string{"local/board", "local/cost", "local/dashboard"},
		below: []string{"template"}},
	{name: "tests", packages: []string{"test/golden"}, // only tests import it
		outside: []string{"github.com/google/go-cmp"}},
	{name: "template", packages: []string{"local/samtemplate", "local/eventpattern", root},
		outside: []string{"go.yaml.in/yaml/v3"}},
}

func TestPackagesDependDownwardsOnly(t *testing.T) {
	imports, err := projectImports(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, breach := range breaches(layers, imports) {
		t.Error(breach)
	}
}

func TestLayersNoticeABreach(t *testing.T) {
	for name, c := range map[string]struct {
		imports map[string][]string
		want    []string
	}{
		"downwards": {
			imports: map[string][]string{"functions/remediate": {module + "internal/guard", "github.com/aws/aws-lambda-go/lambda", "os"}},
		},
		"upwards": {
			imports: map[string][]string{"internal/iampolicy": {module + "internal/guard"}},
			want:    []string{"internal/iampolicy (judge) imports internal/guard (core)"},
		},
		"a function imports the double": {
			imports: map[string][]string{"functions/remediate": {module + "local/localaws/api"}},
			want:    []string{"functions/remediate (functions) imports local/localaws/api (local AWS)"},
		},
		"a function reaches the double through an adapter": {
			imports: map[string][]string{
				"functions/remediate": {module + "internal/aws/notify"},
				"internal/aws/notify": {module + "local/localaws"},
			},
			want: []string{"internal/aws/notify (adapters) imports local/localaws (local AWS)"},
		},
		"the core imports the SDK": {
			imports: map[string][]string{"internal/guard": {"github.com/aws/aws-sdk-go-v2/aws"}},
			want:    []string{"internal/guard (core) imports github.com/aws/aws-sdk-go-v2/aws"},
		},
		"a module whose name only begins alike": {
			imports: map[string][]string{"internal/aws/notify": {"github.com/awslabs/x"}},
			want:    []string{"internal/aws/notify (adapters) imports github.com/awslabs/x"},
		},
		"a function imports the template": {
			imports: map[string][]string{"functions/remediate": {strings.TrimSuffix(module, "/")}},
			want:    []string{"functions/remediate (functions) imports . (template)"},
		},
		"a package without a layer": {
			imports: map[string][]string{"internal/util": nil},
			want:    []string{"internal/util belongs to 0 layers, want 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := breaches(layers, c.imports); !slices.Equal(got, c.want) {
				t.Errorf("breaches(%v) = %q, want %q", c.imports, got, c.want)
			}
		})
	}
}

// breaches lists the imports that violate the layers. imports maps each package's folder to the paths it imports.
// Checking direct imports is sufficient: it also excludes indirect imports of forbidden packages.
func breaches(layers []layer, imports map[string][]string) []string {
	var found []string
	for _, folder := range slices.Sorted(maps.Keys(imports)) {
		homes := layersOf(layers, folder)
		if len(homes) != 1 {
			found = append(found, fmt.Sprintf("%s belongs to %d layers, want 1", folder, len(homes)))
			continue
		}
		for _, imported := range imports[folder] {
			if to, ok := homes[0].allows(layers, imported); !ok {
				found = append(found, fmt.Sprintf("%s (%s) imports %s", folder, homes[0].name, to))
			}
		}
	}
	return found
}

// allows reports whether a package of the layer may import a path, and the path's name in a message.
func (l layer) allows(layers []layer, imported string) (string, bool) {
	folder, own := strings.CutPrefix(imported, module)
	if imported+"/" == module {
		folder, own = root, true
	}
	if !own {
		first, _, _ := strings.Cut(imported, "/")
		standard := !strings.Contains(first, ".")
		return imported, standard || slices.ContainsFunc(l.outside, func(m string) bool {
			return imported == m || strings.HasPrefix(imported, m+"/")
		})
	}
	var names []string
	for _, home := range layersOf(layers, folder) {
		if home.name == l.name || slices.Contains(l.below, home.name) {
			return folder, true
		}
		names = append(names, home.name)
	}
	return fmt.Sprintf("%s (%s)", folder, strings.Join(names, ", ")), false
}

func layersOf(layers []layer, folder string) []layer {
	var homes []layer
	for _, l := range layers {
		if slices.ContainsFunc(l.packages, func(p string) bool {
			root, all := strings.CutSuffix(p, "/...")
			return folder == root || all && strings.HasPrefix(folder, root+"/")
		}) {
			homes = append(homes, l)
		}
	}
	return homes
}

// projectImports reads the imports of each package, without its tests, from the sources. Output of the go command
// would not be part of the test cache's key: the test would pass from the cache after a violation.
func projectImports(root string) (map[string][]string, error) {
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && file != root || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() && file != root && isModule(file): // the tools are not packages of the project
			return filepath.SkipDir
		case entry.IsDir(), !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder := path.Dir(filepath.ToSlash(file))
		imports[folder] = append(imports[folder], nil...)
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports[folder] = append(imports[folder], imported)
		}
		return nil
	})
	return imports, err
}

// isModule reports whether a folder is the root of another module.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}
