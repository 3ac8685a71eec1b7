// Package bootstrap builds the functions' bootstraps for this machine, so that tests and the demo run the deployed
// code: with the same make target as `sam build`, but for the host's operating system and processor.
//
// It imports only the standard library, and functions never import it.
package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// ReadyBuilt is the environment variable for a folder of ready-built bootstraps, in SAM's layout: <folder>/<logical
// id>/bootstrap. If it is set, nothing is built.
const ReadyBuilt = "GUARD_BOOTSTRAPS"

// Builder builds each function at most once. Any number of goroutines may use it at the same time.
type Builder struct {
	root, ready string

	mu    sync.Mutex
	built map[string]string
	out   string
}

// New returns a builder for the repository that contains the working directory.
func New() (*Builder, error) { return In(".") }

// In returns a builder for the repository that contains a folder.
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

// readyIn returns a builder that uses the bootstraps in a folder.
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

// Path returns the path of a function's bootstrap, and builds it if necessary. An error contains make's output.
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

// Close removes the built files.
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

// look reads the folders of the sources. Files that make reads are not in the key of Go's test cache, but files that
// the test's own process reads are: so a test that runs a bootstrap runs again if its sources change (docs/facts.md,
// Tools).
func look(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir // .git and .aws-sam
		}
		return err
	})
}

// module is the last element of this repository's module path (make module changes what precedes it). make runs only in
// this repository.
const module = "s3-endpoint-guard"

// repository returns the nearest parent folder with the module.
func repository(folder string) (string, error) {
	start, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	for folder = start; ; folder = filepath.Dir(folder) {
		text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		if line, _, _ := strings.Cut(string(text), "\n"); path.Base(strings.TrimSpace(line)) == module {
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
