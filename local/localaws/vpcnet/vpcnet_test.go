package vpcnet_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/function/probe"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/vpcnet"
)

const name = "docs-example.s3.eu-central-1.amazonaws.com"

// world is a VPC with two subnets, an interface and a gateway endpoint, and a function in the first subnet.
type world struct {
	*testing.T
	*vpcnet.Network
	ec2                 *ec2.Service
	subnets             []ec2.Subnet
	table               ec2.RouteTable
	clients, group      ec2.SecurityGroup
	interfaces, gateway ec2.Endpoint
	function            probe.Network
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, ec2: ec2.New(localtest.Gate(t, api.Options{}).Options())}
	vpc := localtest.Must(w.ec2.CreateVPC(ec2.VPC{CIDR: "10.0.0.0/16", DNSSupport: true, DNSHostnames: true}))(t)
	for zone, cidr := range map[string]string{"eu-central-1a": "10.0.0.0/24", "eu-central-1b": "10.0.1.0/24"} {
		w.subnets = append(w.subnets, localtest.Must(w.ec2.CreateSubnet(ec2.Subnet{VPCID: vpc.ID, CIDR: cidr, Zone: zone}))(t))
	}
	slices.SortFunc(w.subnets, func(a, b ec2.Subnet) int { return strings.Compare(a.Zone, b.Zone) })
	w.table = localtest.Must(w.ec2.CreateRouteTable(vpc.ID))(t)
	w.clients = localtest.Must(w.ec2.CreateSecurityGroup(ec2.SecurityGroup{Name: "clients", VPCID: vpc.ID},
		ec2.Rule{Egress: true, Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "0.0.0.0/0"}))(t)
	w.group = localtest.Must(w.ec2.CreateSecurityGroup(ec2.SecurityGroup{Name: "endpoint", VPCID: vpc.ID},
		ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, ReferencedGroup: w.clients.ID}))(t)
	all := false
	w.interfaces = localtest.Must(w.ec2.CreateEndpoint(ec2.EndpointRequest{
		Type: ec2.Interface, VPCID: vpc.ID, ServiceName: "com.amazonaws.eu-central-1.s3", PrivateDNS: true, OnlyInboundResolver: &all,
		SubnetIDs: []string{w.subnets[0].ID, w.subnets[1].ID}, GroupIDs: []string{w.group.ID},
	}))(t)
	w.gateway = localtest.Must(w.ec2.CreateEndpoint(ec2.EndpointRequest{
		VPCID: vpc.ID, ServiceName: "com.amazonaws.eu-central-1.s3", RouteTableIDs: []string{w.table.ID},
	}))(t)
	w.open()
	return w
}

// open makes the network. Each endpoint's server answers with the endpoint's name.
func (w *world) open() {
	w.Helper()
	w.Network = localtest.Must(vpcnet.New(vpcnet.Options{Region: "eu-central-1", EC2: w.ec2, Listener: func(id string) (string, error) {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, id+" "+r.Host) }))
		w.Cleanup(server.Close)
		return server.Listener.Addr().String(), nil
	}}))(w)
	w.Cleanup(func() {
		if err := w.Close(); err != nil {
			w.Error(err)
		}
	})
	relay := localtest.Must(w.Relay(vpcnet.Place{SubnetID: w.subnets[0].ID, Groups: []string{w.clients.ID}}))(w)
	w.function = probe.Relayed(relay)
}

// reached returns the result of a request to an address: the endpoint, or the error.
func (w *world) reached(address netip.Addr) (string, error) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 100*time.Millisecond)
	defer cancel()
	pem, err := os.ReadFile(w.CertificateFile())
	if err != nil {
		w.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := http.Client{Timeout: localtest.Limit, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return w.function.Dial(ctx, netip.AddrPortFrom(address, 443))
		},
	}}
	defer client.CloseIdleConnections()
	answer, err := client.Get("https://" + name + "/")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// addresses returns the addresses of the interface endpoint.
func (w *world) addresses() []netip.Addr {
	var list []netip.Addr
	for _, n := range w.ec2.NetworkInterfaces(w.interfaces.ID) {
		list = append(list, netip.MustParseAddr(n.IP))
	}
	return list
}

func TestNamesLeadWherePrivateDNSSaysTheyDo(t *testing.T) {
	w := newWorld(t)
	lookup := func(host string) []netip.Addr {
		got, _ := w.function.Lookup(t.Context(), host)
		slices.SortFunc(got, netip.Addr.Compare)
		return got
	}
	if got := lookup(name); !slices.Equal(got, w.addresses()) {
		t.Errorf("%s is %v, want the endpoint's %v", name, got, w.addresses())
	}
	if err := w.ec2.RemoveNetworkInterface(w.ec2.NetworkInterfaces(w.interfaces.ID)[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := lookup(name); !slices.Equal(got, w.addresses()) || len(got) != 1 {
		t.Errorf("%s is %v after a zone was lost, want %v", name, got, w.addresses())
	}
	lie := netip.MustParseAddr("192.0.2.1")
	w.Lie(name, lie)
	if got := lookup(name); !slices.Equal(got, []netip.Addr{lie}) {
		t.Errorf("%s is %v, want the address set with Lie", name, got)
	}
	w.Restore()
	off := false
	if err := w.ec2.ModifyEndpoint(w.interfaces.ID, ec2.EndpointChange{PrivateDNS: &off}); err != nil {
		t.Fatal(err)
	}
	if got := lookup(name); !slices.Equal(got, vpcnet.S3Addresses) {
		t.Errorf("%s is %v without private DNS, want S3's public %v", name, got, vpcnet.S3Addresses)
	}
	var missing *net.DNSError
	if _, err := w.function.Lookup(t.Context(), "nobody.example.com"); !errors.As(err, &missing) || !missing.IsNotFound {
		t.Errorf("Lookup of an unknown name = %v, want a not-found error", err)
	}
}

// A function that runs while its stack is deleted may run longer than its subnet exists.
func TestFromASubnetThatIsGoneNothingIsReached(t *testing.T) {
	w := newWorld(t)
	address := w.addresses()[0]
	if got, err := w.reached(address); err != nil {
		t.Fatalf("%s answers %q, %v, want the endpoint", address, got, err)
	}
	if err := errors.Join(w.ec2.DeleteEndpoint(w.interfaces.ID), w.ec2.DeleteSubnet(w.subnets[0].ID)); err != nil {
		t.Fatal(err)
	}
	for _, to := range []netip.Addr{address, vpcnet.S3Addresses[0]} {
		if got, err := w.reached(to); err == nil {
			t.Errorf("%s answers %q from a deleted subnet, want no answer", to, got)
		}
	}
}

func TestConnectionsGoWhereTheyWouldInTheVPC(t *testing.T) {
	for test, c := range map[string]struct {
		before func(*world)
		to     func(*world) netip.Addr
		want   func(*world) string
	}{
		"to an interface":        {func(*world) {}, func(w *world) netip.Addr { return w.addresses()[1] }, func(w *world) string { return w.interfaces.ID }},
		"to nobody's address":    {func(*world) {}, func(*world) netip.Addr { return netip.MustParseAddr("10.0.0.200") }, nil},
		"to a swallowed address": {func(w *world) { w.Swallow(w.addresses()[0]) }, func(w *world) netip.Addr { return w.addresses()[0] }, nil},
		"to an interface that is out of use": {func(w *world) {
			_ = w.ec2.SetInterfaceStatus(w.ec2.NetworkInterfaces(w.interfaces.ID)[0].ID, "available")
		}, func(w *world) netip.Addr { return w.addresses()[0] }, nil},
		"to a group that does not let it in": {func(w *world) {
			_, _ = w.ec2.Revoke(w.group.ID, ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, ReferencedGroup: w.clients.ID})
		}, func(w *world) netip.Addr { return w.addresses()[0] }, nil},
		"out of a group that lets nothing out": {func(w *world) {
			_, _ = w.ec2.Revoke(w.clients.ID, ec2.Rule{Egress: true, Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "0.0.0.0/0"})
		}, func(w *world) netip.Addr { return w.addresses()[0] }, nil},
		"to an endpoint that is failed":         {func(w *world) { _ = w.ec2.SetEndpointState(w.interfaces.ID, "failed") }, func(w *world) netip.Addr { return w.addresses()[0] }, nil},
		"to an endpoint that is being changed":  {func(w *world) { _ = w.ec2.SetEndpointState(w.interfaces.ID, "pending") }, func(w *world) netip.Addr { return w.addresses()[0] }, func(w *world) string { return w.interfaces.ID }},
		"to S3's public address, without route": {func(*world) {}, func(*world) netip.Addr { return vpcnet.S3Addresses[0] }, nil},
		"to S3's public address by a route": {func(w *world) { _, _ = w.ec2.AssociateRouteTable(w.table.ID, w.subnets[0].ID) },
			func(*world) netip.Addr { return vpcnet.S3Addresses[0] }, func(w *world) string { return w.gateway.ID }},
		"to the name server's other ports": {func(*world) {}, func(*world) netip.Addr { return netip.MustParseAddr("169.254.169.253") }, nil},
	} {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.before(w)
			got, err := w.reached(c.to(w))
			switch {
			case c.want == nil && !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("reached %q, %v, want a time-out", got, err)
			case c.want != nil && got != c.want(w)+" "+name:
				t.Errorf("reached %q, %v, want %s as %s", got, err, c.want(w), name)
			}
		})
	}
}

func TestOnlyNamesOfS3HaveACertificate(t *testing.T) {
	w := newWorld(t)
	connection := localtest.Must(w.function.Dial(t.Context(), netip.AddrPortFrom(w.addresses()[0], 443)))(t)
	defer connection.Close()
	err := tls.Client(connection, &tls.Config{ServerName: name}).HandshakeContext(t.Context())
	var unknown *tls.CertificateVerificationError
	if !errors.As(err, &unknown) {
		t.Errorf("handshake without the local authority = %v, want a refusal", err)
	}
}

func TestARelayThatIsAskedNonsenseAnswersNothing(t *testing.T) {
	w := newWorld(t)
	relay := localtest.Must(w.Relay(vpcnet.Place{SubnetID: w.subnets[0].ID}))(t)
	for _, nonsense := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT s3.amazonaws.com:443 HTTP/1.1\r\nHost: s3.amazonaws.com:443\r\n\r\n", "\x00\r\n\r\n"} {
		connection := localtest.Must(net.Dial("tcp", relay))(t)
		_, _ = io.WriteString(connection, nonsense)
		if got, _ := io.ReadAll(connection); len(got) > 0 {
			t.Errorf("%q was answered %q", nonsense, got)
		}
		connection.Close()
	}
}

func TestNamesThatAreNoQuestionsAreNotAnswered(t *testing.T) {
	w := newWorld(t)
	for _, message := range [][]byte{
		{}, make([]byte, 11), make([]byte, 12), append(make([]byte, 5), 1, 0, 0, 0, 0, 0, 0, 63, 'x'), append(make([]byte, 5), 1, 0, 0, 0, 0, 0, 0, 200), append(make([]byte, 5), 1, 0, 0, 0, 0, 0, 0, 0),
	} {
		connection := localtest.Must(w.function.Dial(t.Context(), netip.MustParseAddrPort("169.254.169.253:53")))(t)
		_, _ = connection.Write(append([]byte{0, byte(len(message))}, message...))
		_ = connection.SetReadDeadline(time.Now().Add(time.Second))
		if got, err := io.ReadAll(connection); len(got) > 0 || err != nil {
			t.Errorf("%v was answered %v, %v; want the connection closed", message, got, err)
		}
		connection.Close()
	}
}
