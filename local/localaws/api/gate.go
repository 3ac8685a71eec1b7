package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Options are the options of a [Gate]. The zero value of each field has a default.
type Options struct {
	// Account is the 12-digit id of the local account; the default is "111122223333".
	Account string
	// Region is the only Region; the default is "eu-central-1".
	Region string
	// Partition is "aws" by default.
	Partition string
	// Now is the clock of requests and records; the default is [time.Now].
	Now func() time.Time
}

// withDefaults fills in empty fields.
func (o Options) withDefaults() Options {
	if o.Account == "" {
		o.Account = "111122223333"
	}
	if o.Region == "" {
		o.Region = "eu-central-1"
	}
	if o.Partition == "" {
		o.Partition = "aws"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Gate receives the requests of all services and takes each through the steps in the package comment. Its methods are
// safe for concurrent use.
type Gate struct {
	options Options
	// closing is closed by Close, so that hanging and waiting requests end.
	closing chan struct{}

	mu             sync.Mutex
	services       map[string]Service
	callers        map[string]Caller
	endpointPolicy func(vpcEndpointID string) *iampolicy.Policy
	faults         []*armedFault
	latency        time.Duration
	calls          []Call
	keep           int
	onTrail        []func(TrailCall)
	onCall         []func(Call)
	servers        []*http.Server
	closed         bool
	requests       int
}

// NewGate makes a gate without services, addresses and callers.
func NewGate(o Options) *Gate {
	return &Gate{
		options:  o.withDefaults(),
		closing:  make(chan struct{}),
		services: map[string]Service{},
		callers:  map[string]Caller{},
	}
}

// Options returns the gate's options, with defaults filled in.
func (g *Gate) Options() Options { return g.options }

// Add registers a service under its signing name. It replaces an earlier one with that name.
func (g *Gate) Add(s Service) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.services[s.SigningName()] = s
}

// Open listens on a free port of 127.0.0.1 and returns its base URL, e.g. "http://127.0.0.1:40001".
func (g *Gate) Open(l Listener) (baseURL string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("opening a listener of the local AWS: %w", err)
	}
	server := &http.Server{Handler: g.Handler(l)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return "", errors.Join(errors.New("opening a listener of the local AWS: it is closed"), listener.Close())
	}
	g.servers = append(g.servers, server)
	go server.Serve(listener) // returns http.ErrServerClosed when the gate closes
	return "http://" + listener.Addr().String(), nil
}

// Handler returns what serves the requests to a listener, for a caller that needs no address.
func (g *Gate) Handler(l Listener) http.Handler { return handler{g, l} }

// Close closes all listeners and connections at once, including those of requests that hang.
func (g *Gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	close(g.closing)
	var failures []error
	for _, server := range g.servers {
		failures = append(failures, server.Close())
	}
	return errors.Join(failures...)
}

// SetLatency sets the minimum time of each call. Overlapping calls wait at the same time.
func (g *Gate) SetLatency(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.latency = d
}

// delay waits for the latency, or until the caller gives up or the gate closes.
func (g *Gate) delay(ctx context.Context) {
	g.mu.Lock()
	latency := g.latency
	g.mu.Unlock()
	if latency <= 0 {
		return
	}
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-g.closing:
	}
}

// hang waits until the caller gives up or the gate closes.
func (g *Gate) hang(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-g.closing:
	}
}

// nextID returns a unique request id.
func (g *Gate) nextID() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests++
	return fmt.Sprintf("LOCAL%011d", g.requests)
}

// service returns the service with a signing name, or nil.
func (g *Gate) service(name string) Service {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.services[name]
}

// handler serves the requests to one Listener.
type handler struct {
	gate     *Gate
	listener Listener
}

// ServeHTTP implements [http.Handler].
func (h handler) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	x := &exchange{gate: h.gate, began: time.Now()}
	response, err := x.run(h.listener, hr)
	switch {
	case errors.Is(err, errHang):
		h.gate.hang(hr.Context())
		x.record(err)
		reset(w)
	case errors.Is(err, errReset):
		x.record(err)
		reset(w)
	case err != nil:
		refusal := asError(err)
		x.record(refusal)
		x.send(w, x.renderError(refusal))
	default:
		x.answered = len(response.Body)
		x.record(nil)
		x.send(w, response)
	}
}

// reset closes the request's connection so that the caller gets a reset, not an end.
func reset(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's way to cut a connection
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		tcp.SetLinger(0) // makes Close send RST
	}
	connection.Close()
}

// send writes the response.
func (x *exchange) send(w http.ResponseWriter, response *Response) {
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.Header().Set(x.idHeader(), x.request.ID)
	if response.Body != nil && w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(response.Body)))
	}
	w.WriteHeader(response.Status)
	w.Write(response.Body) // ignores a caller that has gone
}

// idHeader returns the header for the request's id in the service's answers.
func (x *exchange) idHeader() string {
	if x.scope.service == "s3" {
		return "X-Amz-Request-Id"
	}
	return "X-Amzn-Requestid"
}
