package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
)

// document is a list of components in CycloneDX 1.6. It has no time and no serial number, so that the same command has the same list.
// https://cyclonedx.org/docs/1.6/json/
type document struct {
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// bill lists the modules that a built command contains, and the Go that built it, as Go recorded them in the command.
func bill(path, version string) ([]byte, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("what the command was built from: %w", err)
	}
	main := module("application", info.Main.Path, version, "")
	list := document{Format: "CycloneDX", SpecVersion: "1.6", Version: 1, Metadata: metadata{main}}
	list.Components = append(list.Components, module("library", "stdlib", strings.TrimPrefix(info.GoVersion, "go"), ""))
	for _, m := range info.Deps {
		list.Components = append(list.Components, replacedBy(m))
	}
	of := dependency{Ref: main.Ref}
	for _, c := range list.Components {
		of.DependsOn = append(of.DependsOn, c.Ref)
	}
	list.Dependencies = []dependency{of}
	text, err := json.MarshalIndent(list, "", "  ")
	return append(text, '\n'), err
}

// replacedBy returns the component of a module, or of the one that replaces it.
func replacedBy(m *debug.Module) component {
	if m.Replace != nil {
		m = m.Replace
	}
	return module("library", m.Path, m.Version, m.Sum)
}

// module returns a component. Its package URL has the form of the type golang; go.sum's hash is one of a list of files, and so none of
// CycloneDX's hashes.
// https://github.com/package-url/purl-spec/blob/main/types-doc/golang-definition.md
func module(kind, path, version, sum string) component {
	url := "pkg:golang/" + path + "@" + version
	c := component{Type: kind, Ref: url, Name: path, Version: version, PURL: url}
	if sum != "" {
		c.Properties = []property{{"go.sum", sum}}
	}
	return c
}
