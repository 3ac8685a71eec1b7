// Command release builds the command line for each platform: an archive with the command, its licence and its shell completions, a list
// of what the command was built from (CycloneDX), and the checksums of all. The same sources and the same Go give the same bytes, in
// any folder, at any time.
//
//	go run ./cmd/release -version v1.2.3 -out dist
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// target is a platform.
type target struct{ system, processor string }

// targets are the platforms of a release.
var targets = []target{
	{"darwin", "amd64"}, {"darwin", "arm64"}, {"linux", "amd64"}, {"linux", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

// shells are those whose completions are in the archives. The command writes them itself, from its own verbs and flags.
var shells = []string{"bash", "fish", "powershell", "zsh"}

func main() {
	r := release{source: "."}
	flag.StringVar(&r.version, "version", "devel", "the version that the command says it has")
	flag.StringVar(&r.out, "out", "dist", "the folder for the release")
	only := flag.String("only", "", "build only this platform, e.g. linux/amd64")
	flag.Parse()
	chosen := slices.DeleteFunc(slices.Clone(targets), func(t target) bool { return *only != "" && t.String() != *only })
	if flag.NArg() > 0 || len(chosen) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := r.make(chosen); err != nil {
		fmt.Fprintln(os.Stderr, "making the release:", err)
		os.Exit(1)
	}
}

func (t target) String() string { return t.system + "/" + t.processor }

// binary is the name of the command.
func (t target) binary() string {
	if t.system == "windows" {
		return "guard.exe"
	}
	return "guard"
}

// release is a release in the making.
type release struct {
	// source is the folder of the sources, out that of the results.
	source, out, version string
}

// make builds the platforms, and writes the checksums of all files of the release.
func (r release) make(chosen []target) error {
	work, err := os.MkdirTemp("", "guard-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	licence, err := os.ReadFile(filepath.Join(r.source, "LICENSE"))
	if err != nil {
		return err
	}
	completions, err := r.completions(work)
	if err != nil {
		return err
	}
	shared := append([]file{{"LICENSE", licence, false}}, completions...)
	sums := map[string][]byte{}
	for _, t := range chosen {
		fmt.Println(t)
		files, err := r.platform(t, work, shared)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(r.out, name), content, 0o644); err != nil {
				return err
			}
			sums[name] = content
		}
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), checksums(sums), 0o644)
}

// platform builds one platform, packs it with the files that all platforms share, and returns the files of the release by name.
func (r release) platform(t target, work string, shared []file) (map[string][]byte, error) {
	path, err := r.build(t, filepath.Join(work, t.system+"-"+t.processor))
	if err != nil {
		return nil, err
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	list, err := bill(path, r.version)
	if err != nil {
		return nil, err
	}
	name := strings.Join([]string{"guard", r.version, t.system, t.processor}, "_")
	contents := append([]file{{t.binary(), binary, true}}, shared...)
	pack, suffix := tarball, ".tar.gz"
	if t.system == "windows" {
		pack, suffix = zipped, ".zip"
	}
	archive, err := pack(name, contents)
	return map[string][]byte{name + suffix: archive, name + ".cdx.json": list}, err
}

// build compiles the command into a folder. What could differ between two machines or folders is left out: paths, the state of
// the version control, C, and the settings of the shell.
func (r release) build(t target, folder string) (path string, err error) {
	path, err = filepath.Abs(filepath.Join(folder, t.binary()))
	if err != nil {
		return "", err
	}
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-tags=lambda.norpc",
		"-ldflags=-s -w -buildid= -X main.version="+r.version, "-o", path, "./cmd/guard")
	command.Dir = r.source
	command.Env = append(os.Environ(), "GOOS="+t.system, "GOARCH="+t.processor, "CGO_ENABLED=0", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0",
		"GOEXPERIMENT=", "GOFIPS140=off")
	if said, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the command: %w\n%s", err, said)
	}
	return path, nil
}

// completions returns the files with the shells' completions, written by the command as it is built for this machine.
func (r release) completions(work string) ([]file, error) {
	path, err := r.build(target{runtime.GOOS, runtime.GOARCH}, filepath.Join(work, "here"))
	if err != nil {
		return nil, err
	}
	var files []file
	for _, shell := range shells {
		script, err := exec.Command(path, "completion", shell).Output()
		if err != nil {
			return nil, fmt.Errorf("the completions of %s: %w", shell, err)
		}
		files = append(files, file{"completions/guard." + shell, script, false})
	}
	return files, nil
}

// checksums returns the lines that sha256sum --check reads.
func checksums(files map[string][]byte) []byte {
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	return text.Bytes()
}
