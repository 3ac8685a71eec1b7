// Package bootstrap builds the functions' bootstraps for this machine, so that tests and the demo run what is deployed:
// by the very make target that `sam build` calls, only for the host's operating system and processor.
//
// It imports the standard library only, and is never imported by functions.
package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// ReadyBuilt is the environment variable that may name a folder of ready-built bootstraps, laid out as SAM does:
// <folder>/<logical id>/bootstrap. Nothing is built then.
const ReadyBuilt = "GUARD_BOOTSTRAPS"

// Builder builds each function at most once. Any number of goroutines may use it at the same time.
type Builder struct {
	root, ready string

	mu    sync.Mutex
	built map[string]string
	out   string
}

// New returns a builder for the repository that the working directory lies in.
func New() (*Builder, error) { return In(".") }

// In returns a builder for the repository that a folder lies in.
func In(folder string) (*Builder, error) {
	if ready := os.Getenv(ReadyBuilt); ready != "" {
		return readyIn(ready)
	}
	root, err := repository(folder)
	if err != nil {
		return nil, err
	}
	return &Builder{root: root, built: map[string]string{}}, nil
}

// readyIn returns the builder that takes what a folder holds.
func readyIn(folder string) (*Builder, error) {
	ready, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(ready)
	if err == nil && !info.IsDir() {
		err = errors.New("not a folder")
	}
	if err != nil {
		return nil, fmt.Errorf("%s names the folder of the built functions, %q: %w (unset it, and they are built)", ReadyBuilt, folder, err)
	}
	return &Builder{ready: ready}, nil
}

// Path returns the path of a function's bootstrap, which it builds if need be. The error holds what make said.
func (b *Builder) Path(logicalID string) (string, error) {
	if b.ready != "" {
		path := filepath.Join(b.ready, logicalID, "bootstrap")
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%s names a folder without %s: %w (unset it, and the functions are built)", ReadyBuilt, logicalID, err)
		}
		return path, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if path, ok := b.built[logicalID]; ok {
		return path, nil
	}
	path, err := b.build(logicalID)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", logicalID, err)
	}
	b.built[logicalID] = path
	return path, nil
}

// Close removes what was built.
func (b *Builder) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out == "" {
		return nil
	}
	b.built = map[string]string{}
	return os.RemoveAll(b.out)
}

func (b *Builder) build(logicalID string) (string, error) {
	if b.out == "" {
		out, err := os.MkdirTemp("", "guard-bootstraps-*")
		if err != nil {
			return "", err
		}
		b.out = out
	}
	if err := look(b.root); err != nil {
		return "", err
	}
	artifacts := filepath.Join(b.out, logicalID)
	if err := os.MkdirAll(artifacts, 0o755); err != nil {
		return "", err
	}
	build := exec.Command("make", "--silent", "build-"+logicalID, "TARGET="+runtime.GOOS+"/"+runtime.GOARCH)
	build.Dir = b.root
	build.Env = append(os.Environ(), "ARTIFACTS_DIR="+artifacts)
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(said)))
	}
	path := filepath.Join(artifacts, "bootstrap")
	_, err := os.Stat(path)
	return path, err
}

// look reads the folders of the sources. What make reads is not in the key of Go's test cache, what the test's own
// process looks at is: so a test that runs a bootstrap runs again when the bootstrap would be another one. FACTS: Tools
func look(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir // .git and .aws-sam
		}
		return err
	})
}

// module is the first line of the go.mod of this repository. make is not run in any other.
const module = "module s3-endpoint-guard"

// repository is the nearest folder upwards that holds the module.
func repository(folder string) (string, error) {
	start, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	for folder = start; ; folder = filepath.Dir(folder) {
		text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		if line, _, _ := strings.Cut(string(text), "\n"); strings.TrimSpace(line) == module {
			return folder, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("finding the functions' sources: %w", err)
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("finding the functions' sources: neither %s nor a folder above it is a checkout of s3-endpoint-guard (go there, or let %s name a folder of built functions)", start, ReadyBuilt)
		}
	}
}
