package template_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// checkout is a small checkout that the project's own Makefile builds. Its path has spaces.
type checkout struct {
	*testing.T
	folder string
}

// newCheckout makes a checkout with a function that prints its version.
func newCheckout(t *testing.T) checkout {
	t.Helper()
	c := checkout{t, filepath.Join(t.TempDir(), "my own checkout")}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	c.write("Makefile", string(makefile))
	c.write("template.yaml", "Resources:\n  ProbeAFunction:\n    Type: AWS::Serverless::Function\n")
	c.write("guard.yaml", "Resources:\n  ProbeAFunction:\n    Type: AWS::Serverless::Function\n")
	c.write("go.mod", "module small\n\ngo 1.26\n")
	c.write("README.md", "one\n")
	c.write("functions/probe/main.go", "package main\n\nimport \"small/near\"\n\nvar version = \"dev\"\n\nfunc main() { near.Print(version) }\n")
	c.write("near/near.go", "package near\n\nimport \"small/far\"\n\n//go:noinline\nfunc Print(text string) { far.Print(text) }\n")
	c.write("far/far.go", far(""))
	return c
}

// far returns the source of a package, which the function uses through another one: it prints a prefix and a text.
func far(prefix string) string {
	return fmt.Sprintf("package far\n\n//go:noinline\nfunc Print(text string) { print(%q, text) }\n", prefix)
}

func (c checkout) write(name, text string) {
	c.Helper()
	path := filepath.Join(c.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.Fatal(err)
	}
}

// run runs a command in the checkout, with more environment variables, and returns its output.
func (c checkout) run(environment []string, name string, arguments ...string) string {
	c.Helper()
	command := exec.Command(name, arguments...)
	// The variables of a make that runs these tests must not reach the make started here.
	command.Dir, command.Env = c.folder, append(os.Environ(), append([]string{"MAKEFLAGS=", "MAKELEVEL="}, environment...)...)
	said, err := localtest.Output(c, command)
	if err != nil {
		c.Fatalf("%s: %v\n%s", command, err, said)
	}
	return said
}

// build builds the function as SAM does, with more environment variables, and returns the bootstrap.
func (c checkout) build(environment []string, arguments ...string) []byte {
	c.Helper()
	artifacts := filepath.Join(c.TempDir(), "SAM's artifacts")
	arguments = append([]string{"--makefile", filepath.Join(c.folder, "Makefile"), "build-ProbeAFunction"}, arguments...)
	c.run(append(environment, "ARTIFACTS_DIR="+artifacts), "make", arguments...)
	built, err := os.ReadFile(filepath.Join(artifacts, "bootstrap"))
	if err != nil {
		c.Fatal(err)
	}
	return built
}

func TestFunctionsAreBuiltForLambdaWhateverTheShellSays(t *testing.T) {
	c := newCheckout(t)
	for name, environment := range map[string][]string{
		"nothing":                 nil,
		"another processor":       {"GOARCH=386", "GOARM64=v9.0"},
		"another system":          {"GOOS=windows"},
		"another target":          {"TARGET=plan9/386"},
		"flags that Lambda fails": {"GOFLAGS=-buildmode=pie", "CGO_ENABLED=1"},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := elf.NewFile(bytes.NewReader(checkout{t, c.folder}.build(environment)))
			if err != nil {
				t.Fatal(err)
			}
			if file.Machine != elf.EM_AARCH64 || file.Type != elf.ET_EXEC {
				t.Errorf("with %q the bootstrap is a %s for %s, want an ET_EXEC for EM_AARCH64", environment, file.Type, file.Machine)
			}
		})
	}
}

// TestABuildDependsOnWhatIsCompiledOnly prevents updates of functions that did not change.
func TestABuildDependsOnWhatIsCompiledOnly(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	c := newCheckout(t)
	commit := func(message string) {
		c.Helper()
		c.run(nil, "git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "commit", "--quiet", "--all", "--message", message)
	}
	c.run(nil, "git", "init", "--quiet")
	c.run(nil, "git", "add", ".")
	commit("one")
	first := c.build(nil)
	c.write("README.md", "two\n")
	if !bytes.Equal(first, c.build(nil)) {
		t.Error("an uncommitted change of README.md changes the bootstrap")
	}
	commit("two")
	if !bytes.Equal(first, c.build(nil)) {
		t.Error("a commit that changes only README.md changes the bootstrap")
	}
	c.run(nil, "make", "clean")
	if !bytes.Equal(first, c.build(nil)) {
		t.Error("a clean build differs from the first")
	}
	c.write("far/far.go", far("v"))
	if bytes.Equal(first, c.build(nil)) {
		t.Error("a change of the function does not change the bootstrap")
	}
}

// sam build --parallel runs make once for each function, at the same time: one must not write where another reads.
func TestABuildWritesIntoItsArtifactsFolderOnly(t *testing.T) {
	c := newCheckout(t)
	said := c.run([]string{"ARTIFACTS_DIR=artifacts"}, "make", "--dry-run", "build-ProbeAFunction")
	var written []string
	for _, w := range regexp.MustCompile(` -o (\S+)`).FindAllStringSubmatch(said, -1) {
		written = append(written, w[1])
	}
	if want := []string{`"$ARTIFACTS_DIR/bootstrap"`}; !slices.Equal(written, want) {
		t.Errorf("make build-ProbeAFunction writes %q, want %q", written, want)
	}
}

// TestAFunctionKnowsItsVersion runs a function built for this machine, as tests and the demo build it.
func TestAFunctionKnowsItsVersion(t *testing.T) {
	c := newCheckout(t)
	c.run(nil, "make", "bootstraps")
	say := func() string {
		c.Helper()
		built, err := filepath.Glob(filepath.Join(c.folder, ".aws-sam", "*", "ProbeAFunction", "bootstrap"))
		if err != nil || len(built) != 1 {
			t.Fatalf("the build made %q (%v), want one bootstrap", built, err)
		}
		return strings.TrimSpace(c.run(nil, built[0]))
	}
	first := say()
	if !regexp.MustCompile(`^\d{1,10}$`).MatchString(first) {
		t.Errorf("the function reports version %q, want a checksum", first)
	}
	c.write("far/far.go", far("\n"))
	c.run(nil, "make", "bootstraps")
	if second := say(); second == first {
		t.Errorf("another function also reports version %q", second)
	}
}

func TestABuildThatMayTakeMinutesSaysSoFirst(t *testing.T) {
	c := newCheckout(t)
	first, _, _ := strings.Cut(c.run(nil, "make", "bootstraps"), "\n")
	if !strings.Contains(first, "The first time") || !strings.Contains(first, "minutes") {
		t.Errorf("make first prints %q, want the duration of the first build", first)
	}
}

// TestLintReadsBothTemplatesWithCfnLint runs make lint with a go and a cfn-lint that write down their arguments. CI runs
// make lint with the real one, so no test does.
func TestLintReadsBothTemplatesWithCfnLint(t *testing.T) {
	c := newCheckout(t)
	for _, tool := range []string{"go", "gofmt", "cfn-lint"} {
		c.write("bin/"+tool, "#!/bin/sh\ntest "+tool+" = cfn-lint || exit 0\necho \"found: $*\"\ntest ! -e fails\n")
		if err := os.Chmod(filepath.Join(c.folder, "bin", tool), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := "PATH=" + filepath.Join(c.folder, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	if said := c.run([]string{path}, "make", "lint"); !strings.Contains(said, "found: "+strings.Join(templates, " ")) {
		t.Errorf("make lint prints %q, want cfn-lint to read %q", said, templates)
	}
	c.write("fails", "")
	c.run([]string{path}, "sh", "-c", "! make lint")
	ci, err := os.ReadFile(".ci/run")
	if err != nil || !regexp.MustCompile(`(?m)^for target in lint test; do$`).Match(ci) {
		t.Errorf(".ci/run (%v) does not run make lint and make test", err)
	}
}
