package function

import "os"

// Amazon Linux has all root certificates in one file, and each once more in a file of its own. Before the first TLS connection, Go reads
// the one and then the others, which takes 9 of 12 ms of processor time: with 0.08 of a processor (128 MB), a second.
// https://github.com/golang/go/issues/79018, https://github.com/golang/go/pull/80374
const (
	bundle = "/etc/pki/tls/certs/ca-bundle.crt"
	none   = "/var/empty" // has no certificates; it need not exist
)

// readRootsOnce makes Go read the bundle only, if there is one and the environment does not say where the certificates are.
// https://pkg.go.dev/crypto/x509#SystemCertPool
func readRootsOnce(getenv func(string) string, setenv func(name, value string) error, bundle string) {
	if getenv("SSL_CERT_FILE") != "" || getenv("SSL_CERT_DIR") != "" {
		return
	}
	if f, err := os.Stat(bundle); err != nil || f.Size() == 0 {
		return
	}
	_ = setenv("SSL_CERT_FILE", bundle) // fails for names that are none
	_ = setenv("SSL_CERT_DIR", none)
}
