package vpcnet

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

// answerNames answers questions on a connection until the caller closes it. Over TCP, each message begins with its
// length. https://www.rfc-editor.org/rfc/rfc1035#section-4.2.2
func (n *Network) answerNames(connection net.Conn, vpcID string) {
	for {
		var length [2]byte
		if _, err := io.ReadFull(connection, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(connection, question); err != nil {
			return
		}
		answer := n.answerName(question, vpcID)
		if answer == nil {
			return
		}
		if _, err := connection.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// The used parts of a message. https://www.rfc-editor.org/rfc/rfc1035#section-4.1
const (
	headerLength = 12
	typeA        = 1
	classIN      = 1
	// The flags of an answer: a response, recursion desired and available. noSuchName is the code NXDOMAIN.
	response, noSuchName = 0x8180, 3
	// firstName points to the name in the question.
	firstName  = 0xc00c
	timeToLive = 60
)

// answerName returns the answer to a message with one question; nil for all other messages.
func (n *Network) answerName(question []byte, vpcID string) []byte {
	if len(question) < headerLength || binary.BigEndian.Uint16(question[4:]) != 1 {
		return nil
	}
	name, rest, ok := readName(question[headerLength:])
	if !ok || len(rest) < 4 {
		return nil
	}
	addresses, known := n.resolve(name, vpcID)
	if binary.BigEndian.Uint16(rest) != typeA {
		addresses = nil
	}
	flags := uint16(response)
	if !known {
		flags |= noSuchName
	}
	answer := append([]byte{}, question[:2]...)
	for _, field := range []uint16{flags, 1, uint16(len(addresses)), 0, 0} {
		answer = binary.BigEndian.AppendUint16(answer, field)
	}
	answer = append(answer, question[headerLength:len(question)-len(rest)+4]...)
	for _, a := range addresses {
		answer = binary.BigEndian.AppendUint16(answer, firstName)
		answer = binary.BigEndian.AppendUint16(answer, typeA)
		answer = binary.BigEndian.AppendUint16(answer, classIN)
		answer = binary.BigEndian.AppendUint32(answer, timeToLive)
		answer = binary.BigEndian.AppendUint16(answer, 4)
		answer = append(answer, a.AsSlice()...)
	}
	return answer
}

// readName reads a name of labels, without a final dot.
func readName(message []byte) (name string, rest []byte, ok bool) {
	var labels []string
	for len(message) > 0 {
		length := int(message[0])
		if length == 0 {
			return strings.ToLower(strings.Join(labels, ".")), message[1:], true
		}
		if length > 63 || len(message) <= length {
			return "", nil, false
		}
		labels = append(labels, string(message[1:1+length]))
		message = message[1+length:]
	}
	return "", nil, false
}

// resolve returns a name's addresses as the VPC's name server does. Only S3's regional names are known.
func (n *Network) resolve(name, vpcID string) (addresses []netip.Addr, known bool) {
	n.mu.Lock()
	lie, lying := n.lies[name]
	n.mu.Unlock()
	suffix := "s3." + n.options.Region + ".amazonaws.com"
	switch {
	case lying:
		return lie, true
	case name != suffix && !strings.HasSuffix(name, "."+suffix):
		return nil, false
	}
	for _, e := range n.options.EC2.Endpoints() {
		if e.VPCID == vpcID && privatelyNamed(e) && strings.HasSuffix(e.ServiceName, ".s3") {
			return n.healthy(e.ID), true
		}
	}
	return S3Addresses, true
}

// privatelyNamed reports whether an endpoint's private DNS resolves the service's names in the whole VPC.
func privatelyNamed(e ec2.Endpoint) bool {
	return e.Type == ec2.Interface && e.PrivateDNS && !e.OnlyInboundResolver
}

// healthy returns the addresses of an endpoint's interfaces that are in use. The name does not resolve to the others.
func (n *Network) healthy(endpointID string) []netip.Addr {
	var addresses []netip.Addr
	for _, i := range n.options.EC2.NetworkInterfaces(endpointID) {
		if a, err := netip.ParseAddr(i.IP); err == nil && i.Status == "in-use" {
			addresses = append(addresses, a)
		}
	}
	return addresses
}
