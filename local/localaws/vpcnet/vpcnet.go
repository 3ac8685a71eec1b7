// Package vpcnet is the network of the local VPCs, for functions that run in one: their names, routes, security groups
// and TLS. The addresses of a local VPC are nobody's on this machine; so a function is given a relay, at which it asks
// for each connection by HTTP CONNECT, and from there the connection goes where it would in the VPC:
//
//	169.254.169.253:53                             the VPC's name server, over TCP
//	an interface endpoint's address, port 443      the door behind the endpoint, if security groups let it pass
//	S3's public addresses, port 443                the door behind the gateway endpoint that the subnet's route table
//	                                               leads to
//	anything else                                  nowhere: the caller waits until it gives up, as in a VPC where
//	                                               packets are dropped
//
// Doors of the local AWS speak plain HTTP; the network speaks TLS with the caller, with a certificate for S3's names by
// an authority of its own, and passes on what is inside.
//
// What can be made to go wrong: [Network.Lie] about names, [Network.Swallow] an address's packets; interfaces, groups,
// routes and private DNS are EC2's, and are looked at anew for each connection.
package vpcnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"s3-endpoint-guard/local/localaws/ec2"
)

// Options set up a network.
type Options struct {
	// Region stands in S3's names.
	Region string
	// EC2 knows what there is.
	EC2 *ec2.Service
	// Door opens the door behind a VPC endpoint and returns its address, host and port.
	Door func(vpcEndpointID string) (string, error)
}

// Network carries the connections of functions. Its methods may be called at any time and concurrently.
type Network struct {
	options   Options
	authority *authority
	// closing ends connections that wait.
	closing context.Context
	close   context.CancelFunc

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[net.Conn]struct{}
	lies      map[string][]netip.Addr
	swallowed map[netip.Addr]bool
}

// S3Addresses are S3's public addresses here, from a range that is set aside for documentation.
var S3Addresses = []netip.Addr{netip.MustParseAddr("203.0.113.80"), netip.MustParseAddr("203.0.113.81")}

// New makes a network. It must be closed.
func New(o Options) (*Network, error) {
	a, err := newAuthority(o.Region)
	if err != nil {
		return nil, fmt.Errorf("making the local network: %w", err)
	}
	closing, cancel := context.WithCancel(context.Background())
	return &Network{
		options: o, authority: a, closing: closing, close: cancel,
		conns: map[net.Conn]struct{}{}, lies: map[string][]netip.Addr{}, swallowed: map[netip.Addr]bool{},
	}, nil
}

// Close ends all connections and removes the certificate's file.
func (n *Network) Close() error {
	n.close()
	n.mu.Lock()
	defer n.mu.Unlock()
	var failures []error
	for _, l := range n.listeners {
		failures = append(failures, l.Close())
	}
	for c := range n.conns {
		c.Close()
	}
	return errors.Join(append(failures, os.Remove(n.authority.file))...)
}

// CertificateFile is the path of the authority's certificate, which a function has to trust.
func (n *Network) CertificateFile() string { return n.authority.file }

// Lie makes the name server answer with these addresses, whatever is true.
func (n *Network) Lie(host string, addresses ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lies[host] = addresses
}

// Swallow drops all packets to an address from now on.
func (n *Network) Swallow(address netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.swallowed[address] = true
}

// Restore takes back every lie and swallows nothing any more.
func (n *Network) Restore() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lies, n.swallowed = map[string][]netip.Addr{}, map[netip.Addr]bool{}
}

// Place is where a function stands in a VPC.
type Place struct {
	SubnetID string
	Groups   []string
}

// Relay opens the relay of a function and returns its address, host and port.
func (n *Network) Relay(p Place) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("opening a relay of the local network: %w", err)
	}
	n.mu.Lock()
	n.listeners = append(n.listeners, listener)
	n.mu.Unlock()
	go n.serve(listener, p)
	return listener.Addr().String(), nil
}

// serve carries the connections of one relay until the network closes.
func (n *Network) serve(listener net.Listener, p Place) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer n.track(connection)()
			n.carry(connection, p)
		}()
	}
}

// track lets Close close a connection. The returned function closes it and forgets it.
func (n *Network) track(c net.Conn) func() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[c] = struct{}{}
	return func() {
		c.Close()
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.conns, c)
	}
}
