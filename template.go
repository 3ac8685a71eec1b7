// Package template holds the SAM templates of this repository, for commands that are used outside of a checkout.
package template

import "embed"

// YAML is the text of template.yaml, as it was when the command was built.
//
//go:embed template.yaml
var YAML []byte

// Guard is the text of guard.yaml, as it was when the command was built.
//
//go:embed guard.yaml
var Guard []byte

// Files has template.yaml and guard.yaml by their names, for a reader of both: template.yaml may contain guard.yaml.
//
//go:embed template.yaml guard.yaml
var Files embed.FS
