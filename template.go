// Package template holds the SAM templates of this repository, for commands that are used outside of a checkout.
package template

import _ "embed"

// YAML is the text of template.yaml, as it was when the command was built.
//
//go:embed template.yaml
var YAML []byte

// Guard is the text of guard.yaml, as it was when the command was built.
//
//go:embed guard.yaml
var Guard []byte
