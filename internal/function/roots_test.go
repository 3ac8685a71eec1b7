package function

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asChild makes the test's process print whether its root certificates are those of the bundle that the variable names.
const asChild = "ROOTS_BUNDLE"

func TestMain(m *testing.M) {
	if path := os.Getenv(asChild); path != "" {
		readRootsOnce(os.Getenv, os.Setenv, path)
		roots, err := x509.SystemCertPool()
		text, readErr := os.ReadFile(path)
		want := x509.NewCertPool()
		fmt.Println(want.AppendCertsFromPEM(text) && roots.Equal(want), err, readErr)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// newBundle writes a file with one certificate.
func newBundle(t *testing.T) string {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	path := filepath.Join(t.TempDir(), "bundle.crt")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// On this machine, too, there may be folders with certificates, which Go would read.
func TestGoReadsTheBundleOnly(t *testing.T) {
	if _, err := os.Stat("/etc/ssl/certs"); err != nil {
		t.Skip("this machine has no certificates in /etc/ssl/certs")
	}
	child := exec.Command(os.Args[0])
	child.Env = []string{asChild + "=" + newBundle(t)}
	out, err := child.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "true <nil> <nil>" {
		t.Errorf("the root certificates are the bundle's only: %s (%v)", out, err)
	}
}

func TestCertificatesStayWhereTheEnvironmentSays(t *testing.T) {
	path := newBundle(t)
	empty := filepath.Join(t.TempDir(), "empty.crt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		environment map[string]string
		bundle      string
		set         bool
	}{
		"nothing given":  {nil, path, true},
		"a file given":   {map[string]string{"SSL_CERT_FILE": "/mine.crt"}, path, false},
		"a folder given": {map[string]string{"SSL_CERT_DIR": "/mine"}, path, false},
		"no bundle":      {nil, filepath.Join(t.TempDir(), "missing.crt"), false},
		"an empty one":   {nil, empty, false},
	} {
		set := map[string]string{}
		readRootsOnce(func(n string) string { return test.environment[n] },
			func(n, value string) error { set[n] = value; return nil }, test.bundle)
		if test.set != (set["SSL_CERT_FILE"] == path && set["SSL_CERT_DIR"] != "") || !test.set && len(set) > 0 {
			t.Errorf("%s: set %v, want the bundle: %t", name, set, test.set)
		}
	}
}
