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

// httpsPort is where S3 listens.
const httpsPort = 443

// The longest that a step may take. They are far above what a healthy path needs, and together far below the
// function's time-out: a probe that cannot get through says so within seconds.
const (
	lookupTimeout  = 3 * time.Second
	connectTimeout = 2 * time.Second
	tlsTimeout     = 3 * time.Second
	requestTimeout = 5 * time.Second
)

// Step is one step on the way, in the log.
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

// Result is what a run found out.
type Result struct {
	// Addresses are those of the bucket's name; Strange are those among them that must not be there.
	Addresses, Strange []netip.Addr
	// Resolved is true when the name led where it must, and nowhere else.
	Resolved bool
	// Address is the one that was used. OtherZone is true when the probe's own zone had none.
	Address   netip.Addr
	OtherZone bool
	// DNS, Connect, TLS and Total are how long each step took, and the way from the name to the object read back; 0 for
	// a step that did not succeed. FirstBytes has one time for each request.
	DNS, Connect, TLS, Total time.Duration
	FirstBytes               []time.Duration
	// Foreign is the HTTP status by which the foreign bucket's object was refused (403) or handed out (200); 0 when
	// neither happened.
	Foreign int
	// ForeignError is why neither did: no answer, or one that does not say whether the endpoint let the request through.
	ForeignError error
	// Bytes is what was sent and received.
	Bytes int64
	// Failed is the step that failed, and Err why; "" and nil when none did.
	Failed Step
	Err    error
}

// Probe is one way through an endpoint.
type Probe struct {
	Config  Config
	Network Network
	// Roots are the certificates that are trusted; nil trusts the system's.
	Roots *x509.CertPool
	// Store writes and reads the canary with a client that it is given.
	Store Store
	// Now is the clock.
	Now func() time.Time
}

// Store writes and reads objects.
type Store interface {
	// Put writes an object.
	Put(ctx context.Context, client *http.Client, key string, body []byte) error
	// Get reads an object.
	Get(ctx context.Context, client *http.Client, key string) ([]byte, error)
}

// Run goes the whole way once, until a step fails.
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

// through resolves the name, connects, writes the canary, reads it back and compares.
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

// resolve resolves the bucket's name and chooses an address. Only addresses that belong are ever connected to: what a
// name server that lies leads to gets no request of ours.
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

// handshake makes a connection secure. The other side must have a certificate for the name.
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

// exchange writes the canary and reads it back through a connection.
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

// timed makes one request and notes how long its first byte took.
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

// foreign asks for the foreign object through the same endpoint, without credentials: anybody may read it, so that only
// the endpoint's policy can refuse it. Any status but 200 and 403 is an error: S3's failures, redirects and objects that
// AWS has moved say nothing about the policy.
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

// errUsed is what becomes of a request that finds its connection closed: a new one would go elsewhere, unmeasured.
var errUsed = errors.New("the connection was closed")

// over is a client that uses one connection, which is secure already, and no other.
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
