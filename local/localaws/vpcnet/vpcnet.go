// Package vpcnet is the network of the local VPCs, for functions that run in one: names, routes, security groups and
// TLS. The addresses of a local VPC do not exist on this machine, so a function gets a relay, from which it requests
// each connection by HTTP CONNECT. The relay connects it as the VPC would:
//
//	169.254.169.253:53                             the VPC's name server, over TCP
//	an interface endpoint's address, port 443      the endpoint, if security groups allow it
//	S3's public addresses, port 443                the gateway endpoint in the subnet's route table
//	other addresses                                nothing: the caller waits until it gives up, as in a VPC that drops
//	                                               packets
//
// Addresses of the local AWS use plain HTTP. The network speaks TLS with the caller, with a certificate for S3's
// names by its own authority, and forwards the decrypted content.
//
// Faults: [Network.Lie] changes the addresses of a name, [Network.Swallow] drops an address's packets. Interfaces,
// groups, routes and private DNS are EC2's, and are read for each connection.
package vpcnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

// Options are the options of a network.
type Options struct {
	// Region is the Region in S3's names.
	Region string
	// EC2 contains the VPCs and their endpoints.
	EC2 *ec2.Service
	// Listener opens the [api.Listener] of a VPC endpoint and returns its address, host and port.
	Listener func(vpcEndpointID string) (string, error)
}

// Network carries the connections of functions. Its methods are safe for concurrent use.
type Network struct {
	options   Options
	authority *authority
	// closing ends waiting connections.
	closing context.Context
	close   context.CancelFunc

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[net.Conn]struct{}
	lies      map[string][]netip.Addr
	swallowed map[netip.Addr]bool
}

// S3Addresses are S3's public addresses here, from a range reserved for documentation.
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

// CertificateFile returns the path of the authority's certificate, which a function must trust.
func (n *Network) CertificateFile() string { return n.authority.file }

// Lie makes the name server answer with these addresses instead of the correct ones.
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

// Restore ends the effects of Lie and Swallow.
func (n *Network) Restore() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lies, n.swallowed = map[string][]netip.Addr{}, map[netip.Addr]bool{}
}

// Place is the place of a function in a VPC.
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

// track lets Close close a connection. The returned function closes it and removes it from the list.
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
