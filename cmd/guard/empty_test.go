package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/s3model"
)

// empty runs guard empty on a model of a bucket and returns its output and exit code.
func empty(t *testing.T, model http.Handler, typed string, args ...string) (said string, code int) {
	t.Helper()
	server := httptest.NewServer(model)
	defer server.Close()
	bounded := false
	command := emptyCommand(func() { bounded = true })
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetIn(strings.NewReader(typed))
	command.SetArgs(append([]string{"--bucket", "docs", "--endpoint-url", server.URL}, args...))
	err := command.ExecuteContext(t.Context())
	if !bounded {
		t.Error("guard empty does not limit the memory of its process")
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return out.String() + exit.Error(), exit.code
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), 0
}

func TestEmptyAsksBeforeItDeletes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typed string
		args  []string
		code  int
		left  int64
		says  string
	}{
		"the name is typed":     {"docs\n", nil, 0, 0, "is empty: deleted 2500 versions"},
		"another name is typed": {"dogs\n", nil, exitUntouched, 2500, "nothing was touched"},
		"nothing is typed":      {"", nil, exitUntouched, 2500, "nothing was touched"},
		"not asked":             {"", []string{"--yes"}, 0, 0, "is empty"},
		"only counted":          {"", []string{"--dry-run"}, 0, 2500, "holds 2500 versions (0.01 GiB), 0 delete markers"},
	} {
		t.Run(name, func(t *testing.T) {
			model := s3model.New(s3model.Options{Shape: s3model.Counters{Prefixes: 3}, Versions: 2500})
			said, code := empty(t, model, c.typed, c.args...)
			if left := model.Stats().Left; code != c.code || left != c.left || !strings.Contains(said, c.says) {
				t.Errorf("exit code %d, %d left, output %q; want %d, %d left, output %q", code, left, said, c.code, c.left, c.says)
			}
		})
	}
}

// TestEmptyOfNoBucketIsNoSuccess shows that a misspelt name does not count as an empty bucket.
func TestEmptyOfNoBucketIsNoSuccess(t *testing.T) {
	gone := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>`))
	})
	for _, how := range []string{"--yes", "--dry-run"} {
		said, code := empty(t, gone, "", how)
		if code != exitUntouched || !strings.Contains(said, "looking at bucket docs: ") || !strings.Contains(said, "NoSuchBucket") {
			t.Errorf("%s: exit code %d, output %q; want %d and the cause", how, code, said, exitUntouched)
		}
	}
}

// TestAnAccountThatCannotBeWrittenIsNoUntouchedBucket uses a standard output that rejects all writes.
func TestAnAccountThatCannotBeWrittenIsNoUntouchedBucket(t *testing.T) {
	server := httptest.NewServer(s3model.New(s3model.Options{Shape: s3model.Counters{Prefixes: 3}, Versions: 25}))
	defer server.Close()
	command := emptyCommand(func() {})
	command.SetOut(full{})
	command.SetErr(io.Discard)
	command.SetArgs([]string{"--bucket", "docs", "--endpoint-url", server.URL, "--yes", "--json"})
	err := command.ExecuteContext(t.Context())
	if exit, ok := errors.AsType[*exitError](err); !ok || exit.code != exitNotEmpty || !errors.Is(exit.err, errFull) {
		t.Errorf("guard empty --json ends with %v, want exit code %d and %v", err, exitNotEmpty, errFull)
	}
}

var errFull = errors.New("no space left on device")

// full is a writer that rejects all writes.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
