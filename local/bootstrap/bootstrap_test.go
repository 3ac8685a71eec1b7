package bootstrap_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/bootstrap"
)

// repository makes a module whose make target writes a line for each build.
func repository(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	t.Setenv(bootstrap.ReadyBuilt, "")
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module git.example.com/team/s3-endpoint-guard\n")
	write(t, filepath.Join(root, "Makefile"), "build-%:\n\techo $* $(TARGET) >> $(ARTIFACTS_DIR)/bootstrap\n"+
		"build-Broken:\n\techo why; false\n")
	below := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPathBuildsOnceAndCloseRemoves(t *testing.T) {
	repository(t)
	b, err := bootstrap.New()
	if err != nil {
		t.Fatal(err)
	}
	first, err := b.Path("RemediateFunction")
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.Path("RemediateFunction"); again != first || err != nil {
		t.Errorf("Path = %s, %v, want %s again", again, err, first)
	}
	if after, err := os.ReadFile(first); err != nil || string(after) != string(before) {
		t.Errorf("a second Path built again: %q, was %q (%v)", after, before, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat after Close = %v, want fs.ErrNotExist", err)
	}
}

func TestPathTellsWhatMakeSaid(t *testing.T) {
	repository(t)
	b, err := bootstrap.New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if path, err := b.Path("Broken"); err == nil {
		t.Errorf("Path(Broken) = %s, want an error", path)
	}
}

func TestReadyBuiltBootstrapsAreTaken(t *testing.T) {
	ready := t.TempDir()
	t.Setenv(bootstrap.ReadyBuilt, ready)
	want := filepath.Join(ready, "F", "bootstrap")
	if err := os.Mkdir(filepath.Dir(want), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, want, "")
	b, err := bootstrap.New()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Path("F"); got != want || err != nil {
		t.Errorf("Path(F) = %s, %v, want %s", got, err, want)
	}
	if path, err := b.Path("G"); err == nil || !strings.Contains(err.Error(), bootstrap.ReadyBuilt+" names a folder without G") {
		t.Errorf("Path(G) = %s, %v, want an error that names the variable and the function", path, err)
	}
}

func TestAFolderOfBootstrapsThatIsNoneIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for _, folder := range []string{"nowhere", file} {
		t.Setenv(bootstrap.ReadyBuilt, folder)
		if _, err := bootstrap.New(); err == nil || !strings.Contains(err.Error(), bootstrap.ReadyBuilt+" names the folder of the built functions, \""+folder+"\"") {
			t.Errorf("New with %s=%s = %v, want an error that names both", bootstrap.ReadyBuilt, folder, err)
		}
	}
}

// Make runs only in a checkout of this project.
func TestNoOtherModuleIsBuilt(t *testing.T) {
	t.Setenv(bootstrap.ReadyBuilt, "")
	other := t.TempDir()
	write(t, filepath.Join(other, "go.mod"), "module example.com/other\n")
	t.Chdir(other)
	if _, err := bootstrap.New(); err == nil || !strings.Contains(err.Error(), "is a checkout of s3-endpoint-guard") {
		t.Errorf("New in another module = %v, want an error that says what is missing", err)
	}
}
