package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sources writes a small module whose command has the completions that a release asks for, and returns its folder.
func sources(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	for path, text := range map[string]string{
		"go.mod":  "module example.com/small\n\ngo 1.26\n",
		"LICENSE": "free\n",
		"cmd/guard/main.go": `package main

import "os"

var version string

func main() { os.Stdout.WriteString(version + " [" + os.Args[1] + " " + os.Args[2] + "]\n") }
`,
	} {
		path = filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// released makes a release and returns its files.
func released(t *testing.T, source string, chosen ...target) map[string][]byte {
	t.Helper()
	r := release{source: source, out: filepath.Join(t.TempDir(), "dist"), version: "v1.2.3"}
	if err := r.make(chosen); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(r.out)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(r.out, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestTheSameSourcesGiveTheSameBytesInAnotherFolder(t *testing.T) {
	t.Setenv("GOFLAGS", "-trimpath=false")
	chosen := []target{{"linux", "amd64"}, {"windows", "amd64"}}
	one := released(t, sources(t, "one"), chosen...)
	t.Setenv("GOFLAGS", "-ldflags=-X=main.version=other")
	t.Setenv("GOAMD64", "v3")
	other := released(t, sources(t, "another folder"), chosen...)
	if len(one) != 5 {
		t.Errorf("a release of two platforms has %d files, want two archives, two lists of components and the checksums", len(one))
	}
	for name, content := range one {
		if !bytes.Equal(content, other[name]) {
			t.Errorf("%s differs", name)
		}
		if line := fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name); name != "SHA256SUMS" && !strings.Contains(string(one["SHA256SUMS"]), line) {
			t.Errorf("SHA256SUMS is %s, want %s", one["SHA256SUMS"], line)
		}
	}
}

func TestArchivesHaveTheCommandAndWhatBelongsToIt(t *testing.T) {
	want := "LICENSE 644, completions/guard.bash 644, completions/guard.fish 644, completions/guard.powershell 644, completions/guard.zsh 644, "
	files := released(t, sources(t, "one"), target{"linux", "amd64"}, target{"windows", "amd64"})
	if got, commands := listTar(t, files["guard_v1.2.3_linux_amd64.tar.gz"]); got != want+"guard 755" || !strings.Contains(commands, "v1.2.3 [completion zsh]") {
		t.Errorf("the tarball has %s with %q, want %s", got, commands, want+"guard 755")
	}
	if got := listZip(t, files["guard_v1.2.3_windows_amd64.zip"]); got != want+"guard.exe 755" {
		t.Errorf("the zip has %s, want %s", got, want+"guard.exe 755")
	}
}

// listTar returns the files below the archive's folder with their modes, and the content of all completions.
func listTar(t *testing.T, packed []byte) (list, completions string) {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if err == io.EOF {
			slices.Sort(names)
			return strings.Join(names, ", "), completions
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(stamp) || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s is of %s, owner %d %s", h.Name, h.ModTime, h.Uid, h.Uname)
		}
		if strings.Contains(h.Name, "completions") {
			text, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			completions += string(text)
		}
		names = append(names, fmt.Sprintf("%s %o", strings.TrimPrefix(h.Name, "guard_v1.2.3_linux_amd64/"), h.Mode))
	}
}

func listZip(t *testing.T, packed []byte) string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range archive.File {
		if !f.Modified.Equal(stamp) {
			t.Errorf("%s is of %s", f.Name, f.Modified)
		}
		names = append(names, fmt.Sprintf("%s %o", strings.TrimPrefix(f.Name, "guard_v1.2.3_windows_amd64/"), f.Mode().Perm()))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func TestTheBillListsWhatGoRecordedInTheCommand(t *testing.T) {
	var list document
	if err := json.Unmarshal(released(t, sources(t, "one"), target{"linux", "amd64"})["guard_v1.2.3_linux_amd64.cdx.json"], &list); err != nil {
		t.Fatal(err)
	}
	if list.Format != "CycloneDX" || list.Metadata.Component.PURL != "pkg:golang/example.com/small@v1.2.3" || len(list.Components) != 1 ||
		!strings.HasPrefix(list.Components[0].PURL, "pkg:golang/stdlib@1.") || list.Dependencies[0].DependsOn[0] != list.Components[0].Ref {
		t.Errorf("the list is %+v, want the command and the standard library", list)
	}
	if _, err := bill("release_test.go", "v1"); err == nil {
		t.Error("a file that is no command has a list")
	}
}

func TestAFailedBuildSaysWhatTheCompilerSaid(t *testing.T) {
	source := sources(t, "one")
	if err := os.WriteFile(filepath.Join(source, "cmd/guard/main.go"), []byte("package main\n\nfunc main() { undefined() }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := release{source: source, out: t.TempDir(), version: "v1"}.make(targets[:1])
	if err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("make = %v, want the compiler's words", err)
	}
}
