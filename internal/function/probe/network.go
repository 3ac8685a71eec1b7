package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
)

// Network opens connections and resolves names.
type Network struct {
	// Lookup resolves a host name to IPv4 addresses. S3's regional names have no others.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial opens a TCP connection.
	Dial func(ctx context.Context, address netip.AddrPort) (net.Conn, error)
}

// Direct returns the network of the machine.
func Direct() Network {
	return Network{Lookup: lookup(net.DefaultResolver), Dial: func(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp4", address.String())
	}}
}

// lookup resolves names as given, without the search domains of the machine.
func lookup(r *net.Resolver) func(context.Context, string) ([]netip.Addr, error) {
	return func(ctx context.Context, host string) ([]netip.Addr, error) {
		return r.LookupNetIP(ctx, "ip4", host+".")
	}
}

// amazonDNS is the address of the Amazon-provided name server in every VPC.
// https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
var amazonDNS = netip.MustParseAddrPort("169.254.169.253:53")

// Relayed returns the network of the local AWS, whose addresses do not exist on this machine. It requests each
// connection, including those to the VPC's name server, from the relay with HTTP CONNECT; the relay connects to the
// target of that address in the local VPC. The layers above, from DNS messages to TLS, are the same as in AWS.
func Relayed(relay string) Network {
	dial := func(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
		return connect(ctx, relay, address)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dial(ctx, amazonDNS)
	}}
	return Network{Lookup: lookup(resolver), Dial: dial}
}

// connect opens a connection through the relay.
func connect(ctx context.Context, relay string, address netip.AddrPort) (net.Conn, error) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", relay)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { connection.Close() })
	defer stop()
	fmt.Fprintf(connection, "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", address)
	answer, err := http.ReadResponse(bufio.NewReader(io.LimitReader(connection, 1<<10)), &http.Request{Method: http.MethodConnect})
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("dial tcp %s: %w", address, context.Cause(ctx))
	case err == nil && answer.StatusCode != http.StatusOK:
		err = fmt.Errorf("dial tcp %s: %s", address, answer.Status)
	}
	if err != nil {
		connection.Close()
		return nil, err
	}
	return connection, nil
}

// counted counts the bytes read from and written to a connection.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.bytes.Add(int64(n))
	return n, err
}

// belong splits addresses into those inside the ranges and those outside.
func belong(addresses []netip.Addr, ranges []netip.Prefix) (inside, outside []netip.Addr) {
	for _, a := range addresses {
		if within(a, ranges) {
			inside = append(inside, a)
		} else {
			outside = append(outside, a)
		}
	}
	return inside, outside
}

func within(a netip.Addr, ranges []netip.Prefix) bool {
	for _, r := range ranges {
		if r.Contains(a) {
			return true
		}
	}
	return false
}

// reserved are IPv4 ranges without public services, in addition to private, loopback and link-local ones: shared
// address space, "this network", and addresses that are not unicast.
// https://www.iana.org/assignments/iana-ipv4-special-registry/
var reserved = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("224.0.0.0/3"),
}

// public splits addresses into public ones, as S3's are, and others. TLS checks whether a public address belongs to S3:
// only S3 has a certificate for the bucket's name.
func public(addresses []netip.Addr) (yes, no []netip.Addr) {
	for _, a := range addresses {
		if a.IsGlobalUnicast() && !a.IsPrivate() && !within(a, reserved) {
			yes = append(yes, a)
		} else {
			no = append(no, a)
		}
	}
	return yes, no
}
