package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	template "example.com/s3-endpoint-guard"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// commands are the uses of this command in documents: `guard VERB …`, also as a line of a block.
var commands = regexp.MustCompile("(?m)`guard ([a-z][^`]*)`|^ *(?:go run \\./cmd/)?guard ([a-z].*)$")

// parameterForm is a parameter with a value in a document: `Enforcement=Observe`.
var parameterForm = regexp.MustCompile("`([A-Z][A-Za-z]+)=([^`… ]+)`")

// TestTheDocumentsNameVerbsAndFlagsThatExist reads the commands in all documents, as a reader would type them.
func TestTheDocumentsNameVerbsAndFlagsThatExist(t *testing.T) {
	seen := 0
	for _, file := range documents(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range commands.FindAllStringSubmatch(string(text), -1) {
			words := strings.Fields(strings.ReplaceAll(m[1]+m[2], "'", ""))
			verb, rest, err := rootCommand().Find(words)
			if err != nil || !verb.HasParent() {
				continue // prose, such as `guard.yaml`
			}
			seen++
			for _, word := range rest {
				name, isFlag := strings.CutPrefix(word, "--")
				name, _, _ = strings.Cut(name, "=")
				name = strings.TrimRight(name, ",.;:)]")
				if isFlag && verb.Flags().Lookup(name) == nil && !slices.Contains([]string{"", "help"}, name) {
					t.Errorf("%s: guard %s: %s has no flag --%s", filepath.Base(file), m[1]+m[2], verb.Name(), name)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d commands were found in the documents, want them all", seen)
	}
}

// documents are the files that people read.
func documents(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(files, "../../README.md")
}

// TestTheParametersInTheAdoptionsDocumentAreValid sets each parameter that docs/adoption.md and docs/lock.md name with a value.
func TestTheParametersInTheAdoptionsDocumentAreValid(t *testing.T) {
	read, err := samtemplate.Parse(template.Guard)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range []string{"adoption.md", "lock.md"} {
		text, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range parameterForm.FindAllStringSubmatch(string(text), -1) {
			seen[m[1]] = true
			parameters := map[string]string{"BucketNames": "acme-*", "VpcEndpointIds": "vpce-0a1b2c3d4e5f60718", m[1]: m[2]}
			if _, err := read.Plan(samtemplate.Options{Parameters: parameters}); err != nil {
				t.Errorf("%s: %s=%s is refused: %v", file, m[1], m[2], err)
			}
		}
	}
	for _, want := range []string{"Enforcement", "PolicyMode", "EndpointPolicy", "RestoreOnDelete", "AllowAwsServices"} {
		if !seen[want] {
			t.Errorf("no value of %s was found in the documents", want)
		}
	}
}
