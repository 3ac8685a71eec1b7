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

	"s3-endpoint-guard/internal/iampolicy"
)

// Options are what a [Gate] is made with. The zero value of each field has a default.
type Options struct {
	// Account is the 12-digit id of the local account; "111122223333" when empty.
	Account string
	// Region is the only Region there is; "eu-central-1" when empty.
	Region string
	// Partition is "aws" when empty.
	Partition string
	// Now is the clock of requests and records; [time.Now] when nil.
	Now func() time.Time
}

// withDefaults fills in what is empty.
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

// Gate receives the requests of all services and takes each through the steps that the package comment lists.
// Its methods may be called at any time and concurrently.
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
	onTrail        []func(TrailCall)
	onCall         []func(Call)
	servers        []*http.Server
	closed         bool
	requests       int
}

// NewGate makes a gate without services, doors and callers.
func NewGate(o Options) *Gate {
	return &Gate{
		options:  o.withDefaults(),
		closing:  make(chan struct{}),
		services: map[string]Service{},
		callers:  map[string]Caller{},
	}
}

// Options are the gate's options, with defaults filled in.
func (g *Gate) Options() Options { return g.options }

// Add registers a service under its signing name. A later one takes an earlier one's place.
func (g *Gate) Add(s Service) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.services[s.SigningName()] = s
}

// Open listens on a free port of 127.0.0.1 and returns the base URL of that door, e.g. "http://127.0.0.1:40001".
func (g *Gate) Open(door Door) (baseURL string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("opening a door of the local AWS: %w", err)
	}
	server := &http.Server{Handler: doorway{g, door}}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return "", errors.Join(errors.New("opening a door of the local AWS: it is closed"), listener.Close())
	}
	g.servers = append(g.servers, server)
	go server.Serve(listener) // ends with http.ErrServerClosed when the gate closes
	return "http://" + listener.Addr().String(), nil
}

// Close closes every door and every connection at once, also those of requests that hang.
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

// SetLatency makes every call take at least that long. Calls that overlap wait at the same time.
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

// nextID is a request id that no other request of this gate has.
func (g *Gate) nextID() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests++
	return fmt.Sprintf("LOCAL%011d", g.requests)
}

// service finds a service by its signing name; nil when there is none.
func (g *Gate) service(name string) Service {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.services[name]
}

// doorway serves the requests of one door.
type doorway struct {
	gate *Gate
	door Door
}

// ServeHTTP implements [http.Handler].
func (d doorway) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	x := &exchange{gate: d.gate, began: time.Now()}
	response, err := x.run(d.door, hr)
	switch {
	case errors.Is(err, errHang):
		d.gate.hang(hr.Context())
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

// reset closes the request's connection so that the caller sees it reset, not ended.
func reset(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to cut a connection
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		tcp.SetLinger(0) // makes Close send RST
	}
	connection.Close()
}

// send writes an answer to the wire.
func (x *exchange) send(w http.ResponseWriter, response *Response) {
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.Header().Set(x.idHeader(), x.request.ID)
	if response.Body != nil && w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(response.Body)))
	}
	w.WriteHeader(response.Status)
	w.Write(response.Body) // a caller that has gone needs no answer
}

// idHeader is the header in which the service returns the request's id.
func (x *exchange) idHeader() string {
	if x.scope.service == "s3" {
		return "X-Amz-Request-Id"
	}
	return "X-Amzn-Requestid"
}
