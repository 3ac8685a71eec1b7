package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Environment variables for installed programs: the folder of an aws-cdk-lib for [cdksOwn], and the path of an s5cmd
// for [s5cmdsOwn].
const (
	cdkLib    = "CDK_LIB"
	s5cmdPath = "S5CMD"
)

// original is a peer's own program, which runs if it is installed.
type original struct {
	contender, variable string
	// version returns the installed program's version. named is the variable's value.
	version func(named string) (string, error)
}

var originals = []original{
	{"cdk's own", cdkLib, cdkVersion},
	{"s5cmd's own", s5cmdPath, s5cmdVersion},
}

// installed returns the version of the program that runs, or that none is installed.
func (o original) installed() (string, error) {
	named := os.Getenv(o.variable)
	if named == "" {
		return "not run, " + o.variable + " is not set", nil
	}
	return o.version(named)
}

func cdkVersion(folder string) (string, error) {
	text, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return "", err
	}
	var about struct{ Name, Version string }
	if err := json.Unmarshal(text, &about); err != nil {
		return "", err
	}
	if about.Name != "aws-cdk-lib" {
		return "", errors.New("not the folder of aws-cdk-lib, but of " + about.Name)
	}
	return about.Name + " " + about.Version, nil
}

func s5cmdVersion(path string) (string, error) {
	said, err := exec.Command(path, "version").Output()
	return "s5cmd " + strings.TrimSpace(string(said)), err
}
