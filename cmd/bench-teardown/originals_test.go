package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/cmd/internal/installed"
)

// write writes a file into a new folder, and returns its path.
func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOriginalsRunWhereTheyAreInstalled(t *testing.T) {
	s5cmdFile := write(t, "s5cmd", "#!/bin/sh\ntest \"$1\" = version && echo v2.3.0-test\n", 0o700)
	library := filepath.Dir(write(t, "package.json", `{"name": "aws-cdk-lib", "version": "2.1.0"}`, 0o600))
	other := filepath.Dir(write(t, "package.json", `{"name": "left-pad", "version": "1.0.0"}`, 0o600))
	for _, c := range []struct {
		contender, named string
		says             string // text in the output; one that begins with "error: " ends the benchmark
		runs             bool
	}{
		{"s5cmd's own", "", "not run, S5CMD is not set", false},
		{"s5cmd's own", s5cmdFile, "s5cmd v2.3.0-test", true},
		{"s5cmd's own", filepath.Join(other, "none"), "error: no such file", true},
		{"cdk's own", "", "not run, CDK_LIB is not set", false},
		{"cdk's own", library, "aws-cdk-lib 2.1.0", true},
		{"cdk's own", other, "error: not the folder of aws-cdk-lib, but of left-pad", true},
		{"cdk's own", filepath.Join(other, "none"), "error: no such file", true},
	} {
		o := originals[slices.IndexFunc(originals, func(o installed.Program) bool { return o.Name == c.contender })]
		t.Setenv(cdkLib, "")
		t.Setenv(s5cmdPath, "")
		t.Setenv(o.Variable, c.named)
		says, err := o.Line()
		want, fails := strings.CutPrefix(c.says, "error: ")
		if (err != nil) != fails || err != nil && !strings.Contains(err.Error(), want) || err == nil && says != c.contender+": "+want {
			t.Errorf("%s, %s=%s: %q, %v, want %s", c.contender, o.Variable, c.named, says, err, c.says)
		}
		runs := slices.ContainsFunc(scenarios(), func(s scenario) bool { return s.contender == c.contender })
		if runs != c.runs || contenders[c.contender] == nil {
			t.Errorf("%s=%s: has a scenario of %s: %t, want %t", o.Variable, c.named, c.contender, runs, c.runs)
		}
	}
}

func TestTheBenchRefusesMistakes(t *testing.T) {
	for says, args := range map[string][]string{
		`unexpected argument "extra"`: {"extra"},
		"no scenario matches nosuch":  {"-only", "nosuch"},
		"error parsing regexp":        {"-only", "("},
	} {
		if err := start(args); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("bench-teardown %q = %v, want %q", args, err, says)
		}
	}
}

func TestInstalledOriginalsAreMeasuredBesideThisProject(t *testing.T) {
	for _, c := range []struct{ cdk, s5cmd, want string }{
		{"", "", ""},
		{"", "/opt/s5cmd", "ours hashes, s5cmd's own hashes, ours counters, s5cmd's own counters"},
		{"/opt/lib", "", "ours hashes, cdk's own hashes, ours counters, cdk's own counters"},
	} {
		t.Setenv(cdkLib, c.cdk)
		t.Setenv(s5cmdPath, c.s5cmd)
		var got []string
		for _, s := range originalsOf(scenarios()) {
			got = append(got, s.contender+" "+s.shape)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s=%q, %s=%q: %q, want %s", cdkLib, c.cdk, s5cmdPath, c.s5cmd, got, c.want)
		}
	}
}
