package vpcnet

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"

	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

// The ports with a listener.
const (
	dnsPort   = 53
	httpsPort = 443
)

// nameServer is the address of the Amazon-provided name server.
// https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
var nameServer = netip.MustParseAddr("169.254.169.253")

// carry reads the target address of a connection, and connects it.
func (n *Network) carry(connection net.Conn, p Place) {
	in := bufio.NewReader(connection)
	request, err := http.ReadRequest(in)
	if err != nil || request.Method != http.MethodConnect {
		return
	}
	to, err := netip.ParseAddrPort(request.Host)
	if err != nil {
		return
	}
	subnet, ok := n.options.EC2.Subnet(p.SubnetID)
	if !ok { // a function may still run after the deletion of its subnet: it reaches nothing
		n.wait(connection)
		return
	}
	if to.Addr() == nameServer && to.Port() == dnsPort {
		if established(connection) {
			n.answerNames(connection, subnet.VPCID)
		}
		return
	}
	endpoint := n.behind(to, p, subnet)
	if endpoint == "" {
		n.wait(connection)
		return
	}
	if established(connection) {
		n.connect(connection, endpoint)
	}
}

// established reports to the caller that its connection is established.
func established(connection net.Conn) bool {
	_, err := io.WriteString(connection, "HTTP/1.1 200 Connection established\r\n\r\n")
	return err == nil
}

// wait discards the caller's data until the caller gives up.
func (n *Network) wait(connection net.Conn) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, connection)
	}()
	select {
	case <-gone:
	case <-n.closing.Done():
	}
}

// behind returns the id of the VPC endpoint behind an address; "" if packets to it are lost.
func (n *Network) behind(to netip.AddrPort, p Place, subnet ec2.Subnet) string {
	n.mu.Lock()
	lost := n.swallowed[to.Addr()]
	n.mu.Unlock()
	if lost || to.Port() != httpsPort {
		return ""
	}
	// Only the subnet of the function's own address is known: the subnet's first address represents it.
	from := ec2.Side{Groups: p.Groups, Address: netip.MustParsePrefix(subnet.CIDR).Addr()}
	target := ec2.Side{Address: to.Addr()}
	id := ""
	if slices.Contains(S3Addresses, to.Addr()) {
		id = n.gateway(p.SubnetID)
	} else if i, ok := n.options.EC2.InterfaceAt(subnet.VPCID, to.Addr().String()); ok && i.Status == "in-use" {
		id = i.EndpointID
		for _, g := range i.Groups {
			target.Groups = append(target.Groups, g.ID)
		}
	}
	endpoint, ok := n.options.EC2.Endpoint(id)
	if !ok || !carries(endpoint.State) || !n.options.EC2.Passes(from, target, httpsPort) {
		return ""
	}
	return id
}

// carries reports whether an endpoint in that state carries traffic. A pending endpoint does.
func carries(state string) bool { return state == ec2.Available || state == ec2.Pending }

// gateway returns the gateway endpoint for S3 in a subnet's route table, or "". A function in a VPC has no public
// address: without such a route it reaches no public address.
func (n *Network) gateway(subnetID string) string {
	for _, r := range n.options.EC2.RouteTableOf(subnetID).Routes {
		if r.PrefixListID == ec2.PrefixListID("com.amazonaws."+n.options.Region+".s3") {
			return r.GatewayID
		}
	}
	return ""
}

// connect speaks TLS with the caller, and forwards the decrypted content to the Listener of an endpoint.
func (n *Network) connect(connection net.Conn, endpointID string) {
	address, err := n.options.Listener(endpointID)
	if err != nil {
		return
	}
	secure := tls.Server(connection, n.authority.config)
	if err := secure.HandshakeContext(n.closing); err != nil {
		return
	}
	upstream, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer n.track(upstream)()
	go func() {
		_, _ = io.Copy(upstream, secure)
		upstream.Close()
	}()
	_, _ = io.Copy(secure, upstream)
	secure.Close()
}
