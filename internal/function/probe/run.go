package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"time"
)

// httpsPort is S3's port.
const httpsPort = 443

// The maximum duration of each step. A healthy path needs much less, and the sum is much less than the function's
// time-out: when the probe gets no connection, it reports that within seconds.
const (
	lookupTimeout  = 3 * time.Second
	connectTimeout = 2 * time.Second
	tlsTimeout     = 3 * time.Second
	requestTimeout = 5 * time.Second
)

// Step is a step of a run, as logged.
type Step string

// The steps, in order.
const (
	Resolve Step = "resolve"
	Connect Step = "connect"
	TLS     Step = "tls"
	Write   Step = "write"
	Read    Step = "read"
	Compare Step = "compare"
)

// Result is the result of a run.
type Result struct {
	// Addresses are the addresses of the bucket's name; Strange are those among them that must not be there.
	Addresses, Strange []netip.Addr
	// Resolved is true when the name resolved to the expected addresses only.
	Resolved bool
	// Address is the address that was used. OtherZone is true when the probe's own zone had none.
	Address   netip.Addr
	OtherZone bool
	// DNS, Connect and TLS are the durations of the steps; Total is the duration of the run, up to reading the object.
	// Each is 0 if the step did not succeed. FirstBytes has one duration per request.
	DNS, Connect, TLS, Total time.Duration
	FirstBytes               []time.Duration
	// Foreign is the HTTP status of the request for the foreign bucket's object: 403 if it was refused, 200 if it was
	// returned, 0 otherwise.
	Foreign int
	// ForeignError is the reason for 0: no answer, or one that does not show whether the endpoint allowed the request.
	ForeignError error
	// Bytes is the number of bytes sent and received.
	Bytes int64
	// Failed is the step that failed, and Err the reason; "" and nil when none failed.
	Failed Step
	Err    error
}

// Probe checks the path through an endpoint.
type Probe struct {
	Config  Config
	Network Network
	// Roots are the trusted root certificates; nil means the system's.
	Roots *x509.CertPool
	// Store writes and reads the canary object, with the client passed to it.
	Store Store
	// Now returns the current time.
	Now func() time.Time
}

// Store writes and reads objects.
type Store interface {
	// Put writes an object.
	Put(ctx context.Context, client *http.Client, key string, body []byte) error
	// Get reads an object.
	Get(ctx context.Context, client *http.Client, key string) ([]byte, error)
}

// Run makes all steps once, until one fails.
func (p *Probe) Run(ctx context.Context) Result {
	r := &run{Probe: p}
	began := p.Now()
	if err := r.through(ctx); err != nil {
		r.Err = err
	} else {
		r.Total = p.Now().Sub(began)
	}
	if r.connected {
		r.Foreign, r.ForeignError = r.foreign(ctx)
	}
	r.Bytes = r.bytes.Load()
	return r.Result
}

// run is one run under way.
type run struct {
	*Probe
	Result
	bytes     atomic.Int64
	connected bool
}

// through resolves the name, connects, writes the canary object, reads it back and compares it.
func (r *run) through(ctx context.Context) error {
	if err := r.resolve(ctx); err != nil {
		return err
	}
	connection, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer connection.Close()
	return r.exchange(ctx, connection)
}

// resolve resolves the bucket's name and chooses an address. The probe connects only to expected addresses, so a false
// DNS answer gets no request.
func (r *run) resolve(ctx context.Context) error {
	r.Failed = Resolve
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	began := r.Now()
	addresses, err := r.Network.Lookup(ctx, r.Config.Host)
	if err != nil {
		return err
	}
	r.DNS, r.Addresses = r.Now().Sub(began), addresses
	good, strange := public(addresses)
	if !r.Config.Gateway {
		good, strange = belong(addresses, r.Config.Subnets)
	}
	r.Strange, r.Resolved = strange, len(strange) == 0 && len(good) > 0
	if len(good) == 0 {
		return fmt.Errorf("%s leads to %v, and none of them is the endpoint's", r.Config.Host, addresses)
	}
	r.Address = good[0]
	if r.Config.Gateway {
		return nil
	}
	own, _ := belong(good, []netip.Prefix{r.Config.Own})
	if r.OtherZone = len(own) == 0; !r.OtherZone {
		r.Address = own[0]
	}
	return nil
}

// connect opens a connection to the chosen address.
func (r *run) connect(ctx context.Context) (net.Conn, error) {
	r.Failed = Connect
	began := r.Now()
	plain, err := r.dial(ctx)
	if err != nil {
		return nil, err
	}
	r.Connect, r.connected = r.Now().Sub(began), true
	r.Failed = TLS
	began = r.Now()
	secure, err := r.handshake(ctx, plain, r.Config.Host)
	if err != nil {
		return nil, err
	}
	r.TLS = r.Now().Sub(began)
	return secure, nil
}

func (r *run) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	plain, err := r.Network.Dial(ctx, netip.AddrPortFrom(r.Address, httpsPort))
	if err != nil {
		return nil, err
	}
	return counted{plain, &r.bytes}, nil
}

// handshake makes the TLS handshake. The server must have a certificate for the name.
func (r *run) handshake(ctx context.Context, plain net.Conn, host string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	secure := tls.Client(plain, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: r.Roots, ServerName: host})
	if err := secure.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, err
	}
	return secure, nil
}

// exchange writes the canary object and reads it back through a connection.
func (r *run) exchange(ctx context.Context, connection net.Conn) error {
	client := over(connection)
	defer client.CloseIdleConnections()
	body := fmt.Appendf(nil, "s3-endpoint-guard's probe in %s wrote this at %s\n", r.Config.Zone, r.Now().UTC().Format(time.RFC3339Nano))
	r.Failed = Write
	if err := r.timed(ctx, func(ctx context.Context) error { return r.Store.Put(ctx, client, r.Config.Key, body) }); err != nil {
		return err
	}
	r.Failed = Read
	var got []byte
	err := r.timed(ctx, func(ctx context.Context) (err error) {
		got, err = r.Store.Get(ctx, client, r.Config.Key)
		return err
	})
	if err != nil {
		return err
	}
	r.Failed = Compare
	if string(got) != string(body) {
		return fmt.Errorf("%s holds %q, want %q", r.Config.Key, got[:min(len(got), 200)], body)
	}
	r.Failed = ""
	return nil
}

// timed makes one request and records the time to its first byte.
func (r *run) timed(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var sent, first time.Time
	err := request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { sent = r.Now() },
		GotFirstResponseByte: func() { first = r.Now() },
	}))
	if err == nil && first.After(sent) {
		r.FirstBytes = append(r.FirstBytes, first.Sub(sent))
	}
	return err
}

// foreign requests the foreign object through the same endpoint, without credentials. The object is public, so only the
// endpoint's policy can refuse the request. Statuses other than 200 and 403 are errors: S3's failures, redirects, and
// objects that AWS has moved show nothing about the policy.
func (r *run) foreign(ctx context.Context) (int, error) {
	plain, err := r.dial(ctx)
	if err != nil {
		return 0, err
	}
	connection, err := r.handshake(ctx, plain, r.Config.ForeignHost)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+r.Config.ForeignHost+"/"+r.Config.ForeignKey, nil)
	if err != nil {
		return 0, err
	}
	client := over(connection)
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	if status := answer.StatusCode; status != http.StatusOK && status != http.StatusForbidden {
		return 0, errors.Join(fmt.Errorf("it answered %s, which is neither the object nor a refusal", answer.Status), answer.Body.Close())
	}
	return answer.StatusCode, answer.Body.Close()
}

// errUsed is the error of a request whose connection is closed: a new connection would use another path, without
// measurement.
var errUsed = errors.New("the connection was closed")

// over returns a client that uses only the given TLS connection.
func over(connection net.Conn) *http.Client {
	var used atomic.Bool
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{MaxConnsPerHost: 1, DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
			if used.Swap(true) {
				return nil, errUsed
			}
			return connection, nil
		}},
	}
}

// readAll reads a small body.
func readAll(body io.ReadCloser) ([]byte, error) {
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, 1<<20))
}
