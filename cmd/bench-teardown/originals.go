package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"example.com/s3-endpoint-guard/cmd/internal/installed"
)

// Environment variables for installed programs: the folder of an aws-cdk-lib for [cdksOwn], and the path of an s5cmd
// for [s5cmdsOwn].
const (
	cdkLib    = "CDK_LIB"
	s5cmdPath = "S5CMD"
)

// originals are the peers' own programs, by their name as a contender. Each runs if it is installed.
var originals = []installed.Program{
	{Name: "cdk's own", Variable: cdkLib, Version: cdkVersion},
	{Name: "s5cmd's own", Variable: s5cmdPath, Version: s5cmdVersion},
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
