package probe_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/function/probe"
)

// httptest's certificate is valid for this name and for the loopback addresses.
const host = "example.com"

var (
	own    = netip.MustParsePrefix("10.0.0.0/24")
	other  = netip.MustParsePrefix("10.0.1.0/24")
	zoneA  = netip.MustParseAddr("10.0.0.4")
	zoneB  = netip.MustParseAddr("10.0.1.4")
	public = netip.MustParseAddr("52.219.1.1")
)

// memory is a [probe.Store] that keeps the object in memory and sends each request to the server with the given client.
type memory struct {
	object []byte
	err    error
	change func([]byte) []byte
}

func (m *memory) Put(ctx context.Context, client *http.Client, key string, body []byte) error {
	m.object = body
	return m.visit(ctx, client, key)
}

func (m *memory) Get(ctx context.Context, client *http.Client, key string) ([]byte, error) {
	if m.change != nil {
		return m.change(m.object), nil
	}
	return m.object, m.visit(ctx, client, key)
}

func (m *memory) visit(ctx context.Context, client *http.Client, key string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/"+key, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return errors.Join(m.err, answer.Body.Close())
}

// harness is a probe for which all addresses lead to one TLS server.
type harness struct {
	*probe.Probe
	store  *memory
	dialed []netip.AddrPort
	// foreign is the server's status for the foreign bucket's request.
	foreign int
}

func newHarness(t *testing.T, addresses ...netip.Addr) *harness {
	h := &harness{store: &memory{}, foreign: http.StatusForbidden}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/foreign" {
			if r.Header.Get("Authorization") != "" {
				t.Error("the request to the foreign bucket had credentials")
			}
			w.WriteHeader(h.foreign)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	h.Probe = &probe.Probe{
		Config: probe.Config{
			Bucket: "docs-example", Host: host, Key: "canary", Zone: "eu-central-1a", Own: own, Subnets: []netip.Prefix{own, other},
			ForeignHost: host, ForeignKey: "foreign",
		},
		Network: probe.Network{
			Lookup: func(_ context.Context, name string) ([]netip.Addr, error) { return addresses, nil },
			Dial: func(_ context.Context, to netip.AddrPort) (net.Conn, error) {
				h.dialed = append(h.dialed, to)
				return net.Dial("tcp", server.Listener.Addr().String())
			},
		},
		Roots: roots, Store: h.store, Now: time.Now,
	}
	return h
}

func TestRunGoesTheWholeWay(t *testing.T) {
	h := newHarness(t, zoneB, zoneA)
	r := h.Run(t.Context())
	if r.Err != nil || r.Failed != "" || !r.Resolved || r.Foreign != http.StatusForbidden || r.ForeignError != nil {
		t.Fatalf("Run = %+v, want a success", r)
	}
	if r.Address != zoneA || r.OtherZone {
		t.Errorf("it used %v (other zone: %t), want its own zone's %v", r.Address, r.OtherZone, zoneA)
	}
	for name, took := range map[string]time.Duration{"DNS": r.DNS, "Connect": r.Connect, "TLS": r.TLS, "Total": r.Total} {
		if took <= 0 || took > r.Total {
			t.Errorf("%s took %v of %v", name, took, r.Total)
		}
	}
	if len(r.FirstBytes) != 2 || r.Bytes < 1000 {
		t.Errorf("first bytes %v, bytes %d; want two times, one per request, and their bytes counted", r.FirstBytes, r.Bytes)
	}
	if want := []netip.AddrPort{netip.AddrPortFrom(zoneA, 443), netip.AddrPortFrom(zoneA, 443)}; !slices.Equal(h.dialed, want) {
		t.Errorf("dialed %v, want %v", h.dialed, want)
	}
}

func TestRunTellsWhereItFailed(t *testing.T) {
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		addresses []netip.Addr
		wrong     func(*harness)
		failed    probe.Step
		resolved  bool
		dials     int
	}{
		"the name is not known": {nil, func(h *harness) {
			h.Network.Lookup = func(context.Context, string) ([]netip.Addr, error) { return nil, refused }
		}, probe.Resolve, false, 0},
		"the name has no address":          {nil, func(*harness) {}, probe.Resolve, false, 0},
		"the name leads to the internet":   {[]netip.Addr{public}, func(*harness) {}, probe.Resolve, false, 0},
		"behind a gateway, into a network": {[]netip.Addr{zoneA}, func(h *harness) { h.Config.Gateway = true }, probe.Resolve, false, 0},
		"nobody answers": {[]netip.Addr{zoneA}, func(h *harness) {
			h.Network.Dial = func(context.Context, netip.AddrPort) (net.Conn, error) { return nil, refused }
		}, probe.Connect, true, 0},
		"somebody else answers":  {[]netip.Addr{zoneA}, func(h *harness) { h.Roots = x509.NewCertPool() }, probe.TLS, true, 2},
		"the write is refused":   {[]netip.Addr{zoneA}, func(h *harness) { h.store.err = refused }, probe.Write, true, 2},
		"something else is read": {[]netip.Addr{zoneA}, func(h *harness) { h.store.change = bytes.ToUpper }, probe.Compare, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, c.addresses...)
			c.wrong(h)
			r := h.Run(t.Context())
			if r.Failed != c.failed || r.Err == nil || r.Resolved != c.resolved || r.Total != 0 {
				t.Errorf("Run = %+v, want a failure at %s", r, c.failed)
			}
			if len(h.dialed) != c.dials {
				t.Errorf("dialed %v, want %d times", h.dialed, c.dials)
			}
		})
	}
}

func TestAddressesMustBeTheEndpoints(t *testing.T) {
	for name, c := range map[string]struct {
		gateway           bool
		addresses         []netip.Addr
		resolved, through bool
		by                netip.Addr
		otherZone         bool
	}{
		"both zones":                 {false, []netip.Addr{zoneB, zoneA}, true, true, zoneA, false},
		"the other zone alone":       {false, []netip.Addr{zoneB}, true, true, zoneB, true},
		"one that is not ours":       {false, []netip.Addr{public, zoneA}, false, true, zoneA, false},
		"a gateway":                  {true, []netip.Addr{public}, true, true, public, false},
		"a gateway, and a private":   {true, []netip.Addr{netip.MustParseAddr("192.168.0.1"), public}, false, true, public, false},
		"a gateway, shared space":    {true, []netip.Addr{netip.MustParseAddr("100.64.0.1")}, false, false, netip.Addr{}, false},
		"a gateway, this machine":    {true, []netip.Addr{netip.MustParseAddr("127.0.0.1")}, false, false, netip.Addr{}, false},
		"a gateway, link-local":      {true, []netip.Addr{netip.MustParseAddr("169.254.1.1")}, false, false, netip.Addr{}, false},
		"a gateway, not one machine": {true, []netip.Addr{netip.MustParseAddr("239.1.1.1"), netip.MustParseAddr("255.255.255.255")}, false, false, netip.Addr{}, false},
	} {
		h := newHarness(t, c.addresses...)
		h.Config.Gateway = c.gateway
		r := h.Run(t.Context())
		if r.Resolved != c.resolved || (r.Err == nil) != c.through || r.Address != c.by || r.OtherZone != c.otherZone {
			t.Errorf("%s: Run = %+v, want resolved %t, success %t through %v", name, r, c.resolved, c.through, c.by)
		}
	}
}

// Only the returned object proves that data can leave, and only a refusal proves that it cannot. Other answers are
// logged, and publish no metric.
func TestOnlyAForeignObjectThatIsHandedOutIsTold(t *testing.T) {
	for status, want := range map[int]string{403: "1", 200: "0", 301: "", 307: "", 400: "", 404: "", 429: "", 500: "", 503: ""} {
		h := newHarness(t, zoneA)
		h.foreign = status
		out, log := h.invoke(t)
		if got := string(out["ForeignBucketRefused"]); got != want {
			t.Errorf("ForeignBucketRefused = %q after %d, want %q", got, status, want)
		}
		said := strings.Contains(log, fmt.Sprintf("answered %d %s", status, http.StatusText(status)))
		if said != (want == "") {
			t.Errorf("after %d the log says %s, want the status only if it proves nothing", status, log)
		}
	}
}

// invoke invokes the function and returns the members of its metrics' lines, and its log.
func (h *harness) invoke(t *testing.T) (map[string]json.RawMessage, string) {
	t.Helper()
	var out, said bytes.Buffer
	f := &probe.Function{Probe: h.Probe, Log: slog.New(slog.NewJSONHandler(&said, nil)), Out: &out}
	if _, err := f.Invoke(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	members := map[string]json.RawMessage{}
	for line := range strings.Lines(out.String()) {
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatal(err)
		}
	}
	return members, said.String()
}

func TestTheFunctionPublishesWhatItMeasured(t *testing.T) {
	members, log := newHarness(t, zoneA).invoke(t)
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{"Bucket", "ConnectLatency", "DNSLatency", "FirstByteLatency", "ForeignBucketRefused", "ProbeBytes",
		"ProbeLatency", "ProbeSucceeded", "ResolvedToEndpoint", "TLSLatency", "Zone", "_aws"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if got := string(members["ProbeSucceeded"]); got != "1" || !strings.Contains(log, `"msg":"probed"`) {
		t.Errorf("ProbeSucceeded = %s, log %s; want 1 and a line for the success", got, log)
	}
}

func TestTheFunctionSaysWhyItFailed(t *testing.T) {
	for name, c := range map[string]struct {
		addresses []netip.Addr
		says      string
	}{
		"nowhere":        {[]netip.Addr{public}, `"step":"resolve","error":"example.com leads to [52.219.1.1], and none of them is the endpoint's"`},
		"elsewhere, too": {[]netip.Addr{zoneA, public}, `"step":"resolve","error":"[52.219.1.1] are not the endpoint's"`},
	} {
		members, log := newHarness(t, c.addresses...).invoke(t)
		if !strings.Contains(log, `"msg":"probe failed"`) || !strings.Contains(log, c.says) {
			t.Errorf("%s: log %s, want %s in it", name, log, c.says)
		}
		if got := string(members["ProbeSucceeded"]) + string(members["ResolvedToEndpoint"]); got != "00" {
			t.Errorf("%s: ProbeSucceeded and ResolvedToEndpoint are %s, want 00", name, got)
		}
	}
}

func TestMetricsThatCannotBeWrittenFailTheRun(t *testing.T) {
	h := newHarness(t, zoneA)
	f := &probe.Function{Probe: h.Probe, Log: slog.New(slog.DiscardHandler), Out: full{}}
	if _, err := f.Invoke(t.Context(), nil); !errors.Is(err, errFull) {
		t.Errorf("Invoke = %v, want %v", err, errFull)
	}
}

var errFull = errors.New("full")

// full is a writer whose writes fail.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestARunThatHangsIsGivenUp(t *testing.T) {
	h := newHarness(t, zoneA)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	h.Network.Dial = func(context.Context, netip.AddrPort) (net.Conn, error) {
		return net.Dial("tcp", silent.Addr().String())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r := h.Run(ctx); r.Failed != probe.TLS || !errors.Is(r.Err, context.DeadlineExceeded) {
		t.Errorf("Run = %+v, want a failure at tls", r)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	h := newHarness(t, zoneA)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	server.StartTLS()
	defer server.Close()
	h.Network.Dial = func(context.Context, netip.AddrPort) (net.Conn, error) {
		return net.Dial("tcp", server.Listener.Addr().String())
	}
	if r := h.Run(t.Context()); r.Failed != probe.TLS {
		t.Errorf("Run = %+v, want a failure at tls", r)
	}
}
