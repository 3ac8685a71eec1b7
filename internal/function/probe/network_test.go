package probe_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/function/probe"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// relay answers each CONNECT with a line, and sends the requested address to asked.
func relay(t *testing.T, answer string) (address string, asked chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	asked = make(chan string, 10)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				request, err := http.ReadRequest(bufio.NewReader(connection))
				if err != nil {
					return
				}
				asked <- request.Method + " " + request.Host
				if answer == "" {
					_, _ = io.Copy(io.Discard, connection)
					return
				}
				_, _ = io.WriteString(connection, answer+"\r\n\r\nhello")
			}()
		}
	}()
	return listener.Addr().String(), asked
}

func TestARelayIsAskedForEachConnection(t *testing.T) {
	address, asked := relay(t, "HTTP/1.1 200 OK")
	connection, err := probe.Relayed(address).Dial(t.Context(), netip.MustParseAddrPort("10.0.0.4:443"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if got := localtest.Receive(t, asked, "the relay to be asked"); got != "CONNECT 10.0.0.4:443" {
		t.Errorf("the relay was asked for %q, want the address", got)
	}
}

func TestARelayThatRefusesOrWaitsIsNoConnection(t *testing.T) {
	address, _ := relay(t, "HTTP/1.1 502 Bad Gateway")
	_, err := probe.Relayed(address).Dial(t.Context(), netip.MustParseAddrPort("10.0.0.4:443"))
	if err == nil || !strings.Contains(err.Error(), "dial tcp 10.0.0.4:443: 502") {
		t.Errorf("Dial = %v, want that the address was refused", err)
	}
	address, _ = relay(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := probe.Relayed(address).Dial(ctx, netip.MustParseAddrPort("10.0.0.4:443")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Dial = %v, want a time-out", err)
	}
}

func TestNamesAreAskedOfTheVpcsServer(t *testing.T) {
	address, asked := relay(t, "HTTP/1.1 502 Bad Gateway")
	if _, err := probe.Relayed(address).Lookup(t.Context(), "docs-example.s3.eu-central-1.amazonaws.com"); err == nil {
		t.Error("Lookup succeeded without a name server")
	}
	if got := localtest.Receive(t, asked, "the relay to be asked"); got != "CONNECT 169.254.169.253:53" {
		t.Errorf("the relay was asked for %q, want the VPC's name server", got)
	}
}

func TestTheMachinesOwnNetworkIsUsedInAWS(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connection, err := probe.Direct().Dial(t.Context(), netip.MustParseAddrPort(listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	connection.Close()
}
