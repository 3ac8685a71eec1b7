// Package installed finds the programs of others that the benchmarks measure where they are installed.
//
// It imports only the standard library.
package installed

import (
	"fmt"
	"os"
)

// Program is a program of others. It runs if an environment variable says where it is.
type Program struct {
	// Name is its name in the output, Variable the environment variable.
	Name, Variable string
	// Version returns the name and version of the program that the variable's value names, or an error if there is none.
	Version func(named string) (string, error)
}

// Named returns the variable's value, "" if the program is not to run.
func (p Program) Named() string { return os.Getenv(p.Variable) }

// Line returns the program's line in the head of the output: its version, or that it does not run. The error says that the variable
// names something else.
func (p Program) Line() (string, error) {
	version := "not run, " + p.Variable + " is not set"
	if named := p.Named(); named != "" {
		var err error
		if version, err = p.Version(named); err != nil {
			return "", fmt.Errorf("%s: %w", p.Variable, err)
		}
	}
	return p.Name + ": " + version, nil
}
