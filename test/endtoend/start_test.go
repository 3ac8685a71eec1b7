package endtoend_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// The artefact for this machine's processor; BenchmarkArtefact measures the one for Lambda's.
func TestTheArtefactIsSmall(t *testing.T) {
	t.Parallel()
	path, err := built.Path("RemediateFunction")
	if err != nil {
		t.Fatal(err)
	}
	if got := zipped(t, path); got > mostArtefactMiB {
		t.Errorf("the bootstrap has %.1f MiB zipped, want at most %.0f", got, mostArtefactMiB)
	}
}

// TestStartingMakesNoNetworkCall starts the function behind a proxy that would receive all its calls.
func TestStartingMakesNoNetworkCall(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}))
	defer proxy.Close()
	s := deploy(t, nil)
	s.reconfigure(func(f *lambda.Function) {
		f.Timeout = impatience()
		f.EndpointURL = "" // AWS itself, behind the proxy
		f.Environment["HTTP_PROXY"], f.Environment["HTTPS_PROXY"] = proxy.URL, proxy.URL
	})
	r := s.watch(func() {
		_, err := s.Lambda.Provision(t.Context(), s.function)
		s.must(err)
	})
	if calls.Load() != 0 || len(r.calls) != 0 || len(r.lines) != 0 {
		t.Errorf("%d calls to AWS, %d to the local AWS and %d log lines at the start, want none", calls.Load(), len(r.calls), len(r.lines))
	}
	if s.watch(func() { s.invoke("{}") }); calls.Load() == 0 {
		t.Error("the proxy saw no call of a run, so it would not see calls of the start")
	}
}
