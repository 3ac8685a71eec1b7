package installed_test

import (
	"errors"
	"testing"

	"example.com/s3-endpoint-guard/cmd/internal/installed"
)

func TestALineSaysTheVersionOrThatTheProgramDoesNotRun(t *testing.T) {
	p := installed.Program{Name: "peer", Variable: "PEER_OF_A_TEST", Version: func(named string) (string, error) {
		if named != "/opt/peer" {
			return "", errors.New("no such file")
		}
		return "peer 1.2", nil
	}}
	for named, want := range map[string]struct{ line, err string }{
		"":          {line: "peer: not run, PEER_OF_A_TEST is not set"},
		"/opt/peer": {line: "peer: peer 1.2"},
		"/opt/none": {err: "PEER_OF_A_TEST: no such file"},
	} {
		t.Setenv("PEER_OF_A_TEST", named)
		line, err := p.Line()
		said := ""
		if err != nil {
			said = err.Error()
		}
		if line != want.line || said != want.err || p.Named() != named {
			t.Errorf("%q: line %q, error %q, named %q; want line %q, error %q", named, line, said, p.Named(), want.line, want.err)
		}
	}
}
